package example.guideboard;

import example.guideboard.v1.GetRunRequest;
import example.guideboard.v1.Job;
import example.guideboard.v1.JobEvent;
import example.guideboard.v1.RunServiceGrpc;
import example.guideboard.v1.WatchRunRequest;
import example.guideboard.v1.WatchRunResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * The events of a job until it has ended, over however many connections that takes: each event once, in order of its number. Heartbeats are left
 * out. Events that the server no longer holds are told by one of kind DROPPED.
 *
 * <p>{@link #hasNext()} waits. It throws {@link JobForgottenException} when a server that knew the job does not know it any more, {@link
 * UnavailableException} when nothing answered for as long as the {@linkplain FollowOptions options} say, and another {@link GuideBoardException} when
 * the server refuses. An interrupt of the thread, or a cancelled {@link io.grpc.Context}, ends the wait with one of code CANCELLED.
 *
 * <p>For one thread. Only {@link #close()} may be called from another, which ends a wait.
 */
public final class JobEvents implements Iterator<JobEvent>, AutoCloseable {
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(20);

  private final GuideBoardClient client;
  private final String jobId;
  private final FollowOptions options;
  private final EventSequence sequence;
  private final Backoff backoff;
  private final Queue<JobEvent> waiting = new ArrayDeque<>();

  private volatile MessageStream<WatchRunResponse> stream;
  private volatile boolean isClosed;
  private boolean isKnown;
  private boolean isBroken;
  private boolean isOver;
  private Job ended;

  JobEvents(GuideBoardClient client, String jobId, FollowOptions options) {
    this.client = client;
    this.jobId = jobId;
    this.options = options;
    this.sequence = new EventSequence(options.after);
    this.backoff = new Backoff(options.giveUpAfter);
  }

  /**
   * Waits for the next event.
   *
   * @return whether there is one; false once the job has ended
   */
  @Override
  public boolean hasNext() {
    while (waiting.isEmpty() && !isOver) {
      if (isClosed) {
        throw GuideBoardException.here(Status.Code.CANCELLED, "the events were closed");
      }
      try {
        advance();
      } catch (MessageStream.SilenceException silence) {
        // The other side of the connection is gone without a word: it would take the next call as well.
        client.managed().enterIdle();
        broke(silence.failure());
      } catch (GuideBoardException failure) {
        broke(failure);
      }
    }
    return !waiting.isEmpty();
  }

  @Override
  public JobEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return waiting.remove();
  }

  /**
   * The number of the last event given: where another follower would go on, see {@link FollowOptions#after(long)}.
   *
   * @return the number; 0 before the first
   */
  public long after() {
    JobEvent next = waiting.peek();
    // One that tells of dropped events stands for all of them.
    return next == null ? sequence.after() : next.getNumber() - Math.max(next.getDropped(), 1);
  }

  /**
   * The job as it ended.
   *
   * @return the job; empty until {@link #hasNext()} gave false
   */
  public Optional<Job> job() {
    return isOver ? Optional.of(ended) : Optional.empty();
  }

  /**
   * Lets the remaining events pass and waits for the end.
   *
   * @return the job as it ended
   */
  public Job await() {
    while (hasNext()) {
      waiting.clear();
    }
    return ended;
  }

  /** Ends the call to the server. The job goes on. */
  @Override
  public void close() {
    isClosed = true;
    MessageStream<WatchRunResponse> open = stream;
    if (open != null) {
      open.close();
    }
  }

  private void advance() {
    MessageStream<WatchRunResponse> open = stream;
    if (open == null) {
      WatchRunRequest request = WatchRunRequest.newBuilder().setJobId(jobId).setAfter(sequence.after()).build();
      open = MessageStream.open(client.channel(), RunServiceGrpc.getWatchRunMethod(), request);
      stream = open;
      if (isClosed) {
        open.close();
      }
    }
    WatchRunResponse message = open.next(options.silence);
    if (message == null) {
      // Either the job has ended, and there is nothing new since `after`, or something between cut the stream and called it an end.
      stream = null;
      isOver = ended != null || askForEnd();
      return;
    }
    isKnown = true;
    isBroken = false;
    backoff.wentOn();
    for (JobEvent event : message.getEventsList()) {
      for (JobEvent admitted : sequence.admit(event)) {
        waiting.add(admitted);
        if (admitted.getRun().hasEndedAt()) {
          ended = admitted.getRun();
        }
      }
    }
  }

  private boolean askForEnd() {
    Job job;
    try {
      GetRunRequest request = GetRunRequest.newBuilder().setJobId(jobId).build();
      job = client.runs().withDeadlineAfter(ANSWER_TIMEOUT.toNanos(), TimeUnit.NANOSECONDS).getRun(request).getRun();
    } catch (StatusRuntimeException failure) {
      if (failure.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED && !Context.current().isCancelled()) {
        throw GuideBoardException.here(Status.Code.UNAVAILABLE, "the server does not answer");
      }
      throw GuideBoardException.of(failure);
    }
    isKnown = true;
    if (!job.hasEndedAt()) {
      backoff.answered();
      throw GuideBoardException.here(Status.Code.UNAVAILABLE, "the stream ended before the job");
    }
    ended = job;
    return true;
  }

  /** Plans another try, or gives up. */
  private void broke(GuideBoardException failure) {
    MessageStream<WatchRunResponse> open = stream;
    if (open != null) {
      open.close();
      stream = null;
    }
    if (isClosed) {
      throw GuideBoardException.here(Status.Code.CANCELLED, "the events were closed");
    }
    if (ended != null) {
      // Nothing comes after the end, so nothing is missing.
      isOver = true;
      return;
    }
    if (isKnown && failure.code() == Status.Code.NOT_FOUND) {
      throw new JobForgottenException(failure);
    }
    if (failure.reason().isPresent()) {
      // A server that says so is not silent.
      backoff.answered();
    }
    if (Backoff.isPassing(failure) && !isBroken) {
      isBroken = true;
      options.onBroken.accept(failure);
    }
    backoff.await(failure, client.managed());
  }
}
