package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuilderTest {
  @Test
  void aTokenIsNotSentInTheClearUnlessAllowed() throws IOException {
    GuideBoardClient.Builder builder = GuideBoardClient.builder("http://board.example:80").token("secret");
    assertThrows(IllegalArgumentException.class, builder::build);
    builder.allowPlainToken(true).build().close();
    GuideBoardClient.builder("http://127.0.0.1:80").token("secret").build().close();
  }

  @Test
  void aTokenThatNoHeaderCarriesIsRefused(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("token"), "two words\n");
    assertThrows(IllegalArgumentException.class, GuideBoardClient.builder("http://127.0.0.1:80").tokenFile(file)::build);
    assertThrows(IllegalArgumentException.class, GuideBoardClient.builder("http://127.0.0.1:80").token("")::build);
  }

  @Test
  void aFileThatIsNotThereIsToldAsSuch() {
    assertThrows(NoSuchFileException.class, GuideBoardClient.builder("http://127.0.0.1:80").tokenFile(Path.of("no-such-file"))::build);
    assertThrows(IOException.class, GuideBoardClient.builder("https://127.0.0.1:80").ca(Path.of("no-such-file"))::build);
  }

  @Test
  void settingsThatDoNotGoTogetherAreRefused() {
    assertThrows(IllegalArgumentException.class, GuideBoardClient.builder("http://127.0.0.1:80").ca(Path.of("ca.pem"))::build);
    assertThrows(IllegalArgumentException.class, GuideBoardClient.builder("http://127.0.0.1:80").token("a").tokenFile(Path.of("token"))::build);
    assertThrows(IllegalArgumentException.class, () -> GuideBoardClient.builder("https://127.0.0.1:80").clientCertificate(Path.of("a"), null));
  }
}
