package example.guideboard;

import example.guideboard.v1.Artifact;
import example.guideboard.v1.FileState;
import example.guideboard.v1.GetRetainedRunReportsRequest;
import example.guideboard.v1.ListProblemsRequest;
import example.guideboard.v1.ListProblemsResponse;
import example.guideboard.v1.ReadArtifactResponse;
import example.guideboard.v1.Report;
import example.guideboard.v1.RetainedRun;
import example.guideboard.v1.StreamArtifactManifestRequest;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Copies one run, as {@code guide-board runs pull} does. */
final class Puller {
  private static final String RUN = "run.json";
  private static final String SUMMARY = "retention-summary.json";
  private static final List<String> OTHER_DOCUMENTS = List.of("plan.json", "sources.lock.json");
  private static final List<String> OUTPUT_DIRECTORIES = List.of("normalized", "reports", "exports", "artifacts");
  /** How many files of the directory that are not the run's are named. */
  private static final int NAMED_FOREIGN = 20;

  private final GuideBoardClient client;
  private final RunRef run;
  private final PullOptions options;
  private final Path directory;
  /** The digests that the run records of its reports. */
  private final Map<String, String> recorded = new HashMap<>();
  /** The paths that were met: of a manifest that names one again and again the first counts. */
  private final Set<String> met = new HashSet<>();

  private RunCopy copy;
  private PullReport report;

  Puller(GuideBoardClient client, RunRef run, Path directory, PullOptions options) {
    this.client = client;
    this.run = run;
    this.directory = directory;
    this.options = options;
  }

  PullReport pull() throws IOException {
    StreamArtifactManifestRequest request =
        StreamArtifactManifestRequest.newBuilder()
            .setRunsDir(run.runsDir())
            .setRunId(run.runId())
            .setDirectory(run.directory())
            .setIncludeUnlisted(true)
            .setReportUnsafe(true)
            .build();
    try (Manifest manifest = new Manifest(client, request, options.giveUpAfter)) {
      RetainedRun found = manifest.header().getRun();
      report = new PullReport(found);
      refuseWhatIsBeingMade(found.getDirectory());
      copy = new RunCopy(directory);
      Map<String, String> state = state();
      refuseAnotherRun();
      recordDigests();
      document(RUN);
      while (manifest.hasNext()) {
        entry(manifest.next());
      }
      if (manifest.isTruncated()) {
        report.mendable("", "there are more files than are looked at");
      }
      for (String document : OTHER_DOCUMENTS) {
        document(document);
      }
      end(state);
      return report;
    }
  }

