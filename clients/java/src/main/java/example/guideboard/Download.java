package example.guideboard;

import java.nio.file.Path;

/** A file that was downloaded and verified. */
public final class Download {
  private final Path file;
  private final long size;
  private final String sha256;
  private final String generation;
  private final String mediaType;
  private final int resumed;

  Download(Path file, long size, String sha256, String generation, String mediaType, int resumed) {
    this.file = file;
    this.size = size;
    this.sha256 = sha256;
    this.generation = generation;
    this.mediaType = mediaType;
    this.resumed = resumed;
  }

  /**
   * Where it is.
   *
   * @return the path as it was given
   */
  public Path file() {
    return file;
  }

  /**
   * Its size.
   *
   * @return the size in bytes
   */
  public long size() {
    return size;
  }

  /**
   * The digest of the bytes that were written.
   *
   * @return SHA-256 in lower-case hex
   */
  public String sha256() {
    return sha256;
  }

  /**
   * The generation of the file on the server.
   *
   * @return an opaque text, another one whenever the file is another or has changed
   */
  public String generation() {
    return generation;
  }

  /**
   * Its media type.
   *
   * @return the recorded one, else one from the file's name
   */
  public String mediaType() {
    return mediaType;
  }

  /**
   * How often it was taken up again after the connection broke.
   *
   * @return the number
   */
  public int resumed() {
    return resumed;
  }
}
