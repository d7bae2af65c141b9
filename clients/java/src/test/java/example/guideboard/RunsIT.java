package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import example.guideboard.v1.Job;
import example.guideboard.v1.JobEvent;
import example.guideboard.v1.JobEventKind;
import example.guideboard.v1.JobStatus;
import example.guideboard.v1.StartRunRequest;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class RunsIT {
  private static final RunRef LARGE = RunRef.directory("large");

  @TempDir Path directory;

  private static Job start(GuideBoardClient client) {
    StartRunRequest.Builder request = StartRunRequest.newBuilder().setTarget(Servers.TARGET).setAssessment(Servers.ASSESSMENT);
    return client.startRun(request.setOutputDir("java-" + UUID.randomUUID()).setRequestId(UUID.randomUUID().toString()).build()).getRun();
  }

  @Test
  void aJobIsFollowedThroughTheProxyToItsEnd() {
    try (GuideBoardClient client = Servers.proxy();
        JobEvents events = client.follow(start(client).getJobId())) {
      long last = 0;
      boolean hasLog = false;
      while (events.hasNext()) {
        JobEvent event = events.next();
        assertEquals(last + 1, event.getNumber());
        last = event.getNumber();
        hasLog |= event.getKind() == JobEventKind.JOB_EVENT_KIND_LOG && event.getLogLine().contains("1 fail, 1 pass");
        // What is between is more than the proxy lets through over one connection.
        if (last == 1) {
          breakTheConnection(client);
        }
      }
      assertTrue(hasLog);
      assertEquals(JobStatus.JOB_STATUS_SUCCEEDED, events.job().orElseThrow().getStatus());
      try (JobEvents after = client.follow(events.job().orElseThrow().getJobId(), FollowOptions.defaults().after(last))) {
        assertFalse(after.hasNext());
        assertEquals(JobStatus.JOB_STATUS_SUCCEEDED, after.job().orElseThrow().getStatus());
      }
    }
  }

  private void breakTheConnection(GuideBoardClient client) {
    try {
      assertTrue(client.download(LARGE, Servers.LARGE, directory.resolve(UUID.randomUUID().toString())).resumed() > 0);
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  void aDownloadIsResumedThroughTheProxy() throws IOException {
    try (GuideBoardClient client = Servers.proxy()) {
      Path file = directory.resolve("large.bin");
      Download download = client.download(LARGE, Servers.LARGE, file);
      assertTrue(download.resumed() >= 7, "resumed " + download.resumed() + " times");
      assertEquals(Servers.LARGE_SIZE, download.size());
      assertEquals(Digests.of(Servers.file("large", Servers.LARGE)), Digests.of(file));
    }
  }

  @Test
  void aDownloadIsHeldToADigestAndToWhatStandsThere() throws IOException {
    try (GuideBoardClient client = Servers.tcp()) {
      Path file = directory.resolve("report");
      DownloadOptions wrong = DownloadOptions.defaults().expectedSha256("0".repeat(64));
      assertThrows(DigestMismatchException.class, () -> client.download(LARGE, "reports/report.md", file, wrong));
      assertFalse(Files.exists(file));
      Download first = client.download(LARGE, "reports/report.md", file, DownloadOptions.defaults());
      assertThrows(FileAlreadyExistsException.class, () -> client.download(LARGE, "reports/report.md", file));
      DownloadOptions right = DownloadOptions.defaults().expectedSha256(first.sha256()).expectedGeneration(first.generation()).overwrite(true);
      assertEquals(first.sha256(), client.download(LARGE, "reports/report.md", file, right).sha256());
      assertTrue(assertThrows(NotFoundException.class, () -> client.download(LARGE, "artifacts/none", directory.resolve("n"))).hasReason("ARTIFACT_NOT_FOUND"));
      assertEquals(Set.of("report"), names(directory));
    }
  }

  @Test
  void anOutputThatChangesWhileItIsReadIsNotPutTogether() throws IOException {
    try (GuideBoardClient client = Servers.proxy()) {
      Job job;
      try (JobEvents events = client.follow(start(client).getJobId())) {
        job = events.await();
      }
      Path changed = Servers.file(job.getDirectory(), Servers.LARGE);
      AtomicBoolean isChanged = new AtomicBoolean();
      DownloadProgress progress = (done, total) -> {
        if (!isChanged.getAndSet(true)) {
          append(changed);
        }
      };
      DownloadOptions options = DownloadOptions.defaults().progress(progress);
      RunRef run = RunRef.directory(job.getDirectory());
      assertThrows(ChangedException.class, () -> client.download(run, Servers.LARGE, directory.resolve("large"), options));
      assertEquals(Set.of(), names(directory));
    }
  }

  private static void append(Path file) {
    try {
      Files.writeString(file, "more", StandardOpenOption.APPEND);
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  void aRunIsPulledThroughTheProxyAndKeptTheSecondTime() throws IOException {
    try (GuideBoardClient client = Servers.proxy()) {
      Path copy = directory.resolve("copy");
      PullReport report = client.pull(LARGE, copy);
      assertEquals(List.of(), report.problems());
      assertTrue(report.isWhole() && report.hasSummary());
      assertTrue(report.bytesPulled() > Servers.LARGE_SIZE);
      Set<String> served = names(Servers.file("large", "."));
      assertEquals(served, names(copy));
      for (String name : served) {
        assertEquals(Digests.of(Servers.file("large", name)), Digests.of(copy.resolve(name)), name);
      }

      PullReport again = client.pull(LARGE, copy);
      assertEquals(0, again.filesPulled());
      assertEquals(report.filesPulled(), again.filesKept());
      assertTrue(again.isWhole() && again.hasSummary());
    }
  }

  @Test
  void anotherFileInTheDirectoryIsToldAndKeptUnlessToldOtherwise() throws IOException {
    try (GuideBoardClient client = Servers.tcp()) {
      Path copy = directory.resolve("copy");
      Files.createDirectories(copy.resolve("reports"));
      Files.writeString(copy.resolve("reports/report.md"), "another");
      Files.writeString(copy.resolve("reports/foreign"), "foreign");
      PullReport report = client.pull(RunRef.directory("first"), copy);
      assertFalse(report.isWhole() || report.hasSummary());
      Set<String> paths = report.problems().stream().map(PullReport.Problem::path).collect(Collectors.toSet());
      assertEquals(Set.of("reports/report.md", "reports/foreign"), paths);
      assertEquals("another", Files.readString(copy.resolve("reports/report.md")));

      Files.delete(copy.resolve("reports/foreign"));
      assertTrue(client.pull(RunRef.directory("first"), copy, PullOptions.defaults().overwrite(true)).hasSummary());
      assertThrows(FileAlreadyExistsException.class, () -> client.pull(RunRef.directory("second"), copy));
    }
  }

  @Test
  void aRunWithoutASummaryIsCopiedAsItIs() throws IOException {
    try (GuideBoardClient client = Servers.tcp()) {
      PullReport report = client.pull(RunRef.directory("broken-off"), directory.resolve("copy"));
      assertTrue(report.isWhole());
      assertFalse(report.hasSummary());
      assertThrows(NotFoundException.class, () -> client.pull(RunRef.directory("none"), directory.resolve("none")));
    }
  }

  /** The files beneath a directory, relative to it. */
  private static Set<String> names(Path below) throws IOException {
    try (Stream<Path> files = Files.walk(below)) {
      return files.filter(Files::isRegularFile).map(file -> below.relativize(file).toString()).collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
