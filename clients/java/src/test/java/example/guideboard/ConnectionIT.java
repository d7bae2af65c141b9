package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import example.guideboard.v1.GetRetainedRunRequest;
import example.guideboard.v1.GetServerInfoRequest;
import example.guideboard.v1.ListRetainedRunsRequest;
import example.guideboard.v1.ListRetainedRunsResponse;
import example.guideboard.v1.RetainedRun;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConnectionIT {
  @Test
  void overTcpAndTlsAndTheUnixSocketTheSameServerAnswers() throws Exception {
    try (GuideBoardClient tcp = Servers.tcp();
        GuideBoardClient tls = Servers.tls();
        GuideBoardClient socket = Servers.socket()) {
      String version = tcp.getServerInfo().getVersion();
      assertFalse(version.isEmpty());
      assertEquals(version, tls.getServerInfo().getVersion());
      assertEquals(version, socket.getServerInfo().getVersion());
    }
  }

  @Test
  void allKindsOfStubsCarryTheToken() throws Exception {
    try (GuideBoardClient tls = Servers.tls()) {
      assertFalse(tls.catalogFuture().getServerInfo(GetServerInfoRequest.getDefaultInstance()).get(20, TimeUnit.SECONDS).getVersion().isEmpty());
      assertFalse(tls.catalog().getServerInfo(GetServerInfoRequest.getDefaultInstance()).getVersion().isEmpty());
    }
  }

  @Test
  void aWrongTokenIsUnauthenticated() throws Exception {
    try (GuideBoardClient wrong = GuideBoardClient.builder(Servers.get("TLS")).ca(Path.of(Servers.get("CA"))).token("wrong").build();
        GuideBoardClient none = GuideBoardClient.builder(Servers.get("TLS")).ca(Path.of(Servers.get("CA"))).build()) {
      assertTrue(assertThrows(UnauthenticatedException.class, wrong::getServerInfo).hasReason("CREDENTIALS_INVALID"));
      assertTrue(assertThrows(UnauthenticatedException.class, none::getServerInfo).hasReason("CREDENTIALS_MISSING"));
    }
  }

  @Test
  void anAuthorityThatIsNotTrustedEndsTheCallAtOnce() {
    try (GuideBoardClient client = GuideBoardClient.connect(Servers.get("TLS"))) {
      UnavailableException failure = assertThrows(UnavailableException.class, client::getServerInfo);
      assertEquals(Optional.empty(), failure.reason());
      // It does not pass, so that following does not try for a minute.
      assertThrows(UnavailableException.class, () -> client.follow("a-job").hasNext());
    }
  }

  @Test
  void theNameOfTheServerIsChecked() throws Exception {
    GuideBoardClient.Builder builder = GuideBoardClient.builder(Servers.get("TLS")).ca(Path.of(Servers.get("CA"))).tokenFile(Path.of(Servers.get("TOKEN_FILE")));
    try (GuideBoardClient client = builder.serverName("another.example").build()) {
      assertThrows(UnavailableException.class, client::getServerInfo);
    }
    try (GuideBoardClient client = builder.serverName("localhost").build()) {
      assertFalse(client.getServerInfo().getVersion().isEmpty());
    }
  }

  @Test
  void theCertificateOfTheClientIsShown() throws Exception {
    Path directory = Path.of(Servers.get("DIRECTORY"));
    Path certificate = directory.resolve("server.pem");
    Path key = directory.resolve("server.key");
    ServerCredentials credentials =
        TlsServerCredentials.newBuilder()
            .keyManager(certificate.toFile(), key.toFile())
            .trustManager(directory.resolve("ca.pem").toFile())
            .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
            .build();
    Server server = Grpc.newServerBuilderForPort(0, credentials).build().start();
    GuideBoardClient.Builder builder = GuideBoardClient.builder("https://localhost:" + server.getPort()).ca(Path.of(Servers.get("CA")));
    try (GuideBoardClient without = builder.build();
        GuideBoardClient with = builder.clientCertificate(certificate, key).build()) {
      assertEquals(Status.Code.UNAVAILABLE, assertThrows(GuideBoardException.class, without::getServerInfo).code());
      // It is no guide-board, and says so.
      assertEquals(Status.Code.UNIMPLEMENTED, assertThrows(GuideBoardException.class, with::getServerInfo).code());
    } finally {
      server.shutdownNow();
    }
  }

  @Test
  void aRunThatIsNotThereIsNotFound() {
    try (GuideBoardClient client = Servers.tcp()) {
      GetRetainedRunRequest request = GetRetainedRunRequest.newBuilder().setDirectory("none").build();
      assertTrue(assertThrows(NotFoundException.class, () -> client.getRetainedRun(request)).hasReason("RUN_NOT_FOUND"));
    }
  }

  @Test
  void aFieldThatIsNotTakenIsNamed() {
    try (GuideBoardClient client = Servers.tcp()) {
      Iterator<RetainedRun> runs = client.listRetainedRuns(ListRetainedRunsRequest.newBuilder().setPageSize(-1).build()).iterator();
      InvalidArgumentException failure = assertThrows(InvalidArgumentException.class, runs::hasNext);
      assertEquals("page_size", failure.fieldViolations().get(0).field());
      assertEquals("page_size", failure.metadata().get("field"));
    }
  }

  @Test
  void smallPagesGiveTheSameListAsLargeOnes() {
    try (GuideBoardClient client = Servers.socket()) {
      // Beneath a run that other tests may start meanwhile.
      ListRetainedRunsRequest large = ListRetainedRunsRequest.newBuilder().setTarget("sample-repository").build();
      List<String> whole = client.listRetainedRuns(large).stream().map(RetainedRun::getDirectory).collect(Collectors.toList());
      Pages<ListRetainedRunsResponse, RetainedRun> small = client.listRetainedRuns(large.toBuilder().setPageSize(1).build());
      assertEquals(whole, small.stream().map(RetainedRun::getDirectory).collect(Collectors.toList()));
      int pages = 0;
      for (ListRetainedRunsResponse page : small.pages()) {
        assertEquals(whole.size(), page.getTotalSize());
        pages++;
      }
      assertTrue(pages > 1 && pages == whole.size(), whole.toString());
    }
  }

  @Test
  void aCallOfACancelledContextIsCancelled() {
    try (GuideBoardClient client = Servers.tcp();
        Context.CancellableContext context = Context.current().withCancellation()) {
      context.cancel(null);
      context.run(() -> assertEquals(Status.Code.CANCELLED, assertThrows(GuideBoardException.class, client::getServerInfo).code()));
    }
  }
}
