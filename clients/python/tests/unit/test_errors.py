import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from guideboard import errors


def status(*messages: Message) -> bytes:
    packed = []
    for message in messages:
        packed.append(Any())
        packed[-1].Pack(message)
    encoded: bytes = status_pb2.Status(details=packed).SerializeToString()
    return encoded


def info(reason: str, domain: str = "guideboard.v1", **metadata: str) -> details.ErrorInfo:
    return details.ErrorInfo(reason=reason, domain=domain, metadata=metadata)


def test_the_details_of_a_status_are_in_the_exception() -> None:
    bad = details.BadRequest(field_violations=[{"field": "page_size", "description": "it is negative"}])
    retry = details.RetryInfo(retry_delay={"seconds": 1, "nanos": 500_000_000})
    encoded = status(info("FIELD_INVALID", field="page_size"), bad, retry)
    error = errors.from_status(grpc.StatusCode.INVALID_ARGUMENT, "page_size is negative", encoded)
    assert type(error) is errors.InvalidArgumentError
    assert error.reason == "FIELD_INVALID"
    assert error.metadata == {"field": "page_size"}
    assert error.field_violations == (errors.FieldViolation("page_size", "it is negative"),)
    assert error.retry_delay == 1.5
    assert error.message == "page_size is negative"
    assert str(error) == "FIELD_INVALID: page_size is negative"


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_code_has_its_exception(code: grpc.StatusCode) -> None:
    error = errors.from_status(code, "text", b"")
    assert error.code is code
    has_none = code in (grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN)
    assert (type(error) is errors.GuideBoardError) == has_none


@pytest.mark.parametrize(
    ("reason", "code", "kind"),
    [
        ("GENERATION_MISMATCH", grpc.StatusCode.FAILED_PRECONDITION, errors.ChangedError),
        ("CHANGED_WHILE_READING", grpc.StatusCode.ABORTED, errors.ChangedError),
        ("DIGEST_MISMATCH", grpc.StatusCode.FAILED_PRECONDITION, errors.DigestMismatchError),
    ],
)
def test_some_reasons_mean_more_than_their_code(reason: str, code: grpc.StatusCode, kind: type) -> None:
    error = errors.from_status(code, "text", status(info(reason)))
    assert type(error) is kind
    assert error.code is code


def test_a_reason_of_another_domain_is_not_the_services() -> None:
    error = errors.from_status(grpc.StatusCode.UNAVAILABLE, "text", status(info("STOPPING", "proxy.example")))
    assert error.reason == ""


def test_details_that_are_none_leave_the_code_and_the_sentence() -> None:
    error = errors.from_status(grpc.StatusCode.NOT_FOUND, "text", b"\xff\xff\xff")
    assert type(error) is errors.NotFoundError
    assert error.message == "text"


def test_every_exception_of_a_call_has_one_base_and_is_offered() -> None:
    def below(kind: type[Exception]) -> set[str]:
        return {kind.__name__}.union(*map(below, kind.__subclasses__()))

    assert below(errors.GuideBoardError) - {"SilenceError"} <= set(errors.__all__)
