package example.guideboard;

import io.grpc.Status;

/**
 * No server answers, or it cannot do so now. {@link #reason()} is empty when the connection is at fault.
 */
public final class UnavailableException extends GuideBoardException {
  private static final long serialVersionUID = 1L;

  UnavailableException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
