"""Real servers, which `scripts/with-servers` starts, and both clients behind one face."""

import asyncio
import inspect
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import guideboard
from guideboard import aio

TARGET, ASSESSMENT = "profiles/targets/harness-target.json", "profiles/assessments/harness.json"
LARGE = "artifacts/harness/large.bin"


class Servers:
    """How the servers are reached."""

    def __init__(self) -> None:
        def said(name: str) -> str:
            value = os.environ.get(f"GUIDE_BOARD_TEST_{name}")
            if value is None:
                pytest.fail("run these tests beside servers: scripts/with-servers python -m pytest")
            return value

        self.tcp, self.tls, self.uds, self.proxy = said("TCP"), said("TLS"), said("UDS"), said("PROXY")
        self.ca, self.token_file, self.directory = said("CA"), said("TOKEN_FILE"), Path(said("DIRECTORY"))

    @property
    def runs(self) -> Path:
        return self.directory / "runs"


class Blocking:
    """Something of asyncio, used as if it were synchronous."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thing: Any) -> None:
        self._loop, self._thing = loop, thing

    def __getattr__(self, name: str) -> Any:
        return self._adapted(
            getattr(self._thing, {"close": "aclose"}.get(name, name), None) or getattr(self._thing, name)
        )

    def __iter__(self) -> Iterator[Any]:
        iterator = aiter(self._thing)
        while True:
            try:
                yield self._loop.run_until_complete(anext(iterator))
            except StopAsyncIteration:
                return

    def __enter__(self) -> Any:
        return self._adapted(self._loop.run_until_complete(self._thing.__aenter__()))

    def __exit__(self, *error: object) -> None:
        self._loop.run_until_complete(self._thing.__aexit__(*error))

    def _adapted(self, thing: Any) -> Any:
        if inspect.iscoroutine(thing):
            return self._loop.run_until_complete(thing)
        if inspect.isroutine(thing):
            return lambda *arguments, **named: self._adapted(thing(*arguments, **named))
        return Blocking(self._loop, thing) if hasattr(thing, "__aiter__") or isinstance(thing, aio.Client) else thing


@pytest.fixture(scope="session")
def servers() -> Servers:
    return Servers()


@pytest.fixture(params=["sync", "aio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes a client: each test runs with both."""
    clients: list[Any] = []
    loop = asyncio.new_event_loop()

    def make(address: str, **given: Any) -> Any:
        if request.param == "sync":
            clients.append(guideboard.Client(address, **given))
        else:
            clients.append(Blocking(loop, aio.Client(address, **given)))
        return clients[-1].__enter__()

    yield make
    for client in clients:
        client.__exit__(None, None, None)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def client(connect: Callable[..., Any], servers: Servers) -> Any:
    """A client of the plain server."""
    return connect(servers.tcp)


@pytest.fixture
def copied(servers: Servers) -> Iterator[Path]:
    """A copy of the run `large` for one test. It has no summary, so that it is among no other test's runs."""
    copy = servers.runs / f"copied-{uuid.uuid4().hex}"
    shutil.copytree(servers.runs / "large", copy, ignore=shutil.ignore_patterns("retention-summary.json"))
    yield copy
    shutil.rmtree(copy)
