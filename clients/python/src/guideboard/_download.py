"""Reading an output of a run: taken up again where the connection broke, pinned to one generation, verified."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guideboard import _calls
from guideboard._files import PartialFile, already_there, refuse_existing, standing
from guideboard._flow import Flow, SilenceError, Stream, sleep, stream, work
from guideboard._retry import Backoff
from guideboard.errors import ChangedError, DataLossError, DigestMismatchError, GuideBoardError, UnavailableError
from guideboard.v1 import retained_run_service_pb2 as retained

# A silence of this length between two pieces counts as a broken connection: gRPC notices some resets only when it next writes,
# which may be as late as the next keepalive. On a slow line messages take their time, so that the longest wait so far stretches
# it, and each silence after another doubles it.
_FIRST_STALL = 2.0
_LONGEST_STALL = 60.0
_STRETCH = 4.0

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Which:
    """An output of a run."""

    path: str
    run_id: str
    directory: str
    runs_dir: str

    def request(self) -> retained.ReadArtifactRequest:
        """The request for all of it."""
        return retained.ReadArtifactRequest(
            path=self.path, run_id=self.run_id, directory=self.directory, runs_dir=self.runs_dir
        )


@dataclass(frozen=True)
class Download:
    """A file that was downloaded and verified."""

    #: Where it stands.
    path: Path
    #: Its size in bytes.
    size_bytes: int
    #: Its SHA-256, bare lower-case hex.
    sha256: str
    #: The generation that was read: another one whenever the file is another or has changed.
    generation: str
    #: Its media type.
    media_type: str
    #: How many times it was taken up again after a break.
    resumed: int
    #: Whether the same file stood there already, so that nothing was written.
    was_there: bool = False


class Reading:
    """Reads an output piece by piece. The state outlives its streams."""

    def __init__(
        self,
        which: Which,
        *,
        retry_for: float,
        expected_generation: str = "",
        expected_sha256: str = "",
        compute_sha256: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.header: retained.ReadArtifactResponse | None = None
        self.position = 0
        self.resumed = 0
        self._request = which.request()
        self._request.expected_generation = expected_generation
        self._request.expected_sha256 = expected_sha256
        self._request.compute_sha256 = compute_sha256
        self._backoff = Backoff(retry_for)
        self._clock = clock
        self._longest_wait = 0.0
        self._silences = 0

    def to_the_end(
        self,
        begin: Callable[[retained.ReadArtifactResponse], bool],
        write: Callable[[bytes], object],
        progress: Progress | None = None,
    ) -> Flow[bool]:
        """Reads all of it; False when `begin`, which is given the first message, does not want it.

        `begin` and `write` may take a while. `progress` is told the position and the size.
        """
        while not self._is_done():
            try:
                if not (yield from self._once(begin, write, progress)):
                    return False
            except GuideBoardError as error:
                # Only the end was lost, and what came is verified by its digest.
                if self._is_done():
                    break
                self._silences += isinstance(error, SilenceError)
                yield from sleep(self._backoff.broke(error, self._clock()))
        return True

    def _is_done(self) -> bool:
        return self.header is not None and self.position == self.header.size_bytes

    def _once(
        self,
        begin: Callable[[retained.ReadArtifactResponse], bool],
        write: Callable[[bytes], object],
        progress: Progress | None,
    ) -> Flow[bool]:
        request = self._request
        if self.header is not None:
            request.offset = self.position
            request.expected_generation = self.header.generation
            request.compute_sha256 = False
        messages = yield from stream(_calls.READ_ARTIFACT, request)
        is_first = True
        while (message := (yield from self._next(messages))) is not None:
            if is_first and not (yield from self._begin(begin, message)):
                yield from messages.close()
                return False
            is_first = False
            if not (message.data or self.position == 0):
                continue
            self._check(message)
            if message.data:
                data = message.data
                yield from work(lambda data=data: write(data))  # type: ignore[misc]
                self.position += len(data)
                self._backoff.went_on()
            if progress is not None and self.header is not None:
                progress(self.position, self.header.size_bytes)
        if not self._is_done():
            raise UnavailableError("the stream ended too early")
        return True

    def _next(self, messages: Stream[retained.ReadArtifactResponse]) -> Flow[retained.ReadArtifactResponse | None]:
        if self.header is None:
            # The server may have to compute a digest first.
            return (yield from messages.next())
        began = self._clock()
        stall = max(_FIRST_STALL, self._longest_wait * _STRETCH) * 2**self._silences
        message = yield from messages.next(min(stall, _LONGEST_STALL))
        self._longest_wait = max(self._longest_wait, self._clock() - began)
        self._silences = 0
        return message

    def _begin(
        self, begin: Callable[[retained.ReadArtifactResponse], bool], message: retained.ReadArtifactResponse
    ) -> Flow[bool]:
        if not message.generation:
            raise DataLossError("the server does not say which file it sends")
        if self.header is None:
            self.header = message
            return (yield from work(lambda: begin(message)))
        if message.generation != self.header.generation:
            raise ChangedError("the file changed while it was read; start again")
        self.resumed += 1
        return True

    def _check(self, message: retained.ReadArtifactResponse) -> None:
        left = (self.header.size_bytes if self.header is not None else 0) - self.position
        if message.offset != self.position or len(message.data) > left:
            raise DataLossError("the server sends other bytes than those that were asked for")


def download(
    which: Which,
    target: Path,
    *,
    retry_for: float,
    expected_sha256: str = "",
    expected_generation: str = "",
    overwrite: bool = False,
    keep_identical: bool = False,
    fsync: bool = False,
    progress: Progress | None = None,
) -> Flow[Download]:
    """Downloads an output to a file."""
    expected_sha256 = expected_sha256.lower()
    if not overwrite and not keep_identical:
        yield from work(lambda: refuse_existing(target))
    reading = Reading(
        which,
        retry_for=retry_for,
        expected_generation=expected_generation,
        expected_sha256=expected_sha256,
        compute_sha256=not expected_sha256,
    )
    held: list[PartialFile] = []

    def begin(header: retained.ReadArtifactResponse) -> bool:
        if keep_identical and (there := standing(target)) is not None:
            if there == (header.size_bytes, expected_sha256 or header.sha256):
                return False
            if not overwrite:
                raise already_there(target)
        held.append(PartialFile(target))
        return True

    def write(data: bytes) -> None:
        held[0].write(data)

    try:
        is_read = yield from reading.to_the_end(begin, write, progress)
        header = reading.header
        if header is None:
            raise UnavailableError("the stream ended too early")
        digest = expected_sha256 or header.sha256
        if is_read:
            partial = held[0]
            for expected in {expected_sha256, header.sha256} - {""}:
                if partial.sha256 != expected:
                    raise DigestMismatchError(
                        f"{which.path}: its bytes have the SHA-256 {partial.sha256}, not {expected}"
                    )
            digest = partial.sha256
            yield from work(lambda: partial.place(overwrite=overwrite, fsync=fsync))
    finally:
        for each in held:
            each.discard()
    return Download(
        path=target,
        size_bytes=header.size_bytes,
        sha256=digest,
        generation=header.generation,
        media_type=header.media_type,
        resumed=reading.resumed,
        was_there=not is_read,
    )


def read(which: Which, *, max_bytes: int, retry_for: float) -> Flow[bytes]:
    """Reads a small output into memory."""
    pieces: list[bytes] = []
    reading = Reading(which, retry_for=retry_for, compute_sha256=True)

    def begin(header: retained.ReadArtifactResponse) -> bool:
        if header.size_bytes > max_bytes:
            raise ValueError(f"{which.path} has {header.size_bytes} bytes, more than the {max_bytes} that are wanted")
        return True

    yield from reading.to_the_end(begin, pieces.append)
    data = b"".join(pieces)
    header, digest = reading.header, hashlib.sha256(data).hexdigest()
    if header is not None and header.sha256 not in ("", digest):
        raise DigestMismatchError(f"{which.path}: its bytes have the SHA-256 {digest}, not {header.sha256}")
    return data
