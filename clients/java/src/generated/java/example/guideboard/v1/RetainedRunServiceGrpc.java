package example.guideboard.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Lists, selects and serves retained runs from their directories.
 * Lists answer from a snapshot that is at most a poll interval old (`scanned_at` says when it was taken); calls about one run
 * read its files again. Every call can answer NOT_FOUND (ROOT_NOT_FOUND) for an unknown `runs_dir`, UNAVAILABLE with RetryInfo
 * before the first scan, while the root is away and once the server is stopping, and INVALID_ARGUMENT for a field that does not parse, naming the field.
 * Where a call takes `run_id` and `directory`, exactly one must be set.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class RetainedRunServiceGrpc {

  private RetainedRunServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "guideboard.v1.RetainedRunService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ListRetainedRunsRequest,
      example.guideboard.v1.ListRetainedRunsResponse> getListRetainedRunsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRetainedRuns",
      requestType = example.guideboard.v1.ListRetainedRunsRequest.class,
      responseType = example.guideboard.v1.ListRetainedRunsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ListRetainedRunsRequest,
      example.guideboard.v1.ListRetainedRunsResponse> getListRetainedRunsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ListRetainedRunsRequest, example.guideboard.v1.ListRetainedRunsResponse> getListRetainedRunsMethod;
    if ((getListRetainedRunsMethod = RetainedRunServiceGrpc.getListRetainedRunsMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getListRetainedRunsMethod = RetainedRunServiceGrpc.getListRetainedRunsMethod) == null) {
          RetainedRunServiceGrpc.getListRetainedRunsMethod = getListRetainedRunsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ListRetainedRunsRequest, example.guideboard.v1.ListRetainedRunsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRetainedRuns"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListRetainedRunsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListRetainedRunsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("ListRetainedRuns"))
              .build();
        }
      }
    }
    return getListRetainedRunsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ListProblemsRequest,
      example.guideboard.v1.ListProblemsResponse> getListProblemsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListProblems",
      requestType = example.guideboard.v1.ListProblemsRequest.class,
      responseType = example.guideboard.v1.ListProblemsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ListProblemsRequest,
      example.guideboard.v1.ListProblemsResponse> getListProblemsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ListProblemsRequest, example.guideboard.v1.ListProblemsResponse> getListProblemsMethod;
    if ((getListProblemsMethod = RetainedRunServiceGrpc.getListProblemsMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getListProblemsMethod = RetainedRunServiceGrpc.getListProblemsMethod) == null) {
          RetainedRunServiceGrpc.getListProblemsMethod = getListProblemsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ListProblemsRequest, example.guideboard.v1.ListProblemsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListProblems"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListProblemsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListProblemsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("ListProblems"))
              .build();
        }
      }
    }
    return getListProblemsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.GetRetainedRunRequest,
      example.guideboard.v1.GetRetainedRunResponse> getGetRetainedRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRetainedRun",
      requestType = example.guideboard.v1.GetRetainedRunRequest.class,
      responseType = example.guideboard.v1.GetRetainedRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.GetRetainedRunRequest,
      example.guideboard.v1.GetRetainedRunResponse> getGetRetainedRunMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.GetRetainedRunRequest, example.guideboard.v1.GetRetainedRunResponse> getGetRetainedRunMethod;
    if ((getGetRetainedRunMethod = RetainedRunServiceGrpc.getGetRetainedRunMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getGetRetainedRunMethod = RetainedRunServiceGrpc.getGetRetainedRunMethod) == null) {
          RetainedRunServiceGrpc.getGetRetainedRunMethod = getGetRetainedRunMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.GetRetainedRunRequest, example.guideboard.v1.GetRetainedRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRetainedRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRetainedRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRetainedRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("GetRetainedRun"))
              .build();
        }
      }
    }
    return getGetRetainedRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.GetLatestRetainedRunRequest,
      example.guideboard.v1.GetLatestRetainedRunResponse> getGetLatestRetainedRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetLatestRetainedRun",
      requestType = example.guideboard.v1.GetLatestRetainedRunRequest.class,
      responseType = example.guideboard.v1.GetLatestRetainedRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.GetLatestRetainedRunRequest,
      example.guideboard.v1.GetLatestRetainedRunResponse> getGetLatestRetainedRunMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.GetLatestRetainedRunRequest, example.guideboard.v1.GetLatestRetainedRunResponse> getGetLatestRetainedRunMethod;
    if ((getGetLatestRetainedRunMethod = RetainedRunServiceGrpc.getGetLatestRetainedRunMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getGetLatestRetainedRunMethod = RetainedRunServiceGrpc.getGetLatestRetainedRunMethod) == null) {
          RetainedRunServiceGrpc.getGetLatestRetainedRunMethod = getGetLatestRetainedRunMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.GetLatestRetainedRunRequest, example.guideboard.v1.GetLatestRetainedRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetLatestRetainedRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetLatestRetainedRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetLatestRetainedRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("GetLatestRetainedRun"))
              .build();
        }
      }
    }
    return getGetLatestRetainedRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.GetRetainedRunReportsRequest,
      example.guideboard.v1.GetRetainedRunReportsResponse> getGetRetainedRunReportsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRetainedRunReports",
      requestType = example.guideboard.v1.GetRetainedRunReportsRequest.class,
      responseType = example.guideboard.v1.GetRetainedRunReportsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.GetRetainedRunReportsRequest,
      example.guideboard.v1.GetRetainedRunReportsResponse> getGetRetainedRunReportsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.GetRetainedRunReportsRequest, example.guideboard.v1.GetRetainedRunReportsResponse> getGetRetainedRunReportsMethod;
    if ((getGetRetainedRunReportsMethod = RetainedRunServiceGrpc.getGetRetainedRunReportsMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getGetRetainedRunReportsMethod = RetainedRunServiceGrpc.getGetRetainedRunReportsMethod) == null) {
          RetainedRunServiceGrpc.getGetRetainedRunReportsMethod = getGetRetainedRunReportsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.GetRetainedRunReportsRequest, example.guideboard.v1.GetRetainedRunReportsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRetainedRunReports"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRetainedRunReportsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRetainedRunReportsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("GetRetainedRunReports"))
              .build();
        }
      }
    }
    return getGetRetainedRunReportsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.StreamArtifactManifestRequest,
      example.guideboard.v1.StreamArtifactManifestResponse> getStreamArtifactManifestMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StreamArtifactManifest",
      requestType = example.guideboard.v1.StreamArtifactManifestRequest.class,
      responseType = example.guideboard.v1.StreamArtifactManifestResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.StreamArtifactManifestRequest,
      example.guideboard.v1.StreamArtifactManifestResponse> getStreamArtifactManifestMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.StreamArtifactManifestRequest, example.guideboard.v1.StreamArtifactManifestResponse> getStreamArtifactManifestMethod;
    if ((getStreamArtifactManifestMethod = RetainedRunServiceGrpc.getStreamArtifactManifestMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getStreamArtifactManifestMethod = RetainedRunServiceGrpc.getStreamArtifactManifestMethod) == null) {
          RetainedRunServiceGrpc.getStreamArtifactManifestMethod = getStreamArtifactManifestMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.StreamArtifactManifestRequest, example.guideboard.v1.StreamArtifactManifestResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StreamArtifactManifest"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.StreamArtifactManifestRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.StreamArtifactManifestResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("StreamArtifactManifest"))
              .build();
        }
      }
    }
    return getStreamArtifactManifestMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ReadArtifactRequest,
      example.guideboard.v1.ReadArtifactResponse> getReadArtifactMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReadArtifact",
      requestType = example.guideboard.v1.ReadArtifactRequest.class,
      responseType = example.guideboard.v1.ReadArtifactResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ReadArtifactRequest,
      example.guideboard.v1.ReadArtifactResponse> getReadArtifactMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ReadArtifactRequest, example.guideboard.v1.ReadArtifactResponse> getReadArtifactMethod;
    if ((getReadArtifactMethod = RetainedRunServiceGrpc.getReadArtifactMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getReadArtifactMethod = RetainedRunServiceGrpc.getReadArtifactMethod) == null) {
          RetainedRunServiceGrpc.getReadArtifactMethod = getReadArtifactMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ReadArtifactRequest, example.guideboard.v1.ReadArtifactResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReadArtifact"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ReadArtifactRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ReadArtifactResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("ReadArtifact"))
              .build();
        }
      }
    }
    return getReadArtifactMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ListFindingsRequest,
      example.guideboard.v1.ListFindingsResponse> getListFindingsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListFindings",
      requestType = example.guideboard.v1.ListFindingsRequest.class,
      responseType = example.guideboard.v1.ListFindingsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ListFindingsRequest,
      example.guideboard.v1.ListFindingsResponse> getListFindingsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ListFindingsRequest, example.guideboard.v1.ListFindingsResponse> getListFindingsMethod;
    if ((getListFindingsMethod = RetainedRunServiceGrpc.getListFindingsMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getListFindingsMethod = RetainedRunServiceGrpc.getListFindingsMethod) == null) {
          RetainedRunServiceGrpc.getListFindingsMethod = getListFindingsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ListFindingsRequest, example.guideboard.v1.ListFindingsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListFindings"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListFindingsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListFindingsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("ListFindings"))
              .build();
        }
      }
    }
    return getListFindingsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ListEvidenceRequest,
      example.guideboard.v1.ListEvidenceResponse> getListEvidenceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEvidence",
      requestType = example.guideboard.v1.ListEvidenceRequest.class,
      responseType = example.guideboard.v1.ListEvidenceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ListEvidenceRequest,
      example.guideboard.v1.ListEvidenceResponse> getListEvidenceMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ListEvidenceRequest, example.guideboard.v1.ListEvidenceResponse> getListEvidenceMethod;
    if ((getListEvidenceMethod = RetainedRunServiceGrpc.getListEvidenceMethod) == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        if ((getListEvidenceMethod = RetainedRunServiceGrpc.getListEvidenceMethod) == null) {
          RetainedRunServiceGrpc.getListEvidenceMethod = getListEvidenceMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ListEvidenceRequest, example.guideboard.v1.ListEvidenceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEvidence"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListEvidenceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListEvidenceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RetainedRunServiceMethodDescriptorSupplier("ListEvidence"))
              .build();
        }
      }
    }
    return getListEvidenceMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static RetainedRunServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RetainedRunServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RetainedRunServiceStub>() {
        @java.lang.Override
        public RetainedRunServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RetainedRunServiceStub(channel, callOptions);
        }
      };
    return RetainedRunServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static RetainedRunServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RetainedRunServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RetainedRunServiceBlockingStub>() {
        @java.lang.Override
        public RetainedRunServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RetainedRunServiceBlockingStub(channel, callOptions);
        }
      };
    return RetainedRunServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static RetainedRunServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RetainedRunServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RetainedRunServiceFutureStub>() {
        @java.lang.Override
        public RetainedRunServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RetainedRunServiceFutureStub(channel, callOptions);
        }
      };
    return RetainedRunServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Lists, selects and serves retained runs from their directories.
   * Lists answer from a snapshot that is at most a poll interval old (`scanned_at` says when it was taken); calls about one run
   * read its files again. Every call can answer NOT_FOUND (ROOT_NOT_FOUND) for an unknown `runs_dir`, UNAVAILABLE with RetryInfo
   * before the first scan, while the root is away and once the server is stopping, and INVALID_ARGUMENT for a field that does not parse, naming the field.
   * Where a call takes `run_id` and `directory`, exactly one must be set.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Lists retained runs, newest `completed_at` first.
     * Ties come by run id ascending, then directory; runs without a completion time come last. A run whose summary stays as it is
     * throughout a listing appears exactly once over its pages, however many others come and go, and over restarts.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    default void listRetainedRuns(example.guideboard.v1.ListRetainedRunsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListRetainedRunsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRetainedRunsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the directories that are not plain readable runs, with the reason, by directory name ascending.
     * Errors:
     * - INVALID_ARGUMENT: an unknown reason word, a negative `page_size`, or a `page_token` of another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    default void listProblems(example.guideboard.v1.ListProblemsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListProblemsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListProblemsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets one run: everything its summary says, unknown keys included, and its markers.
     * Errors:
     * - INVALID_ARGUMENT: neither or both of `run_id` and `directory`, or one that does not parse.
     * - NOT_FOUND (RUN_NOT_FOUND): no such retained run.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): two directories bear the run id; the message names them.
     * - FAILED_PRECONDITION (UNSAFE_PATH): the directory is a link, or its summary a link or special file.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary exceeds 1 MiB.
     * - DATA_LOSS (the document named): the summary is no longer what the contract says.
     * </pre>
     */
    default void getRetainedRun(example.guideboard.v1.GetRetainedRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRetainedRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRetainedRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets the newest run that matches, by the order of ListRetainedRuns.
     * Errors:
     * - NOT_FOUND (RUN_NOT_FOUND): no run matches.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): the newest match bears a run id that another directory bears too.
     * - the errors of GetRetainedRun for the run selected.
     * </pre>
     */
    default void getLatestRetainedRun(example.guideboard.v1.GetLatestRetainedRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetLatestRetainedRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetLatestRetainedRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a run's reports: those its summary names and the standard ones found on disk, by kind ascending.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the summary names a path that leaves the run, or a link or special file stands at one;
     *   the message names the kinds. Set `report_unsafe` to have them reported instead.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): `kind` is set and the run has no such report.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary names more reports than fit into a reply. Set `kind`.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    default void getRetainedRunReports(example.guideboard.v1.GetRetainedRunReportsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRetainedRunReportsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRetainedRunReportsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a run's artifact manifest as recorded in its assessment package: first a header, then entries in file order.
     * Works by directory on incomplete runs. A run older than packages has an empty manifest and the marker
     * `assessment-package-missing`.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the manifest names paths that leave the run; the message names how many and the first 20
     *   entries. Set `report_unsafe` to have them reported instead.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the package exceeds 1 GiB, or one of its entries 1 MiB.
     * - DATA_LOSS (`reports/assessment-package.json`): the package is not what the contract says.
     * - ABORTED (CHANGED_WHILE_READING): the package changed between the two passes.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    default void streamArtifactManifest(example.guideboard.v1.StreamArtifactManifestRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.StreamArtifactManifestResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStreamArtifactManifestMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the bytes of one output of a run.
     * The first message always carries size, media type, modification time, generation and, where known, the SHA-256. Works by
     * directory on incomplete runs. A clean end means that the bytes are those of the generation in the first message.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): the path's syntax: empty, `.` or `..` components, a leading or trailing slash, NUL, backslash,
     *   more than 4095 bytes.
     * - INVALID_ARGUMENT (`offset`, `limit`): negative.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): no such file, or one that is not an output of the run, whether or not it exists.
     * - FAILED_PRECONDITION (UNSAFE_PATH): a link or special file, or a path that crosses a mount.
     * - FAILED_PRECONDITION (NOT_A_FILE): a directory.
     * - FAILED_PRECONDITION (GENERATION_MISMATCH, DIGEST_MISMATCH): the expected one is known to differ; no byte was sent.
     * - OUT_OF_RANGE (OFFSET_BEYOND_END): `offset` is beyond the size. An offset equal to the size gives the first message alone.
     * - ABORTED (CHANGED_WHILE_READING): the file changed while it was read.
     * - DATA_LOSS: the bytes turned out to differ from `expected_sha256`.
     * - NOT_FOUND (RUN_NOT_FOUND), FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): as for GetRetainedRun.
     * </pre>
     */
    default void readArtifact(example.guideboard.v1.ReadArtifactRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ReadArtifactResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReadArtifactMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists a run's findings, `normalized/findings.json`, in file order.
     * The document is read anew for every page, one item at a time, and the token pins its generation: the pages of a listing are all of one and
     * the same file. An item that is none is counted and reported, and the others come. Works by directory on incomplete runs.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, more than 64 words in a filter, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): the run has no such document.
     * - FAILED_PRECONDITION (UNSAFE_PATH, NOT_A_FILE): a link, a special file or a directory stands in its place.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): it exceeds 1 GiB, or one of its items 16 MiB.
     * - DATA_LOSS (`normalized/findings.json`): it is not JSON, or has no array of items: neither is it one, nor does one stand in it
     *   under `findings` or `items`.
     * - ABORTED (CHANGED_WHILE_READING): it changed while it was read, or since the page before. Start from the first page.
     * - the errors of GetRetainedRun for a run asked for by `run_id`; NOT_FOUND (RUN_NOT_FOUND) for one asked for by directory.
     * </pre>
     */
    default void listFindings(example.guideboard.v1.ListFindingsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListFindingsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListFindingsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists a run's evidence items, `normalized/evidence.json`, in file order.
     * All that ListFindings says of its document goes for this one.
     * Errors:
     * - the errors of ListFindings. DATA_LOSS names `normalized/evidence.json`, whose array may stand under `evidence` or `items`.
     * </pre>
     */
    default void listEvidence(example.guideboard.v1.ListEvidenceRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListEvidenceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEvidenceMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service RetainedRunService.
   * <pre>
   * Lists, selects and serves retained runs from their directories.
   * Lists answer from a snapshot that is at most a poll interval old (`scanned_at` says when it was taken); calls about one run
   * read its files again. Every call can answer NOT_FOUND (ROOT_NOT_FOUND) for an unknown `runs_dir`, UNAVAILABLE with RetryInfo
   * before the first scan, while the root is away and once the server is stopping, and INVALID_ARGUMENT for a field that does not parse, naming the field.
   * Where a call takes `run_id` and `directory`, exactly one must be set.
   * </pre>
   */
  public static abstract class RetainedRunServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return RetainedRunServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service RetainedRunService.
   * <pre>
   * Lists, selects and serves retained runs from their directories.
   * Lists answer from a snapshot that is at most a poll interval old (`scanned_at` says when it was taken); calls about one run
   * read its files again. Every call can answer NOT_FOUND (ROOT_NOT_FOUND) for an unknown `runs_dir`, UNAVAILABLE with RetryInfo
   * before the first scan, while the root is away and once the server is stopping, and INVALID_ARGUMENT for a field that does not parse, naming the field.
   * Where a call takes `run_id` and `directory`, exactly one must be set.
   * </pre>
   */
  public static final class RetainedRunServiceStub
      extends io.grpc.stub.AbstractAsyncStub<RetainedRunServiceStub> {
    private RetainedRunServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RetainedRunServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RetainedRunServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists retained runs, newest `completed_at` first.
     * Ties come by run id ascending, then directory; runs without a completion time come last. A run whose summary stays as it is
     * throughout a listing appears exactly once over its pages, however many others come and go, and over restarts.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    public void listRetainedRuns(example.guideboard.v1.ListRetainedRunsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListRetainedRunsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRetainedRunsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the directories that are not plain readable runs, with the reason, by directory name ascending.
     * Errors:
     * - INVALID_ARGUMENT: an unknown reason word, a negative `page_size`, or a `page_token` of another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    public void listProblems(example.guideboard.v1.ListProblemsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListProblemsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListProblemsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets one run: everything its summary says, unknown keys included, and its markers.
     * Errors:
     * - INVALID_ARGUMENT: neither or both of `run_id` and `directory`, or one that does not parse.
     * - NOT_FOUND (RUN_NOT_FOUND): no such retained run.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): two directories bear the run id; the message names them.
     * - FAILED_PRECONDITION (UNSAFE_PATH): the directory is a link, or its summary a link or special file.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary exceeds 1 MiB.
     * - DATA_LOSS (the document named): the summary is no longer what the contract says.
     * </pre>
     */
    public void getRetainedRun(example.guideboard.v1.GetRetainedRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRetainedRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRetainedRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets the newest run that matches, by the order of ListRetainedRuns.
     * Errors:
     * - NOT_FOUND (RUN_NOT_FOUND): no run matches.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): the newest match bears a run id that another directory bears too.
     * - the errors of GetRetainedRun for the run selected.
     * </pre>
     */
    public void getLatestRetainedRun(example.guideboard.v1.GetLatestRetainedRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetLatestRetainedRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetLatestRetainedRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a run's reports: those its summary names and the standard ones found on disk, by kind ascending.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the summary names a path that leaves the run, or a link or special file stands at one;
     *   the message names the kinds. Set `report_unsafe` to have them reported instead.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): `kind` is set and the run has no such report.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary names more reports than fit into a reply. Set `kind`.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    public void getRetainedRunReports(example.guideboard.v1.GetRetainedRunReportsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRetainedRunReportsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRetainedRunReportsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a run's artifact manifest as recorded in its assessment package: first a header, then entries in file order.
     * Works by directory on incomplete runs. A run older than packages has an empty manifest and the marker
     * `assessment-package-missing`.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the manifest names paths that leave the run; the message names how many and the first 20
     *   entries. Set `report_unsafe` to have them reported instead.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the package exceeds 1 GiB, or one of its entries 1 MiB.
     * - DATA_LOSS (`reports/assessment-package.json`): the package is not what the contract says.
     * - ABORTED (CHANGED_WHILE_READING): the package changed between the two passes.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    public void streamArtifactManifest(example.guideboard.v1.StreamArtifactManifestRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.StreamArtifactManifestResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getStreamArtifactManifestMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams the bytes of one output of a run.
     * The first message always carries size, media type, modification time, generation and, where known, the SHA-256. Works by
     * directory on incomplete runs. A clean end means that the bytes are those of the generation in the first message.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): the path's syntax: empty, `.` or `..` components, a leading or trailing slash, NUL, backslash,
     *   more than 4095 bytes.
     * - INVALID_ARGUMENT (`offset`, `limit`): negative.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): no such file, or one that is not an output of the run, whether or not it exists.
     * - FAILED_PRECONDITION (UNSAFE_PATH): a link or special file, or a path that crosses a mount.
     * - FAILED_PRECONDITION (NOT_A_FILE): a directory.
     * - FAILED_PRECONDITION (GENERATION_MISMATCH, DIGEST_MISMATCH): the expected one is known to differ; no byte was sent.
     * - OUT_OF_RANGE (OFFSET_BEYOND_END): `offset` is beyond the size. An offset equal to the size gives the first message alone.
     * - ABORTED (CHANGED_WHILE_READING): the file changed while it was read.
     * - DATA_LOSS: the bytes turned out to differ from `expected_sha256`.
     * - NOT_FOUND (RUN_NOT_FOUND), FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): as for GetRetainedRun.
     * </pre>
     */
    public void readArtifact(example.guideboard.v1.ReadArtifactRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ReadArtifactResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getReadArtifactMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists a run's findings, `normalized/findings.json`, in file order.
     * The document is read anew for every page, one item at a time, and the token pins its generation: the pages of a listing are all of one and
     * the same file. An item that is none is counted and reported, and the others come. Works by directory on incomplete runs.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, more than 64 words in a filter, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): the run has no such document.
     * - FAILED_PRECONDITION (UNSAFE_PATH, NOT_A_FILE): a link, a special file or a directory stands in its place.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): it exceeds 1 GiB, or one of its items 16 MiB.
     * - DATA_LOSS (`normalized/findings.json`): it is not JSON, or has no array of items: neither is it one, nor does one stand in it
     *   under `findings` or `items`.
     * - ABORTED (CHANGED_WHILE_READING): it changed while it was read, or since the page before. Start from the first page.
     * - the errors of GetRetainedRun for a run asked for by `run_id`; NOT_FOUND (RUN_NOT_FOUND) for one asked for by directory.
     * </pre>
     */
    public void listFindings(example.guideboard.v1.ListFindingsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListFindingsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListFindingsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists a run's evidence items, `normalized/evidence.json`, in file order.
     * All that ListFindings says of its document goes for this one.
     * Errors:
     * - the errors of ListFindings. DATA_LOSS names `normalized/evidence.json`, whose array may stand under `evidence` or `items`.
     * </pre>
     */
    public void listEvidence(example.guideboard.v1.ListEvidenceRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListEvidenceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEvidenceMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service RetainedRunService.
   * <pre>
   * Lists, selects and serves retained runs from their directories.
   * Lists answer from a snapshot that is at most a poll interval old (`scanned_at` says when it was taken); calls about one run
   * read its files again. Every call can answer NOT_FOUND (ROOT_NOT_FOUND) for an unknown `runs_dir`, UNAVAILABLE with RetryInfo
   * before the first scan, while the root is away and once the server is stopping, and INVALID_ARGUMENT for a field that does not parse, naming the field.
   * Where a call takes `run_id` and `directory`, exactly one must be set.
   * </pre>
   */
  public static final class RetainedRunServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<RetainedRunServiceBlockingStub> {
    private RetainedRunServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RetainedRunServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RetainedRunServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists retained runs, newest `completed_at` first.
     * Ties come by run id ascending, then directory; runs without a completion time come last. A run whose summary stays as it is
     * throughout a listing appears exactly once over its pages, however many others come and go, and over restarts.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    public example.guideboard.v1.ListRetainedRunsResponse listRetainedRuns(example.guideboard.v1.ListRetainedRunsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRetainedRunsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the directories that are not plain readable runs, with the reason, by directory name ascending.
     * Errors:
     * - INVALID_ARGUMENT: an unknown reason word, a negative `page_size`, or a `page_token` of another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    public example.guideboard.v1.ListProblemsResponse listProblems(example.guideboard.v1.ListProblemsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListProblemsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets one run: everything its summary says, unknown keys included, and its markers.
     * Errors:
     * - INVALID_ARGUMENT: neither or both of `run_id` and `directory`, or one that does not parse.
     * - NOT_FOUND (RUN_NOT_FOUND): no such retained run.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): two directories bear the run id; the message names them.
     * - FAILED_PRECONDITION (UNSAFE_PATH): the directory is a link, or its summary a link or special file.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary exceeds 1 MiB.
     * - DATA_LOSS (the document named): the summary is no longer what the contract says.
     * </pre>
     */
    public example.guideboard.v1.GetRetainedRunResponse getRetainedRun(example.guideboard.v1.GetRetainedRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRetainedRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets the newest run that matches, by the order of ListRetainedRuns.
     * Errors:
     * - NOT_FOUND (RUN_NOT_FOUND): no run matches.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): the newest match bears a run id that another directory bears too.
     * - the errors of GetRetainedRun for the run selected.
     * </pre>
     */
    public example.guideboard.v1.GetLatestRetainedRunResponse getLatestRetainedRun(example.guideboard.v1.GetLatestRetainedRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetLatestRetainedRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a run's reports: those its summary names and the standard ones found on disk, by kind ascending.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the summary names a path that leaves the run, or a link or special file stands at one;
     *   the message names the kinds. Set `report_unsafe` to have them reported instead.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): `kind` is set and the run has no such report.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary names more reports than fit into a reply. Set `kind`.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    public example.guideboard.v1.GetRetainedRunReportsResponse getRetainedRunReports(example.guideboard.v1.GetRetainedRunReportsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRetainedRunReportsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a run's artifact manifest as recorded in its assessment package: first a header, then entries in file order.
     * Works by directory on incomplete runs. A run older than packages has an empty manifest and the marker
     * `assessment-package-missing`.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the manifest names paths that leave the run; the message names how many and the first 20
     *   entries. Set `report_unsafe` to have them reported instead.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the package exceeds 1 GiB, or one of its entries 1 MiB.
     * - DATA_LOSS (`reports/assessment-package.json`): the package is not what the contract says.
     * - ABORTED (CHANGED_WHILE_READING): the package changed between the two passes.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    public java.util.Iterator<example.guideboard.v1.StreamArtifactManifestResponse> streamArtifactManifest(
        example.guideboard.v1.StreamArtifactManifestRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getStreamArtifactManifestMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the bytes of one output of a run.
     * The first message always carries size, media type, modification time, generation and, where known, the SHA-256. Works by
     * directory on incomplete runs. A clean end means that the bytes are those of the generation in the first message.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): the path's syntax: empty, `.` or `..` components, a leading or trailing slash, NUL, backslash,
     *   more than 4095 bytes.
     * - INVALID_ARGUMENT (`offset`, `limit`): negative.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): no such file, or one that is not an output of the run, whether or not it exists.
     * - FAILED_PRECONDITION (UNSAFE_PATH): a link or special file, or a path that crosses a mount.
     * - FAILED_PRECONDITION (NOT_A_FILE): a directory.
     * - FAILED_PRECONDITION (GENERATION_MISMATCH, DIGEST_MISMATCH): the expected one is known to differ; no byte was sent.
     * - OUT_OF_RANGE (OFFSET_BEYOND_END): `offset` is beyond the size. An offset equal to the size gives the first message alone.
     * - ABORTED (CHANGED_WHILE_READING): the file changed while it was read.
     * - DATA_LOSS: the bytes turned out to differ from `expected_sha256`.
     * - NOT_FOUND (RUN_NOT_FOUND), FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): as for GetRetainedRun.
     * </pre>
     */
    public java.util.Iterator<example.guideboard.v1.ReadArtifactResponse> readArtifact(
        example.guideboard.v1.ReadArtifactRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getReadArtifactMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a run's findings, `normalized/findings.json`, in file order.
     * The document is read anew for every page, one item at a time, and the token pins its generation: the pages of a listing are all of one and
     * the same file. An item that is none is counted and reported, and the others come. Works by directory on incomplete runs.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, more than 64 words in a filter, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): the run has no such document.
     * - FAILED_PRECONDITION (UNSAFE_PATH, NOT_A_FILE): a link, a special file or a directory stands in its place.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): it exceeds 1 GiB, or one of its items 16 MiB.
     * - DATA_LOSS (`normalized/findings.json`): it is not JSON, or has no array of items: neither is it one, nor does one stand in it
     *   under `findings` or `items`.
     * - ABORTED (CHANGED_WHILE_READING): it changed while it was read, or since the page before. Start from the first page.
     * - the errors of GetRetainedRun for a run asked for by `run_id`; NOT_FOUND (RUN_NOT_FOUND) for one asked for by directory.
     * </pre>
     */
    public example.guideboard.v1.ListFindingsResponse listFindings(example.guideboard.v1.ListFindingsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListFindingsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a run's evidence items, `normalized/evidence.json`, in file order.
     * All that ListFindings says of its document goes for this one.
     * Errors:
     * - the errors of ListFindings. DATA_LOSS names `normalized/evidence.json`, whose array may stand under `evidence` or `items`.
     * </pre>
     */
    public example.guideboard.v1.ListEvidenceResponse listEvidence(example.guideboard.v1.ListEvidenceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEvidenceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service RetainedRunService.
   * <pre>
   * Lists, selects and serves retained runs from their directories.
   * Lists answer from a snapshot that is at most a poll interval old (`scanned_at` says when it was taken); calls about one run
   * read its files again. Every call can answer NOT_FOUND (ROOT_NOT_FOUND) for an unknown `runs_dir`, UNAVAILABLE with RetryInfo
   * before the first scan, while the root is away and once the server is stopping, and INVALID_ARGUMENT for a field that does not parse, naming the field.
   * Where a call takes `run_id` and `directory`, exactly one must be set.
   * </pre>
   */
  public static final class RetainedRunServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<RetainedRunServiceFutureStub> {
    private RetainedRunServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RetainedRunServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RetainedRunServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Lists retained runs, newest `completed_at` first.
     * Ties come by run id ascending, then directory; runs without a completion time come last. A run whose summary stays as it is
     * throughout a listing appears exactly once over its pages, however many others come and go, and over restarts.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ListRetainedRunsResponse> listRetainedRuns(
        example.guideboard.v1.ListRetainedRunsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRetainedRunsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the directories that are not plain readable runs, with the reason, by directory name ascending.
     * Errors:
     * - INVALID_ARGUMENT: an unknown reason word, a negative `page_size`, or a `page_token` of another query.
     * - NOT_FOUND (ROOT_NOT_FOUND), UNAVAILABLE: see the service.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ListProblemsResponse> listProblems(
        example.guideboard.v1.ListProblemsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListProblemsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets one run: everything its summary says, unknown keys included, and its markers.
     * Errors:
     * - INVALID_ARGUMENT: neither or both of `run_id` and `directory`, or one that does not parse.
     * - NOT_FOUND (RUN_NOT_FOUND): no such retained run.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): two directories bear the run id; the message names them.
     * - FAILED_PRECONDITION (UNSAFE_PATH): the directory is a link, or its summary a link or special file.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary exceeds 1 MiB.
     * - DATA_LOSS (the document named): the summary is no longer what the contract says.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.GetRetainedRunResponse> getRetainedRun(
        example.guideboard.v1.GetRetainedRunRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRetainedRunMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets the newest run that matches, by the order of ListRetainedRuns.
     * Errors:
     * - NOT_FOUND (RUN_NOT_FOUND): no run matches.
     * - FAILED_PRECONDITION (RUN_ID_AMBIGUOUS): the newest match bears a run id that another directory bears too.
     * - the errors of GetRetainedRun for the run selected.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.GetLatestRetainedRunResponse> getLatestRetainedRun(
        example.guideboard.v1.GetLatestRetainedRunRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetLatestRetainedRunMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a run's reports: those its summary names and the standard ones found on disk, by kind ascending.
     * Errors:
     * - FAILED_PRECONDITION (UNSAFE_PATH): the summary names a path that leaves the run, or a link or special file stands at one;
     *   the message names the kinds. Set `report_unsafe` to have them reported instead.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): `kind` is set and the run has no such report.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the summary names more reports than fit into a reply. Set `kind`.
     * - the errors of GetRetainedRun.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.GetRetainedRunReportsResponse> getRetainedRunReports(
        example.guideboard.v1.GetRetainedRunReportsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRetainedRunReportsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists a run's findings, `normalized/findings.json`, in file order.
     * The document is read anew for every page, one item at a time, and the token pins its generation: the pages of a listing are all of one and
     * the same file. An item that is none is counted and reported, and the others come. Works by directory on incomplete runs.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, more than 64 words in a filter, or a `page_token` that is malformed or belongs to another query.
     * - NOT_FOUND (ARTIFACT_NOT_FOUND): the run has no such document.
     * - FAILED_PRECONDITION (UNSAFE_PATH, NOT_A_FILE): a link, a special file or a directory stands in its place.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): it exceeds 1 GiB, or one of its items 16 MiB.
     * - DATA_LOSS (`normalized/findings.json`): it is not JSON, or has no array of items: neither is it one, nor does one stand in it
     *   under `findings` or `items`.
     * - ABORTED (CHANGED_WHILE_READING): it changed while it was read, or since the page before. Start from the first page.
     * - the errors of GetRetainedRun for a run asked for by `run_id`; NOT_FOUND (RUN_NOT_FOUND) for one asked for by directory.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ListFindingsResponse> listFindings(
        example.guideboard.v1.ListFindingsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListFindingsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists a run's evidence items, `normalized/evidence.json`, in file order.
     * All that ListFindings says of its document goes for this one.
     * Errors:
     * - the errors of ListFindings. DATA_LOSS names `normalized/evidence.json`, whose array may stand under `evidence` or `items`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ListEvidenceResponse> listEvidence(
        example.guideboard.v1.ListEvidenceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEvidenceMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_LIST_RETAINED_RUNS = 0;
  private static final int METHODID_LIST_PROBLEMS = 1;
  private static final int METHODID_GET_RETAINED_RUN = 2;
  private static final int METHODID_GET_LATEST_RETAINED_RUN = 3;
  private static final int METHODID_GET_RETAINED_RUN_REPORTS = 4;
  private static final int METHODID_STREAM_ARTIFACT_MANIFEST = 5;
  private static final int METHODID_READ_ARTIFACT = 6;
  private static final int METHODID_LIST_FINDINGS = 7;
  private static final int METHODID_LIST_EVIDENCE = 8;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_LIST_RETAINED_RUNS:
          serviceImpl.listRetainedRuns((example.guideboard.v1.ListRetainedRunsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ListRetainedRunsResponse>) responseObserver);
          break;
        case METHODID_LIST_PROBLEMS:
          serviceImpl.listProblems((example.guideboard.v1.ListProblemsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ListProblemsResponse>) responseObserver);
          break;
        case METHODID_GET_RETAINED_RUN:
          serviceImpl.getRetainedRun((example.guideboard.v1.GetRetainedRunRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.GetRetainedRunResponse>) responseObserver);
          break;
        case METHODID_GET_LATEST_RETAINED_RUN:
          serviceImpl.getLatestRetainedRun((example.guideboard.v1.GetLatestRetainedRunRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.GetLatestRetainedRunResponse>) responseObserver);
          break;
        case METHODID_GET_RETAINED_RUN_REPORTS:
          serviceImpl.getRetainedRunReports((example.guideboard.v1.GetRetainedRunReportsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.GetRetainedRunReportsResponse>) responseObserver);
          break;
        case METHODID_STREAM_ARTIFACT_MANIFEST:
          serviceImpl.streamArtifactManifest((example.guideboard.v1.StreamArtifactManifestRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.StreamArtifactManifestResponse>) responseObserver);
          break;
        case METHODID_READ_ARTIFACT:
          serviceImpl.readArtifact((example.guideboard.v1.ReadArtifactRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ReadArtifactResponse>) responseObserver);
          break;
        case METHODID_LIST_FINDINGS:
          serviceImpl.listFindings((example.guideboard.v1.ListFindingsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ListFindingsResponse>) responseObserver);
          break;
        case METHODID_LIST_EVIDENCE:
          serviceImpl.listEvidence((example.guideboard.v1.ListEvidenceRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ListEvidenceResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getListRetainedRunsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ListRetainedRunsRequest,
              example.guideboard.v1.ListRetainedRunsResponse>(
                service, METHODID_LIST_RETAINED_RUNS)))
        .addMethod(
          getListProblemsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ListProblemsRequest,
              example.guideboard.v1.ListProblemsResponse>(
                service, METHODID_LIST_PROBLEMS)))
        .addMethod(
          getGetRetainedRunMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.GetRetainedRunRequest,
              example.guideboard.v1.GetRetainedRunResponse>(
                service, METHODID_GET_RETAINED_RUN)))
        .addMethod(
          getGetLatestRetainedRunMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.GetLatestRetainedRunRequest,
              example.guideboard.v1.GetLatestRetainedRunResponse>(
                service, METHODID_GET_LATEST_RETAINED_RUN)))
        .addMethod(
          getGetRetainedRunReportsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.GetRetainedRunReportsRequest,
              example.guideboard.v1.GetRetainedRunReportsResponse>(
                service, METHODID_GET_RETAINED_RUN_REPORTS)))
        .addMethod(
          getStreamArtifactManifestMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              example.guideboard.v1.StreamArtifactManifestRequest,
              example.guideboard.v1.StreamArtifactManifestResponse>(
                service, METHODID_STREAM_ARTIFACT_MANIFEST)))
        .addMethod(
          getReadArtifactMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              example.guideboard.v1.ReadArtifactRequest,
              example.guideboard.v1.ReadArtifactResponse>(
                service, METHODID_READ_ARTIFACT)))
        .addMethod(
          getListFindingsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ListFindingsRequest,
              example.guideboard.v1.ListFindingsResponse>(
                service, METHODID_LIST_FINDINGS)))
        .addMethod(
          getListEvidenceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ListEvidenceRequest,
              example.guideboard.v1.ListEvidenceResponse>(
                service, METHODID_LIST_EVIDENCE)))
        .build();
  }

  private static abstract class RetainedRunServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    RetainedRunServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return example.guideboard.v1.RetainedRunServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("RetainedRunService");
    }
  }

  private static final class RetainedRunServiceFileDescriptorSupplier
      extends RetainedRunServiceBaseDescriptorSupplier {
    RetainedRunServiceFileDescriptorSupplier() {}
  }

  private static final class RetainedRunServiceMethodDescriptorSupplier
      extends RetainedRunServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    RetainedRunServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (RetainedRunServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new RetainedRunServiceFileDescriptorSupplier())
              .addMethod(getListRetainedRunsMethod())
              .addMethod(getListProblemsMethod())
              .addMethod(getGetRetainedRunMethod())
              .addMethod(getGetLatestRetainedRunMethod())
              .addMethod(getGetRetainedRunReportsMethod())
              .addMethod(getStreamArtifactManifestMethod())
              .addMethod(getReadArtifactMethod())
              .addMethod(getListFindingsMethod())
              .addMethod(getListEvidenceMethod())
              .build();
        }
      }
    }
    return result;
  }
}
