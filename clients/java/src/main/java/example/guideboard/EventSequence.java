package example.guideboard;

import example.guideboard.v1.JobEvent;
import example.guideboard.v1.JobEventKind;
import java.util.ArrayList;
import java.util.List;

/** The numbers of events seen so far: lets each event pass once, and no gap unsaid. */
final class EventSequence {
  private long after;

  EventSequence(long after) {
    this.after = after;
  }

  /** The number of the last event that passed. */
  long after() {
    return after;
  }

  List<JobEvent> admit(JobEvent event) {
    List<JobEvent> admitted = new ArrayList<>();
    if (event.getNumber() <= after || event.getKind() == JobEventKind.JOB_EVENT_KIND_HEARTBEAT) {
      return admitted;
    }
    long missing = event.getNumber() - after - 1;
    if (event.getKind() == JobEventKind.JOB_EVENT_KIND_DROPPED) {
      admitted.add(event.toBuilder().setDropped(missing + 1).build());
    } else {
      if (missing > 0) {
        JobEvent.Builder dropped = JobEvent.newBuilder().setNumber(event.getNumber() - 1);
        if (event.hasTime()) {
          dropped.setTime(event.getTime());
        }
        admitted.add(dropped.setKind(JobEventKind.JOB_EVENT_KIND_DROPPED).setDropped(missing).build());
      }
      admitted.add(event);
    }
    after = event.getNumber();
    return admitted;
  }
}
