package example.guideboard;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a server refused, or why none answered.
 *
 * <p>The subclasses are the cases that programs tell apart. Match on them, on {@link #code()} and on {@link #reason()}; the sentence of
 * {@link #getMessage()} is for people and may change.
 */
public class GuideBoardException extends RuntimeException {
  /** The domain of the reasons of the service. */
  static final String DOMAIN = "guideboard.v1";

  private static final long serialVersionUID = 1L;

  /** What stands in the details of the status. It is not kept when the exception is serialized. */
  private final transient Details details;

  /** The code of gRPC. */
  private final Status.Code code;

  /**
   * One field of a request that the server does not take.
   */
  public static final class FieldViolation {
    private final String field;
    private final String description;

    FieldViolation(String field, String description) {
      this.field = field;
      this.description = description;
    }

    /**
     * The field's name.
     *
     * @return the name as the {@code .proto} file spells it
     */
    public String field() {
      return field;
    }

    /**
     * What is wrong with it.
     *
     * @return a sentence
     */
    public String description() {
      return description;
    }

    @Override
    public String toString() {
      return field + ": " + description;
    }
  }

  /** What stands in the details of a status. */
  static final class Details {
    static final Details NONE = new Details("", "", Map.of(), List.of(), null);

    final String domain;
    final String reason;
    final Map<String, String> metadata;
    final List<FieldViolation> violations;
    final Duration retryDelay;

    Details(String domain, String reason, Map<String, String> metadata, List<FieldViolation> violations, Duration retryDelay) {
      this.domain = domain;
      this.reason = reason;
      this.metadata = metadata;
      this.violations = violations;
      this.retryDelay = retryDelay;
    }

    /** Details that cannot be read count as none: the status alone says enough. */
    static Details of(Throwable cause) {
      com.google.rpc.Status status = StatusProto.fromThrowable(cause);
      if (status == null) {
        return NONE;
      }
      String domain = "";
      String reason = "";
      Map<String, String> metadata = Map.of();
      List<FieldViolation> violations = new ArrayList<>();
      Duration retryDelay = null;
      try {
        for (Any any : status.getDetailsList()) {
          if (any.is(ErrorInfo.class)) {
            ErrorInfo info = any.unpack(ErrorInfo.class);
            domain = info.getDomain();
            reason = info.getReason();
            metadata = Map.copyOf(info.getMetadataMap());
          } else if (any.is(BadRequest.class)) {
            for (BadRequest.FieldViolation violation : any.unpack(BadRequest.class).getFieldViolationsList()) {
              violations.add(new FieldViolation(violation.getField(), violation.getDescription()));
            }
          } else if (any.is(RetryInfo.class)) {
            com.google.protobuf.Duration delay = any.unpack(RetryInfo.class).getRetryDelay();
            retryDelay = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
          }
        }
      } catch (InvalidProtocolBufferException unreadable) {
        return NONE;
      }
      return new Details(domain, reason, metadata, List.copyOf(violations), retryDelay);
    }
  }

  GuideBoardException(Status.Code code, String message, Details details, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.details = details;
  }

  /**
   * What a failure of a stub means. For callers of the stubs that {@link GuideBoardClient} gives out.
   *
   * @param failure what a stub threw, or what stands behind the failed future of one
   * @return an exception of the class that fits its code and reason
   */
  public static GuideBoardException of(Throwable failure) {
    Objects.requireNonNull(failure, "failure");
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof GuideBoardException) {
        return (GuideBoardException) cause;
      }
    }
    Status status = Status.fromThrowable(failure);
    Details details = Details.of(failure);
    String sentence = status.getDescription() == null ? status.getCode().name() : status.getDescription();
    String because = details.reason.isEmpty() ? deepest(status.getCause()) : "";
    return of(status.getCode(), sentence + because, details, failure);
  }

  /** Only what lies deepest says what went wrong with a connection. */
  private static String deepest(Throwable cause) {
    if (cause == null) {
      return "";
    }
    Throwable deepest = cause;
    while (deepest.getCause() != null && deepest.getCause() != deepest) {
      deepest = deepest.getCause();
    }
    return deepest.getMessage() == null ? "" : ": " + deepest.getMessage();
  }

  private static GuideBoardException of(Status.Code code, String message, Details details, Throwable cause) {
    if (details.reason.equals("DIGEST_MISMATCH") && details.domain.equals(DOMAIN)) {
      return new DigestMismatchException(code, message, details, cause);
    }
    if (details.reason.equals("GENERATION_MISMATCH") && details.domain.equals(DOMAIN)) {
      return new ChangedException(code, message, details, cause);
    }
    switch (code) {
      case ABORTED:
        return new ChangedException(code, message, details, cause);
      case ALREADY_EXISTS:
        return new AlreadyExistsException(code, message, details, cause);
      case DATA_LOSS:
        return new DataLossException(code, message, details, cause);
      case FAILED_PRECONDITION:
        return new FailedPreconditionException(code, message, details, cause);
      case INVALID_ARGUMENT:
        return new InvalidArgumentException(code, message, details, cause);
      case NOT_FOUND:
        return new NotFoundException(code, message, details, cause);
      case PERMISSION_DENIED:
        return new PermissionDeniedException(code, message, details, cause);
      case UNAUTHENTICATED:
        return new UnauthenticatedException(code, message, details, cause);
      case UNAVAILABLE:
        return new UnavailableException(code, message, details, cause);
      default:
        return new GuideBoardException(code, message, details, cause);
    }
  }

  /** What this side finds wrong, told as a server would. */
  static GuideBoardException here(Status.Code code, String message) {
    return of(code, message, Details.NONE, null);
  }

  Details details() {
    return details == null ? Details.NONE : details;
  }

  /**
   * The code of gRPC.
   *
   * @return the code
   */
  public Status.Code code() {
    return code;
  }

  /**
   * The stable reason, such as {@code RUN_NOT_FOUND}. The service's documentation lists them.
   *
   * @return the reason; empty when it was not the service that spoke: a connection that broke, or something between
   */
  public Optional<String> reason() {
    return Optional.of(details().reason).filter(reason -> !reason.isEmpty());
  }

  /**
   * Whether the reason is this one.
   *
   * @param reason a reason, such as {@code RUN_NOT_FOUND}
   * @return whether it is
   */
  public boolean hasReason(String reason) {
    return details().reason.equals(reason);
  }

  /**
   * What else the server says for programs, such as {@code field} or {@code document}.
   *
   * @return values by name; empty when it says nothing
   */
  public Map<String, String> metadata() {
    return details().metadata;
  }

  /**
   * The fields of the request that the server does not take.
   *
   * @return the violations; empty unless the request was at fault
   */
  public List<FieldViolation> fieldViolations() {
    return details().violations;
  }

  /**
   * How long to wait before another try.
   *
   * @return the delay; empty when the server does not ask for another try
   */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(details().retryDelay);
  }
}
