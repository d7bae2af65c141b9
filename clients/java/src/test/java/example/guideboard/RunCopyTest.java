package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunCopyTest {
  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"", "/a", "a/", "a//b", "a/./b", "..", "a/../../b", "a\\..\\b", "a\0", ".guide-board-partial/a"})
  void aPathThatLeadsOutIsRefused(String path) throws IOException {
    assertFalse(RunCopy.isSafe(path));
    assertThrows(InvalidPathException.class, () -> new RunCopy(directory).place(path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"run.json", "artifacts/a b/c", "artifacts/%2e%2e", "artifacts/...", "artifacts/.part-x"})
  void aPathBeneathIsTaken(String path) throws IOException {
    assertTrue(RunCopy.isSafe(path));
    assertEquals(directory.resolve(path), new RunCopy(directory).place(path));
  }

  @Test
  void aLinkOnTheWayIsNotFollowed(@TempDir Path elsewhere) throws IOException {
    Files.createSymbolicLink(directory.resolve("artifacts"), elsewhere);
    assertThrows(NotDirectoryException.class, () -> new RunCopy(directory).place("artifacts/a"));
  }

  @Test
  void filesThatTheRunDoesNotHaveAreFound() throws IOException {
    RunCopy copy = new RunCopy(directory);
    for (String path : List.of("artifacts/b", "artifacts/deep/a", "artifacts/known", "elsewhere/c")) {
      Files.createDirectories(directory.resolve(path).getParent());
      Files.writeString(directory.resolve(path), "");
    }
    assertEquals(List.of("artifacts/b", "artifacts/deep/a"), copy.unknown(List.of("artifacts", "reports"), 20, "artifacts/known"::equals));
    assertEquals(1, copy.unknown(List.of("artifacts"), 1, path -> false).size());
  }

  @Test
  void whatAKilledTryLeftIsTakenAway() throws IOException {
    RunCopy copy = new RunCopy(directory);
    Files.writeString(copy.aside(), "half a file");
    copy.finish();
    copy.finish();
    try (var left = Files.list(directory)) {
      assertEquals(0, left.count());
    }
  }
}
