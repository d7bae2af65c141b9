package example.guideboard;

import java.io.IOException;
import java.nio.file.Path;

/** The servers that {@code scripts/with-servers} runs. */
final class Servers {
  static final String TARGET = "profiles/targets/harness-target.json";
  static final String ASSESSMENT = "profiles/assessments/harness.json";
  static final String LARGE = "artifacts/harness/large.bin";
  static final long LARGE_SIZE = 8 << 20;

  private Servers() {}

  /** What the environment says; without it the test fails, since it could not tell anything. */
  static String get(String name) {
    String value = System.getenv("GUIDE_BOARD_TEST_" + name);
    if (value == null) {
      throw new IllegalStateException("run the tests with servers beneath scripts/with-servers");
    }
    return value;
  }

  static GuideBoardClient tcp() {
    return GuideBoardClient.connect(get("TCP"));
  }

  static GuideBoardClient proxy() {
    return GuideBoardClient.connect(get("PROXY"));
  }

  static GuideBoardClient socket() {
    return GuideBoardClient.connect(get("UDS"));
  }

  static GuideBoardClient tls() throws IOException {
    return GuideBoardClient.builder(get("TLS")).ca(Path.of(get("CA"))).tokenFile(Path.of(get("TOKEN_FILE"))).build();
  }

  /** The file of a run, where the servers have it. */
  static Path file(String directory, String path) {
    return Path.of(get("DIRECTORY"), "runs", directory, path);
  }
}
