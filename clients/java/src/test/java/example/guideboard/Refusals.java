package example.guideboard;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;

/** Refusals as the service makes them. */
final class Refusals {
  private Refusals() {}

  static StatusRuntimeException refusal(Status.Code code, String reason, Duration retryDelay) {
    com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("a sentence");
    ErrorInfo info = ErrorInfo.newBuilder().setDomain("guideboard.v1").setReason(reason).putMetadata("field", "page_size").build();
    status.addDetails(Any.pack(info));
    if (retryDelay != null) {
      com.google.protobuf.Duration delay =
          com.google.protobuf.Duration.newBuilder().setSeconds(retryDelay.getSeconds()).setNanos(retryDelay.getNano()).build();
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
    }
    if (code == Status.Code.INVALID_ARGUMENT) {
      BadRequest.FieldViolation violation = BadRequest.FieldViolation.newBuilder().setField("page_size").setDescription("it is negative").build();
      status.addDetails(Any.pack(BadRequest.newBuilder().addFieldViolations(violation).build()));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }
}
