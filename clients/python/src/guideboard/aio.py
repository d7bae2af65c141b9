"""The asyncio client: what `guideboard.Client` does, for coroutines. Failures are the same exceptions."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from guideboard import _calls, _download, _follow, _pull
from guideboard._awaiting import (
    Asker,
    AuthorizedStream,
    AuthorizedUnary,
    Follow,
    Paged,
    Pages,
    Streamed,
    Transport,
    Unary,
)
from guideboard._connection import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from guideboard._connection import StrPath
    from guideboard._download import Download
    from guideboard._pull import PullReport
    from guideboard.errors import GuideBoardError

__all__ = ["Client", "Follow", "Pages"]


class Client(Asker):
    """A client of a guide-board server, for one event loop. Use it in an ``async with`` statement, or await `close`.

    It may be used by any number of tasks at once. Nothing is sent before the first call, and no state is shared with other clients. Cancelling a
    task cancels its call.

    The calls take the fields of their requests as keyword arguments, and raise `guideboard.errors.GuideBoardError`. Each request is made once:
    following, downloading and pulling alone go on over a new connection when one breaks.
    """

    get_server_info = Unary(_calls.GET_SERVER_INFO)
    """Version, roots and their state, limits, features and job counts."""
    list_extensions = Paged(_calls.LIST_EXTENSIONS)
    """The extensions that an assessment profile can name."""
    validate_profile = Unary(_calls.VALIDATE_PROFILE)
    """Looks at a profile. One that is not valid is a reply with problems, no error."""
    plan_assessment = Unary(_calls.PLAN_ASSESSMENT)
    """What an assessment would do. Nothing is run."""
    start_run = Unary(_calls.START_RUN)
    """Queues an assessment and returns the job at once. `follow` tells how it fares."""
    get_run = Unary(_calls.GET_RUN)
    """One job."""
    list_runs = Paged(_calls.LIST_RUNS)
    """The jobs of the server's process, newest first."""
    cancel_run = Unary(_calls.CANCEL_RUN)
    """Cancels a job, and returns it at once as it is then."""
    get_run_reports = Unary(_calls.GET_RUN_REPORTS)
    """The reports of the run that a job made."""
    list_retained_runs = Paged(_calls.LIST_RETAINED_RUNS)
    """Retained runs, newest first."""
    list_problems = Paged(_calls.LIST_PROBLEMS)
    """The directories that are not plain readable runs, with the reason."""
    get_retained_run = Unary(_calls.GET_RETAINED_RUN)
    """One retained run, and all that its summary says."""
    get_latest_retained_run = Unary(_calls.GET_LATEST_RETAINED_RUN)
    """The newest retained run that matches; `NotFoundError` when none does."""
    get_retained_run_reports = Unary(_calls.GET_RETAINED_RUN_REPORTS)
    """The reports of a retained run."""
    list_findings = Paged(_calls.LIST_FINDINGS)
    """The findings of a retained run, in file order."""
    list_evidence = Paged(_calls.LIST_EVIDENCE)
    """The evidence items of a retained run, in file order."""
    list_artifacts = Streamed(_calls.LIST_ARTIFACTS)
    """The entries of a retained run's artifact manifest, in file order."""

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        token_file: StrPath | None = None,
        ca_file: StrPath | None = None,
        server_name: str | None = None,
        certificate_file: StrPath | None = None,
        key_file: StrPath | None = None,
        allow_insecure_token: bool = False,
        timeout: float | None = 60.0,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Says where the server is.

        Args:
            address: ``http://HOST:PORT``, ``https://HOST:PORT``, ``unix:PATH`` or ``unix:///PATH``.
            token: Sent with every call.
            token_file: A file that holds the token. It is read once, now.
            ca_file: The authorities to trust, PEM; without it those of the system.
            server_name: The name that the server's certificate has to bear, if it is not that of the address.
            certificate_file: The client's own certificate and those that lead to its authority, PEM. With `key_file`.
            key_file: The private key of the certificate, PEM.
            allow_insecure_token: Send a token without TLS to another machine as well.
            timeout: How long one reply may take, in seconds; None: as long as the server gives it. Streams have no such limit.
            options: Further options of gRPC for the channel.

        Raises:
            ValueError: Arguments that are wrong or do not go together, `AddressError` and `InsecureTokenError` among them.
            OSError: A file cannot be read.
        """
        made = connection(
            address,
            token=token,
            token_file=token_file,
            ca_file=ca_file,
            server_name=server_name,
            certificate_file=certificate_file,
            key_file=key_file,
            allow_insecure_token=allow_insecure_token,
            options=options,
        )
        self.address = address
        self.timeout = timeout

        def make() -> grpc.aio.Channel:
            target, channel_options = made.address.target, list(made.options)
            interceptors: list[grpc.aio.ClientInterceptor] = []
            if made.metadata:
                interceptors = [AuthorizedUnary(made.metadata), AuthorizedStream(made.metadata)]
            if made.credentials is None:
                return grpc.aio.insecure_channel(target, channel_options, interceptors=interceptors)
            return grpc.aio.secure_channel(target, made.credentials, channel_options, interceptors=interceptors)

        self._transport = Transport(make)

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for the generated stubs of `guideboard.v1`. It sends the token; `errors.from_rpc_error` reads what they raise."""
        return self._transport.channel

    def with_timeout(self, timeout: float | None) -> Self:
        """The same client over the same channel, with another `timeout`."""
        other = copy.copy(self)
        other.timeout = timeout
        return other

    async def close(self) -> None:
        """Closes the channel; calls under way, and later ones, end with `ClientClosedError`."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def follow(
        self,
        job_id: str,
        *,
        after: int = 0,
        retry_for: float = _follow.RETRY_FOR,
        silence: float = _follow.SILENCE,
        on_break: Callable[[GuideBoardError], None] | None = None,
    ) -> Follow:
        """Follows a job: an asynchronous iterator over its events that ends when the job has.

        Heartbeats are left out; what the server no longer holds is told as one event of the kind DROPPED.

        Args:
            job_id: The job.
            after: Only events with a larger number.
            retry_for: How many seconds a broken connection is tried again without an answer.
            silence: A silence of so many seconds counts as a broken connection. A server sends something every 20.
            on_break: Told of every break that is about to be mended.

        Raises:
            JobForgottenError: While iterating: the server was restarted and does not know the job any more.
            GaveUpError: While iterating: nothing answered for `retry_for`.
            GuideBoardError: While iterating: what else the server says.
        """
        progress = _follow.Progress(job_id, after)
        flow = _follow.follow(progress, retry_for=retry_for, silence=silence, on_break=on_break)
        return Follow(self._transport, progress, flow)

    async def download_artifact(
        self,
        path: str,
        to: StrPath,
        *,
        run_id: str = "",
        directory: str = "",
        runs_dir: str = "",
        expected_sha256: str = "",
        expected_generation: str = "",
        overwrite: bool = False,
        fsync: bool = False,
        progress: Callable[[int, int], None] | None = None,
        retry_for: float = _follow.RETRY_FOR,
    ) -> Download:
        """Downloads an output of a run to a file, and verifies it.

        The bytes are written to a file beside it that has its place only once all are there and have the right SHA-256: the one that
        is expected, and the one that the server has for them. A broken connection is taken up again where it broke.

        Args:
            path: The output's path relative to the run directory, as a manifest gives it.
            to: The file.
            run_id: The run. Exactly one of `run_id` and `directory`.
            directory: The run's directory.
            runs_dir: The runs root; the server's first if not given.
            expected_sha256: The SHA-256 that it has to have, hex.
            expected_generation: The generation that it has to have.
            overwrite: Replace a file that stands there.
            fsync: Have the bytes on the disk before returning.
            progress: Called with the bytes that are there and the size, now and again. What it raises ends the download.
            retry_for: How many seconds a broken connection is tried again without anything of use coming.

        Raises:
            FileExistsError: A file stands there already.
            DigestMismatchError: The bytes are not the expected ones.
            ChangedError: The output changed meanwhile, or has another generation than expected. Downloading again gets what it is now.
            GaveUpError: Nothing answered for `retry_for`.
            GuideBoardError: What else the server says.
            OSError: The file cannot be written.
        """
        flow = _download.download(
            _download.Which(path, run_id, directory, runs_dir),
            Path(to),
            retry_for=retry_for,
            expected_sha256=expected_sha256,
            expected_generation=expected_generation,
            overwrite=overwrite,
            fsync=fsync,
            progress=progress,
        )
        return await self._run(flow)

    async def read_artifact(
        self,
        path: str,
        *,
        run_id: str = "",
        directory: str = "",
        runs_dir: str = "",
        max_bytes: int = 16 << 20,
        retry_for: float = _follow.RETRY_FOR,
    ) -> bytes:
        """The bytes of a small output of a run, verified as `download_artifact` does.

        Raises:
            ValueError: It has more than `max_bytes`.
            GuideBoardError: As `download_artifact`.
        """
        which = _download.Which(path, run_id, directory, runs_dir)
        return await self._run(_download.read(which, max_bytes=max_bytes, retry_for=retry_for))

    async def pull_run(
        self,
        to: StrPath,
        *,
        run_id: str = "",
        directory: str = "",
        runs_dir: str = "",
        overwrite: bool = False,
        fsync: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
        retry_for: float = _follow.RETRY_FOR,
    ) -> PullReport:
        """Copies a whole run into a directory, verified.

        The directory becomes a run directory: documents, reports, exports and artifacts, recorded or not. Files that stand there
        already and are the same are kept, so that the same call goes on where it was broken off. The summary comes last, once all is
        there that can be had. Nothing else may write to the directory meanwhile.

        Args:
            to: The directory. It is made when it does not exist.
            run_id: The run. Exactly one of `run_id` and `directory`.
            directory: The run's directory.
            runs_dir: The runs root; the server's first if not given.
            overwrite: Replace files that are not those of the run.
            fsync: Have the bytes on the disk before returning.
            progress: Called with the path, the bytes that are there and the size, now and again. What it raises ends the pull.
            retry_for: How many seconds a broken connection is tried again without anything of use coming.

        Returns:
            What was done. Look at its `problems`: files that are missing or refused do not raise.

        Raises:
            RunInProgressError: The run is being made.
            CopyConflictError: The directory holds another run, and `overwrite` is not set.
            GuideBoardError: What else the server says of the whole run.
            OSError: The directory cannot be written.
        """
        flow = _pull.pull(
            _download.Which("", run_id, directory, runs_dir),
            Path(to),
            retry_for=retry_for,
            timeout=self.timeout,
            overwrite=overwrite,
            fsync=fsync,
            progress=progress,
        )
        return await self._run(flow)
