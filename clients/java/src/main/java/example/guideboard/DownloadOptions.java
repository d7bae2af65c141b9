package example.guideboard;

import java.time.Duration;
import java.util.Locale;
import java.util.Objects;

/** What a download is held to. Immutable; each method gives a changed copy. */
public final class DownloadOptions {
  private static final DownloadOptions DEFAULTS = new DownloadOptions();

  String expectedSha256 = "";
  String expectedGeneration = "";
  boolean overwrite;
  boolean sync;
  Duration giveUpAfter = Duration.ofSeconds(60);
  DownloadProgress progress = (done, total) -> {};

  private DownloadOptions() {}

  private DownloadOptions(DownloadOptions from) {
    expectedSha256 = from.expectedSha256;
    expectedGeneration = from.expectedGeneration;
    overwrite = from.overwrite;
    sync = from.sync;
    giveUpAfter = from.giveUpAfter;
    progress = from.progress;
  }

  /**
   * Whatever stands there now, checked against the digest that the server computes; no file is overwritten.
   *
   * @return the options that are used when none are given
   */
  public static DownloadOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Takes no other bytes than these.
   *
   * @param sha256 the SHA-256 of the whole file, in hex
   * @return changed options
   */
  public DownloadOptions expectedSha256(String sha256) {
    if (!sha256.matches("[0-9a-fA-F]{64}")) {
      throw new IllegalArgumentException("a SHA-256 has 64 hexadecimal digits");
    }
    DownloadOptions options = new DownloadOptions(this);
    options.expectedSha256 = sha256.toLowerCase(Locale.ROOT);
    return options;
  }

  /**
   * Takes the file in no other generation than this.
   *
   * @param generation what an earlier download or reply told
   * @return changed options
   */
  public DownloadOptions expectedGeneration(String generation) {
    DownloadOptions options = new DownloadOptions(this);
    options.expectedGeneration = Objects.requireNonNull(generation, "generation");
    return options;
  }

  /**
   * Whether a file that stands there already is replaced.
   *
   * @param overwrite false unless set: then the download ends with {@link java.nio.file.FileAlreadyExistsException}
   * @return changed options
   */
  public DownloadOptions overwrite(boolean overwrite) {
    DownloadOptions options = new DownloadOptions(this);
    options.overwrite = overwrite;
    return options;
  }

  /**
   * Whether the bytes are flushed to the disk before the file gets its name.
   *
   * @param sync false unless set
   * @return changed options
   */
  public DownloadOptions sync(boolean sync) {
    DownloadOptions options = new DownloadOptions(this);
    options.sync = sync;
    return options;
  }

  /**
   * For how long a broken connection is tried again without anything of use coming.
   *
   * @param time the time, a minute unless set; zero: not at all
   * @return changed options
   */
  public DownloadOptions giveUpAfter(Duration time) {
    DownloadOptions options = new DownloadOptions(this);
    options.giveUpAfter = Objects.requireNonNull(time, "time");
    return options;
  }

  /**
   * Who is told how far the download is.
   *
   * @param progress what is told
   * @return changed options
   */
  public DownloadOptions progress(DownloadProgress progress) {
    DownloadOptions options = new DownloadOptions(this);
    options.progress = Objects.requireNonNull(progress, "progress");
    return options;
  }
}
