package example.guideboard;

import io.grpc.Status;

/**
 * A file or list changed while it was read, or is no longer the one that was expected. Start again for what it is now.
 */
public final class ChangedException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  ChangedException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
