package example.guideboard;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The messages of one streamed answer, taken one by one by a thread that waits for them. One message at most is held beside the one that was
 * taken, so that a slow reader slows the server. A stub's iterator would wait without end.
 */
final class MessageStream<T> implements AutoCloseable {
  private final ClientCall<?, T> call;
  /** A message, or the status that is the last. */
  private final BlockingQueue<Object> came = new LinkedBlockingQueue<>();

  private Status ended;
  private Metadata trailers;

  private MessageStream(ClientCall<?, T> call) {
    this.call = call;
  }

  /** The end of the stream. */
  private static final class End {
    final Status status;
    final Metadata trailers;

    End(Status status, Metadata trailers) {
      this.status = status;
      this.trailers = trailers;
    }
  }

  static <Q, T> MessageStream<T> open(Channel channel, MethodDescriptor<Q, T> method, Q request) {
    ClientCall<Q, T> call = channel.newCall(method, CallOptions.DEFAULT);
    MessageStream<T> stream = new MessageStream<>(call);
    call.start(
        new ClientCall.Listener<T>() {
          @Override
          public void onMessage(T message) {
            stream.came.add(message);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            stream.came.add(new End(status, trailers));
          }
        },
        new Metadata());
    call.request(2);
    call.sendMessage(request);
    call.halfClose();
    return stream;
  }

  /**
   * The next message; null after the last.
   *
   * @param patience how long to wait for it; null: as long as the connection stands
   * @throws GuideBoardException what the server says; UNAVAILABLE when nothing came in time; CANCELLED when the thread was interrupted
   */
  T next(Duration patience) {
    if (ended == null) {
      Object next = take(patience);
      if (!(next instanceof End)) {
        call.request(1);
        @SuppressWarnings("unchecked")
        T message = (T) next;
        return message;
      }
      ended = ((End) next).status;
      trailers = ((End) next).trailers;
    }
    if (ended.isOk()) {
      return null;
    }
    throw GuideBoardException.of(ended.asRuntimeException(trailers));
  }

  private Object take(Duration patience) {
    try {
      Object next = patience == null ? came.take() : came.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
      if (next != null) {
        return next;
      }
    } catch (InterruptedException interrupted) {
      close();
      Thread.currentThread().interrupt();
      throw GuideBoardException.here(Status.Code.CANCELLED, "the thread was interrupted");
    }
    close();
    throw new SilenceException();
  }

  /** Ends the call, if it has not ended. */
  @Override
  public void close() {
    call.cancel("no more of it is wanted", null);
  }

  /** Nothing was heard of the server for too long. */
  static final class SilenceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GuideBoardException failure() {
      return GuideBoardException.here(Status.Code.UNAVAILABLE, "nothing was heard of the server");
    }
  }
}
