"""How the asyncio client waits: flows, pages and followers over awaited calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

import grpc
import grpc.aio

from guideboard import _calls, _follow
from guideboard._flow import Call, Close, Effect, Flow, Give, Next, Open, SilenceError, Sleep, Steps, Work
from guideboard.errors import ClientClosedError, from_rpc_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
    from types import TracebackType

    from typing_extensions import Self

    from guideboard.v1.types_pb2 import Job, JobEvent

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R", bound="Any")


class _Metadata:
    """Sends metadata with every call."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    def _with_metadata(self, details: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._metadata)
        return details._replace(metadata=metadata)


class AuthorizedUnary(_Metadata, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc, type-arg, unused-ignore]
    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return await continuation(self._with_metadata(details), request)


class AuthorizedStream(_Metadata, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc, type-arg, unused-ignore]
    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return await continuation(self._with_metadata(details), request)


class Transport:
    """A channel, and the calls over it. It is made when it is first needed, in the event loop that needs it."""

    def __init__(self, make: Callable[[], grpc.aio.Channel]) -> None:
        self._make = make
        self._channel: grpc.aio.Channel | None = None
        self._stubs: dict[str, Any] = {}
        self.is_closed = False

    @property
    def channel(self) -> grpc.aio.Channel:
        if self.is_closed:
            raise ClientClosedError("the client is closed")
        if self._channel is None:
            self._channel = self._make()
            self._stubs = {name: stub(self._channel) for name, stub in _calls.STUBS.items()}
        return self._channel

    def callable(self, effect: Call | Open) -> Any:
        _ = self.channel
        return getattr(self._stubs[effect.method.service], effect.method.name)

    async def close(self) -> None:
        """Ends the calls that are under way."""
        self.is_closed = True
        if self._channel is not None:
            await self._channel.close()


class Running(Generic[T]):
    """A flow whose effects are performed by awaiting."""

    def __init__(self, transport: Transport, flow: Flow[T]) -> None:
        self._transport = transport
        self._steps = Steps(flow)
        self._stream: Any = None
        self._is_closed = False
        self.item: Any = None

    async def advance(self) -> bool:
        """Goes on to the next item; False at the end, and when it was closed."""
        try:
            while not self._is_closed and (effect := self._steps.next()) is not None:
                if isinstance(effect, Give):
                    self.item = effect.item
                    return True
                try:
                    self._steps.came(await self._perform(effect))
                except Exception as error:
                    self._steps.failed(error)
        except asyncio.CancelledError:
            # That of a call comes as that of the task.
            was_closed = self._is_closed
            self.close()
            if _is_cancelled() or not (was_closed or self._transport.is_closed):
                raise
            if not was_closed:
                raise ClientClosedError("the client was closed") from None
            return False
        except BaseException:
            self.close()
            raise
        self.close()
        return False

    async def run(self) -> T:
        """Goes to the end."""
        while await self.advance():
            pass
        return self._steps.value

    def close(self) -> None:
        """Ends it."""
        self._is_closed = True
        if self._stream is not None:
            self._stream.cancel()
        self._steps.close()

    async def _perform(self, effect: Effect) -> Any:
        try:
            match effect:
                case Call():
                    return await self._transport.callable(effect)(effect.request, timeout=effect.timeout)
                case Open():
                    # One at a time is open: what a failure left is ended.
                    if self._stream is not None:
                        self._stream.cancel()
                    self._stream = self._transport.callable(effect)(effect.request)
                    return self._stream
                case Next():
                    return await _next(effect)
                case Close():
                    effect.stream.cancel()
                case Sleep():
                    await asyncio.sleep(effect.seconds)
                case Work():
                    return await _done(effect)
        except grpc.RpcError as error:
            if self._transport.is_closed:
                raise ClientClosedError("the client was closed") from error
            raise from_rpc_error(error) from error
        return None


def _is_cancelled() -> bool:
    """Whether the task itself is to end. Python 3.10 does not tell."""
    return bool(getattr(asyncio.current_task(), "cancelling", int)())


async def _next(effect: Next) -> Any:
    try:
        message = await asyncio.wait_for(effect.stream.read(), effect.timeout)
    except (asyncio.TimeoutError, TimeoutError):
        effect.stream.cancel()
        raise SilenceError() from None
    return None if message is grpc.aio.EOF else message


async def _done(effect: Work) -> Any:
    working = asyncio.get_running_loop().run_in_executor(None, effect.do)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        # The file is not taken from under its hands.
        await asyncio.wait([working])
        raise


class Pages(Generic[T_co, R_co]):
    """A listing: iterate over it for its items, page after page as they are needed. Each iteration lists anew."""

    def __init__(self, pages: Callable[[], AsyncIterator[R_co]], take: Callable[[Any], Any]) -> None:
        self._pages = pages
        self._take = take

    async def __aiter__(self) -> AsyncIterator[T_co]:
        async for page in self._pages():
            for item in self._take(page):
                yield item

    def by_page(self) -> AsyncIterator[R_co]:
        """The replies themselves, one a page: they have the counts, such as ``total_size``."""
        return self._pages()


class Asker:
    """What a client has to have, so that its calls can be made."""

    timeout: float | None
    _transport: Transport

    async def _run(self, flow: Flow[T]) -> T:
        return await Running(self._transport, flow).run()

    async def _items(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        running = Running(self._transport, flow)
        try:
            while await running.advance():
                yield running.item
        finally:
            running.close()


class Unary(Generic[P, T]):
    def __init__(self, spec: _calls.Unary[P, T]) -> None:
        self._spec = spec

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Unary[P, T]: ...
    @overload
    def __get__(self, client: Asker, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Asker | None, owner: type[Any]) -> Unary[P, T] | Callable[P, Coroutine[Any, Any, T]]:
        if client is None:
            return self

        async def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client._run(self._spec.flow(client.timeout, *args, **kwargs))

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
    def __get__(self, client: Asker, owner: type[Any]) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Asker | None, owner: type[Any]) -> Streamed[P, T, R] | Callable[P, AsyncIterator[T]]:
        if client is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
            return client._items(self._spec.flow(self._spec.request(*args, **kwargs)))

        return ask


class Follow:
    """The events of a job, each once and in order, over however many connections that takes.

    Iterate over it, or await `result` for the job's end.
    """

    def __init__(self, transport: Transport, progress: _follow.Progress, flow: Flow[None]) -> None:
        self._running = Running(transport, flow)
        self._progress = progress

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JobEvent:
        if not await self._running.advance():
            raise StopAsyncIteration
        return cast("JobEvent", self._running.item)

    @property
    def after(self) -> int:
        """The number of the last event given: what another follower would go on after."""
        return self._progress.after

    @property
    def job(self) -> Job | None:
        """The job as it ended; None before."""
        return self._progress.job

    async def result(self) -> Job:
        """Waits for the end, and returns the job as it ended.

        Raises:
            GuideBoardError: As iterating does, or the following was closed.
        """
        async for _ in self:
            pass
        if self._progress.job is None:
            raise ClientClosedError("the following was closed before the job ended")
        return self._progress.job

    async def aclose(self) -> None:
        """Stops following."""
        self._running.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
