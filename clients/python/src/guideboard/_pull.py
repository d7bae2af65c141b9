"""Pulling a whole run into a directory, verified; broken off, it is taken up again."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from guideboard import _calls
from guideboard._download import Reading, Which, download, read
from guideboard._files import files_below, is_safe, place_below, standing
from guideboard._flow import Flow, call, sleep, stream, work
from guideboard._retry import Backoff
from guideboard.errors import (
    ChangedError,
    CopyConflictError,
    DataLossError,
    DigestMismatchError,
    FailedPreconditionError,
    GuideBoardError,
    InvalidArgumentError,
    NotFoundError,
    RunInProgressError,
    UnavailableError,
)
from guideboard.v1 import retained_run_service_pb2 as retained
from guideboard.v1 import types_pb2 as types

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from guideboard._flow import Method, Q, R

    Progress = Callable[[str, int, int], None]

_RECORD = "run.json"
_PLAN = "plan.json"
_SOURCE_LOCK = "sources.lock.json"
_SUMMARY = "retention-summary.json"
_SUBMISSION_PACKAGE = "reports/submission-package.json"
_OUTPUT_DIRECTORIES = ("normalized", "reports", "exports", "artifacts")
_MAX_PACKAGE_BYTES = 16 << 20
_FOREIGN_SHOWN = 20
_SENTENCES = {
    types.FILE_STATE_MISSING: "the run records it, but it is not there",
    types.FILE_STATE_OTHER_SIZE: "it has another size than the run records",
    types.FILE_STATE_NOT_REGULAR_FILE: "it is a link, a directory or a special file",
    types.FILE_STATE_UNSAFE_PATH: "the path that the run records is refused",
    types.FILE_STATE_UNADDRESSABLE: "no request can spell its name",
}


@dataclass(frozen=True)
class PullProblem:
    """Something that a copy does not have, or should not have."""

    #: The path relative to the run directory; empty when it is about the run, or the recorded path is unsafe.
    path: str
    #: What is the matter, a word: ``missing``, ``other_size``, ``unsafe_path``, ``other_digest``, ``refused`` …
    state: str
    #: One sentence.
    message: str
    #: Whether another try may do better, once what stands in the way is mended. Otherwise the run itself is so.
    is_mendable: bool


@dataclass
class PullReport:
    """What came of pulling a run."""

    #: The run.
    run: types.RetainedRun
    #: The directory that holds the copy.
    directory: Path
    #: How many files were downloaded.
    pulled: int = 0
    #: How many bytes these have.
    bytes_pulled: int = 0
    #: How many files stood there already.
    kept: int = 0
    #: Whether the copy has the run's summary, which makes it a retained run. It comes last, over a copy that is whole.
    has_summary: bool = False
    #: What is the matter.
    problems: list[PullProblem] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the copy has all that can be had of the run."""
        return not any(problem.is_mendable for problem in self.problems)


@dataclass(frozen=True)
class _Entry:
    path: str
    sha256: str
    size_bytes: int | None
    state: types.FileState.ValueType
    unlisted: bool


def pull(
    which: Which,
    directory: Path,
    *,
    retry_for: float,
    timeout: float | None,
    overwrite: bool = False,
    fsync: bool = False,
    progress: Progress | None = None,
) -> Flow[PullReport]:
    """Pulls a run. `which` names it, with an empty path."""
    asked = _Asked(which, retry_for, timeout)
    run, entries, is_cut = yield from asked.manifest()
    if run.directory in (yield from asked.in_progress()):
        raise RunInProgressError("the run is being made; pull it once it is done")
    yield from work(lambda: directory.mkdir(parents=True, exist_ok=True))
    one = _Pull(asked, PullReport(run, directory), overwrite=overwrite, fsync=fsync, progress=progress)
    yield from one.all(entries, is_cut=is_cut)
    return one.report


