"""What can go wrong, as exceptions by meaning.

Every failure of a call is a `GuideBoardError`. Its class tells what kind it is, its `reason` which case exactly: a stable word such as
`RUN_NOT_FOUND`. The exception of gRPC that it was made from, if any, is its ``__cause__``.

Wrong arguments are `ValueError`, and failures of the local disk `OSError`, as everywhere in Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AbortedError",
    "AddressError",
    "AlreadyExistsError",
    "CallCancelledError",
    "ChangedError",
    "ClientClosedError",
    "CopyConflictError",
    "DataLossError",
    "DeadlineExceededError",
    "DigestMismatchError",
    "FailedPreconditionError",
    "FieldViolation",
    "GaveUpError",
    "GuideBoardError",
    "InsecureTokenError",
    "InternalError",
    "InvalidArgumentError",
    "JobForgottenError",
    "NotFoundError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "RunInProgressError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "from_rpc_error",
]

DOMAIN = "guideboard.v1"
_DETAILS_KEY = "grpc-status-details-bin"


class AddressError(ValueError):
    """The text is no address of a server."""


class InsecureTokenError(ValueError):
    """A token would be sent in the clear to another machine."""


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong with one field of a request."""

    field: str
    description: str


class GuideBoardError(Exception):
    """A call failed.

    Attributes:
        code: The status code of gRPC.
        message: One sentence that says what to do.
        reason: The stable reason that the service gives, such as ``RUN_NOT_FOUND``; empty when the service gave none, as when it was not
            reached at all.
        metadata: What the service says beside the reason.
        field_violations: The fields of the request that are wrong.
        retry_delay: After how many seconds to ask again, if the service says so.
    """

    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        field_violations: Iterable[FieldViolation] = (),
        retry_delay: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})
        self.field_violations: tuple[FieldViolation, ...] = tuple(field_violations)
        self.retry_delay = retry_delay

    def __str__(self) -> str:
        """The sentence, behind the reason or else the code."""
        return f"{self.reason or self.code.name}: {self.message}"


class InvalidArgumentError(GuideBoardError):
    """A field of the request is wrong; `field_violations` names it."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(GuideBoardError):
    """There is no such root, run, job or file."""

    code = grpc.StatusCode.NOT_FOUND


class JobForgottenError(NotFoundError):
    """The server knew the job and does not know it any more: it was restarted. What the job left is among the retained runs."""


class AlreadyExistsError(GuideBoardError):
    """The output directory exists, or the request id was used for something else."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPreconditionError(GuideBoardError):
    """Things are not as the call needs them; `reason` tells which."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class RunInProgressError(FailedPreconditionError):
    """The run is being made right now."""


class CopyConflictError(FailedPreconditionError):
    """The directory to pull into holds another run, or another state of the run."""


class ChangedError(GuideBoardError):
    """What is read changed since the reading began. Start again to read what it is now."""

    code = grpc.StatusCode.ABORTED


class AbortedError(GuideBoardError):
    """The call was ended by the server; making it again may help."""

    code = grpc.StatusCode.ABORTED


class OutOfRangeError(GuideBoardError):
    """The offset is beyond the end."""

    code = grpc.StatusCode.OUT_OF_RANGE


class DataLossError(GuideBoardError):
    """What is stored, or what came, is not what it has to be."""

    code = grpc.StatusCode.DATA_LOSS


class DigestMismatchError(DataLossError):
    """The bytes have another SHA-256 than expected."""


class UnauthenticatedError(GuideBoardError):
    """The server wants a token or a client certificate, or does not know the one that it got."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDeniedError(GuideBoardError):
    """The server knows who calls, and they may not."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhaustedError(GuideBoardError):
    """A limit of the server is reached; `retry_delay` says when to come again."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class UnavailableError(GuideBoardError):
    """The server cannot be reached, or cannot answer just now."""

    code = grpc.StatusCode.UNAVAILABLE


class GaveUpError(UnavailableError):
    """Nothing answered for as long as it was to be tried."""


class DeadlineExceededError(GuideBoardError):
    """There was no answer in time."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class CallCancelledError(GuideBoardError):
    """The call was cancelled."""

    code = grpc.StatusCode.CANCELLED


class ClientClosedError(CallCancelledError):
    """The client was closed before or during the call, or the follower was."""


class UnimplementedError(GuideBoardError):
    """The server does not know the call: it is older, or something else."""

    code = grpc.StatusCode.UNIMPLEMENTED


class InternalError(GuideBoardError):
    """The server's own fault; its log has more."""

    code = grpc.StatusCode.INTERNAL


_BY_CODE: dict[grpc.StatusCode, type[GuideBoardError]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError,
        NotFoundError,
        AlreadyExistsError,
        FailedPreconditionError,
        AbortedError,
        OutOfRangeError,
        DataLossError,
        UnauthenticatedError,
        PermissionDeniedError,
        ResourceExhaustedError,
        UnavailableError,
        DeadlineExceededError,
        CallCancelledError,
        UnimplementedError,
        InternalError,
    )
}
# Cases that stand under the code of another meaning.
_BY_REASON: dict[str, type[GuideBoardError]] = {
    "GENERATION_MISMATCH": ChangedError,
    "CHANGED_WHILE_READING": ChangedError,
    "DIGEST_MISMATCH": DigestMismatchError,
}


def from_rpc_error(error: grpc.RpcError) -> GuideBoardError:
    """What an exception of gRPC means; for calls that are made by the generated stubs.

    Raise it ``from`` the original:

        except grpc.RpcError as error:
            raise errors.from_rpc_error(error) from error
    """
    call: Any = error
    if not callable(getattr(call, "code", None)):
        return GuideBoardError(str(error))
    code, text = call.code(), call.details() or ""
    details = next((value for key, value in call.trailing_metadata() or () if key == _DETAILS_KEY), b"")
    return from_status(code or grpc.StatusCode.UNKNOWN, text, details)


def from_status(code: grpc.StatusCode, text: str, details: bytes) -> GuideBoardError:
    """What a status means, with the bytes of the `google.rpc.Status` that came with it."""
    status = status_pb2.Status()
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    has_retry = False
    try:
        status.ParseFromString(details)
        for detail in status.details:
            if detail.Is(info.DESCRIPTOR):
                detail.Unpack(info)
            elif detail.Is(bad.DESCRIPTOR):
                detail.Unpack(bad)
            elif detail.Is(retry.DESCRIPTOR):
                detail.Unpack(retry)
                has_retry = True
    except DecodeError:
        # Something between wrote them; the code and the sentence stay.
        info.Clear()
    if info.domain != DOMAIN:
        info.Clear()
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, GuideBoardError)
    return kind(
        text,
        code=code,
        reason=info.reason,
        metadata=info.metadata,
        field_violations=[FieldViolation(each.field, each.description) for each in bad.field_violations],
        retry_delay=retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9 if has_retry else None,
    )
