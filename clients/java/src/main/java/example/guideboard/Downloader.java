package example.guideboard;

import com.google.protobuf.ByteString;
import example.guideboard.v1.ReadArtifactRequest;
import example.guideboard.v1.ReadArtifactResponse;
import io.grpc.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.UUID;

/** Writes an output aside, verifies it, and gives it its name. */
final class Downloader {
  private final GuideBoardClient client;

  Downloader(GuideBoardClient client) {
    this.client = client;
  }

  /** What to ask of the server, with these options. */
  static ReadArtifactRequest request(RunRef run, String path, DownloadOptions options) {
    return ReadArtifactRequest.newBuilder()
        .setRunsDir(run.runsDir())
        .setRunId(run.runId())
        .setDirectory(run.directory())
        .setPath(path)
        .setExpectedGeneration(options.expectedGeneration)
        .setExpectedSha256(options.expectedSha256)
        .setComputeSha256(options.expectedSha256.isEmpty())
        .build();
  }

  Download download(RunRef run, String path, Path target, DownloadOptions options) throws IOException {
    if (!options.overwrite && Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    Path name = target.getFileName();
    if (name == null) {
      throw new IllegalArgumentException("a download goes into a file, and this names none: " + target);
    }
    Path aside = target.resolveSibling(name + ".part-" + UUID.randomUUID());
    try (OutputReader reader = new OutputReader(client, request(run, path, options), options.giveUpAfter)) {
      return write(reader, aside, target, options);
    }
  }

  /** Reads all that is to come, and puts it in its place. Nothing is left aside when that fails. */
  Download write(OutputReader reader, Path aside, Path target, DownloadOptions options) throws IOException {
    ReadArtifactResponse header = reader.header();
    try {
      String sha256;
      try (FileChannel file = FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        sha256 = copy(reader, file, options);
        if (options.sync) {
          file.force(true);
        }
      }
      for (String expected : new String[] {header.getSha256(), options.expectedSha256}) {
        if (!expected.isEmpty() && !expected.equals(sha256)) {
          String message = "the bytes have the SHA-256 " + sha256 + ", and not " + expected;
          throw new DigestMismatchException(Status.Code.DATA_LOSS, message, GuideBoardException.Details.NONE, null);
        }
      }
      place(aside, target, options.overwrite);
      return new Download(target, header.getSizeBytes(), sha256, header.getGeneration(), header.getMediaType(), reader.resumed());
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  private static String copy(OutputReader reader, FileChannel file, DownloadOptions options) throws IOException {
    MessageDigest digest = Digests.sha256();
    long total = reader.header().getSizeBytes();
    long done = 0;
    for (ByteString data = reader.read(); data != null; data = reader.read()) {
      for (ByteBuffer bytes : data.asReadOnlyByteBufferList()) {
        digest.update(bytes.duplicate());
        while (bytes.hasRemaining()) {
          done += file.write(bytes);
        }
      }
      options.progress.progress(done, total);
    }
    return Digests.hex(digest);
  }

  /** A move would overwrite a file that appeared meanwhile; a second name for the file does not. */
  private static void place(Path aside, Path target, boolean overwrite) throws IOException {
    if (overwrite) {
      try {
        Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException unsupported) {
        Files.move(aside, target, StandardCopyOption.REPLACE_EXISTING);
      }
      return;
    }
    try {
      Files.createLink(target, aside);
    } catch (FileAlreadyExistsException exists) {
      throw exists;
    } catch (IOException | UnsupportedOperationException noLinks) {
      Files.move(aside, target);
    }
  }
}
