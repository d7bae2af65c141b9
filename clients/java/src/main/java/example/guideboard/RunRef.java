package example.guideboard;

import example.guideboard.v1.RetainedRun;
import java.util.Objects;

/** Names one retained run: by its run id, or by its directory, which is always unique. Immutable. */
public final class RunRef {
  private final String runsDir;
  private final String runId;
  private final String directory;

  private RunRef(String runsDir, String runId, String directory) {
    this.runsDir = runsDir;
    this.runId = runId;
    this.directory = directory;
  }

  /**
   * The run with this id, in the server's first root.
   *
   * @param runId the run id
   * @return its reference
   */
  public static RunRef id(String runId) {
    return new RunRef("", Objects.requireNonNull(runId, "runId"), "");
  }

  /**
   * The run in this directory of the server's first root.
   *
   * @param directory the name of the directory
   * @return its reference
   */
  public static RunRef directory(String directory) {
    return new RunRef("", "", Objects.requireNonNull(directory, "directory"));
  }

  /**
   * A run that a list or a reply shows, by its root and directory.
   *
   * @param run the run
   * @return its reference
   */
  public static RunRef of(RetainedRun run) {
    return directory(run.getDirectory()).in(run.getRunsDir());
  }

  /**
   * The same run in another root.
   *
   * @param runsDir the root, by name or by path exactly as configured
   * @return a changed reference
   */
  public RunRef in(String runsDir) {
    return new RunRef(Objects.requireNonNull(runsDir, "runsDir"), runId, directory);
  }

  /**
   * The root.
   *
   * @return its name; empty for the server's first
   */
  public String runsDir() {
    return runsDir;
  }

  /**
   * The run id.
   *
   * @return the id; empty when the directory names the run
   */
  public String runId() {
    return runId;
  }

  /**
   * The directory.
   *
   * @return its name; empty when the run id names the run
   */
  public String directory() {
    return directory;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof RunRef)) {
      return false;
    }
    RunRef run = (RunRef) other;
    return runsDir.equals(run.runsDir) && runId.equals(run.runId) && directory.equals(run.directory);
  }

  @Override
  public int hashCode() {
    return Objects.hash(runsDir, runId, directory);
  }

  @Override
  public String toString() {
    String place = runsDir.isEmpty() ? "" : runsDir + "/";
    return place + (directory.isEmpty() ? runId : directory);
  }
}
