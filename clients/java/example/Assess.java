import example.guideboard.Download;
import example.guideboard.DownloadOptions;
import example.guideboard.GuideBoardClient;
import example.guideboard.GuideBoardException;
import example.guideboard.JobEvents;
import example.guideboard.Manifest;
import example.guideboard.RunRef;
import example.guideboard.v1.Artifact;
import example.guideboard.v1.FileState;
import example.guideboard.v1.Finding;
import example.guideboard.v1.GetLatestRetainedRunRequest;
import example.guideboard.v1.Job;
import example.guideboard.v1.JobEvent;
import example.guideboard.v1.JobStatus;
import example.guideboard.v1.ListFindingsRequest;
import example.guideboard.v1.RetainedRun;
import example.guideboard.v1.StartRunRequest;
import example.guideboard.v1.StreamArtifactManifestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.UUID;

/** Starts an assessment, watches it, finds the latest retained run, prints its findings, downloads an artifact and verifies it. */
public final class Assess {
  private static final String USAGE = "Usage: Assess --server URL [--ca FILE] [--token-file FILE] [--artifact PATH] [--into DIR] TARGET ASSESSMENT";

  private String server;
  private Path ca;
  private Path tokenFile;
  private String artifact;
  private Path into = Path.of(".");
  private final List<String> profiles = new ArrayList<>();

  private Assess(List<String> arguments) {
    for (Iterator<String> rest = arguments.iterator(); rest.hasNext(); ) {
      String argument = rest.next();
      switch (argument) {
        case "--server":
          server = rest.next();
          break;
        case "--ca":
          ca = Path.of(rest.next());
          break;
        case "--token-file":
          tokenFile = Path.of(rest.next());
          break;
        case "--artifact":
          artifact = rest.next();
          break;
        case "--into":
          into = Path.of(rest.next());
          break;
        default:
          profiles.add(argument);
      }
    }
    if (server == null || profiles.size() != 2) {
      throw new NoSuchElementException();
    }
  }

  public static void main(String[] arguments) throws IOException {
    Assess assess;
    try {
      assess = new Assess(List.of(arguments));
    } catch (NoSuchElementException wrong) {
      System.err.println(USAGE);
      System.exit(2);
      return;
    }
    try (GuideBoardClient client = GuideBoardClient.builder(assess.server).ca(assess.ca).tokenFile(assess.tokenFile).build()) {
      assess.run(client);
    } catch (GuideBoardException failure) {
      System.err.println("error: " + failure.getMessage() + failure.reason().map(reason -> " (" + reason + ")").orElse(""));
      System.exit(1);
    }
  }

  private void run(GuideBoardClient client) throws IOException {
    // With an id of its own the request may be made again, should the answer be lost.
    StartRunRequest start =
        StartRunRequest.newBuilder().setTarget(profiles.get(0)).setAssessment(profiles.get(1)).setRequestId(UUID.randomUUID().toString()).build();
    Job job = client.startRun(start).getRun();
    System.out.println("job " + job.getJobId());
    try (JobEvents events = client.follow(job.getJobId())) {
      events.forEachRemaining(Assess::print);
      job = events.job().orElseThrow();
    }
    if (job.getStatus() != JobStatus.JOB_STATUS_SUCCEEDED) {
      System.err.println("error: " + job.getError().getMessage());
      System.exit(1);
    }

    RetainedRun latest = client.getLatestRetainedRun(GetLatestRetainedRunRequest.getDefaultInstance()).getRun();
    System.out.println("run " + latest.getRunId() + ": " + latest.getResultStatus());
    ListFindingsRequest findings = ListFindingsRequest.newBuilder().setDirectory(latest.getDirectory()).build();
    for (Finding finding : client.listFindings(findings)) {
      System.out.println("finding " + finding.getCheckId() + ", " + finding.getSeverity() + ": " + finding.getTitle());
    }

    Optional<Artifact> wanted = find(client, latest);
    if (wanted.isEmpty()) {
      System.out.println("no artifact");
      return;
    }
    Path file = into.resolve(Path.of(wanted.get().getPath()).getFileName());
    Files.createDirectories(into);
    Download download =
        client.download(
            RunRef.of(latest), wanted.get().getPath(), file, DownloadOptions.defaults().expectedSha256(wanted.get().getSha256()).overwrite(true));
    System.out.println(
        "downloaded " + file + ": " + download.size() + " bytes, SHA-256 " + download.sha256() + ", resumed " + download.resumed() + " times");
  }

  private static void print(JobEvent event) {
    switch (event.getKind()) {
      case JOB_EVENT_KIND_STATUS:
        System.out.println("status " + event.getRun().getStatus());
        break;
      case JOB_EVENT_KIND_PROGRESS:
        System.out.println("progress " + event.getProgress().getDone() + " of " + event.getProgress().getTotal());
        break;
      case JOB_EVENT_KIND_LOG:
        System.out.println("log " + event.getLogLine());
        break;
      case JOB_EVENT_KIND_DROPPED:
        System.out.println("dropped " + event.getDropped());
        break;
      default:
    }
  }

  /** The artifact that was asked for, or else the first. */
  private Optional<Artifact> find(GuideBoardClient client, RetainedRun run) {
    StreamArtifactManifestRequest request = StreamArtifactManifestRequest.newBuilder().setDirectory(run.getDirectory()).build();
    try (Manifest entries = client.manifest(request)) {
      while (entries.hasNext()) {
        Artifact entry = entries.next();
        boolean isWanted = artifact == null ? entry.getPath().startsWith("artifacts/") : entry.getPath().equals(artifact);
        if (isWanted && entry.getState() == FileState.FILE_STATE_PRESENT && !entry.getSha256().isEmpty()) {
          return Optional.of(entry);
        }
      }
    }
    return Optional.empty();
  }
}
