"""What the client does, apart from how it waits.

A flow is a generator that yields what it wants done (an effect) and is sent the outcome. `Client` performs the effects of a flow by blocking,
`aio.Client` by awaiting; what is done, in which order, and what becomes of a failure is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from guideboard.errors import UnavailableError

if TYPE_CHECKING:
    from google.protobuf.message import Message

T = TypeVar("T")
Q = TypeVar("Q", bound="Message")
R = TypeVar("R", bound="Message")


@dataclass(frozen=True)
class Method(Generic[Q, R]):
    """A call of the service: the names of its service and of itself, and its messages."""

    service: str
    name: str
    request: type[Q]
    reply: type[R]


@dataclass(frozen=True)
class Call:
    """Make a call that has one reply, which is the outcome."""

    method: Method[Any, Any]
    request: Message
    timeout: float | None


@dataclass(frozen=True)
class Open:
    """Make a call that has a stream of replies; the stream is the outcome."""

    method: Method[Any, Any]
    request: Message


class SilenceError(UnavailableError):
    """The next message of a stream did not come in time."""

    def __init__(self) -> None:
        super().__init__("nothing was heard of the server")


@dataclass(frozen=True)
class Next:
    """Wait for the next message of a stream, which is the outcome; None after the last. Late, it is a `SilenceError`."""

    stream: Any
    timeout: float | None


@dataclass(frozen=True)
class Close:
    """Have no more of a stream."""

    stream: Any


@dataclass(frozen=True)
class Sleep:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Work:
    """Do what may take a while on the local disk; what it returns is the outcome."""

    do: Callable[[], Any]


@dataclass(frozen=True)
class Give:
    """Give this to whoever iterates."""

    item: Any


Effect: TypeAlias = Call | Open | Next | Close | Sleep | Work | Give
Flow: TypeAlias = Generator[Effect, Any, T]


class Stream(Generic[R]):
    """A stream of replies, as a flow sees it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def next(self, timeout: float | None = None) -> Flow[R | None]:
        """The next message; None after the last."""
        message: R | None = yield Next(self._stream, timeout)
        return message

    def close(self) -> Flow[None]:
        """No more of it."""
        yield Close(self._stream)


def call(method: Method[Q, R], request: Q, timeout: float | None) -> Flow[R]:
    """Makes a call that has one reply."""
    reply: R = yield Call(method, request, timeout)
    return reply


def stream(method: Method[Q, R], request: Q) -> Flow[Stream[R]]:
    """Makes a call that has a stream of replies. What is wrong with it is told with the first message."""
    return Stream((yield Open(method, request)))


def sleep(seconds: float) -> Flow[None]:
    """Waits."""
    yield Sleep(seconds)


def work(do: Callable[[], T]) -> Flow[T]:
    """Does what may take a while."""
    done: T = yield Work(do)
    return done


def give(item: object) -> Flow[None]:
    """Gives something to whoever iterates."""
    yield Give(item)


class Steps(Generic[T]):
    """Goes through a flow, effect by effect."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._outcome: Any = None
        self._error: Exception | None = None
        self._value: list[T] = []

    def next(self) -> Effect | None:
        """The next effect; None once the flow has ended. Raises what the flow raises."""
        outcome, error = self._outcome, self._error
        self._outcome = self._error = None
        try:
            return self._flow.send(outcome) if error is None else self._flow.throw(error)
        except StopIteration as end:
            self._value = [end.value]
            return None

    def came(self, outcome: object) -> None:
        """The outcome of the last effect."""
        self._outcome = outcome

    def failed(self, error: Exception) -> None:
        """The last effect failed."""
        self._error = error

    @property
    def value(self) -> T:
        """What the flow returned."""
        return self._value[0]

    def close(self) -> None:
        """Ends the flow where it is; it tidies up."""
        self._flow.close()
