package example.guideboard;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.function.Predicate;

/** A directory that a run is copied into. No link beneath it is followed. */
final class RunCopy {
  /** Where files are written until they are verified. */
  private static final String ASIDE = ".guide-board-partial";

  private static final int MAX_PATH_BYTES = 4095;

  private final Path root;

  RunCopy(Path root) throws IOException {
    this.root = root;
    Files.createDirectories(root);
  }

  /** Whether a path that a server names may be one beneath a run. */
  static boolean isSafe(String path) {
    if (path.isEmpty() || path.indexOf('\\') >= 0 || path.indexOf('\0') >= 0) {
      return false;
    }
    if (path.getBytes(StandardCharsets.UTF_8).length > MAX_PATH_BYTES || path.split("/", 2)[0].equals(ASIDE)) {
      return false;
    }
    for (String component : path.split("/", -1)) {
      if (component.isEmpty() || component.equals(".") || component.equals("..")) {
        return false;
      }
    }
    return true;
  }

  /**
   * Where a file of the run goes. Its directory is not made.
   *
   * @throws NotDirectoryException when something else than a directory stands on the way
   */
  Path place(String path) throws IOException {
    if (!isSafe(path)) {
      throw new InvalidPathException(path, "it leads out of the directory");
    }
    Path place = root;
    String[] components = path.split("/");
    for (int at = 0; at < components.length; at++) {
      place = place.resolve(components[at]);
      boolean isLast = at == components.length - 1;
      if (!isLast && Files.exists(place, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
        throw new NotDirectoryException(place.toString());
      }
    }
    return place;
  }

  /**
   * Whether a file stands there.
   *
   * @throws FileAlreadyExistsException when something else than a regular file stands there
   */
  static boolean stands(Path place) throws IOException {
    if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    if (!Files.isRegularFile(place, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(place.toString(), null, "something else than a file stands there");
    }
    return true;
  }

  /** Where a file is written until it is verified. */
  Path aside() throws IOException {
    Path aside = root.resolve(ASIDE);
    if (!Files.isDirectory(aside, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(aside);
    }
    return aside.resolve(UUID.randomUUID().toString());
  }

  /** The files in some directories of the copy that are not known, at most as many as the limit. */
  List<String> unknown(List<String> directories, int limit, Predicate<String> isKnown) throws IOException {
    List<String> found = new ArrayList<>();
    Deque<String> waiting = new ArrayDeque<>(directories);
    while (!waiting.isEmpty()) {
      String below = waiting.pop();
      Path directory = place(below);
      if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        for (Path entry : entries) {
          String path = below + "/" + entry.getFileName();
          if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
            waiting.push(path);
          } else if (!isKnown.test(path)) {
            found.add(path);
            if (found.size() >= limit) {
              return found;
            }
          }
        }
      }
    }
    Collections.sort(found);
    return found;
  }

  /** Takes away what is aside, also of tries that were killed. */
  void finish() throws IOException {
    Path aside = root.resolve(ASIDE);
    if (!Files.isDirectory(aside, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(aside)) {
      for (Path entry : entries) {
        Files.deleteIfExists(entry);
      }
    }
    Files.deleteIfExists(aside);
  }
}
