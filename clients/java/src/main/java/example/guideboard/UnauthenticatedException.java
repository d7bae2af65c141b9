package example.guideboard;

import io.grpc.Status;

/**
 * There are no credentials, or none that the server knows.
 */
public final class UnauthenticatedException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  UnauthenticatedException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
