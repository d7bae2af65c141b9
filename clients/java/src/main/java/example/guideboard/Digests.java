package example.guideboard;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 as the service writes it. */
final class Digests {
  private Digests() {}

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every Java platform has SHA-256", missing);
    }
  }

  /** The digest as bare lower-case hex. It begins anew. */
  static String hex(MessageDigest digest) {
    StringBuilder hex = new StringBuilder();
    for (byte value : digest.digest()) {
      hex.append(Character.forDigit(value >> 4 & 15, 16)).append(Character.forDigit(value & 15, 16));
    }
    return hex.toString();
  }

  /** The digest of a file that is no link. */
  static String of(Path file) throws IOException {
    MessageDigest digest = sha256();
    try (InputStream bytes = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      byte[] buffer = new byte[1 << 16];
      for (int length = bytes.read(buffer); length >= 0; length = bytes.read(buffer)) {
        digest.update(buffer, 0, length);
      }
    }
    return hex(digest);
  }
}
