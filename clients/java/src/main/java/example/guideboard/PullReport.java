package example.guideboard;

import example.guideboard.v1.RetainedRun;
import java.util.ArrayList;
import java.util.List;

/** What came of a pull. */
public final class PullReport {
  /** How many problems are held; the others are counted. */
  private static final int HELD = 1000;

  private final RetainedRun run;
  private final List<Problem> problems = new ArrayList<>();
  private long filesPulled;
  private long bytesPulled;
  private long filesKept;
  private long problemCount;
  private boolean isWhole = true;
  private boolean hasSummary;

  /** One file that the copy lacks, or that is not what the run records. */
  public static final class Problem {
    private final String path;
    private final String state;
    private final String message;

    Problem(String path, String state, String message) {
      this.path = path;
      this.state = state;
      this.message = message;
    }

    /**
     * Which file.
     *
     * @return its path relative to the run; empty when it concerns the run, or when the path that the run records is refused
     */
    public String path() {
      return path;
    }

    /**
     * What it is, for programs.
     *
     * @return {@code missing}, {@code other_size}, {@code not_regular_file}, {@code unsafe_path}, {@code unaddressable} or {@code other_digest}: the
     *     run itself is so; {@code refused}: something stands in the way or changed, and another try may mend it
     */
    public String state() {
      return state;
    }

    /**
     * What it is, for people.
     *
     * @return a sentence
     */
    public String message() {
      return message;
    }

    @Override
    public String toString() {
      return (path.isEmpty() ? "(no path)" : path) + ": " + message;
    }
  }

  PullReport(RetainedRun run) {
    this.run = run;
  }

  /** Something that stands in the way, or that changed: once it is mended, another try gives the whole copy. */
  void mendable(String path, String message) {
    isWhole = false;
    problem(path, "refused", message);
  }

  /** The run itself is so, and another try would not mend it. */
  void problem(String path, String state, String message) {
    problemCount++;
    if (problems.size() < HELD) {
      problems.add(new Problem(path, state, message));
    }
  }

  void pulled(long bytes) {
    filesPulled++;
    bytesPulled += bytes;
  }

  void kept() {
    filesKept++;
  }

  void summaryPulled() {
    hasSummary = isWhole;
  }

  /**
   * The run.
   *
   * @return the run, as its manifest shows it
   */
  public RetainedRun run() {
    return run;
  }

  /**
   * How many files were read.
   *
   * @return the number
   */
  public long filesPulled() {
    return filesPulled;
  }

  /**
   * How many bytes were read.
   *
   * @return the number
   */
  public long bytesPulled() {
    return bytesPulled;
  }

  /**
   * How many files stood there already and were the same.
   *
   * @return the number
   */
  public long filesKept() {
    return filesKept;
  }

  /**
   * Whether the summary is in the copy, which makes it a retained run.
   *
   * @return false for a run without one, and while the copy is not whole
   */
  public boolean hasSummary() {
    return hasSummary;
  }

  /**
   * Whether the copy has all that can be had of the run. The run itself may still have problems.
   *
   * @return whether another try would bring nothing more
   */
  public boolean isWhole() {
    return isWhole;
  }

  /**
   * How many problems there are.
   *
   * @return the number
   */
  public long problemCount() {
    return problemCount;
  }

  /**
   * The problems.
   *
   * @return the first 1000 of them
   */
  public List<Problem> problems() {
    return List.copyOf(problems);
  }
}
