package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import example.guideboard.v1.Artifact;
import example.guideboard.v1.FileState;
import example.guideboard.v1.GetRetainedRunReportsRequest;
import example.guideboard.v1.GetRetainedRunReportsResponse;
import example.guideboard.v1.ListProblemsRequest;
import example.guideboard.v1.ListProblemsResponse;
import example.guideboard.v1.Problem;
import example.guideboard.v1.ReadArtifactRequest;
import example.guideboard.v1.ReadArtifactResponse;
import example.guideboard.v1.Report;
import example.guideboard.v1.RetainedRun;
import example.guideboard.v1.RetainedRunServiceGrpc;
import example.guideboard.v1.StreamArtifactManifestRequest;
import example.guideboard.v1.StreamArtifactManifestResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class PullTest {
  private static final RunRef RUN = RunRef.directory("a-run");

  @TempDir Path directory;
  private final Run run = new Run();
  private ScriptedServer server;
  private GuideBoardClient client;

  /** A run that says of itself what a test makes it say. */
  private static final class Run extends RetainedRunServiceGrpc.RetainedRunServiceImplBase {
    final Map<String, String> files = new TreeMap<>(Map.of("run.json", "{}", "retention-summary.json", "{}", "artifacts/a", "a", "artifacts/b", "b"));
    final List<Artifact> entries = new ArrayList<>();
    final List<Report> reports = new ArrayList<>();
    /** After how many entries the first stream breaks. */
    int breaksAfter = Integer.MAX_VALUE;

    boolean changes;
    boolean isBeingMade;
    int manifests;

    @Override
    public synchronized void streamArtifactManifest(
        StreamArtifactManifestRequest request, StreamObserver<StreamArtifactManifestResponse> answer) {
      manifests++;
      RetainedRun named = RetainedRun.newBuilder().setDirectory("a-run").build();
      answer.onNext(StreamArtifactManifestResponse.newBuilder().setRun(named).setEntryCount(entries.size()).build());
      int sent = 0;
      for (Artifact entry : entries) {
        if (manifests == 1 && sent++ == breaksAfter) {
          answer.onError(Status.UNAVAILABLE.asRuntimeException());
          return;
        }
        Artifact said = changes && manifests > 1 ? entry.toBuilder().setMediaType("another").build() : entry;
        answer.onNext(StreamArtifactManifestResponse.newBuilder().addArtifactManifest(said).build());
      }
      answer.onCompleted();
    }

    @Override
    public void listProblems(ListProblemsRequest request, StreamObserver<ListProblemsResponse> answer) {
      ListProblemsResponse.Builder page = ListProblemsResponse.newBuilder();
      if (isBeingMade) {
        page.addProblems(Problem.newBuilder().setDirectory("a-run"));
      }
      answer.onNext(page.build());
      answer.onCompleted();
    }

    @Override
    public void getRetainedRunReports(GetRetainedRunReportsRequest request, StreamObserver<GetRetainedRunReportsResponse> answer) {
      answer.onNext(GetRetainedRunReportsResponse.newBuilder().addAllReports(reports).build());
      answer.onCompleted();
    }

    @Override
    public void readArtifact(ReadArtifactRequest request, StreamObserver<ReadArtifactResponse> answer) {
      String text = files.get(request.getPath());
      if (text == null) {
        answer.onError(Refusals.refusal(Status.Code.NOT_FOUND, "ARTIFACT_NOT_FOUND", null));
        return;
      }
      ReadArtifactResponse.Builder message = ReadArtifactResponse.newBuilder().setSizeBytes(text.length()).setGeneration("g");
      answer.onNext(message.setSha256(sha256(text)).setData(ByteString.copyFromUtf8(text)).build());
      answer.onCompleted();
    }

    static String sha256(String text) {
      MessageDigest digest = Digests.sha256();
      digest.update(text.getBytes(StandardCharsets.UTF_8));
      return Digests.hex(digest);
    }

    void entry(String path, FileState state) {
      entries.add(Artifact.newBuilder().setPath(path).setState(state).build());
    }
  }

  @BeforeEach
  void serve() throws IOException {
    server = new ScriptedServer(run);
    client = server.connect();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private Path copy() {
    return directory.resolve("copy");
  }

  private static List<String> states(PullReport report) {
    return report.problems().stream().map(problem -> problem.path() + " " + problem.state()).collect(Collectors.toList());
  }

  @Test
  void aPathThatLeadsOutOfTheDirectoryIsNotWritten() throws IOException {
    for (String path : List.of("../evil", "/evil", "artifacts/../../evil", "artifacts/a")) {
      run.files.put(path, "evil");
      run.entry(path, FileState.FILE_STATE_PRESENT);
    }
    PullReport report = client.pull(RUN, copy());
    assertEquals(List.of("../evil unsafe_path", "/evil unsafe_path", "artifacts/../../evil unsafe_path"), states(report));
    assertTrue(report.isWhole() && report.hasSummary());
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(1, files.count());
    }
  }

  @Test
  void whatTheRunItselfLacksIsToldAndTheCopyIsWhole() throws IOException {
    run.entry("artifacts/gone", FileState.FILE_STATE_PRESENT);
    run.entry("artifacts/missing", FileState.FILE_STATE_MISSING);
    run.entry("artifacts/short", FileState.FILE_STATE_OTHER_SIZE);
    run.entry("artifacts/link", FileState.FILE_STATE_NOT_REGULAR_FILE);
    run.entry("", FileState.FILE_STATE_UNSAFE_PATH);
    run.entry("artifacts/a", FileState.FILE_STATE_PRESENT);
    run.entry("artifacts/a", FileState.FILE_STATE_MISSING);
    List<String> expected =
        List.of("artifacts/gone missing", "artifacts/missing missing", "artifacts/short other_size", "artifacts/link not_regular_file", " unsafe_path");
    PullReport report = client.pull(RUN, copy());
    assertEquals(expected, states(report));
    assertEquals(5, report.problemCount());
    assertTrue(report.isWhole() && report.hasSummary());
  }

  @Test
  void whatTheServerMayNotReadKeepsTheCopyFromBeingWhole() throws IOException {
    run.entry("artifacts/a", FileState.FILE_STATE_UNREADABLE);
    PullReport report = client.pull(RUN, copy());
    assertFalse(report.isWhole() || report.hasSummary());
    assertFalse(Files.exists(copy().resolve("retention-summary.json")));
  }

  @Test
  void aDigestThatTheRunRecordsIsHeldTo() throws IOException {
    run.files.put("reports/report.md", "text");
    run.reports.add(Report.newBuilder().setPath("reports/report.md").setSha256("0".repeat(64)).build());
    run.entry("reports/report.md", FileState.FILE_STATE_PRESENT);
    PullReport report = client.pull(RUN, copy());
    assertEquals(List.of("reports/report.md other_digest"), states(report));
    assertFalse(Files.exists(copy().resolve("reports/report.md")));
  }

  @Test
  void aManifestThatBreaksGoesOnWhereItWas() throws IOException {
    run.entry("artifacts/a", FileState.FILE_STATE_PRESENT);
    run.entry("artifacts/b", FileState.FILE_STATE_PRESENT);
    run.breaksAfter = 1;
    PullReport report = client.pull(RUN, copy());
    assertEquals(4, report.filesPulled());
    assertEquals(2, run.manifests);
    assertTrue(report.hasSummary());
  }

  @Test
  void aManifestThatIsAnotherAfterABreakIsNotPutTogether() {
    run.entry("artifacts/a", FileState.FILE_STATE_PRESENT);
    run.entry("artifacts/b", FileState.FILE_STATE_PRESENT);
    run.breaksAfter = 1;
    run.changes = true;
    assertThrows(ChangedException.class, () -> client.pull(RUN, copy()));
    assertFalse(Files.exists(copy().resolve("retention-summary.json")));
  }

  @Test
  void aRunThatIsBeingMadeIsRefused() {
    run.isBeingMade = true;
    assertThrows(FailedPreconditionException.class, () -> client.pull(RUN, copy()));
    assertFalse(Files.exists(copy()));
  }

  @Test
  void aDirectoryInTheWayIsToldAndALinkIsNotFollowed(@TempDir Path elsewhere) throws IOException {
    run.entry("artifacts/a", FileState.FILE_STATE_PRESENT);
    Files.createDirectories(copy());
    Files.createSymbolicLink(copy().resolve("artifacts"), elsewhere);
    PullReport report = client.pull(RUN, copy());
    assertEquals(List.of("artifacts/a refused"), states(report));
    assertFalse(report.isWhole());
    assertFalse(Files.exists(elsewhere.resolve("a")));
  }
}
