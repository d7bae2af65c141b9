package example.guideboard;

import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;

/** How a job is followed. Immutable; each method gives a changed copy. */
public final class FollowOptions {
  private static final FollowOptions DEFAULTS = new FollowOptions(0, Duration.ofSeconds(60), Duration.ofSeconds(60), failure -> {});

  final long after;
  final Duration giveUpAfter;
  final Duration silence;
  final Consumer<GuideBoardException> onBroken;

  private FollowOptions(long after, Duration giveUpAfter, Duration silence, Consumer<GuideBoardException> onBroken) {
    this.after = after;
    this.giveUpAfter = giveUpAfter;
    this.silence = silence;
    this.onBroken = onBroken;
  }

  /**
   * From the first event, with a minute of patience.
   *
   * @return the options that are used when none are given
   */
  public static FollowOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Begins after an event.
   *
   * @param number the number of the last event seen; 0: from the first that the server still holds
   * @return changed options
   */
  public FollowOptions after(long number) {
    if (number < 0) {
      throw new IllegalArgumentException("the number of an event is not negative");
    }
    return new FollowOptions(number, giveUpAfter, silence, onBroken);
  }

  /**
   * For how long a broken connection is tried again without any answer.
   *
   * @param time the time, a minute unless set; zero: not at all
   * @return changed options
   */
  public FollowOptions giveUpAfter(Duration time) {
    return new FollowOptions(after, Objects.requireNonNull(time, "time"), silence, onBroken);
  }

  /**
   * The silence that counts as a broken connection. The server sends something every 20 seconds, so it should be longer than that.
   *
   * @param time the time, a minute unless set
   * @return changed options
   */
  public FollowOptions silence(Duration time) {
    return new FollowOptions(after, giveUpAfter, Objects.requireNonNull(time, "time"), onBroken);
  }

  /**
   * Told when the connection broke and is tried again, once for each break, by the thread that iterates.
   *
   * @param listener what is told
   * @return changed options
   */
  public FollowOptions onBroken(Consumer<GuideBoardException> listener) {
    return new FollowOptions(after, giveUpAfter, silence, Objects.requireNonNull(listener, "listener"));
  }
}
