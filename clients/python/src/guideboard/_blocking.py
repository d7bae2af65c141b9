"""How the synchronous client waits: flows, pages and followers over blocking calls."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

import grpc

from guideboard import _calls, _follow
from guideboard._flow import Call, Close, Effect, Flow, Give, Next, Open, SilenceError, Sleep, Steps, Work
from guideboard.errors import ClientClosedError, from_rpc_error
from guideboard.v1.types_pb2 import JobEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from guideboard.v1.types_pb2 import Job

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R", bound="Any")


class Authorized(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc, type-arg, unused-ignore]
    """Sends metadata with every call."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with_metadata(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with_metadata(details), request)

    def _with_metadata(self, details: Any) -> Any:
        new = _Details()
        new.method, new.timeout, new.credentials = details.method, details.timeout, details.credentials
        new.wait_for_ready, new.compression = details.wait_for_ready, details.compression
        new.metadata = (*(details.metadata or ()), *self._metadata)
        return new


class _Details(grpc.ClientCallDetails):  # type: ignore[misc, unused-ignore]
    method: Any
    timeout: Any
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class Transport:
    """A channel, and the calls over it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.is_closed = False
        self._stubs = {name: stub(channel) for name, stub in _calls.STUBS.items()}

    def callable(self, effect: Call | Open) -> Any:
        """What makes a call."""
        if self.is_closed:
            raise ClientClosedError("the client is closed")
        return getattr(self._stubs[effect.method.service], effect.method.name)

    def close(self) -> None:
        """Ends the calls that are under way."""
        self.is_closed = True
        self.channel.close()


class Running(Generic[T]):
    """A flow whose effects are performed by blocking."""

    def __init__(self, transport: Transport, flow: Flow[T]) -> None:
        self._transport = transport
        self._steps = Steps(flow)
        self._streams: list[_Watched] = []
        self._closed = threading.Event()
        self.item: Any = None

    def advance(self) -> bool:
        """Goes on to the next item; False at the end, and when it was closed."""
        try:
            while not self._closed.is_set() and (effect := self._steps.next()) is not None:
                if isinstance(effect, Give):
                    self.item = effect.item
                    return True
                try:
                    self._steps.came(self._perform(effect))
                except Exception as error:
                    self._steps.failed(error)
        except BaseException:
            self._end()
            raise
        self._end()
        return False

    def run(self) -> T:
        """Goes to the end."""
        while self.advance():
            pass
        return self._steps.value

    def close(self) -> None:
        """Ends it. Another thread that goes on with it just now stops at once."""
        self._closed.set()
        for stream in list(self._streams):
            stream.cancel()

    def _end(self) -> None:
        self.close()
        self._steps.close()

    def _perform(self, effect: Effect) -> Any:
        try:
            match effect:
                case Call():
                    return self._transport.callable(effect)(effect.request, timeout=effect.timeout)
                case Open():
                    stream = _Watched(self._transport.callable(effect)(effect.request))
                    # One at a time is open: what a failure left is ended.
                    for left in self._streams:
                        left.cancel()
                    self._streams = [stream]
                    return stream
                case Next():
                    return effect.stream.next(effect.timeout)
                case Close():
                    effect.stream.cancel()
                case Sleep():
                    self._closed.wait(effect.seconds)
                case Work():
                    return effect.do()
        except grpc.RpcError as error:
            if self._transport.is_closed:
                raise ClientClosedError("the client was closed") from error
            raise from_rpc_error(error) from error
        return None


class _Watched:
    """A stream that is cancelled when its next message is late. One thread watches all its messages, from the first that has a time limit on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._due: float | None = None
        self._thread: threading.Thread | None = None
        self._is_idle = False
        self._is_over = False
        self._is_late = False

    def next(self, timeout: float | None) -> Any:
        """The next message; None after the last."""
        if timeout is not None:
            self._expect(time.monotonic() + timeout)
        try:
            message = next(self._stream, None)
        except grpc.RpcError as error:
            self._stop()
            if self._is_late:
                raise SilenceError() from error
            raise
        # The thread sleeps on, and finds that nothing is due.
        self._due = None
        if message is None:
            self._stop()
        return message

    def cancel(self) -> None:
        """Has no more of it."""
        self._stop()
        self._stream.cancel()

    def _expect(self, due: float) -> None:
        with self._changed:
            self._due = due
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="guideboard-watch", daemon=True)
                self._thread.start()
            elif self._is_idle:
                self._changed.notify()

    def _stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_over:
                due = self._due
                left = None if due is None else due - time.monotonic()
                if left is not None and left <= 0:
                    self._is_late = self._is_over = True
                    break
                self._is_idle = left is None
                self._changed.wait(left)
        if self._is_late:
            self._stream.cancel()


