package example.guideboard;

import example.guideboard.v1.CancelRunRequest;
import example.guideboard.v1.CatalogServiceGrpc;
import example.guideboard.v1.Evidence;
import example.guideboard.v1.Extension;
import example.guideboard.v1.Finding;
import example.guideboard.v1.GetLatestRetainedRunRequest;
import example.guideboard.v1.GetLatestRetainedRunResponse;
import example.guideboard.v1.GetRetainedRunReportsRequest;
import example.guideboard.v1.GetRetainedRunReportsResponse;
import example.guideboard.v1.GetRetainedRunRequest;
import example.guideboard.v1.GetRetainedRunResponse;
import example.guideboard.v1.GetRunReportsRequest;
import example.guideboard.v1.GetRunReportsResponse;
import example.guideboard.v1.GetRunRequest;
import example.guideboard.v1.GetServerInfoRequest;
import example.guideboard.v1.GetServerInfoResponse;
import example.guideboard.v1.Job;
import example.guideboard.v1.ListEvidenceRequest;
import example.guideboard.v1.ListEvidenceResponse;
import example.guideboard.v1.ListExtensionsRequest;
import example.guideboard.v1.ListExtensionsResponse;
import example.guideboard.v1.ListFindingsRequest;
import example.guideboard.v1.ListFindingsResponse;
import example.guideboard.v1.ListProblemsRequest;
import example.guideboard.v1.ListProblemsResponse;
import example.guideboard.v1.ListRetainedRunsRequest;
import example.guideboard.v1.ListRetainedRunsResponse;
import example.guideboard.v1.ListRunsRequest;
import example.guideboard.v1.ListRunsResponse;
import example.guideboard.v1.PlanAssessmentRequest;
import example.guideboard.v1.PlanAssessmentResponse;
import example.guideboard.v1.Problem;
import example.guideboard.v1.RetainedRun;
import example.guideboard.v1.RetainedRunServiceGrpc;
import example.guideboard.v1.RunServiceGrpc;
import example.guideboard.v1.StartRunRequest;
import example.guideboard.v1.StartRunResponse;
import example.guideboard.v1.StreamArtifactManifestRequest;
import example.guideboard.v1.ValidateProfileRequest;
import example.guideboard.v1.ValidateProfileResponse;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A connection to a guide-board server, and what everybody would otherwise write over it.
 *
 * <p>The calls block. An interrupt of the thread that waits, or a cancelled {@link io.grpc.Context}, ends a call with an exception of code CANCELLED.
 * For calls that do not block there are the stubs, such as {@link #retainedRunsAsync()}; they carry the token too.
 *
 * <p>A client may be used by several threads at once, and one is enough: it makes its connection when it is first needed, and again when that
 * breaks. {@link #close()} ends all that is under way.
 */
public final class GuideBoardClient implements AutoCloseable {
  private final Connection connection;
  private final Channel channel;
  private final Duration timeout;
  private final Duration giveUpAfter;

  private GuideBoardClient(Connection connection, Duration timeout, Duration giveUpAfter) {
    this.connection = connection;
    this.channel = connection.channel;
    this.timeout = timeout;
    this.giveUpAfter = giveUpAfter;
  }

  /**
   * A client without credentials, that trusts the authorities of the system.
   *
   * @param address {@code http://HOST:PORT}, {@code https://HOST:PORT} or {@code unix:PATH}
   * @return the client; whether a server is there shows in the first call
   * @throws IllegalArgumentException when it is no address
   */
  public static GuideBoardClient connect(String address) {
    try {
      return builder(address).build();
    } catch (IOException unread) {
      throw new UncheckedIOException(unread);
    }
  }

  /**
   * Settings for a client.
   *
   * @param address {@code http://HOST:PORT}, {@code https://HOST:PORT} or {@code unix:PATH}
   * @return a builder
   * @throws IllegalArgumentException when it is no address
   */
  public static Builder builder(String address) {
    return new Builder(ServerAddress.parse(address));
  }

  /** Settings for a client. For one thread. */
  public static final class Builder {
    private final ServerAddress address;
    private final Connection.Tls tls = new Connection.Tls();
    private String token;
    private Path tokenFile;
    private boolean allowPlainToken;
    private Duration timeout = Duration.ofSeconds(60);
    private Duration giveUpAfter = Duration.ofSeconds(60);

    private Builder(ServerAddress address) {
      this.address = address;
    }

    /**
     * What every call carries as {@code authorization: Bearer}.
     *
     * @param token the token; null: none
     * @return this
     */
    public Builder token(String token) {
      this.token = token;
      return this;
    }

    /**
     * A file that holds the token. It is read once, by {@link #build()}.
     *
     * @param tokenFile the file; null: none
     * @return this
     */
    public Builder tokenFile(Path tokenFile) {
      this.tokenFile = tokenFile;
      return this;
    }

    /**
     * The authorities to trust, in place of those of the system.
     *
     * @param ca a file of certificates in PEM; null: the system's
     * @return this
     */
    public Builder ca(Path ca) {
      tls.ca = ca;
      return this;
    }

    /**
     * The name that the server's certificate must bear, in place of the address's host. It is sent as the name of the host too, so that the
     * server must be one that allows it.
     *
     * @param serverName the name; null: the address's host
     * @return this
     */
    public Builder serverName(String serverName) {
      tls.serverName = serverName;
      return this;
    }

    /**
     * The certificate to show to the server.
     *
     * @param certificate a file in PEM: the certificate, followed by those that lead to its authority; null: none
     * @param key a file in PEM: its private key, in PKCS #8 and not encrypted; null only with the other
     * @return this
     */
    public Builder clientCertificate(Path certificate, Path key) {
      if ((certificate == null) != (key == null)) {
        throw new IllegalArgumentException("a certificate and its key are given together");
      }
      tls.certificate = certificate;
      tls.key = key;
      return this;
    }

    /**
     * Whether a token may be sent in the clear over a network.
     *
     * @param allow false unless set: then {@link #build()} refuses a token for an {@code http} address of another machine
     * @return this
     */
    public Builder allowPlainToken(boolean allow) {
      allowPlainToken = allow;
      return this;
    }

    /**
     * How long a call with one answer may take.
     *
     * @param time the time, a minute unless set
     * @return this
     */
    public Builder timeout(Duration time) {
      timeout = Objects.requireNonNull(time, "time");
      return this;
    }

    /**
     * For how long further pages of a list, and a manifest, are tried again without an answer.
     *
     * @param time the time, a minute unless set; zero: not at all
     * @return this
     */
    public Builder giveUpAfter(Duration time) {
      giveUpAfter = Objects.requireNonNull(time, "time");
      return this;
    }

    /**
     * Makes the client. It connects with its first call.
     *
     * @return the client
     * @throws IOException when the token, the authorities or the certificate cannot be read
     * @throws IllegalArgumentException when the settings do not go together
     * @throws UnsupportedOperationException for a Unix socket on a system other than Linux
     */
    public GuideBoardClient build() throws IOException {
      if (token != null && tokenFile != null) {
        throw new IllegalArgumentException("a token is given, or a file that holds it, not both");
      }
      if (!address.tls && !tls.isEmpty()) {
        throw new IllegalArgumentException("authorities, names and certificates are for https alone, and this is " + address);
      }
      String carried = tokenFile == null ? token : Files.readString(tokenFile).strip();
      if (carried != null) {
        if (!carried.matches("[!-~]+")) {
          throw new IllegalArgumentException("a token consists of visible ASCII characters");
        }
        if (address.isExposed() && !allowPlainToken) {
          throw new IllegalArgumentException("the token would pass the network in the clear; use https, or allow it with allowPlainToken");
        }
      }
      return new GuideBoardClient(Connection.open(address, tls, carried), timeout, giveUpAfter);
    }
  }

  /** Cancels what is under way and closes the connection. It may be called twice. */
  @Override
  public void close() {
    connection.close();
  }

  /**
   * The channel beneath, with the token, for stubs of other services.
   *
   * @return the channel
   */
  public Channel channel() {
    return channel;
  }

  ManagedChannel managed() {
    return connection.channel;
  }

  Duration giveUpAfter() {
    return giveUpAfter;
  }

  /**
   * The blocking stub of the service of retained runs. It throws {@link io.grpc.StatusRuntimeException};
   * {@link GuideBoardException#of(Throwable)} tells what that means.
   *
   * @return the stub
   */
  public RetainedRunServiceGrpc.RetainedRunServiceBlockingStub retainedRuns() {
    return RetainedRunServiceGrpc.newBlockingStub(channel);
  }

  /**
   * The asynchronous stub of the service of retained runs.
   *
   * @return the stub
   */
  public RetainedRunServiceGrpc.RetainedRunServiceStub retainedRunsAsync() {
    return RetainedRunServiceGrpc.newStub(channel);
  }

  /**
   * The stub with futures of the service of retained runs.
   *
   * @return the stub
   */
  public RetainedRunServiceGrpc.RetainedRunServiceFutureStub retainedRunsFuture() {
    return RetainedRunServiceGrpc.newFutureStub(channel);
  }

  /**
   * The blocking stub of the service of jobs. It throws {@link io.grpc.StatusRuntimeException};
   * {@link GuideBoardException#of(Throwable)} tells what that means.
   *
   * @return the stub
   */
  public RunServiceGrpc.RunServiceBlockingStub runs() {
    return RunServiceGrpc.newBlockingStub(channel);
  }

  /**
   * The asynchronous stub of the service of jobs.
   *
   * @return the stub
   */
  public RunServiceGrpc.RunServiceStub runsAsync() {
    return RunServiceGrpc.newStub(channel);
  }

  /**
   * The stub with futures of the service of jobs.
   *
   * @return the stub
   */
  public RunServiceGrpc.RunServiceFutureStub runsFuture() {
    return RunServiceGrpc.newFutureStub(channel);
  }

  /**
   * The blocking stub of the service of the server, extensions and profiles. It throws {@link io.grpc.StatusRuntimeException};
   * {@link GuideBoardException#of(Throwable)} tells what that means.
   *
   * @return the stub
   */
  public CatalogServiceGrpc.CatalogServiceBlockingStub catalog() {
    return CatalogServiceGrpc.newBlockingStub(channel);
  }

  /**
   * The asynchronous stub of the service of the server, extensions and profiles.
   *
   * @return the stub
   */
  public CatalogServiceGrpc.CatalogServiceStub catalogAsync() {
    return CatalogServiceGrpc.newStub(channel);
  }

  /**
   * The stub with futures of the service of the server, extensions and profiles.
   *
   * @return the stub
   */
  public CatalogServiceGrpc.CatalogServiceFutureStub catalogFuture() {
    return CatalogServiceGrpc.newFutureStub(channel);
  }

  /**
   * Makes a call and tells failures as this package does.
   *
   * @param call what calls a blocking stub
   * @param <T> what it answers
   * @return the answer
   * @throws GuideBoardException what the server says
   */
  public static <T> T call(Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException failure) {
      throw GuideBoardException.of(failure);
    }
  }

  private <S extends AbstractStub<S>> S deadline(S stub) {
    return stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** The first page is asked for once: who asks finds out at once that nobody is there. */
  <P> P page(boolean isFirst, Supplier<P> call) {
    Backoff backoff = new Backoff(isFirst ? Duration.ZERO : giveUpAfter);
    while (true) {
      try {
        return call(call);
      } catch (GuideBoardException failure) {
        backoff.await(failure, managed());
      }
    }
  }

  /**
   * Tells about the server: its version, roots, limits and features.
   *
   * @return what it says
   * @throws GuideBoardException what the server says
   */
  public GetServerInfoResponse getServerInfo() {
    return call(() -> deadline(catalog()).getServerInfo(GetServerInfoRequest.getDefaultInstance()));
  }

  /**
   * Gets a job.
   *
   * @param jobId its id
   * @return the job as it is now
   * @throws GuideBoardException what the server says
   */
  public Job getRun(String jobId) {
    return call(() -> deadline(runs()).getRun(GetRunRequest.newBuilder().setJobId(jobId).build())).getRun();
  }

  /**
   * Cancels a job. {@link #follow(String)} tells when it has ended.
   *
   * @param jobId its id
   * @return the job as it is now
   * @throws GuideBoardException what the server says
   */
  public Job cancelRun(String jobId) {
    return call(() -> deadline(runs()).cancelRun(CancelRunRequest.newBuilder().setJobId(jobId).build())).getRun();
  }

  /**
   * Queues an assessment. It is not tried again when the connection breaks: give the request an id, and it may be.
   *
   * @param request which
   * @return the job, at once
   * @throws GuideBoardException what the server says
   */
  public StartRunResponse startRun(StartRunRequest request) {
    return call(() -> deadline(runs()).startRun(request));
  }

  /**
   * Gets the reports of the run that a job made.
   *
   * @param request which
   * @return the reports
   * @throws GuideBoardException what the server says
   */
  public GetRunReportsResponse getRunReports(GetRunReportsRequest request) {
    return call(() -> deadline(runs()).getRunReports(request));
  }

  /**
   * Gets one retained run, with all that its summary says.
   *
   * @param request which
   * @return the run
   * @throws GuideBoardException what the server says
   */
  public GetRetainedRunResponse getRetainedRun(GetRetainedRunRequest request) {
    return call(() -> deadline(retainedRuns()).getRetainedRun(request));
  }

  /**
   * Gets the newest retained run that matches; without one it ends with {@link NotFoundException}.
   *
   * @param request which
   * @return the run
   * @throws GuideBoardException what the server says
   */
  public GetLatestRetainedRunResponse getLatestRetainedRun(GetLatestRetainedRunRequest request) {
    return call(() -> deadline(retainedRuns()).getLatestRetainedRun(request));
  }

  /**
   * Gets the reports of a retained run.
   *
   * @param request which
   * @return the reports
   * @throws GuideBoardException what the server says
   */
  public GetRetainedRunReportsResponse getRetainedRunReports(GetRetainedRunReportsRequest request) {
    return call(() -> deadline(retainedRuns()).getRetainedRunReports(request));
  }

  /**
   * Looks at a profile. One that is not valid is a reply with problems, not an exception.
   *
   * @param request which
   * @return what was found
   * @throws GuideBoardException what the server says
   */
  public ValidateProfileResponse validateProfile(ValidateProfileRequest request) {
    return call(() -> deadline(catalog()).validateProfile(request));
  }

  /**
   * Plans an assessment, and runs nothing.
   *
   * @param request which
   * @return the plan
   * @throws GuideBoardException what the server says
   */
  public PlanAssessmentResponse planAssessment(PlanAssessmentRequest request) {
    return call(() -> deadline(catalog()).planAssessment(request));
  }

  /**
   * Lists retained runs, newest first.
   *
   * @param request which; its page token, if it has one, is where the list begins
   * @return the list; nothing is asked before it is iterated
   */
  public Pages<ListRetainedRunsResponse, RetainedRun> listRetainedRuns(ListRetainedRunsRequest request) {
    Function<String, ListRetainedRunsResponse> fetch =
        token ->
            page(
                token.equals(request.getPageToken()),
                () -> deadline(retainedRuns()).listRetainedRuns(request.toBuilder().setPageToken(token).build()));
    return new Pages<>(request.getPageToken(), fetch, ListRetainedRunsResponse::getNextPageToken, ListRetainedRunsResponse::getRunsList);
  }

  /**
   * Lists the findings of a retained run, in file order.
   *
   * @param request which; its page token, if it has one, is where the list begins
   * @return the list; nothing is asked before it is iterated
   */
  public Pages<ListFindingsResponse, Finding> listFindings(ListFindingsRequest request) {
    Function<String, ListFindingsResponse> fetch =
        token ->
            page(
                token.equals(request.getPageToken()),
                () -> deadline(retainedRuns()).listFindings(request.toBuilder().setPageToken(token).build()));
    return new Pages<>(request.getPageToken(), fetch, ListFindingsResponse::getNextPageToken, ListFindingsResponse::getFindingsList);
  }

  /**
   * Lists the evidence items of a retained run, in file order.
   *
   * @param request which; its page token, if it has one, is where the list begins
   * @return the list; nothing is asked before it is iterated
   */
  public Pages<ListEvidenceResponse, Evidence> listEvidence(ListEvidenceRequest request) {
    Function<String, ListEvidenceResponse> fetch =
        token ->
            page(
                token.equals(request.getPageToken()),
                () -> deadline(retainedRuns()).listEvidence(request.toBuilder().setPageToken(token).build()));
    return new Pages<>(request.getPageToken(), fetch, ListEvidenceResponse::getNextPageToken, ListEvidenceResponse::getEvidenceList);
  }

  /**
   * Lists the directories that are not plain readable runs, with the reason.
   *
   * @param request which; its page token, if it has one, is where the list begins
   * @return the list; nothing is asked before it is iterated
   */
  public Pages<ListProblemsResponse, Problem> listProblems(ListProblemsRequest request) {
    Function<String, ListProblemsResponse> fetch =
        token ->
            page(
                token.equals(request.getPageToken()),
                () -> deadline(retainedRuns()).listProblems(request.toBuilder().setPageToken(token).build()));
    return new Pages<>(request.getPageToken(), fetch, ListProblemsResponse::getNextPageToken, ListProblemsResponse::getProblemsList);
  }

  /**
   * Lists the jobs of the server, newest first.
   *
   * @param request which; its page token, if it has one, is where the list begins
   * @return the list; nothing is asked before it is iterated
   */
  public Pages<ListRunsResponse, Job> listRuns(ListRunsRequest request) {
    Function<String, ListRunsResponse> fetch =
        token ->
            page(
                token.equals(request.getPageToken()),
                () -> deadline(runs()).listRuns(request.toBuilder().setPageToken(token).build()));
    return new Pages<>(request.getPageToken(), fetch, ListRunsResponse::getNextPageToken, ListRunsResponse::getRunsList);
  }

  /**
   * Lists the extensions that an assessment profile can name.
   *
   * @param request which; its page token, if it has one, is where the list begins
   * @return the list; nothing is asked before it is iterated
   */
  public Pages<ListExtensionsResponse, Extension> listExtensions(ListExtensionsRequest request) {
    Function<String, ListExtensionsResponse> fetch =
        token ->
            page(
                token.equals(request.getPageToken()),
                () -> deadline(catalog()).listExtensions(request.toBuilder().setPageToken(token).build()));
    return new Pages<>(request.getPageToken(), fetch, ListExtensionsResponse::getNextPageToken, ListExtensionsResponse::getExtensionsList);
  }

  /**
   * Reads the artifact manifest of a run.
   *
   * @param request which
   * @return its entries; close them
   * @throws GuideBoardException what the server says
   */
  public Manifest manifest(StreamArtifactManifestRequest request) {
    return new Manifest(this, request, giveUpAfter);
  }

  /**
   * Follows a job from its first event to its end.
   *
   * @param jobId its id
   * @return its events; close them
   */
  public JobEvents follow(String jobId) {
    return follow(jobId, FollowOptions.defaults());
  }

  /**
   * Follows a job to its end.
   *
   * @param jobId its id
   * @param options from where, and how patiently
   * @return its events; close them
   */
  public JobEvents follow(String jobId, FollowOptions options) {
    return new JobEvents(this, Objects.requireNonNull(jobId, "jobId"), options);
  }

  /**
   * Downloads an output of a run and verifies it. A file that stands there already is not overwritten.
   *
   * @param run the run
   * @param path the output's path, as a manifest or report gives it
   * @param target the file to write
   * @return what was written
   * @throws IOException when it cannot be written; {@link java.nio.file.FileAlreadyExistsException} when it is there
   * @throws GuideBoardException what the server says
   */
  public Download download(RunRef run, String path, Path target) throws IOException {
    return download(run, path, target, DownloadOptions.defaults());
  }

  /**
   * Downloads an output of a run and verifies it.
   *
   * <p>The bytes are written aside, into {@code FILE.part-…} in the same directory, and get their name once they are verified; whatever
   * fails, nothing is left there. After a broken connection it goes on where it was, and only in the same generation of the output. It is verified
   * against the digest of the first message, and against the one expected.
   *
   * @param run the run
   * @param path the output's path, as a manifest or report gives it
   * @param target the file to write
   * @param options what it is held to
   * @return what was written
   * @throws IOException when it cannot be written; {@link java.nio.file.FileAlreadyExistsException} when it is there
   * @throws ChangedException when the output changed meanwhile, or is not of the generation that was expected; start again for what it is now
   * @throws DigestMismatchException when the bytes are not those that were expected
   * @throws GuideBoardException what the server says
   */
  public Download download(RunRef run, String path, Path target, DownloadOptions options) throws IOException {
    return new Downloader(this).download(run, path, target, options);
  }

  /**
   * Copies a whole run into a directory, and keeps what stands there already and is the same.
   *
   * @param run the run
   * @param directory the directory; it is created when it does not exist
   * @return what came of it
   * @throws IOException when it cannot be written
   * @throws GuideBoardException what the server says
   */
  public PullReport pull(RunRef run, Path directory) throws IOException {
    return pull(run, directory, PullOptions.defaults());
  }

  /**
   * Copies a whole run into a directory: its documents, reports, exports and artifacts, recorded or not.
   *
   * <p>Each file is verified against the digest that the run records, or else against one that the server computes. What stands there already and
   * is the same is kept, so that the same call goes on where it was broken off. The summary comes last, once all is there that can be had: the
   * directory is a retained run then. What is wrong with single files stands in the report, and the others still come.
   *
   * @param run the run
   * @param directory the directory; it is created when it does not exist
   * @param options how
   * @return what came of it
   * @throws java.nio.file.FileAlreadyExistsException when another run, or another state of this one, stands in the directory
   * @throws IOException when it cannot be written
   * @throws GuideBoardException what the server says
   */
  public PullReport pull(RunRef run, Path directory, PullOptions options) throws IOException {
    return new Puller(this, run, directory, options).pull();
  }
}