class _Asked:
    """The server, asked for one run, again where the connection breaks."""

    def __init__(self, which: Which, retry_for: float, timeout: float | None) -> None:
        self.which, self.retry_for, self.timeout = which, retry_for, timeout

    def output(self, path: str) -> Which:
        return Which(path, self.which.run_id, self.which.directory, self.which.runs_dir)

    def call(self, method: Method[Q, R], request: Q) -> Flow[R]:
        backoff = Backoff(self.retry_for)
        while True:
            try:
                return (yield from call(method, request, self.timeout))
            except GuideBoardError as error:
                yield from sleep(backoff.broke(error, time.monotonic()))

    def in_progress(self) -> Flow[set[str]]:
        """The directories of the runs that are being made."""
        found: set[str] = set()
        request = retained.ListProblemsRequest(runs_dir=self.which.runs_dir, reasons=["in_progress"], page_size=500)
        while True:
            reply = yield from self.call(_calls.LIST_PROBLEMS.method, request)
            found.update(problem.directory for problem in reply.problems)
            if not reply.next_page_token:
                return found
            request.page_token = reply.next_page_token

    def manifest(self) -> Flow[tuple[types.RetainedRun, list[_Entry], bool]]:
        """The run, all entries, and whether there are more files than are looked at. Broken off, it is read anew."""
        request = retained.StreamArtifactManifestRequest(
            run_id=self.which.run_id,
            directory=self.which.directory,
            runs_dir=self.which.runs_dir,
            include_unlisted=True,
            report_unsafe=True,
        )
        backoff = Backoff(self.retry_for)
        while True:
            try:
                return (yield from self._manifest(request, backoff))
            except GuideBoardError as error:
                yield from sleep(backoff.broke(error, time.monotonic()))

    def _manifest(
        self, request: retained.StreamArtifactManifestRequest, backoff: Backoff
    ) -> Flow[tuple[types.RetainedRun, list[_Entry], bool]]:
        run, entries, is_cut, count, listed = types.RetainedRun(), list[_Entry](), False, 0, 0
        messages = yield from stream(_calls.LIST_ARTIFACTS.method, request)
        while (message := (yield from messages.next())) is not None:
            if message.HasField("run"):
                run, count = message.run, message.entry_count
            for entry in message.artifact_manifest:
                size = entry.size_bytes if entry.HasField("size_bytes") else None
                entries.append(_Entry(entry.path, entry.sha256, size, entry.state, entry.unlisted))
                listed += not entry.unlisted
            is_cut = is_cut or message.unlisted_truncated
        if listed < count:
            raise UnavailableError("the stream ended too early")
        backoff.answered()
        return run, entries, is_cut

    def generation(self, path: str) -> Flow[str | None]:
        """The generation of a document; None when it cannot be had."""
        header = yield from self.header(path)
        return None if header is None else header.generation

    def header(self, path: str, *, compute_sha256: bool = False) -> Flow[retained.ReadArtifactResponse | None]:
        """What is said of an output before its bytes; None when it cannot be had."""
        reading = Reading(self.output(path), retry_for=self.retry_for, compute_sha256=compute_sha256)
        try:
            yield from reading.to_the_end(lambda _: False, len)
        except FailedPreconditionError:
            return None
        except NotFoundError as error:
            if not _is_no_file(error):
                raise
            return None
        return reading.header


def _is_no_file(error: NotFoundError) -> bool:
    """Whether a file is not there; that its run is not there is another thing."""
    return error.reason == "ARTIFACT_NOT_FOUND"


