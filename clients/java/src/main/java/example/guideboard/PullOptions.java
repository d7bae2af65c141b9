package example.guideboard;

import java.time.Duration;
import java.util.Objects;

/** How a run is pulled. Immutable; each method gives a changed copy. */
public final class PullOptions {
  private static final PullOptions DEFAULTS = new PullOptions(false, Duration.ofSeconds(60), (path, done, total) -> {});

  final boolean overwrite;
  final Duration giveUpAfter;
  final PullProgress progress;

  private PullOptions(boolean overwrite, Duration giveUpAfter, PullProgress progress) {
    this.overwrite = overwrite;
    this.giveUpAfter = giveUpAfter;
    this.progress = progress;
  }

  /**
   * No file of the directory is replaced.
   *
   * @return the options that are used when none are given
   */
  public static PullOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Whether files of the directory that are not those of the run are replaced.
   *
   * @param overwrite false unless set: then they are left alone, and stand among the problems
   * @return changed options
   */
  public PullOptions overwrite(boolean overwrite) {
    return new PullOptions(overwrite, giveUpAfter, progress);
  }

  /**
   * For how long a broken connection is tried again without anything of use coming.
   *
   * @param time the time, a minute unless set; zero: not at all
   * @return changed options
   */
  public PullOptions giveUpAfter(Duration time) {
    return new PullOptions(overwrite, Objects.requireNonNull(time, "time"), progress);
  }

  /**
   * Who is told how far the file at hand is.
   *
   * @param progress what is told
   * @return changed options
   */
  public PullOptions progress(PullProgress progress) {
    return new PullOptions(overwrite, giveUpAfter, Objects.requireNonNull(progress, "progress"));
  }
}
