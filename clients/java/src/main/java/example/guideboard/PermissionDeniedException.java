package example.guideboard;

import io.grpc.Status;

/**
 * The credentials do not allow the call.
 */
public final class PermissionDeniedException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  PermissionDeniedException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
