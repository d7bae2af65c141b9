package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static final long MILLI = 1_000_000;

  private static boolean isPassing(Status status) {
    return Backoff.isPassing(GuideBoardException.of(status.asRuntimeException()));
  }

  @Test
  void onlyABrokenConnectionAndWhatTheServiceAsksForPass() {
    assertTrue(isPassing(Status.UNAVAILABLE.withCause(new IOException("Connection reset by peer"))));
    assertTrue(isPassing(Status.INTERNAL.withDescription("RST_STREAM closed stream. HTTP/2 error code: PROTOCOL_ERROR")));
    assertFalse(isPassing(Status.INTERNAL.withDescription("a bug")));
    assertFalse(isPassing(Status.CANCELLED.withDescription("Thread interrupted")));
    assertFalse(isPassing(Status.NOT_FOUND));
    assertFalse(isPassing(Status.UNIMPLEMENTED));
    assertFalse(isPassing(Status.UNAVAILABLE.withCause(new SSLHandshakeException("not trusted"))));
    assertTrue(Backoff.isPassing(GuideBoardException.of(Refusals.refusal(Status.Code.UNAVAILABLE, "STOPPING", Duration.ofSeconds(1)))));
    assertTrue(Backoff.isPassing(GuideBoardException.of(Refusals.refusal(Status.Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED", Duration.ofSeconds(1)))));
    assertTrue(Backoff.isPassing(GuideBoardException.of(Refusals.refusal(Status.Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", null))));
    assertFalse(Backoff.isPassing(GuideBoardException.of(Refusals.refusal(Status.Code.UNAVAILABLE, "FOR_GOOD", null))));
  }

  @Test
  void thePausesGrowAndEndWhenNothingAnsweredForLongEnough() {
    Backoff backoff = new Backoff(Duration.ofSeconds(5));
    long now = 0;
    List<Long> pauses = new ArrayList<>();
    for (Optional<Long> next = backoff.broke(now); next.isPresent(); next = backoff.broke(now)) {
      pauses.add(next.get() / MILLI);
      now += next.get();
    }
    assertEquals(List.of(100L, 200L, 400L, 800L, 1600L, 1900L), pauses);
  }

  @Test
  void anAnswerBeginsTheTimeAnewAndOnlyWhatIsOfUseThePauses() {
    Backoff backoff = new Backoff(Duration.ofSeconds(1));
    assertEquals(Optional.of(100 * MILLI), backoff.broke(0));
    backoff.answered();
    assertEquals(Optional.of(200 * MILLI), backoff.broke(3000 * MILLI));
    backoff.wentOn();
    assertEquals(Optional.of(100 * MILLI), backoff.broke(9000 * MILLI));
    assertEquals(Optional.empty(), new Backoff(Duration.ZERO).broke(0));
  }
}
