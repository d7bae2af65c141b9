package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeIT {
  @Test
  void theExampleOfTheReadmeRuns(@TempDir Path directory) throws Exception {
    Matcher example = Pattern.compile("## Example\\R+```java\\R(.*?)```", Pattern.DOTALL).matcher(Files.readString(Path.of("README.md")));
    assertTrue(example.find());
    Path source = Files.writeString(directory.resolve("Latest.java"), example.group(1));
    String classes = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String[] options = {"-Xlint:all", "-Werror", "-proc:none", "-cp", classes, "-d", directory.toString(), source.toString()};
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, options));

    Path report = directory.resolve("report.md");
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream before = System.out;
    try (URLClassLoader loader = new URLClassLoader(new URL[] {directory.toUri().toURL()}, getClass().getClassLoader());
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      String[] arguments = {Servers.get("TCP"), report.toString()};
      loader.loadClass("Latest").getMethod("main", String[].class).invoke(null, (Object) arguments);
    } finally {
      System.setOut(before);
    }
    String text = printed.toString(StandardCharsets.UTF_8);
    assertTrue(text.contains(Files.size(report) + " bytes, SHA-256 " + Digests.of(report)), text);
  }
}
