package example.guideboard;

/** Told how far a pull is, by the thread that makes it. What it throws ends the pull. */
@FunctionalInterface
public interface PullProgress {
  /**
   * Some bytes of a file were written.
   *
   * @param path the file, relative to the run
   * @param done how many of its bytes are written so far
   * @param total how many bytes it has
   */
  void progress(String path, long done, long total);
}
