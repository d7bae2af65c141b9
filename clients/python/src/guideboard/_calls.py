"""The calls of the service, as both clients offer them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from guideboard._flow import Flow, Method, call, give, stream
from guideboard.v1 import catalog_service_pb2 as catalog
from guideboard.v1 import catalog_service_pb2_grpc as catalog_grpc
from guideboard.v1 import retained_run_service_pb2 as retained
from guideboard.v1 import retained_run_service_pb2_grpc as retained_grpc
from guideboard.v1 import run_service_pb2 as runs
from guideboard.v1 import run_service_pb2_grpc as runs_grpc
from guideboard.v1 import types_pb2 as types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound="Message")
R = TypeVar("R", bound="Message")

STUBS: dict[str, Callable[[Any], Any]] = {
    "CatalogService": catalog_grpc.CatalogServiceStub,
    "RetainedRunService": retained_grpc.RetainedRunServiceStub,
    "RunService": runs_grpc.RunServiceStub,
}


@dataclass(frozen=True)
class Unary(Generic[P, T]):
    """A call with one reply. Its keyword arguments are the fields of its request."""

    method: Method[Any, Any]
    request: Callable[P, Any]
    take: Callable[[Any], T]

    def flow(self, timeout: float | None, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        """Makes it."""
        return self._flow(timeout, self.request(*args, **kwargs))

    def _flow(self, timeout: float | None, request: Message) -> Flow[T]:
        return self.take((yield from call(self.method, request, timeout)))


@dataclass(frozen=True)
class Paged(Generic[P, T, R]):
    """A call that lists by pages."""

    method: Method[Any, R]
    request: Callable[P, Any]
    take: Callable[[R], Iterable[T]]

    def pages(self, timeout: float | None, request: Any) -> Flow[None]:
        """Gives the pages."""
        while True:
            reply: Any = yield from call(self.method, request, timeout)
            yield from give(reply)
            if not reply.next_page_token:
                return
            following = type(request)()
            following.CopyFrom(request)
            following.page_token = reply.next_page_token
            request = following


@dataclass(frozen=True)
class Streamed(Generic[P, T, R]):
    """A call that is answered by a stream."""

    method: Method[Any, R]
    request: Callable[P, Any]
    take: Callable[[R], Iterable[T]]

    def flow(self, request: Any) -> Flow[None]:
        """Gives what is in the messages."""
        replies = yield from stream(self.method, request)
        while (reply := (yield from replies.next())) is not None:
            for item in self.take(reply):
                yield from give(item)


def _unary(service: str, name: str, request: Callable[P, Q], reply: type[R], take: Callable[[R], T]) -> Unary[P, T]:
    kind: Any = request
    return Unary(Method(service, name, kind, reply), request, take)


def _paged(
    service: str, name: str, request: Callable[P, Q], reply: type[R], take: Callable[[R], Iterable[T]]
) -> Paged[P, T, R]:
    kind: Any = request
    return Paged(Method(service, name, kind, reply), request, take)


def _streamed(
    service: str, name: str, request: Callable[P, Q], reply: type[R], take: Callable[[R], Iterable[T]]
) -> Streamed[P, T, R]:
    kind: Any = request
    return Streamed(Method(service, name, kind, reply), request, take)


def _whole(reply: R) -> R:
    return reply


# What each field and reply means stands in the stubs, guideboard/v1/*.pyi.
GET_SERVER_INFO = _unary(
    "CatalogService", "GetServerInfo", catalog.GetServerInfoRequest, catalog.GetServerInfoResponse, _whole
)
LIST_EXTENSIONS = _paged(
    "CatalogService",
    "ListExtensions",
    catalog.ListExtensionsRequest,
    catalog.ListExtensionsResponse,
    lambda reply: reply.extensions,
)
VALIDATE_PROFILE = _unary(
    "CatalogService", "ValidateProfile", catalog.ValidateProfileRequest, catalog.ValidateProfileResponse, _whole
)
PLAN_ASSESSMENT = _unary(
    "CatalogService", "PlanAssessment", catalog.PlanAssessmentRequest, catalog.PlanAssessmentResponse, _whole
)

START_RUN = _unary("RunService", "StartRun", runs.StartRunRequest, runs.StartRunResponse, lambda reply: reply.run)
GET_RUN = _unary("RunService", "GetRun", runs.GetRunRequest, runs.GetRunResponse, lambda reply: reply.run)
LIST_RUNS = _paged("RunService", "ListRuns", runs.ListRunsRequest, runs.ListRunsResponse, lambda reply: reply.runs)
CANCEL_RUN = _unary("RunService", "CancelRun", runs.CancelRunRequest, runs.CancelRunResponse, lambda reply: reply.run)
GET_RUN_REPORTS = _unary("RunService", "GetRunReports", runs.GetRunReportsRequest, runs.GetRunReportsResponse, _whole)
WATCH_RUN = Method("RunService", "WatchRun", runs.WatchRunRequest, runs.WatchRunResponse)

LIST_RETAINED_RUNS = _paged(
    "RetainedRunService",
    "ListRetainedRuns",
    retained.ListRetainedRunsRequest,
    retained.ListRetainedRunsResponse,
    lambda reply: reply.runs,
)
LIST_PROBLEMS = _paged(
    "RetainedRunService",
    "ListProblems",
    retained.ListProblemsRequest,
    retained.ListProblemsResponse,
    lambda reply: reply.problems,
)
GET_RETAINED_RUN = _unary(
    "RetainedRunService", "GetRetainedRun", retained.GetRetainedRunRequest, retained.GetRetainedRunResponse, _whole
)
GET_LATEST_RETAINED_RUN = _unary(
    "RetainedRunService",
    "GetLatestRetainedRun",
    retained.GetLatestRetainedRunRequest,
    retained.GetLatestRetainedRunResponse,
    _whole,
)
GET_RETAINED_RUN_REPORTS = _unary(
    "RetainedRunService",
    "GetRetainedRunReports",
    retained.GetRetainedRunReportsRequest,
    retained.GetRetainedRunReportsResponse,
    _whole,
)
LIST_FINDINGS = _paged(
    "RetainedRunService",
    "ListFindings",
    retained.ListFindingsRequest,
    retained.ListFindingsResponse,
    lambda reply: reply.findings,
)
LIST_EVIDENCE = _paged(
    "RetainedRunService",
    "ListEvidence",
    retained.ListEvidenceRequest,
    retained.ListEvidenceResponse,
    lambda reply: reply.evidence,
)
LIST_ARTIFACTS = _streamed(
    "RetainedRunService",
    "StreamArtifactManifest",
    retained.StreamArtifactManifestRequest,
    retained.StreamArtifactManifestResponse,
    lambda reply: reply.artifact_manifest,
)
READ_ARTIFACT = Method(
    "RetainedRunService", "ReadArtifact", retained.ReadArtifactRequest, retained.ReadArtifactResponse
)

__all__ = ["STUBS", "Paged", "Streamed", "Unary", "catalog", "retained", "runs", "types"]
