package example.guideboard;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/** Which failures pass, and how long and how often a broken connection is tried again. */
final class Backoff {
  private static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(2);
  /** With these the server ends a stream that took long, which goes on anew as a matter of course. */
  private static final Set<String> OF_THE_READER = Set.of("READER_STALLED", "DEADLINE_EXCEEDED");

  private final long retryFor;
  /** Since when there is no answer, by the clock of the system; null when there is one. */
  private Long since;

  private long pause = FIRST_PAUSE;

  /** Gives up when nothing answered for this long. */
  Backoff(Duration retryFor) {
    this.retryFor = retryFor.toNanos();
  }

  /** Whether another try may find it otherwise: the connection broke, or the service asks to come again. */
  static boolean isPassing(GuideBoardException failure) {
    if (failure.reason().isPresent()) {
      return failure.retryDelay().isPresent() || OF_THE_READER.contains(failure.reason().get());
    }
    switch (failure.code()) {
      case UNAVAILABLE:
        return !isRefusedByTls(failure);
      case CANCELLED:
      case INTERNAL:
      case UNKNOWN:
        // A stream that was reset by the other side, or by something between. What this side cancels has another sentence.
        return failure.getMessage().contains("RST_STREAM") || failure.getMessage().contains("EOS") || isOfInput(failure);
      default:
        return false;
    }
  }

  private static boolean isOfInput(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException && !(cause instanceof SSLException)) {
        return true;
      }
    }
    return false;
  }

  /** A certificate that is not trusted is none the better for being shown again. */
  private static boolean isRefusedByTls(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SSLHandshakeException || cause instanceof CertificateException) {
        return true;
      }
    }
    return false;
  }

  /** How long to pause before the next try; empty when it was tried for long enough. All in nanoseconds. */
  Optional<Long> broke(long now) {
    if (since == null) {
      since = now;
    }
    long left = retryFor - (now - since);
    if (left <= 0) {
      return Optional.empty();
    }
    long next = Math.min(pause, left);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return Optional.of(next);
  }

  /** The server answered. The pauses stay as they are: one that answers and breaks off at once is not asked in a tight loop. */
  void answered() {
    since = null;
  }

  /** Something of use came. */
  void wentOn() {
    since = null;
    pause = FIRST_PAUSE;
  }

  /**
   * Waits until another try is due, or throws the failure.
   *
   * @throws GuideBoardException the failure, when it does not pass or was met for long enough; CANCELLED when the wait was
   */
  void await(GuideBoardException failure, ManagedChannel channel) {
    if (!isPassing(failure) || channel.isShutdown()) {
      throw failure;
    }
    long least = failure.retryDelay().map(Duration::toNanos).orElse(0L);
    long next = broke(System.nanoTime()).orElseThrow(() -> failure);
    sleep(Math.max(next, Math.min(least, retryFor)));
    // Otherwise the channel would make its own pauses, which are longer.
    channel.resetConnectBackoff();
  }

  private static void sleep(long nanos) {
    CountDownLatch cancelled = new CountDownLatch(1);
    Context.CancellationListener listener = context -> cancelled.countDown();
    Context context = Context.current();
    context.addListener(listener, Runnable::run);
    try {
      if (cancelled.await(nanos, TimeUnit.NANOSECONDS)) {
        throw GuideBoardException.of(Contexts.statusFromCancelled(context).asRuntimeException());
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw GuideBoardException.here(Status.Code.CANCELLED, "the thread was interrupted");
    } finally {
      context.removeListener(listener);
    }
  }
}
