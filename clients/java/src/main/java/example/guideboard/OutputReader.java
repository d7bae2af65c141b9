package example.guideboard;

import com.google.protobuf.ByteString;
import example.guideboard.v1.ReadArtifactRequest;
import example.guideboard.v1.ReadArtifactResponse;
import example.guideboard.v1.RetainedRunServiceGrpc;
import io.grpc.Status;
import java.time.Duration;

/** The bytes of one output. After a break they go on where it happened, as long as the output has the same generation. */
final class OutputReader implements AutoCloseable {
  private final GuideBoardClient client;
  private final ReadArtifactRequest request;
  private final Backoff backoff;

  private ReadArtifactResponse header;
  private MessageStream<ReadArtifactResponse> stream;
  /** Whether the stream that is open has given its header. */
  private boolean isBegun;

  private long position;
  private int resumed;
  /** What came with the header, until it is read. */
  private ByteString firstData;

  /** Opens the output and reads its header. */
  OutputReader(GuideBoardClient client, ReadArtifactRequest request, Duration giveUpAfter) {
    this.client = client;
    this.request = request;
    this.backoff = new Backoff(giveUpAfter);
    this.firstData = next();
  }

  /** The first message: size, generation and digest. */
  ReadArtifactResponse header() {
    return header;
  }

  int resumed() {
    return resumed;
  }

  /** The next bytes, perhaps none; null after the last. */
  ByteString read() {
    if (firstData != null) {
      ByteString data = firstData;
      firstData = null;
      return data;
    }
    return next();
  }

  private ByteString next() {
    while (true) {
      try {
        if (stream == null) {
          if (header != null && position == header.getSizeBytes()) {
            // Only the end was lost, and the server checks what it sends before it does.
            return null;
          }
          stream = MessageStream.open(client.channel(), RetainedRunServiceGrpc.getReadArtifactMethod(), remaining());
          isBegun = false;
        }
        // A server that computes the digest of a large file says nothing for long; that it is gone is noticed by the connection.
        ReadArtifactResponse message = stream.next(null);
        if (message != null) {
          return admit(message);
        }
        if (header != null && position == header.getSizeBytes()) {
          return null;
        }
        throw GuideBoardException.here(Status.Code.UNAVAILABLE, "the stream ended too early");
      } catch (GuideBoardException failure) {
        close();
        stream = null;
        backoff.await(failure, client.managed());
      }
    }
  }

  private ReadArtifactRequest remaining() {
    if (header == null) {
      return request;
    }
    return request.toBuilder().setOffset(position).setExpectedGeneration(header.getGeneration()).setComputeSha256(false).build();
  }

  private ByteString admit(ReadArtifactResponse message) {
    if (!isBegun) {
      isBegun = true;
      if (header == null) {
        header = message;
      } else {
        resumed++;
      }
      if (header.getGeneration().isEmpty() || !message.getGeneration().equals(header.getGeneration())) {
        throw GuideBoardException.here(Status.Code.DATA_LOSS, "the server does not say which output it sends");
      }
    }
    ByteString data = message.getData();
    if (message.getOffset() != position || data.size() > header.getSizeBytes() - position) {
      throw GuideBoardException.here(Status.Code.DATA_LOSS, "the server sends other bytes than those that were asked for");
    }
    if (!data.isEmpty()) {
      backoff.wentOn();
    }
    position += data.size();
    return data;
  }

  @Override
  public void close() {
    if (stream != null) {
      stream.close();
    }
  }
}
