"""Following a job to its end over however many connections that takes: every event once, in order."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guideboard import _calls
from guideboard._flow import Flow, call, give, sleep, stream
from guideboard._retry import Backoff
from guideboard.errors import GuideBoardError, JobForgottenError, NotFoundError, UnavailableError
from guideboard.v1 import run_service_pb2 as runs
from guideboard.v1 import types_pb2 as types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ANSWER_TIMEOUT = 20.0
#: A silence of this length counts as a broken connection. A server sends something every 20 seconds.
SILENCE = 60.0
#: How long a broken connection is tried again.
RETRY_FOR = 60.0


@dataclass
class Progress:
    """How far a follower is."""

    job_id: str
    #: The number of the last event given.
    after: int
    #: The job as it ended.
    job: types.Job | None = None


def follow(
    progress: Progress,
    *,
    retry_for: float,
    silence: float,
    on_break: Callable[[GuideBoardError], None] | None,
    clock: Callable[[], float] = time.monotonic,
) -> Flow[None]:
    """Gives each event, and leaves the job as it ended in `progress`."""
    # A number comes from an earlier event, so that the server knew the job then.
    watch = _Watch(progress, silence, Backoff(retry_for), clock, is_known=progress.after > 0)
    while progress.job is None:
        try:
            yield from watch.once()
        except NotFoundError as error:
            if not watch.is_known:
                raise
            raise JobForgottenError(
                f"the server no longer knows the job {progress.job_id}; look for its run among the retained runs",
                reason=error.reason,
                metadata=error.metadata,
            ) from error
        except GuideBoardError as error:
            # Nothing comes after the end, so nothing is missing.
            if progress.job is not None:
                return
            if error.reason:
                # A server that says so is not silent.
                watch.backoff.answered()
            pause = watch.backoff.broke(error, clock())
            if on_break is not None:
                on_break(error)
            yield from sleep(pause)


class _Watch:
    def __init__(
        self, progress: Progress, silence: float, backoff: Backoff, clock: Callable[[], float], *, is_known: bool
    ) -> None:
        self.progress, self.silence, self.backoff, self.clock = progress, silence, backoff, clock
        self.is_known = is_known

    def once(self) -> Flow[None]:
        """Watches until the stream ends or breaks."""
        progress = self.progress
        request = runs.WatchRunRequest(job_id=progress.job_id, after=progress.after)
        messages = yield from stream(_calls.WATCH_RUN, request)
        while (message := (yield from messages.next(self.silence))) is not None:
            self.is_known = True
            self.backoff.went_on()
            for sent in message.events:
                for event in admit(progress.after, sent):
                    progress.after = event.number
                    if event.HasField("run") and event.run.HasField("ended_at"):
                        progress.job = event.run
                    yield from give(event)
        if progress.job is None:
            # A stream ends at once when `after` was the number of the last event.
            reply = yield from call(_calls.GET_RUN.method, runs.GetRunRequest(job_id=progress.job_id), _ANSWER_TIMEOUT)
            if not reply.run.HasField("ended_at"):
                raise UnavailableError("the stream ended before the job")
            progress.job = reply.run


def admit(after: int, event: types.JobEvent) -> Iterator[types.JobEvent]:
    """What an event means to one who has seen those up to `after`: each passes once, and no gap is left unsaid."""
    if event.number <= after or event.kind == types.JOB_EVENT_KIND_HEARTBEAT:
        return
    missing = event.number - after - 1
    if event.kind == types.JOB_EVENT_KIND_DROPPED:
        told = types.JobEvent()
        told.CopyFrom(event)
        told.dropped = missing + 1
        yield told
        return
    if missing:
        yield types.JobEvent(
            number=event.number - 1, time=event.time, kind=types.JOB_EVENT_KIND_DROPPED, dropped=missing
        )
    yield event
