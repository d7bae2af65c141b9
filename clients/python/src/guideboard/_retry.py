"""Which failures pass, and how long and how often a broken connection is tried again."""

from __future__ import annotations

import grpc

from guideboard.errors import ClientClosedError, GaveUpError, GuideBoardError

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_OF_THE_TRANSPORT = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED}
)
#: The service ended a stream that took longer than it may, or whose reader did; it is resumed.
_OF_TIME = frozenset({"READER_STALLED", "DEADLINE_EXCEEDED"})
#: What gRPC says of TLS that another try meets again.
_FAULTS = ("CERTIFICATE_VERIFY_FAILED", "Hostname Verification Check failed", "WRONG_VERSION_NUMBER")


def is_passing(error: GuideBoardError) -> bool:
    """Whether another try may do better: the connection broke, or the service asks to come again."""
    if isinstance(error, ClientClosedError):
        return False
    if error.reason:
        return error.retry_delay is not None or error.reason in _OF_TIME
    return error.code in _OF_THE_TRANSPORT and not any(fault in error.message for fault in _FAULTS)


class Backoff:
    """How long a broken connection is tried again, and when next. Times are those of one monotonic clock, in seconds."""

    def __init__(self, retry_for: float) -> None:
        self._retry_for = retry_for
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    def broke(self, error: GuideBoardError, now: float) -> float:
        """The connection broke: how long to wait before another try.

        Raises:
            GuideBoardError: The error itself, if it does not pass; `GaveUpError` from it when it was tried for long enough.
        """
        if not is_passing(error):
            raise error
        if self._since is None:
            self._since = now
        left = self._retry_for - (now - self._since)
        if left <= 0:
            raise GaveUpError(
                f"nothing answered for {self._retry_for:g} seconds: {error.message}",
                code=error.code,
                reason=error.reason,
                metadata=error.metadata,
                retry_delay=error.retry_delay,
            ) from error
        pause = max(self._pause, error.retry_delay or 0)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return min(pause, left)

    def answered(self) -> None:
        """The server answered. The pauses stay: one that answers and breaks off at once is not asked without end in a loop."""
        self._since = None

    def went_on(self) -> None:
        """Something of use came."""
        self._since = None
        self._pause = _FIRST_PAUSE
