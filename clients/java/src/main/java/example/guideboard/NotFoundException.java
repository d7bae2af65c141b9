package example.guideboard;

import io.grpc.Status;

/**
 * There is no such root, run, job or file; {@link #reason()} tells which.
 */
public class NotFoundException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  NotFoundException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