class _Items(Generic[T]):
    """An iterator over what a flow gives."""

    def __init__(self, running: Running[Any]) -> None:
        self._running = running

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if not self._running.advance():
            raise StopIteration
        return cast("T", self._running.item)


class Pages(Generic[T_co, R_co]):
    """A listing: iterate over it for its items, page after page as they are needed. Each iteration lists anew."""

    def __init__(self, pages: Callable[[], Iterator[R_co]], take: Callable[[Any], Any]) -> None:
        self._pages = pages
        self._take = take

    def __iter__(self) -> Iterator[T_co]:
        for page in self._pages():
            yield from self._take(page)

    def by_page(self) -> Iterator[R_co]:
        """The replies themselves, one a page: they have the counts, such as ``total_size``."""
        return self._pages()


class Asker:
    """What a client has to have, so that its calls can be made."""

    timeout: float | None
    _transport: Transport

    def _run(self, flow: Flow[T]) -> T:
        return Running(self._transport, flow).run()

    def _items(self, flow: Flow[None]) -> Iterator[Any]:
        running = Running(self._transport, flow)
        try:
            while running.advance():
                yield running.item
        finally:
            running.close()


class Unary(Generic[P, T]):
    def __init__(self, spec: _calls.Unary[P, T]) -> None:
        self._spec = spec

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Unary[P, T]: ...
    @overload
    def __get__(self, client: Asker, owner: type[Any]) -> Callable[P, T]: ...
    def __get__(self, client: Asker | None, owner: type[Any]) -> Unary[P, T] | Callable[P, T]:
        if client is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            return client._run(self._spec.flow(client.timeout, *args, **kwargs))

        return ask


class Paged(Generic[P, T, R]):
    def __init__(self, spec: _calls.Paged[P, T, R]) -> None:
        self._spec = spec

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Paged[P, T, R]: ...
    @overload
    def __get__(self, client: Asker, owner: type[Any]) -> Callable[P, Pages[T, R]]: ...
    def __get__(self, client: Asker | None, owner: type[Any]) -> Paged[P, T, R] | Callable[P, Pages[T, R]]:
        if client is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> Pages[T, R]:
            request = self._spec.request(*args, **kwargs)
            return Pages(lambda: client._items(self._spec.pages(client.timeout, request)), self._spec.take)

        return ask


class Streamed(Generic[P, T, R]):
    def __init__(self, spec: _calls.Streamed[P, T, R]) -> None:
        self._spec = spec

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Streamed[P, T, R]: ...
    @overload
    def __get__(self, client: Asker, owner: type[Any]) -> Callable[P, Iterator[T]]: ...
    def __get__(self, client: Asker | None, owner: type[Any]) -> Streamed[P, T, R] | Callable[P, Iterator[T]]:
        if client is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            return client._items(self._spec.flow(self._spec.request(*args, **kwargs)))

        return ask


class Follow(_Items[JobEvent]):
    """The events of a job, each once and in order, over however many connections that takes.

    Iterate over it, or call `result` to wait for the job's end. It is for one thread at a time; `close` may come from any.
    """

    def __init__(self, transport: Transport, progress: _follow.Progress, flow: Flow[None]) -> None:
        super().__init__(Running(transport, flow))
        self._progress = progress

    @property
    def after(self) -> int:
        """The number of the last event given: what another follower would go on after."""
        return self._progress.after

    @property
    def job(self) -> Job | None:
        """The job as it ended; None before."""
        return self._progress.job

    def result(self) -> Job:
        """Waits for the end, and returns the job as it ended.

        Raises:
            GuideBoardError: As iterating does, or the following was closed.
        """
        for _ in self:
            pass
        if self._progress.job is None:
            raise ClientClosedError("the following was closed before the job ended")
        return self._progress.job

    def close(self) -> None:
        """Stops following; a thread that waits for the next event gets the end of the iteration."""
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
