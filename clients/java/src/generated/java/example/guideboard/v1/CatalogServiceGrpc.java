package example.guideboard.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Tells about the server itself, and about what its assessments are made of: extensions, profiles, plans. Nothing is run.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class CatalogServiceGrpc {

  private CatalogServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "guideboard.v1.CatalogService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.GetServerInfoRequest,
      example.guideboard.v1.GetServerInfoResponse> getGetServerInfoMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetServerInfo",
      requestType = example.guideboard.v1.GetServerInfoRequest.class,
      responseType = example.guideboard.v1.GetServerInfoResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.GetServerInfoRequest,
      example.guideboard.v1.GetServerInfoResponse> getGetServerInfoMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.GetServerInfoRequest, example.guideboard.v1.GetServerInfoResponse> getGetServerInfoMethod;
    if ((getGetServerInfoMethod = CatalogServiceGrpc.getGetServerInfoMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getGetServerInfoMethod = CatalogServiceGrpc.getGetServerInfoMethod) == null) {
          CatalogServiceGrpc.getGetServerInfoMethod = getGetServerInfoMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.GetServerInfoRequest, example.guideboard.v1.GetServerInfoResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetServerInfo"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetServerInfoRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.GetServerInfoResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("GetServerInfo"))
              .build();
        }
      }
    }
    return getGetServerInfoMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ListExtensionsRequest,
      example.guideboard.v1.ListExtensionsResponse> getListExtensionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListExtensions",
      requestType = example.guideboard.v1.ListExtensionsRequest.class,
      responseType = example.guideboard.v1.ListExtensionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ListExtensionsRequest,
      example.guideboard.v1.ListExtensionsResponse> getListExtensionsMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ListExtensionsRequest, example.guideboard.v1.ListExtensionsResponse> getListExtensionsMethod;
    if ((getListExtensionsMethod = CatalogServiceGrpc.getListExtensionsMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getListExtensionsMethod = CatalogServiceGrpc.getListExtensionsMethod) == null) {
          CatalogServiceGrpc.getListExtensionsMethod = getListExtensionsMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ListExtensionsRequest, example.guideboard.v1.ListExtensionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListExtensions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListExtensionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ListExtensionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("ListExtensions"))
              .build();
        }
      }
    }
    return getListExtensionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.ValidateProfileRequest,
      example.guideboard.v1.ValidateProfileResponse> getValidateProfileMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ValidateProfile",
      requestType = example.guideboard.v1.ValidateProfileRequest.class,
      responseType = example.guideboard.v1.ValidateProfileResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.ValidateProfileRequest,
      example.guideboard.v1.ValidateProfileResponse> getValidateProfileMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.ValidateProfileRequest, example.guideboard.v1.ValidateProfileResponse> getValidateProfileMethod;
    if ((getValidateProfileMethod = CatalogServiceGrpc.getValidateProfileMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getValidateProfileMethod = CatalogServiceGrpc.getValidateProfileMethod) == null) {
          CatalogServiceGrpc.getValidateProfileMethod = getValidateProfileMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.ValidateProfileRequest, example.guideboard.v1.ValidateProfileResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ValidateProfile"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ValidateProfileRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.ValidateProfileResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("ValidateProfile"))
              .build();
        }
      }
    }
    return getValidateProfileMethod;
  }

  private static volatile io.grpc.MethodDescriptor<example.guideboard.v1.PlanAssessmentRequest,
      example.guideboard.v1.PlanAssessmentResponse> getPlanAssessmentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PlanAssessment",
      requestType = example.guideboard.v1.PlanAssessmentRequest.class,
      responseType = example.guideboard.v1.PlanAssessmentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<example.guideboard.v1.PlanAssessmentRequest,
      example.guideboard.v1.PlanAssessmentResponse> getPlanAssessmentMethod() {
    io.grpc.MethodDescriptor<example.guideboard.v1.PlanAssessmentRequest, example.guideboard.v1.PlanAssessmentResponse> getPlanAssessmentMethod;
    if ((getPlanAssessmentMethod = CatalogServiceGrpc.getPlanAssessmentMethod) == null) {
      synchronized (CatalogServiceGrpc.class) {
        if ((getPlanAssessmentMethod = CatalogServiceGrpc.getPlanAssessmentMethod) == null) {
          CatalogServiceGrpc.getPlanAssessmentMethod = getPlanAssessmentMethod =
              io.grpc.MethodDescriptor.<example.guideboard.v1.PlanAssessmentRequest, example.guideboard.v1.PlanAssessmentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PlanAssessment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.PlanAssessmentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  example.guideboard.v1.PlanAssessmentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CatalogServiceMethodDescriptorSupplier("PlanAssessment"))
              .build();
        }
      }
    }
    return getPlanAssessmentMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static CatalogServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceStub>() {
        @java.lang.Override
        public CatalogServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceStub(channel, callOptions);
        }
      };
    return CatalogServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static CatalogServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceBlockingStub>() {
        @java.lang.Override
        public CatalogServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceBlockingStub(channel, callOptions);
        }
      };
    return CatalogServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static CatalogServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CatalogServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CatalogServiceFutureStub>() {
        @java.lang.Override
        public CatalogServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CatalogServiceFutureStub(channel, callOptions);
        }
      };
    return CatalogServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Tells about the server itself, and about what its assessments are made of: extensions, profiles, plans. Nothing is run.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Gets version, roots and their state, limits, features and job counts. Never fails for a reason of its own.
     * Errors:
     * - none but those that every call can raise (RESOURCE_EXHAUSTED at the server's limits).
     * </pre>
     */
    default void getServerInfo(example.guideboard.v1.GetServerInfoRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetServerInfoResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetServerInfoMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the extensions that an assessment profile can name: the bundled ones and those of the server's extension directories, by id
     * ascending. They are read again for every reply. One that is not valid is not listed: it stands among the problems.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a directory that does not exist or lands outside the server's extension directories (which of the
     *   two is not told), a negative `page_size`, a `page_token` of another query.
     * </pre>
     */
    default void listExtensions(example.guideboard.v1.ListExtensionsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListExtensionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListExtensionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Looks at a profile: one of the server's files, or one that stands in the request. A profile that is not valid is a reply with problems, not
     * an error. Of an assessment profile these are looked at: its form, the policy sets that it names, the check groups that it names, and what
     * the extensions that it names ask of it; of a target profile: its form. A document in the request opens no file of the server's: of the
     * policy sets that it names only bundled ones are looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `path` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): no `kind`; neither `path` nor `document`, or both; a file that does not exist or lands outside the
     *   directories configured for profiles, or a directory outside those of extensions (which of the two is not told).
     * </pre>
     */
    default void validateProfile(example.guideboard.v1.ValidateProfileRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ValidateProfileResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getValidateProfileMethod(), responseObserver);
    }

    /**
     * <pre>
     * Plans an assessment as StartRun would begin it. Nothing is run, and no credential is looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles, or a directory
     *   outside those of extensions (which of the two is not told).
     * - INVALID_ARGUMENT (PROFILE_INVALID): the profiles or extensions are not what they must be. One field violation for each of the first 20
     *   problems, with the file, the JSON pointer, what was found and what was expected.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the plan is larger than a message.
     * </pre>
     */
    default void planAssessment(example.guideboard.v1.PlanAssessmentRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.PlanAssessmentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPlanAssessmentMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service CatalogService.
   * <pre>
   * Tells about the server itself, and about what its assessments are made of: extensions, profiles, plans. Nothing is run.
   * </pre>
   */
  public static abstract class CatalogServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return CatalogServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service CatalogService.
   * <pre>
   * Tells about the server itself, and about what its assessments are made of: extensions, profiles, plans. Nothing is run.
   * </pre>
   */
  public static final class CatalogServiceStub
      extends io.grpc.stub.AbstractAsyncStub<CatalogServiceStub> {
    private CatalogServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets version, roots and their state, limits, features and job counts. Never fails for a reason of its own.
     * Errors:
     * - none but those that every call can raise (RESOURCE_EXHAUSTED at the server's limits).
     * </pre>
     */
    public void getServerInfo(example.guideboard.v1.GetServerInfoRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.GetServerInfoResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetServerInfoMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the extensions that an assessment profile can name: the bundled ones and those of the server's extension directories, by id
     * ascending. They are read again for every reply. One that is not valid is not listed: it stands among the problems.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a directory that does not exist or lands outside the server's extension directories (which of the
     *   two is not told), a negative `page_size`, a `page_token` of another query.
     * </pre>
     */
    public void listExtensions(example.guideboard.v1.ListExtensionsRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ListExtensionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListExtensionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Looks at a profile: one of the server's files, or one that stands in the request. A profile that is not valid is a reply with problems, not
     * an error. Of an assessment profile these are looked at: its form, the policy sets that it names, the check groups that it names, and what
     * the extensions that it names ask of it; of a target profile: its form. A document in the request opens no file of the server's: of the
     * policy sets that it names only bundled ones are looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `path` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): no `kind`; neither `path` nor `document`, or both; a file that does not exist or lands outside the
     *   directories configured for profiles, or a directory outside those of extensions (which of the two is not told).
     * </pre>
     */
    public void validateProfile(example.guideboard.v1.ValidateProfileRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.ValidateProfileResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getValidateProfileMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Plans an assessment as StartRun would begin it. Nothing is run, and no credential is looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles, or a directory
     *   outside those of extensions (which of the two is not told).
     * - INVALID_ARGUMENT (PROFILE_INVALID): the profiles or extensions are not what they must be. One field violation for each of the first 20
     *   problems, with the file, the JSON pointer, what was found and what was expected.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the plan is larger than a message.
     * </pre>
     */
    public void planAssessment(example.guideboard.v1.PlanAssessmentRequest request,
        io.grpc.stub.StreamObserver<example.guideboard.v1.PlanAssessmentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPlanAssessmentMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service CatalogService.
   * <pre>
   * Tells about the server itself, and about what its assessments are made of: extensions, profiles, plans. Nothing is run.
   * </pre>
   */
  public static final class CatalogServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<CatalogServiceBlockingStub> {
    private CatalogServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets version, roots and their state, limits, features and job counts. Never fails for a reason of its own.
     * Errors:
     * - none but those that every call can raise (RESOURCE_EXHAUSTED at the server's limits).
     * </pre>
     */
    public example.guideboard.v1.GetServerInfoResponse getServerInfo(example.guideboard.v1.GetServerInfoRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetServerInfoMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the extensions that an assessment profile can name: the bundled ones and those of the server's extension directories, by id
     * ascending. They are read again for every reply. One that is not valid is not listed: it stands among the problems.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a directory that does not exist or lands outside the server's extension directories (which of the
     *   two is not told), a negative `page_size`, a `page_token` of another query.
     * </pre>
     */
    public example.guideboard.v1.ListExtensionsResponse listExtensions(example.guideboard.v1.ListExtensionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListExtensionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Looks at a profile: one of the server's files, or one that stands in the request. A profile that is not valid is a reply with problems, not
     * an error. Of an assessment profile these are looked at: its form, the policy sets that it names, the check groups that it names, and what
     * the extensions that it names ask of it; of a target profile: its form. A document in the request opens no file of the server's: of the
     * policy sets that it names only bundled ones are looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `path` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): no `kind`; neither `path` nor `document`, or both; a file that does not exist or lands outside the
     *   directories configured for profiles, or a directory outside those of extensions (which of the two is not told).
     * </pre>
     */
    public example.guideboard.v1.ValidateProfileResponse validateProfile(example.guideboard.v1.ValidateProfileRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getValidateProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Plans an assessment as StartRun would begin it. Nothing is run, and no credential is looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles, or a directory
     *   outside those of extensions (which of the two is not told).
     * - INVALID_ARGUMENT (PROFILE_INVALID): the profiles or extensions are not what they must be. One field violation for each of the first 20
     *   problems, with the file, the JSON pointer, what was found and what was expected.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the plan is larger than a message.
     * </pre>
     */
    public example.guideboard.v1.PlanAssessmentResponse planAssessment(example.guideboard.v1.PlanAssessmentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPlanAssessmentMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service CatalogService.
   * <pre>
   * Tells about the server itself, and about what its assessments are made of: extensions, profiles, plans. Nothing is run.
   * </pre>
   */
  public static final class CatalogServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<CatalogServiceFutureStub> {
    private CatalogServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CatalogServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CatalogServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets version, roots and their state, limits, features and job counts. Never fails for a reason of its own.
     * Errors:
     * - none but those that every call can raise (RESOURCE_EXHAUSTED at the server's limits).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.GetServerInfoResponse> getServerInfo(
        example.guideboard.v1.GetServerInfoRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetServerInfoMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the extensions that an assessment profile can name: the bundled ones and those of the server's extension directories, by id
     * ascending. They are read again for every reply. One that is not valid is not listed: it stands among the problems.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a directory that does not exist or lands outside the server's extension directories (which of the
     *   two is not told), a negative `page_size`, a `page_token` of another query.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ListExtensionsResponse> listExtensions(
        example.guideboard.v1.ListExtensionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListExtensionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Looks at a profile: one of the server's files, or one that stands in the request. A profile that is not valid is a reply with problems, not
     * an error. Of an assessment profile these are looked at: its form, the policy sets that it names, the check groups that it names, and what
     * the extensions that it names ask of it; of a target profile: its form. A document in the request opens no file of the server's: of the
     * policy sets that it names only bundled ones are looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `path` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): no `kind`; neither `path` nor `document`, or both; a file that does not exist or lands outside the
     *   directories configured for profiles, or a directory outside those of extensions (which of the two is not told).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.ValidateProfileResponse> validateProfile(
        example.guideboard.v1.ValidateProfileRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getValidateProfileMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Plans an assessment as StartRun would begin it. Nothing is run, and no credential is looked at.
     * Errors:
     * - INVALID_ARGUMENT (PATH_INVALID): `target`, `assessment` or an entry of `extension_dirs` does not parse.
     * - INVALID_ARGUMENT (the field named): a profile that does not exist or lands outside the directories configured for profiles, or a directory
     *   outside those of extensions (which of the two is not told).
     * - INVALID_ARGUMENT (PROFILE_INVALID): the profiles or extensions are not what they must be. One field violation for each of the first 20
     *   problems, with the file, the JSON pointer, what was found and what was expected.
     * - FAILED_PRECONDITION (DOCUMENT_TOO_LARGE): the plan is larger than a message.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<example.guideboard.v1.PlanAssessmentResponse> planAssessment(
        example.guideboard.v1.PlanAssessmentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPlanAssessmentMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_SERVER_INFO = 0;
  private static final int METHODID_LIST_EXTENSIONS = 1;
  private static final int METHODID_VALIDATE_PROFILE = 2;
  private static final int METHODID_PLAN_ASSESSMENT = 3;

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
        case METHODID_GET_SERVER_INFO:
          serviceImpl.getServerInfo((example.guideboard.v1.GetServerInfoRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.GetServerInfoResponse>) responseObserver);
          break;
        case METHODID_LIST_EXTENSIONS:
          serviceImpl.listExtensions((example.guideboard.v1.ListExtensionsRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ListExtensionsResponse>) responseObserver);
          break;
        case METHODID_VALIDATE_PROFILE:
          serviceImpl.validateProfile((example.guideboard.v1.ValidateProfileRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.ValidateProfileResponse>) responseObserver);
          break;
        case METHODID_PLAN_ASSESSMENT:
          serviceImpl.planAssessment((example.guideboard.v1.PlanAssessmentRequest) request,
              (io.grpc.stub.StreamObserver<example.guideboard.v1.PlanAssessmentResponse>) responseObserver);
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
          getGetServerInfoMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.GetServerInfoRequest,
              example.guideboard.v1.GetServerInfoResponse>(
                service, METHODID_GET_SERVER_INFO)))
        .addMethod(
          getListExtensionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ListExtensionsRequest,
              example.guideboard.v1.ListExtensionsResponse>(
                service, METHODID_LIST_EXTENSIONS)))
        .addMethod(
          getValidateProfileMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.ValidateProfileRequest,
              example.guideboard.v1.ValidateProfileResponse>(
                service, METHODID_VALIDATE_PROFILE)))
        .addMethod(
          getPlanAssessmentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              example.guideboard.v1.PlanAssessmentRequest,
              example.guideboard.v1.PlanAssessmentResponse>(
                service, METHODID_PLAN_ASSESSMENT)))
        .build();
  }

  private static abstract class CatalogServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    CatalogServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return example.guideboard.v1.CatalogServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("CatalogService");
    }
  }

  private static final class CatalogServiceFileDescriptorSupplier
      extends CatalogServiceBaseDescriptorSupplier {
    CatalogServiceFileDescriptorSupplier() {}
  }

  private static final class CatalogServiceMethodDescriptorSupplier
      extends CatalogServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    CatalogServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (CatalogServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new CatalogServiceFileDescriptorSupplier())
              .addMethod(getGetServerInfoMethod())
              .addMethod(getListExtensionsMethod())
              .addMethod(getValidateProfileMethod())
              .addMethod(getPlanAssessmentMethod())
              .build();
        }
      }
    }
    return result;
  }
}
