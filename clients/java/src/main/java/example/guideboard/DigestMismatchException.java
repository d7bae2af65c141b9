package example.guideboard;

import io.grpc.Status;

/**
 * The bytes are not those whose SHA-256 was expected.
 */
public final class DigestMismatchException extends DataLossException {
  private static final long serialVersionUID = 1L;

  DigestMismatchException(Status.Code code, String message, Details details, Throwable cause) {
    super(code, message, details, cause);
  }
}
