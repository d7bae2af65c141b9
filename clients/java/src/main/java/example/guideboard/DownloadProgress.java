package example.guideboard;

/** Told how far a download is, by the thread that makes it. What it throws ends the download. */
@FunctionalInterface
public interface DownloadProgress {
  /**
   * Some bytes were written.
   *
   * @param done how many bytes are written so far
   * @param total how many bytes there are in all
   */
  void progress(long done, long total);
}
