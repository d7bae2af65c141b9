package example.guideboard;

import example.guideboard.v1.Artifact;
import example.guideboard.v1.RetainedRunServiceGrpc;
import example.guideboard.v1.StreamArtifactManifestRequest;
import example.guideboard.v1.StreamArtifactManifestResponse;
import io.grpc.Status;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;

/**
 * The artifact manifest of a run, entry by entry: first those that the run records, then, if asked for, files that stand beside them. However many
 * there are, few are held at a time.
 *
 * <p>After a broken connection it is read once more from the beginning, and goes on where it was; {@link ChangedException} tells that it is
 * another one by then. {@link #hasNext()} waits. For one thread.
 */
public final class Manifest implements Iterator<Artifact>, AutoCloseable {
  private final GuideBoardClient client;
  private final StreamArtifactManifestRequest request;
  private final Backoff backoff;
  private final Queue<Artifact> waiting = new ArrayDeque<>();

  private MessageStream<StreamArtifactManifestResponse> stream;
  private StreamArtifactManifestResponse header;
  /** How many entries came so far, how many of them are listed, and a digest of them that grows from one to the next. */
  private long came;

  private long listed;
  private byte[] digest = new byte[0];
  /** How many of them came once more over the stream that is open, and their digest. */
  private long again;

  private byte[] digestAgain = new byte[0];
  private boolean isTruncated;
  private boolean isOver;

  /** Opens the manifest and reads its header. */
  Manifest(GuideBoardClient client, StreamArtifactManifestRequest request, Duration giveUpAfter) {
    this.client = client;
    this.request = request;
    this.backoff = new Backoff(giveUpAfter);
    while (header == null) {
      advance();
    }
  }

  /**
   * What comes before the entries: the run, how many entries there are, and their size.
   *
   * @return the first message of the service, without entries
   */
  public StreamArtifactManifestResponse header() {
    return header;
  }

  /**
   * Whether there are more unlisted files than the server looks at.
   *
   * @return whether there are; false until {@link #hasNext()} gave false
   */
  public boolean isTruncated() {
    return isTruncated;
  }

  /**
   * Waits for the next entry.
   *
   * @return whether there is one
   */
  @Override
  public boolean hasNext() {
    while (waiting.isEmpty() && !isOver) {
      advance();
    }
    return !waiting.isEmpty();
  }

  @Override
  public Artifact next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return waiting.remove();
  }

  private void advance() {
    try {
      if (stream == null) {
        stream = MessageStream.open(client.channel(), RetainedRunServiceGrpc.getStreamArtifactManifestMethod(), request);
        again = 0;
        digestAgain = new byte[0];
      }
      StreamArtifactManifestResponse message = stream.next(null);
      if (message == null) {
        end();
      } else if (message.hasRun()) {
        begin(message);
      } else {
        take(message);
      }
    } catch (GuideBoardException failure) {
      close();
      stream = null;
      backoff.await(failure, client.managed());
    }
  }

  private void begin(StreamArtifactManifestResponse message) {
    if (header == null) {
      header = message;
    } else if (!header.equals(message)) {
      throw changed();
    }
  }

  private void take(StreamArtifactManifestResponse message) {
    for (Artifact entry : message.getArtifactManifestList()) {
      digestAgain = grown(digestAgain, entry);
      if (++again <= came) {
        if (again == came && !MessageDigest.isEqual(digest, digestAgain)) {
          throw changed();
        }
        continue;
      }
      came = again;
      digest = digestAgain;
      listed += entry.getUnlisted() ? 0 : 1;
      waiting.add(entry);
      backoff.wentOn();
    }
    isTruncated |= message.getUnlistedTruncated();
  }

  private void end() {
    if (header != null && again < came) {
      throw changed();
    }
    if (header == null || listed < header.getEntryCount()) {
      throw GuideBoardException.here(Status.Code.UNAVAILABLE, "the stream ended too early");
    }
    isOver = true;
  }

  private static byte[] grown(byte[] before, Artifact entry) {
    MessageDigest digest = Digests.sha256();
    digest.update(before);
    return digest.digest(entry.toByteArray());
  }

  private static GuideBoardException changed() {
    return GuideBoardException.here(Status.Code.ABORTED, "the run changed while its manifest was read; start again");
  }

  /** Ends the call to the server. */
  @Override
  public void close() {
    if (stream != null) {
      stream.close();
    }
  }
}
