package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import example.guideboard.v1.ReadArtifactRequest;
import example.guideboard.v1.ReadArtifactResponse;
import example.guideboard.v1.RetainedRunServiceGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class DownloadTest {
  private static final RunRef RUN = RunRef.id("a-run");

  @TempDir Path directory;
  private final Outputs outputs = new Outputs();
  private ScriptedServer server;
  private GuideBoardClient client;

  /** One output, whose stream breaks after every so many bytes. */
  private static final class Outputs extends RetainedRunServiceGrpc.RetainedRunServiceImplBase {
    final List<ReadArtifactRequest> requests = new ArrayList<>();
    volatile byte[] bytes = new byte[100_000];
    volatile int breaksAfter = Integer.MAX_VALUE;
    volatile String generation = "first";
    volatile String generationAfterBreak = "first";
    volatile String sha256;
    volatile long shift;

    Outputs() {
      new Random(4).nextBytes(bytes);
    }

    String digest() {
      return Digests.hex(digested());
    }

    private MessageDigest digested() {
      MessageDigest digest = Digests.sha256();
      digest.update(bytes);
      return digest;
    }

    @Override
    public synchronized void readArtifact(ReadArtifactRequest request, StreamObserver<ReadArtifactResponse> answer) {
      requests.add(request);
      String now = requests.size() > 1 ? generationAfterBreak : generation;
      if (!request.getExpectedGeneration().isEmpty() && !request.getExpectedGeneration().equals(now)) {
        answer.onError(Refusals.refusal(Status.Code.FAILED_PRECONDITION, "GENERATION_MISMATCH", null));
        return;
      }
      int position = (int) request.getOffset();
      int end = (int) Math.min(bytes.length, (long) position + breaksAfter);
      ReadArtifactResponse.Builder message =
          ReadArtifactResponse.newBuilder().setSizeBytes(bytes.length).setGeneration(now).setSha256(sha256 == null ? digest() : sha256);
      do {
        int next = Math.min(end, position + 7000);
        answer.onNext(message.setOffset(position + shift).setData(ByteString.copyFrom(bytes, position, next - position)).build());
        message.clear();
        position = next;
      } while (position < end);
      if (end < bytes.length) {
        answer.onError(Status.UNAVAILABLE.withDescription("gone").asRuntimeException());
      } else {
        answer.onCompleted();
      }
    }
  }

  @BeforeEach
  void serve() throws IOException {
    server = new ScriptedServer(outputs);
    client = server.connect();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private Path target() {
    return directory.resolve("output");
  }

  private Download download(DownloadOptions options) throws IOException {
    return client.download(RUN, "artifacts/output", target(), options);
  }

  private void assertNothingIsLeft() throws IOException {
    try (var left = Files.list(directory)) {
      assertEquals(List.of(), left.map(Path::toString).collect(Collectors.toList()));
    }
  }

  @Test
  void aBrokenReadGoesOnInTheSameGeneration() throws IOException {
    outputs.breaksAfter = 40_000;
    List<Long> told = new ArrayList<>();
    Download download = download(DownloadOptions.defaults().sync(true).progress((done, total) -> told.add(done)));
    assertArrayEquals(outputs.bytes, Files.readAllBytes(target()));
    assertEquals(2, download.resumed());
    assertEquals(100_000, download.size());
    assertEquals(outputs.digest(), download.sha256());
    List<Long> offsets = outputs.requests.stream().map(ReadArtifactRequest::getOffset).collect(Collectors.toList());
    assertEquals(List.of(0L, 40_000L, 80_000L), offsets);
    assertTrue(outputs.requests.get(0).getComputeSha256());
    assertEquals("first", outputs.requests.get(2).getExpectedGeneration());
    assertEquals(100_000L, told.get(told.size() - 1));
    assertTrue(Files.exists(target()));
  }

  @Test
  void anEmptyOutputIsAFileToo() throws IOException {
    outputs.bytes = new byte[0];
    assertEquals(0, download(DownloadOptions.defaults()).size());
    assertEquals(0, Files.size(target()));
  }

  @Test
  void anOutputThatChangedMeanwhileIsNotPutTogether() throws IOException {
    outputs.breaksAfter = 40_000;
    outputs.generationAfterBreak = "second";
    assertThrows(ChangedException.class, () -> download(DownloadOptions.defaults()));
    assertNothingIsLeft();
  }

  @Test
  void anotherGenerationThanExpectedIsRefused() throws IOException {
    assertThrows(ChangedException.class, () -> download(DownloadOptions.defaults().expectedGeneration("zeroth")));
    assertNothingIsLeft();
  }

  @Test
  void otherBytesThanTheServerSaysAreRefused() throws IOException {
    outputs.sha256 = "0".repeat(64);
    assertThrows(DigestMismatchException.class, () -> download(DownloadOptions.defaults()));
    assertNothingIsLeft();
  }

  @Test
  void otherBytesThanExpectedAreRefused() throws IOException {
    assertThrows(DigestMismatchException.class, () -> download(DownloadOptions.defaults().expectedSha256("0".repeat(64))));
    assertNothingIsLeft();
    assertThrows(IllegalArgumentException.class, () -> DownloadOptions.defaults().expectedSha256("abc"));
  }

  @Test
  void bytesOfAnotherPlaceAreRefused() throws IOException {
    outputs.shift = 1;
    assertThrows(DataLossException.class, () -> download(DownloadOptions.defaults()));
    assertNothingIsLeft();
  }

  @Test
  void aFileThatStandsThereIsKeptUnlessToldOtherwise() throws IOException {
    Files.writeString(target(), "kept");
    assertThrows(FileAlreadyExistsException.class, () -> download(DownloadOptions.defaults()));
    assertEquals("kept", Files.readString(target()));
    assertTrue(outputs.requests.isEmpty());
    download(DownloadOptions.defaults().overwrite(true));
    assertArrayEquals(outputs.bytes, Files.readAllBytes(target()));
  }

  @Test
  void aFileThatAppearsMeanwhileIsKept() throws IOException {
    DownloadProgress appear = (done, total) -> {
      if (done == total) {
        create();
      }
    };
    assertThrows(FileAlreadyExistsException.class, () -> download(DownloadOptions.defaults().progress(appear)));
    assertEquals("kept", Files.readString(target()));
    try (var left = Files.list(directory)) {
      assertEquals(1, left.count());
    }
  }

  private void create() {
    try {
      Files.writeString(target(), "kept");
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  void whatProgressThrowsEndsTheDownload() throws IOException {
    IllegalStateException thrown = new IllegalStateException("enough");
    DownloadProgress progress = (done, total) -> {
      throw thrown;
    };
    assertEquals(thrown, assertThrows(IllegalStateException.class, () -> download(DownloadOptions.defaults().progress(progress))));
    assertNothingIsLeft();
  }

  @Test
  void anInterruptEndsTheDownloadAndStays() throws IOException {
    outputs.breaksAfter = 40_000;
    DownloadProgress progress = (done, total) -> Thread.currentThread().interrupt();
    // The wait for bytes, or the file that is written, finds the thread interrupted.
    assertThrows(Exception.class, () -> download(DownloadOptions.defaults().progress(progress)));
    assertTrue(Thread.interrupted());
    assertNothingIsLeft();
  }

  @Test
  void aServerThatIsGoneIsGivenUp() throws IOException {
    server.close();
    assertThrows(UnavailableException.class, () -> download(DownloadOptions.defaults().giveUpAfter(Duration.ofMillis(300))));
    assertNothingIsLeft();
  }
}
