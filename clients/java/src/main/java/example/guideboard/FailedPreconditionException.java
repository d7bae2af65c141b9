package example.guideboard;

import io.grpc.Status;

/**
 * What stands there cannot be used as asked for: an unsafe path, a run id that two directories bear, a root that cannot be written.
 */
public final class FailedPreconditionException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  FailedPreconditionException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
