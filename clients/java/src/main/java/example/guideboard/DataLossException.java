package example.guideboard;

import io.grpc.Status;

/**
 * A document of a run is not what it must be, or the bytes that came are not those that were sent.
 */
public class DataLossException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  DataLossException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
