package example.guideboard;

import static example.guideboard.v1.JobEventKind.JOB_EVENT_KIND_DROPPED;
import static example.guideboard.v1.JobEventKind.JOB_EVENT_KIND_HEARTBEAT;
import static example.guideboard.v1.JobEventKind.JOB_EVENT_KIND_LOG;
import static org.junit.jupiter.api.Assertions.assertEquals;

import example.guideboard.v1.JobEvent;
import example.guideboard.v1.JobEventKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EventSequenceTest {
  private static JobEvent event(long number, JobEventKind kind, long dropped) {
    return JobEvent.newBuilder().setNumber(number).setKind(kind).setDropped(dropped).build();
  }

  private static List<JobEvent> admitted(long after, JobEvent... events) {
    EventSequence sequence = new EventSequence(after);
    List<JobEvent> admitted = new ArrayList<>();
    for (JobEvent event : events) {
      admitted.addAll(sequence.admit(event));
    }
    return admitted;
  }

  @Test
  void whatComesTwiceIsGivenOnceAndHeartbeatsNever() {
    JobEvent first = event(1, JOB_EVENT_KIND_LOG, 0);
    JobEvent second = event(2, JOB_EVENT_KIND_LOG, 0);
    JobEvent third = event(3, JOB_EVENT_KIND_LOG, 0);
    JobEvent heartbeat = event(2, JOB_EVENT_KIND_HEARTBEAT, 0);
    assertEquals(List.of(first, second, third), admitted(0, first, second, heartbeat, second, first, third));
    assertEquals(List.of(third), admitted(2, first, second, third));
  }

  @Test
  void aGapIsToldAndADropCountsFromWhatWasSeen() {
    JobEvent seventh = event(7, JOB_EVENT_KIND_LOG, 0);
    JobEvent gap = event(6, JOB_EVENT_KIND_DROPPED, 2);
    assertEquals(List.of(gap, seventh), admitted(4, seventh));
    assertEquals(List.of(gap, seventh), admitted(4, event(6, JOB_EVENT_KIND_DROPPED, 6), seventh));
    assertEquals(List.of(seventh), admitted(6, event(4, JOB_EVENT_KIND_DROPPED, 4), seventh));
  }

  @Test
  void whateverComesEveryNumberIsGivenOrToldOnce() {
    JobEventKind[] kinds = {JOB_EVENT_KIND_LOG, JOB_EVENT_KIND_DROPPED, JOB_EVENT_KIND_HEARTBEAT};
    Random random = new Random(17);
    for (int round = 0; round < 200; round++) {
      EventSequence sequence = new EventSequence(random.nextInt(5));
      long next = sequence.after() + 1;
      for (int at = 0; at < 40; at++) {
        for (JobEvent event : sequence.admit(event(1 + random.nextInt(30), kinds[random.nextInt(3)], random.nextInt(9)))) {
          long count = event.getKind() == JOB_EVENT_KIND_DROPPED ? event.getDropped() : 1;
          assertEquals(next + count - 1, event.getNumber());
          next = event.getNumber() + 1;
        }
      }
    }
  }
}
