package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import example.guideboard.v1.GetRunRequest;
import example.guideboard.v1.GetRunResponse;
import example.guideboard.v1.Job;
import example.guideboard.v1.JobEvent;
import example.guideboard.v1.JobEventKind;
import example.guideboard.v1.RunServiceGrpc;
import example.guideboard.v1.WatchRunRequest;
import example.guideboard.v1.WatchRunResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class JobEventsTest {
  private static final Job RUNNING = Job.newBuilder().setJobId("a-job").build();
  private static final Job ENDED = RUNNING.toBuilder().setEndedAt(Timestamp.newBuilder().setSeconds(1)).build();

  /** Watches are answered by the next of these, and where each began is kept. */
  private static final class Jobs extends RunServiceGrpc.RunServiceImplBase {
    final Deque<BiConsumer<WatchRunRequest, StreamObserver<WatchRunResponse>>> watches = new ArrayDeque<>();
    final List<Long> after = new ArrayList<>();
    final CountDownLatch asked = new CountDownLatch(1);
    volatile Job job = RUNNING;

    @Override
    public synchronized void watchRun(WatchRunRequest request, StreamObserver<WatchRunResponse> answer) {
      after.add(request.getAfter());
      asked.countDown();
      watches.remove().accept(request, answer);
    }

    @Override
    public void getRun(GetRunRequest request, StreamObserver<GetRunResponse> answer) {
      answer.onNext(GetRunResponse.newBuilder().setRun(job).build());
      answer.onCompleted();
    }
  }

  private static WatchRunResponse logs(long first, long last) {
    WatchRunResponse.Builder message = WatchRunResponse.newBuilder();
    for (long number = first; number <= last; number++) {
      message.addEvents(JobEvent.newBuilder().setNumber(number).setKind(JobEventKind.JOB_EVENT_KIND_LOG));
    }
    return message.build();
  }

  private static WatchRunResponse end(long number) {
    JobEvent.Builder event = JobEvent.newBuilder().setNumber(number).setKind(JobEventKind.JOB_EVENT_KIND_STATUS).setRun(ENDED);
    return WatchRunResponse.newBuilder().addEvents(event).build();
  }

  private static List<Long> numbers(JobEvents events) {
    List<Long> numbers = new ArrayList<>();
    events.forEachRemaining(event -> numbers.add(event.getNumber()));
    return numbers;
  }

  @Test
  void aBrokenStreamGoesOnAfterTheLastEvent() throws Exception {
    Jobs jobs = new Jobs();
    jobs.watches.add((request, answer) -> {
      answer.onNext(logs(1, 3));
      answer.onError(Status.UNAVAILABLE.withDescription("gone").asRuntimeException());
    });
    jobs.watches.add((request, answer) -> answer.onError(Refusals.refusal(Status.Code.UNAVAILABLE, "STOPPING", Duration.ofMillis(10))));
    jobs.watches.add((request, answer) -> {
      answer.onNext(logs(2, 5));
      answer.onNext(end(6));
      answer.onCompleted();
    });
    List<GuideBoardException> breaks = new ArrayList<>();
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect();
        JobEvents events = client.follow("a-job", FollowOptions.defaults().onBroken(breaks::add))) {
      assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L), numbers(events));
      assertEquals(ENDED, events.job().orElseThrow());
      assertEquals(6, events.after());
    }
    assertEquals(List.of(0L, 3L, 3L), jobs.after);
    assertEquals(1, breaks.size());
  }

  @Test
  void anEndOfTheStreamWithoutThatOfTheJobIsAskedFor() throws Exception {
    Jobs jobs = new Jobs();
    jobs.job = ENDED;
    jobs.watches.add((request, answer) -> answer.onCompleted());
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect();
        JobEvents events = client.follow("a-job", FollowOptions.defaults().after(6))) {
      assertFalse(events.hasNext());
      assertEquals(ENDED, events.job().orElseThrow());
    }
  }

  @Test
  void anEndOfTheStreamOfARunningJobIsABreak() throws Exception {
    Jobs jobs = new Jobs();
    jobs.watches.add((request, answer) -> answer.onCompleted());
    jobs.watches.add((request, answer) -> {
      answer.onNext(end(1));
      answer.onCompleted();
    });
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect();
        JobEvents events = client.follow("a-job")) {
      assertEquals(ENDED, events.await());
    }
    assertEquals(List.of(0L, 0L), jobs.after);
  }

  @Test
  void silenceCountsAsABreak() throws Exception {
    Jobs jobs = new Jobs();
    jobs.watches.add((request, answer) -> answer.onNext(logs(1, 1)));
    jobs.watches.add((request, answer) -> {
      answer.onNext(end(2));
      answer.onCompleted();
    });
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect();
        JobEvents events = client.follow("a-job", FollowOptions.defaults().silence(Duration.ofMillis(500)))) {
      assertEquals(List.of(1L, 2L), numbers(events));
    }
    assertEquals(List.of(0L, 1L), jobs.after);
  }

  @Test
  void aJobThatWasKnownAndIsNoMoreIsForgotten() throws Exception {
    Jobs jobs = new Jobs();
    jobs.watches.add((request, answer) -> {
      answer.onNext(logs(1, 1));
      answer.onError(Status.UNAVAILABLE.asRuntimeException());
    });
    jobs.watches.add((request, answer) -> answer.onError(Refusals.refusal(Status.Code.NOT_FOUND, "JOB_NOT_FOUND", null)));
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect();
        JobEvents events = client.follow("a-job")) {
      JobForgottenException forgotten = assertThrows(JobForgottenException.class, events::await);
      assertTrue(forgotten.hasReason("JOB_NOT_FOUND"));
    }
  }

  @Test
  void aJobThatNeverWasIsNotFound() throws Exception {
    Jobs jobs = new Jobs();
    jobs.watches.add((request, answer) -> answer.onError(Refusals.refusal(Status.Code.NOT_FOUND, "JOB_NOT_FOUND", null)));
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect();
        JobEvents events = client.follow("a-job")) {
      assertEquals(NotFoundException.class, assertThrows(NotFoundException.class, events::hasNext).getClass());
    }
  }

  @Test
  void aServerThatIsGoneIsGivenUp() throws Exception {
    Jobs jobs = new Jobs();
    GuideBoardClient client;
    try (ScriptedServer server = new ScriptedServer(jobs)) {
      client = server.connect();
    }
    try (JobEvents events = client.follow("a-job", FollowOptions.defaults().giveUpAfter(Duration.ofMillis(400)))) {
      assertThrows(UnavailableException.class, events::hasNext);
    } finally {
      client.close();
    }
  }

  @Test
  void aWaitEndsWithTheContextTheThreadOrTheEvents() throws Exception {
    Jobs jobs = new Jobs();
    for (int wait = 0; wait < 3; wait++) {
      jobs.watches.add((request, answer) -> {});
    }
    try (ScriptedServer server = new ScriptedServer(jobs);
        GuideBoardClient client = server.connect()) {
      Context.CancellableContext context = Context.current().withCancellation();
      JobEvents events = client.follow("a-job");
      Thread canceller = new Thread(() -> {
        await(jobs.asked);
        context.cancel(null);
      });
      canceller.start();
      assertCancelled(() -> context.run(events::hasNext));
      canceller.join();

      JobEvents interrupted = client.follow("a-job");
      Thread.currentThread().interrupt();
      assertCancelled(interrupted::hasNext);
      assertTrue(Thread.interrupted());

      JobEvents closed = client.follow("a-job");
      Thread closer = new Thread(closed::close);
      closer.start();
      assertCancelled(closed::hasNext);
      closer.join();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  private static void assertCancelled(Runnable wait) {
    assertEquals(Status.Code.CANCELLED, assertThrows(GuideBoardException.class, wait::run).code());
  }
}