class _Pull:
    def __init__(
        self, asked: _Asked, report: PullReport, *, overwrite: bool, fsync: bool, progress: Progress | None
    ) -> None:
        self.asked, self.report = asked, report
        self.overwrite, self.fsync, self.progress = overwrite, fsync, progress
        self.recorded: dict[str, str] = {}
        self.met: set[str] = set()

    def all(self, entries: list[_Entry], *, is_cut: bool) -> Flow[None]:
        """Pulls all that the run has, the summary last."""
        state = yield from self.state()
        if not self.overwrite:
            for document in (_RECORD, _SUMMARY):
                yield from self.refuse_another(document)
        self.recorded = yield from self.recorded_digests()
        yield from self.document(_RECORD)
        for entry in entries:
            yield from self.entry(entry)
        if is_cut:
            self.problem("", "refused", "there are more files than are looked at", is_mendable=True)
        yield from self.document(_PLAN)
        yield from self.document(_SOURCE_LOCK)
        yield from self.foreign()
        if (yield from self.state()) != state:
            self.problem("", "refused", "the run changed while it was pulled", is_mendable=True)
        if self.report.is_whole and state[1] is not None:
            is_there = yield from self.file(_SUMMARY, generation=state[1])
            self.report.has_summary = is_there and self.report.is_whole

    def state(self) -> Flow[tuple[str | None, str | None]]:
        """The generations of the documents that make a directory a run."""
        return (yield from self.asked.generation(_RECORD)), (yield from self.asked.generation(_SUMMARY))

    def refuse_another(self, document: str) -> Flow[None]:
        """Refuses a directory whose document is not the run's."""
        try:
            there = yield from work(lambda: standing(self.report.directory / document))
        except FileExistsError:
            # Told when the document itself is pulled.
            return
        if there is None:
            return
        header = yield from self.asked.header(document, compute_sha256=True)
        if header is None or there != (header.size_bytes, header.sha256):
            raise CopyConflictError(
                f"{self.report.directory} holds another run, or another state of this one; overwrite=True replaces its files"
            )

    def recorded_digests(self) -> Flow[dict[str, str]]:
        """The digests of documents that the run's submission package records. What is wrong with it is told when it is pulled."""
        try:
            package = yield from read(
                self.asked.output(_SUBMISSION_PACKAGE), max_bytes=_MAX_PACKAGE_BYTES, retry_for=self.asked.retry_for
            )
        except (ValueError, FailedPreconditionError, DataLossError):
            return {}
        except NotFoundError as error:
            if not _is_no_file(error):
                raise
            return {}
        return recorded_in(package)

    def entry(self, entry: _Entry) -> Flow[None]:
        """Pulls what a manifest entry names, if it is what the entry says."""
        # The summary has its time, whatever a manifest says; of a path that comes again the first counts.
        if entry.path == _SUMMARY or (entry.path and entry.path in self.met):
            return
        self.met.add(entry.path)
        if entry.state == types.FILE_STATE_PRESENT:
            is_there = yield from self.file(entry.path, sha256=entry.sha256, size_bytes=entry.size_bytes)
            if not is_there and not entry.unlisted:
                self.problem(entry.path, "missing", "the run records it, but it is gone", is_mendable=False)
        elif entry.state in _SENTENCES:
            word = types.FileState.Name(entry.state).removeprefix("FILE_STATE_").lower()
            self.problem(entry.path, word, _SENTENCES[entry.state], is_mendable=False)
        else:
            self.problem(entry.path, "unreadable", "it cannot be read where the run is", is_mendable=True)

    def document(self, path: str) -> Flow[None]:
        """Pulls a document that stands directly in the run, if it is there."""
        if path not in self.met:
            self.met.add(path)
            yield from self.file(path)

    def file(self, path: str, *, sha256: str = "", size_bytes: int | None = None, generation: str = "") -> Flow[bool]:
        """Pulls one file; False when it is not there."""
        if not is_safe(path):
            self.problem(path, "unsafe_path", "its path is refused", is_mendable=False)
            return True
        sha256 = sha256 or self.recorded.get(path, "")
        progress = None if self.progress is None else _of(self.progress, path)
        try:
            target = yield from work(lambda: place_below(self.report.directory, path))
            if (
                sha256
                and size_bytes is not None
                and (yield from work(lambda: standing(target))) == (size_bytes, sha256)
            ):
                self.report.kept += 1
                return True
            done = yield from download(
                self.asked.output(path),
                target,
                retry_for=self.asked.retry_for,
                expected_sha256=sha256,
                expected_generation=generation,
                overwrite=self.overwrite,
                keep_identical=True,
                fsync=self.fsync,
                progress=progress,
            )
        except FileExistsError as error:
            self.problem(path, "refused", f"{error.strerror}", is_mendable=True)
        except NotFoundError as error:
            if not _is_no_file(error):
                raise
            return False
        except DigestMismatchError:
            self.problem(
                path, "other_digest", "its bytes are not those whose digest the run records", is_mendable=False
            )
        # About this file alone: the others still come.
        except (ChangedError, FailedPreconditionError, DataLossError, InvalidArgumentError) as error:
            self.problem(path, "refused", error.message, is_mendable=True)
        else:
            if done.was_there:
                self.report.kept += 1
            else:
                self.report.pulled += 1
                self.report.bytes_pulled += done.size_bytes
        return True

    def foreign(self) -> Flow[None]:
        """Tells of files in the output directories of the copy that the run does not have."""
        there = yield from work(lambda: files_below(self.report.directory, _OUTPUT_DIRECTORIES))
        strangers = [path for path in there if path not in self.met]
        for path in strangers[:_FOREIGN_SHOWN]:
            self.problem(path, "foreign", "it stands in the copy, and the run has no such file", is_mendable=True)

    def problem(self, path: str, state: str, message: str, *, is_mendable: bool) -> None:
        """Notes what is the matter."""
        self.report.problems.append(PullProblem(path, state, message, is_mendable))


def _of(progress: Progress, path: str) -> Callable[[int, int], None]:
    return lambda position, size: progress(path, position, size)


def recorded_in(package: bytes) -> dict[str, str]:
    """The digests that a submission package records, by plain path relative to the run. Anything else records nothing."""
    try:
        said: Any = json.loads(package)
    except (ValueError, RecursionError):
        return {}
    documents = said.get("documents") if isinstance(said, dict) else None
    found: dict[str, str] = {}
    for document in documents if isinstance(documents, list) else []:
        if isinstance(document, dict):
            path, digest = document.get("path"), document.get("sha256")
            if isinstance(path, str) and isinstance(digest, str) and is_safe(path):
                found.setdefault(path, digest.removeprefix("sha256:").lower())
    return found
