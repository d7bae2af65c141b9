package example.guideboard.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Starts assessments and tells how they fare. Jobs live in memory: after a restart there are none, and what they left is found by
 * RetainedRunService.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class RunServiceGrpc {

  private RunServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "guideboard.v1.RunService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.StartRunRequest,
      example.guideboard.v1.StartRunResponse> getStartRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StartRun",
      requestType = example.guideboard.v1.StartRunRequest.class,
      responseType = example.guideboard.v1.StartRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.StartRunRequest,
      example.guideboard.v1.StartRunResponse> getStartRunMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.StartRunRequest, example.guideboard.v1.StartRunResponse> getStartRunMethod;
    if ((getStartRunMethod = RunServiceGrpc.getStartRunMethod) == null) {
      synchronized (RunServiceGrpc.class) {
        if ((getStartRunMethod = RunServiceGrpc.getStartRunMethod) == null) {
          RunServiceGrpc.getStartRunMethod = getStartRunMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.StartRunRequest, example.guideboard.v1.StartRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StartRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.StartRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.StartRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RunServiceMethodDescriptorSupplier("StartRun"))
              .build();
        }
      }
    }
    return getStartRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.GetRunRequest,
      example.guideboard.v1.GetRunResponse> getGetRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRun",
      requestType = example.guideboard.v1.GetRunRequest.class,
      responseType = example.guideboard.v1.GetRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.GetRunRequest,
      example.guideboard.v1.GetRunResponse> getGetRunMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.GetRunRequest, example.guideboard.v1.GetRunResponse> getGetRunMethod;
    if ((getGetRunMethod = RunServiceGrpc.getGetRunMethod) == null) {
      synchronized (RunServiceGrpc.class) {
        if ((getGetRunMethod = RunServiceGrpc.getGetRunMethod) == null) {
          RunServiceGrpc.getGetRunMethod = getGetRunMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.GetRunRequest, example.guideboard.v1.GetRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RunServiceMethodDescriptorSupplier("GetRun"))
              .build();
        }
      }
    }
    return getGetRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ListRunsRequest,
      example.guideboard.v1.ListRunsResponse> getListRunsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRuns",
      requestType = example.guideboard.v1.ListRunsRequest.class,
      responseType = example.guideboard.v1.ListRunsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ListRunsRequest,
      example.guideboard.v1.ListRunsResponse> getListRunsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ListRunsRequest, example.guideboard.v1.ListRunsResponse> getListRunsMethod;
    if ((getListRunsMethod = RunServiceGrpc.getListRunsMethod) == null) {
      synchronized (RunServiceGrpc.class) {
        if ((getListRunsMethod = RunServiceGrpc.getListRunsMethod) == null) {
          RunServiceGrpc.getListRunsMethod = getListRunsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ListRunsRequest, example.guideboard.v1.ListRunsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRuns"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListRunsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListRunsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RunServiceMethodDescriptorSupplier("ListRuns"))
              .build();
        }
      }
    }
    return getListRunsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.WatchRunRequest,
      example.guideboard.v1.WatchRunResponse> getWatchRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchRun",
      requestType = example.guideboard.v1.WatchRunRequest.class,
      responseType = example.guideboard.v1.WatchRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.WatchRunRequest,
      example.guideboard.v1.WatchRunResponse> getWatchRunMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.WatchRunRequest, example.guideboard.v1.WatchRunResponse> getWatchRunMethod;
    if ((getWatchRunMethod = RunServiceGrpc.getWatchRunMethod) == null) {
      synchronized (RunServiceGrpc.class) {
        if ((getWatchRunMethod = RunServiceGrpc.getWatchRunMethod) == null) {
          RunServiceGrpc.getWatchRunMethod = getWatchRunMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.WatchRunRequest, example.guideboard.v1.WatchRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.WatchRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.WatchRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RunServiceMethodDescriptorSupplier("WatchRun"))
              .build();
        }
      }
    }
    return getWatchRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.CancelRunRequest,
      example.guideboard.v1.CancelRunResponse> getCancelRunMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelRun",
      requestType = example.guideboard.v1.CancelRunRequest.class,
      responseType = example.guideboard.v1.CancelRunResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.CancelRunRequest,
      example.guideboard.v1.CancelRunResponse> getCancelRunMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.CancelRunRequest, example.guideboard.v1.CancelRunResponse> getCancelRunMethod;
    if ((getCancelRunMethod = RunServiceGrpc.getCancelRunMethod) == null) {
      synchronized (RunServiceGrpc.class) {
        if ((getCancelRunMethod = RunServiceGrpc.getCancelRunMethod) == null) {
          RunServiceGrpc.getCancelRunMethod = getCancelRunMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.CancelRunRequest, example.guideboard.v1.CancelRunResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelRun"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.CancelRunRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.CancelRunResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RunServiceMethodDescriptorSupplier("CancelRun"))
              .build();
        }
      }
    }
    return getCancelRunMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.GetRunReportsRequest,
      example.guideboard.v1.GetRunReportsResponse> getGetRunReportsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRunReports",
      requestType = example.guideboard.v1.GetRunReportsRequest.class,
      responseType = example.guideboard.v1.GetRunReportsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.GetRunReportsRequest,
      example.guideboard.v1.GetRunReportsResponse> getGetRunReportsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.GetRunReportsRequest, example.guideboard.v1.GetRunReportsResponse> getGetRunReportsMethod;
    if ((getGetRunReportsMethod = RunServiceGrpc.getGetRunReportsMethod) == null) {
      synchronized (RunServiceGrpc.class) {
        if ((getGetRunReportsMethod = RunServiceGrpc.getGetRunReportsMethod) == null) {
          RunServiceGrpc.getGetRunReportsMethod = getGetRunReportsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.GetRunReportsRequest, example.guideboard.v1.GetRunReportsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRunReports"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRunReportsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetRunReportsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RunServiceMethodDescriptorSupplier("GetRunReports"))
              .build();
        }
      }
    }
    return getGetRunReportsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static RunServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RunServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RunServiceStub>() {
        @java.lang.Override
        public RunServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RunServiceStub(channel, callOptions);
        }
      };
    return RunServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static RunServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RunServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RunServiceBlockingStub>() {
        @java.lang.Override
        public RunServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RunServiceBlockingStub(channel, callOptions);
        }
      };
    return RunServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static RunServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RunServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RunServiceFutureStub>() {
        @java.lang.Override
        public RunServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RunServiceFutureStub(channel, callOptions);
        }
      };
    return RunServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Starts assessments and tells how they fare. Jobs live in memory: after a restart there are none, and what they left is found by
   * RetainedRunService.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Queues an assessment and returns the job at once. The job executes `guide-board run` in a process of its own.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or `output_dir` does not parse, or `output_dir` is no direct child of the root.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles (which
     *   of the two is not told), an invalid label or request id.
     * - NOT_FOUND (ROOT_NOT_FOUND): unknown `runs_dir`.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the root cannot be written, or the server runs with --read-only.
     * - ALREADY_EXISTS (OUTPUT_EXISTS): `output_dir` exists or another job has reserved it.
     * - ALREADY_EXISTS (REQUEST_ID_REUSED): `request_id` was used with another body.
     * - RESOURCE_EXHAUSTED with RetryInfo: the queue is full.
     * - UNAVAILABLE with RetryInfo: the root is away, or the server is stopping.
     * </pre>
     */
    default void startRun(example.guideboard.v1.StartRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.StartRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStartRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets one job.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * </pre>
     */
    default void getRun(example.guideboard.v1.GetRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the jobs of this process, newest first.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, an unknown status word, or a `page_token` of another query.
     * </pre>
     */
    default void listRuns(example.guideboard.v1.ListRunsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListRunsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRunsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Follows a job: first the events that are still held after `after`, then each as it happens. The stream ends after the job's end; its last
     * event is then the STATUS with which the job ended. The server holds the last events of each job, 1000 unless set otherwise and at most
     * 1 MiB; a number that is no longer held gives DROPPED. So does a reader that is slower than the job: it costs the server no memory. At
     * least every 20 seconds something comes, if only a HEARTBEAT. Jobs that ended long ago keep their last event only. Any number of clients
     * may watch a job. A server that is stopped cancels what still runs after its drain time, and tells that before it goes.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * - INVALID_ARGUMENT (FIELD_INVALID): `after` is larger than the number of any event so far.
     * - RESOURCE_EXHAUSTED with RetryInfo: as many watches are served as may be.
     * </pre>
     */
    default void watchRun(example.guideboard.v1.WatchRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.WatchRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Cancels a job, and returns it at once as it is then; GetRun tells the end. A waiting job is `cancelled` at once and never starts. A
     * running one stays `running`, with `cancel_requested_at`, while its processes end: SIGTERM to everything that it started, programs that
     * changed their session included, SIGKILL to what is left after the server's grace time. It is `cancelled` once nothing is left of them; its
     * partial directory stays and is listed among the problems, as incomplete. Idempotent: a job that has ended, in whatever way, is
     * returned as it is. A job whose run was complete before the cancellation reached it is `succeeded`.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the server runs with --read-only.
     * </pre>
     */
    default void cancelRun(example.guideboard.v1.CancelRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.CancelRunResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelRunMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets the reports of the run that a job made, as GetRetainedRunReports does.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (JOB_NOT_SUCCEEDED): the job has not succeeded (yet).
     * - the errors of RetainedRunService.GetRetainedRunReports.
     * </pre>
     */
    default void getRunReports(example.guideboard.v1.GetRunReportsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRunReportsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRunReportsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service RunService.
   * <pre>
   * Starts assessments and tells how they fare. Jobs live in memory: after a restart there are none, and what they left is found by
   * RetainedRunService.
   * </pre>
   */
  public static abstract class RunServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return RunServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service RunService.
   * <pre>
   * Starts assessments and tells how they fare. Jobs live in memory: after a restart there are none, and what they left is found by
   * RetainedRunService.
   * </pre>
   */
  public static final class RunServiceStub
      extends io.grpc.stub.AbstractAsyncStub<RunServiceStub> {
    private RunServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RunServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RunServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Queues an assessment and returns the job at once. The job executes `guide-board run` in a process of its own.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or `output_dir` does not parse, or `output_dir` is no direct child of the root.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles (which
     *   of the two is not told), an invalid label or request id.
     * - NOT_FOUND (ROOT_NOT_FOUND): unknown `runs_dir`.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the root cannot be written, or the server runs with --read-only.
     * - ALREADY_EXISTS (OUTPUT_EXISTS): `output_dir` exists or another job has reserved it.
     * - ALREADY_EXISTS (REQUEST_ID_REUSED): `request_id` was used with another body.
     * - RESOURCE_EXHAUSTED with RetryInfo: the queue is full.
     * - UNAVAILABLE with RetryInfo: the root is away, or the server is stopping.
     * </pre>
     */
    public void startRun(example.guideboard.v1.StartRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.StartRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStartRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets one job.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * </pre>
     */
    public void getRun(example.guideboard.v1.GetRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the jobs of this process, newest first.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, an unknown status word, or a `page_token` of another query.
     * </pre>
     */
    public void listRuns(example.guideboard.v1.ListRunsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListRunsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRunsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Follows a job: first the events that are still held after `after`, then each as it happens. The stream ends after the job's end; its last
     * event is then the STATUS with which the job ended. The server holds the last events of each job, 1000 unless set otherwise and at most
     * 1 MiB; a number that is no longer held gives DROPPED. So does a reader that is slower than the job: it costs the server no memory. At
     * least every 20 seconds something comes, if only a HEARTBEAT. Jobs that ended long ago keep their last event only. Any number of clients
     * may watch a job. A server that is stopped cancels what still runs after its drain time, and tells that before it goes.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * - INVALID_ARGUMENT (FIELD_INVALID): `after` is larger than the number of any event so far.
     * - RESOURCE_EXHAUSTED with RetryInfo: as many watches are served as may be.
     * </pre>
     */
    public void watchRun(example.guideboard.v1.WatchRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.WatchRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Cancels a job, and returns it at once as it is then; GetRun tells the end. A waiting job is `cancelled` at once and never starts. A
     * running one stays `running`, with `cancel_requested_at`, while its processes end: SIGTERM to everything that it started, programs that
     * changed their session included, SIGKILL to what is left after the server's grace time. It is `cancelled` once nothing is left of them; its
     * partial directory stays and is listed among the problems, as incomplete. Idempotent: a job that has ended, in whatever way, is
     * returned as it is. A job whose run was complete before the cancellation reached it is `succeeded`.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the server runs with --read-only.
     * </pre>
     */
    public void cancelRun(example.guideboard.v1.CancelRunRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.CancelRunResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelRunMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets the reports of the run that a job made, as GetRetainedRunReports does.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (JOB_NOT_SUCCEEDED): the job has not succeeded (yet).
     * - the errors of RetainedRunService.GetRetainedRunReports.
     * </pre>
     */
    public void getRunReports(example.guideboard.v1.GetRunReportsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetRunReportsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRunReportsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service RunService.
   * <pre>
   * Starts assessments and tells how they fare. Jobs live in memory: after a restart there are none, and what they left is found by
   * RetainedRunService.
   * </pre>
   */
  public static final class RunServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<RunServiceBlockingStub> {
    private RunServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RunServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RunServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Queues an assessment and returns the job at once. The job executes `guide-board run` in a process of its own.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or `output_dir` does not parse, or `output_dir` is no direct child of the root.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles (which
     *   of the two is not told), an invalid label or request id.
     * - NOT_FOUND (ROOT_NOT_FOUND): unknown `runs_dir`.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the root cannot be written, or the server runs with --read-only.
     * - ALREADY_EXISTS (OUTPUT_EXISTS): `output_dir` exists or another job has reserved it.
     * - ALREADY_EXISTS (REQUEST_ID_REUSED): `request_id` was used with another body.
     * - RESOURCE_EXHAUSTED with RetryInfo: the queue is full.
     * - UNAVAILABLE with RetryInfo: the root is away, or the server is stopping.
     * </pre>
     */
    public example.guideboard.v1.StartRunResponse startRun(example.guideboard.v1.StartRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStartRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets one job.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * </pre>
     */
    public example.guideboard.v1.GetRunResponse getRun(example.guideboard.v1.GetRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the jobs of this process, newest first.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, an unknown status word, or a `page_token` of another query.
     * </pre>
     */
    public example.guideboard.v1.ListRunsResponse listRuns(example.guideboard.v1.ListRunsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRunsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows a job: first the events that are still held after `after`, then each as it happens. The stream ends after the job's end; its last
     * event is then the STATUS with which the job ended. The server holds the last events of each job, 1000 unless set otherwise and at most
     * 1 MiB; a number that is no longer held gives DROPPED. So does a reader that is slower than the job: it costs the server no memory. At
     * least every 20 seconds something comes, if only a HEARTBEAT. Jobs that ended long ago keep their last event only. Any number of clients
     * may watch a job. A server that is stopped cancels what still runs after its drain time, and tells that before it goes.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * - INVALID_ARGUMENT (FIELD_INVALID): `after` is larger than the number of any event so far.
     * - RESOURCE_EXHAUSTED with RetryInfo: as many watches are served as may be.
     * </pre>
     */
    public java.util.Iterator<example.guideboard.v1.WatchRunResponse> watchRun(
        example.guideboard.v1.WatchRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels a job, and returns it at once as it is then; GetRun tells the end. A waiting job is `cancelled` at once and never starts. A
     * running one stays `running`, with `cancel_requested_at`, while its processes end: SIGTERM to everything that it started, programs that
     * changed their session included, SIGKILL to what is left after the server's grace time. It is `cancelled` once nothing is left of them; its
     * partial directory stays and is listed among the problems, as incomplete. Idempotent: a job that has ended, in whatever way, is
     * returned as it is. A job whose run was complete before the cancellation reached it is `succeeded`.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the server runs with --read-only.
     * </pre>
     */
    public example.guideboard.v1.CancelRunResponse cancelRun(example.guideboard.v1.CancelRunRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelRunMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets the reports of the run that a job made, as GetRetainedRunReports does.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (JOB_NOT_SUCCEEDED): the job has not succeeded (yet).
     * - the errors of RetainedRunService.GetRetainedRunReports.
     * </pre>
     */
    public example.guideboard.v1.GetRunReportsResponse getRunReports(example.guideboard.v1.GetRunReportsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRunReportsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service RunService.
   * <pre>
   * Starts assessments and tells how they fare. Jobs live in memory: after a restart there are none, and what they left is found by
   * RetainedRunService.
   * </pre>
   */
  public static final class RunServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<RunServiceFutureStub> {
    private RunServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RunServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RunServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Queues an assessment and returns the job at once. The job executes `guide-board run` in a process of its own.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or `output_dir` does not parse, or `output_dir` is no direct child of the root.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles (which
     *   of the two is not told), an invalid label or request id.
     * - NOT_FOUND (ROOT_NOT_FOUND): unknown `runs_dir`.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the root cannot be written, or the server runs with --read-only.
     * - ALREADY_EXISTS (OUTPUT_EXISTS): `output_dir` exists or another job has reserved it.
     * - ALREADY_EXISTS (REQUEST_ID_REUSED): `request_id` was used with another body.
     * - RESOURCE_EXHAUSTED with RetryInfo: the queue is full.
     * - UNAVAILABLE with RetryInfo: the root is away, or the server is stopping.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.StartRunResponse> startRun(
        example.guideboard.v1.StartRunRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStartRunMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets one job.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process. After a restart, look under retained runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.GetRunResponse> getRun(
        example.guideboard.v1.GetRunRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRunMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the jobs of this process, newest first.
     * Errors:
     * - INVALID_ARGUMENT: a negative `page_size`, an unknown status word, or a `page_token` of another query.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ListRunsResponse> listRuns(
        example.guideboard.v1.ListRunsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRunsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Cancels a job, and returns it at once as it is then; GetRun tells the end. A waiting job is `cancelled` at once and never starts. A
     * running one stays `running`, with `cancel_requested_at`, while its processes end: SIGTERM to everything that it started, programs that
     * changed their session included, SIGKILL to what is left after the server's grace time. It is `cancelled` once nothing is left of them; its
     * partial directory stays and is listed among the problems, as incomplete. Idempotent: a job that has ended, in whatever way, is
     * returned as it is. A job whose run was complete before the cancellation reached it is `succeeded`.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (ROOT_READ_ONLY): the server runs with --read-only.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.CancelRunResponse> cancelRun(
        example.guideboard.v1.CancelRunRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelRunMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets the reports of the run that a job made, as GetRetainedRunReports does.
     * Errors:
     * - NOT_FOUND (JOB_NOT_FOUND): not a job of this process.
     * - FAILED_PRECONDITION (JOB_NOT_SUCCEEDED): the job has not succeeded (yet).
     * - the errors of RetainedRunService.GetRetainedRunReports.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.GetRunReportsResponse> getRunReports(
        example.guideboard.v1.GetRunReportsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRunReportsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_START_RUN = 0;
  private static final int METHODID_GET_RUN = 1;
  private static final int METHODID_LIST_RUNS = 2;
  private static final int METHODID_WATCH_RUN = 3;
  private static final int METHODID_CANCEL_RUN = 4;
  private static final int METHODID_GET_RUN_REPORTS = 5;

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
        case METHODID_START_RUN:
          serviceImpl.startRun((example.guideboard.v1.StartRunRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.StartRunResponse>) responseObserver);
          break;
        case METHODID_GET_RUN:
          serviceImpl.getRun((example.guideboard.v1.GetRunRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.GetRunResponse>) responseObserver);
          break;
        case METHODID_LIST_RUNS:
          serviceImpl.listRuns((example.guideboard.v1.ListRunsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ListRunsResponse>) responseObserver);
          break;
        case METHODID_WATCH_RUN:
          serviceImpl.watchRun((example.guideboard.v1.WatchRunRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.WatchRunResponse>) responseObserver);
          break;
        case METHODID_CANCEL_RUN:
          serviceImpl.cancelRun((example.guideboard.v1.CancelRunRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.CancelRunResponse>) responseObserver);
          break;
        case METHODID_GET_RUN_REPORTS:
          serviceImpl.getRunReports((example.guideboard.v1.GetRunReportsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.GetRunReportsResponse>) responseObserver);
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
          getStartRunMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.StartRunRequest,
              example.guideboard.v1.StartRunResponse>(
                service, METHODID_START_RUN)))
        .addMethod(
          getGetRunMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.GetRunRequest,
              example.guideboard.v1.GetRunResponse>(
                service, METHODID_GET_RUN)))
        .addMethod(
          getListRunsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ListRunsRequest,
              example.guideboard.v1.ListRunsResponse>(
                service, METHODID_LIST_RUNS)))
        .addMethod(
          getWatchRunMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              example.guideboard.v1.WatchRunRequest,
              example.guideboard.v1.WatchRunResponse>(
                service, METHODID_WATCH_RUN)))
        .addMethod(
          getCancelRunMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.CancelRunRequest,
              example.guideboard.v1.CancelRunResponse>(
                service, METHODID_CANCEL_RUN)))
        .addMethod(
          getGetRunReportsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.GetRunReportsRequest,
              example.guideboard.v1.GetRunReportsResponse>(
                service, METHODID_GET_RUN_REPORTS)))
        .build();
  }

  private static abstract class RunServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    RunServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return example.guideboard.v1.RunServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("RunService");
    }
  }

  private static final class RunServiceFileDescriptorSupplier
      extends RunServiceBaseDescriptorSupplier {
    RunServiceFileDescriptorSupplier() {}
  }

  private static final class RunServiceMethodDescriptorSupplier
      extends RunServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    RunServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (RunServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new RunServiceFileDescriptorSupplier())
              .addMethod(getStartRunMethod())
              .addMethod(getGetRunMethod())
              .addMethod(getListRunsMethod())
              .addMethod(getWatchRunMethod())
              .addMethod(getCancelRunMethod())
              .addMethod(getGetRunReportsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
