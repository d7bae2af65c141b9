package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import example.guideboard.v1.ListRetainedRunsRequest;
import example.guideboard.v1.ListRetainedRunsResponse;
import example.guideboard.v1.RetainedRun;
import example.guideboard.v1.RetainedRunServiceGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class PagesTest {
  /** Three pages, the second of them empty, each of which is asked for by the number of the one before. */
  private static final class Runs extends RetainedRunServiceGrpc.RetainedRunServiceImplBase {
    final List<String> tokens = new ArrayList<>();
    String broken = "none";

    @Override
    public synchronized void listRetainedRuns(ListRetainedRunsRequest request, StreamObserver<ListRetainedRunsResponse> answer) {
      String token = request.getPageToken();
      tokens.add(token);
      if (token.equals(broken)) {
        broken = "none";
        answer.onError(Status.UNAVAILABLE.asRuntimeException());
        return;
      }
      ListRetainedRunsResponse.Builder page = ListRetainedRunsResponse.newBuilder().setTotalSize(3);
      if (!token.equals("1")) {
        page.addRuns(RetainedRun.newBuilder().setRunId("a" + token)).addRuns(RetainedRun.newBuilder().setRunId("b" + token));
      }
      answer.onNext(page.setNextPageToken(token.isEmpty() ? "1" : token.equals("1") ? "2" : "").build());
      answer.onCompleted();
    }
  }

  private static List<String> ids(Pages<?, RetainedRun> pages) {
    return pages.stream().map(RetainedRun::getRunId).collect(Collectors.toList());
  }

  @Test
  void allPagesAreReadOneByOneAndOnlyWhenComeTo() throws Exception {
    Runs runs = new Runs();
    try (ScriptedServer server = new ScriptedServer(runs);
        GuideBoardClient client = server.connect()) {
      Pages<ListRetainedRunsResponse, RetainedRun> pages = client.listRetainedRuns(ListRetainedRunsRequest.getDefaultInstance());
      assertEquals(List.of(), runs.tokens);
      Iterator<RetainedRun> iterator = pages.iterator();
      assertEquals("a", iterator.next().getRunId());
      assertEquals("b", iterator.next().getRunId());
      assertEquals(List.of(""), runs.tokens);
      assertEquals("a2", iterator.next().getRunId());
      assertEquals("b2", iterator.next().getRunId());
      assertFalse(iterator.hasNext());
      assertThrows(NoSuchElementException.class, iterator::next);
      assertEquals(List.of("", "1", "2"), runs.tokens);
      assertEquals(List.of("a", "b", "a2", "b2"), ids(pages));
      assertEquals(3, pages.pages().iterator().next().getTotalSize());
    }
  }

  @Test
  void aStreamThatIsCutShortAsksNoFurther() throws Exception {
    Runs runs = new Runs();
    try (ScriptedServer server = new ScriptedServer(runs);
        GuideBoardClient client = server.connect()) {
      assertEquals(1, client.listRetainedRuns(ListRetainedRunsRequest.getDefaultInstance()).stream().limit(1).count());
      assertEquals(List.of(""), runs.tokens);
    }
  }

  @Test
  void aFurtherPageIsAskedForAgainAndTheFirstIsNot() throws Exception {
    Runs runs = new Runs();
    try (ScriptedServer server = new ScriptedServer(runs);
        GuideBoardClient client = server.connect()) {
      runs.broken = "2";
      Pages<ListRetainedRunsResponse, RetainedRun> pages = client.listRetainedRuns(ListRetainedRunsRequest.getDefaultInstance());
      assertEquals(List.of("a", "b", "a2", "b2"), ids(pages));
      assertEquals(List.of("", "1", "2", "2"), runs.tokens);
      runs.broken = "";
      assertThrows(UnavailableException.class, () -> ids(pages));
    }
  }

  @Test
  void aListMayBeginAtAToken() throws Exception {
    Runs runs = new Runs();
    try (ScriptedServer server = new ScriptedServer(runs);
        GuideBoardClient client = server.connect()) {
      assertEquals(List.of("a2", "b2"), ids(client.listRetainedRuns(ListRetainedRunsRequest.newBuilder().setPageToken("2").build())));
    }
  }
}
