package example.guideboard;

import io.grpc.Status;

/**
 * The request is at fault; {@link #fieldViolations()} names the fields.
 */
public final class InvalidArgumentException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  InvalidArgumentException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
