package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class GuideBoardExceptionTest {
  private static GuideBoardException of(Status.Code code, String reason) {
    return GuideBoardException.of(Refusals.refusal(code, reason, Duration.ofMillis(1500)));
  }

  @Test
  void theDetailsOfARefusalAreRead() {
    GuideBoardException failure = of(Status.Code.INVALID_ARGUMENT, "FIELD_INVALID");
    assertEquals(InvalidArgumentException.class, failure.getClass());
    assertEquals(Status.Code.INVALID_ARGUMENT, failure.code());
    assertEquals("a sentence", failure.getMessage());
    assertEquals(Optional.of("FIELD_INVALID"), failure.reason());
    assertEquals(Map.of("field", "page_size"), failure.metadata());
    assertEquals(Optional.of(Duration.ofMillis(1500)), failure.retryDelay());
    assertEquals(1, failure.fieldViolations().size());
    assertEquals("page_size: it is negative", failure.fieldViolations().get(0).toString());
  }

  @Test
  void codeAndReasonMakeTheClass() {
    assertEquals(NotFoundException.class, of(Status.Code.NOT_FOUND, "RUN_NOT_FOUND").getClass());
    assertEquals(AlreadyExistsException.class, of(Status.Code.ALREADY_EXISTS, "OUTPUT_EXISTS").getClass());
    assertEquals(FailedPreconditionException.class, of(Status.Code.FAILED_PRECONDITION, "UNSAFE_PATH").getClass());
    assertEquals(ChangedException.class, of(Status.Code.FAILED_PRECONDITION, "GENERATION_MISMATCH").getClass());
    assertEquals(ChangedException.class, of(Status.Code.ABORTED, "CHANGED_WHILE_READING").getClass());
    assertEquals(DigestMismatchException.class, of(Status.Code.FAILED_PRECONDITION, "DIGEST_MISMATCH").getClass());
    assertEquals(DigestMismatchException.class, of(Status.Code.DATA_LOSS, "DIGEST_MISMATCH").getClass());
    assertEquals(DataLossException.class, of(Status.Code.DATA_LOSS, "DOCUMENT_MALFORMED").getClass());
    assertEquals(UnauthenticatedException.class, of(Status.Code.UNAUTHENTICATED, "CREDENTIALS_INVALID").getClass());
    assertEquals(PermissionDeniedException.class, of(Status.Code.PERMISSION_DENIED, "SCOPE_MISSING").getClass());
    assertEquals(UnavailableException.class, of(Status.Code.UNAVAILABLE, "STOPPING").getClass());
    assertEquals(GuideBoardException.class, of(Status.Code.RESOURCE_EXHAUSTED, "QUEUE_FULL").getClass());
  }

  @Test
  void aBrokenConnectionHasNoReasonAndTellsWhatBroke() {
    Throwable cause = new IllegalStateException("outer", new IOException("Connection refused"));
    GuideBoardException failure = GuideBoardException.of(Status.UNAVAILABLE.withDescription("io exception").withCause(cause).asRuntimeException());
    assertEquals(Optional.empty(), failure.reason());
    assertEquals("io exception: Connection refused", failure.getMessage());
    assertTrue(failure.metadata().isEmpty() && failure.fieldViolations().isEmpty());
  }

  @Test
  void theFailureOfAFutureIsReadThroughItsWrapping() {
    GuideBoardException failure = GuideBoardException.of(new ExecutionException(Refusals.refusal(Status.Code.NOT_FOUND, "JOB_NOT_FOUND", null)));
    assertTrue(failure.hasReason("JOB_NOT_FOUND"));
    assertSame(failure, GuideBoardException.of(failure));
  }

  @Test
  void itCanBeSerialized() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(GuideBoardException.here(Status.Code.NOT_FOUND, "a sentence"));
    }
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      GuideBoardException again = (GuideBoardException) in.readObject();
      assertEquals(Status.Code.NOT_FOUND, again.code());
      assertEquals(Optional.empty(), again.reason());
    }
  }
}
