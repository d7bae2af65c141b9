package example.guideboard;

import io.grpc.Status;

/**
 * The output directory exists, or the request id was used for another request.
 */
public final class AlreadyExistsException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  AlreadyExistsException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