  private void refuseWhatIsBeingMade(String name) {
    ListProblemsRequest.Builder request = ListProblemsRequest.newBuilder().setRunsDir(run.runsDir()).addReasons("in_progress").setPageSize(500);
    do {
      ListProblemsResponse page = client.page(false, () -> client.retainedRuns().listProblems(request.build()));
      if (page.getProblemsList().stream().anyMatch(problem -> problem.getDirectory().equals(name))) {
        throw GuideBoardException.here(Status.Code.FAILED_PRECONDITION, "the run is being made; pull it once it is done");
      }
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
  }

  /** The generations of the two documents that make a directory a run: one whose documents stay as they are is one run throughout. */
  private Map<String, String> state() {
    Map<String, String> state = new HashMap<>();
    for (String document : List.of(RUN, SUMMARY)) {
      try (OutputReader reader = open(document, DownloadOptions.defaults().giveUpAfter(options.giveUpAfter), false)) {
        state.put(document, reader.header().getGeneration());
      } catch (GuideBoardException failure) {
        if (!isNoFile(failure) && failure.code() != Status.Code.FAILED_PRECONDITION) {
          throw failure;
        }
      }
    }
    return state;
  }

  private OutputReader open(String path, DownloadOptions expected, boolean isDigestNeeded) {
    boolean compute = isDigestNeeded && expected.expectedSha256.isEmpty();
    return new OutputReader(
        client, Downloader.request(run, path, expected).toBuilder().setComputeSha256(compute).build(), options.giveUpAfter);
  }

  /** That a file is not there; that its run is not there is another thing. */
  private static boolean isNoFile(GuideBoardException failure) {
    return failure.code() == Status.Code.NOT_FOUND && failure.hasReason("ARTIFACT_NOT_FOUND");
  }

  private void refuseAnotherRun() throws IOException {
    for (String document : List.of(RUN, SUMMARY)) {
      Path place = copy.place(document);
      if (options.overwrite || !Files.isRegularFile(place, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      boolean isSame;
      try (OutputReader reader = open(document, DownloadOptions.defaults(), true)) {
        isSame = isSame(place, reader.header(), reader.header().getSha256());
      } catch (GuideBoardException failure) {
        if (!isNoFile(failure)) {
          throw failure;
        }
        isSame = false;
      }
      if (!isSame) {
        throw new FileAlreadyExistsException(place.toString(), null, "another run, or another state of this one, stands in the directory");
      }
    }
  }

  private static boolean isSame(Path place, ReadArtifactResponse header, String sha256) throws IOException {
    return Files.size(place) == header.getSizeBytes() && Digests.of(place).equals(sha256);
  }

  private void recordDigests() {
    GetRetainedRunReportsRequest request =
        GetRetainedRunReportsRequest.newBuilder()
            .setRunsDir(run.runsDir())
            .setRunId(run.runId())
            .setDirectory(run.directory())
            .setReportUnsafe(true)
            .build();
    try {
      List<Report> reports = client.page(false, () -> client.retainedRuns().getRetainedRunReports(request)).getReportsList();
      for (Report one : reports) {
        if (!one.getSha256().isEmpty() && !one.getPath().isEmpty()) {
          recorded.put(one.getPath(), one.getSha256());
        }
      }
    } catch (GuideBoardException failure) {
      // A run without a summary has no reports, and what is wrong with a document is told when it is pulled itself.
      boolean isOfTheRun = Set.of(Status.Code.NOT_FOUND, Status.Code.FAILED_PRECONDITION, Status.Code.DATA_LOSS).contains(failure.code());
      if (!isOfTheRun) {
        throw failure;
      }
    }
  }

  /** Pulls a document that stands directly in the run, if it is there. */
  private void document(String path) throws IOException {
    met.add(path);
    file(path, DownloadOptions.defaults());
  }

  /** Pulls what a manifest entry names, if it is what the entry says. */
  private void entry(Artifact entry) throws IOException {
    String path = entry.getPath();
    // The summary has its time, whatever a manifest says.
    if (path.equals(SUMMARY) || !path.isEmpty() && !met.add(path)) {
      return;
    }
    switch (entry.getState()) {
      case FILE_STATE_PRESENT:
        DownloadOptions expected = DownloadOptions.defaults();
        if (!file(path, entry.getSha256().isEmpty() ? expected : expected.expectedSha256(entry.getSha256())) && !entry.getUnlisted()) {
          report.problem(path, "missing", "the run records it, but it is gone");
        }
        return;
      case FILE_STATE_MISSING:
        problem(entry, "the run records it, but it is not there");
        return;
      case FILE_STATE_OTHER_SIZE:
        problem(entry, "it has another size than the run records");
        return;
      case FILE_STATE_NOT_REGULAR_FILE:
        problem(entry, "it is a link, a directory or a special file");
        return;
      case FILE_STATE_UNSAFE_PATH:
        problem(entry, "the path that the run records is refused");
        return;
      case FILE_STATE_UNADDRESSABLE:
        problem(entry, "no request can spell its name");
        return;
      default:
        report.mendable(path, "it cannot be read where the run is");
    }
  }

  private void problem(Artifact entry, String sentence) {
    FileState state = entry.getState();
    report.problem(entry.getPath(), state.name().substring("FILE_STATE_".length()).toLowerCase(Locale.ROOT), sentence);
  }

  /** Pulls one file; false when it is not there. */
  private boolean file(String path, DownloadOptions expected) throws IOException {
    if (!RunCopy.isSafe(path)) {
      report.problem(path, "unsafe_path", "its path is refused");
      return true;
    }
    DownloadOptions held = expected;
    if (held.expectedSha256.isEmpty() && recorded.containsKey(path)) {
      held = held.expectedSha256(recorded.get(path));
    }
    try {
      fetch(path, held.overwrite(options.overwrite).progress((done, total) -> options.progress.progress(path, done, total)));
    } catch (DigestMismatchException other) {
      report.problem(path, "other_digest", "its bytes are not those whose digest the run records");
    } catch (GuideBoardException failure) {
      if (isNoFile(failure)) {
        return false;
      }
      // About this file alone: the others still come.
      boolean isOfTheFile =
          Set.of(Status.Code.FAILED_PRECONDITION, Status.Code.DATA_LOSS, Status.Code.INVALID_ARGUMENT, Status.Code.ABORTED).contains(failure.code());
      if (!isOfTheFile) {
        throw failure;
      }
      report.mendable(path, failure.getMessage());
    } catch (FileAlreadyExistsException | NotDirectoryException inTheWay) {
      report.mendable(path, "something else stands in its place in the directory");
    }
    return true;
  }

  private void fetch(String path, DownloadOptions held) throws IOException {
    Path place = copy.place(path);
    boolean stands = RunCopy.stands(place);
    try (OutputReader reader = open(path, held, true)) {
      String sha256 = held.expectedSha256.isEmpty() ? reader.header().getSha256() : held.expectedSha256;
      if (stands && isSame(place, reader.header(), sha256)) {
        report.kept();
        return;
      }
      if (stands && !held.overwrite) {
        throw new FileAlreadyExistsException(place.toString());
      }
      Files.createDirectories(Objects.requireNonNull(place.getParent()));
      report.pulled(new Downloader(client).write(reader, copy.aside(), place, held).size());
    }
  }

  /** The end: the summary, over a copy that has all that can be had of a run that stayed as it was. */
  private void end(Map<String, String> state) throws IOException {
    try {
      for (String path : copy.unknown(OUTPUT_DIRECTORIES, NAMED_FOREIGN, met::contains)) {
        report.mendable(path, "it stands in the directory, and the run has no such file; take it away");
      }
    } catch (NotDirectoryException inTheWay) {
      // Told of each file beneath it already.
      if (report.isWhole()) {
        report.mendable("", "something else than a directory stands at " + inTheWay.getFile());
      }
    }
    if (!state().equals(state)) {
      report.mendable("", "the run changed while it was pulled");
    }
    String generation = state.get(SUMMARY);
    if (generation != null && report.isWhole() && file(SUMMARY, DownloadOptions.defaults().expectedGeneration(generation))) {
      report.summaryPulled();
    }
    if (report.isWhole()) {
      copy.finish();
    }
  }
}
