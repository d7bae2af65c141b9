import asyncio
import shutil
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ASSESSMENT, LARGE, TARGET, Servers

import guideboard
from guideboard import aio, errors
from guideboard.v1.types_pb2 import JOB_STATUS_CANCELLED, JOB_STATUS_SUCCEEDED


class Gated:
    """An assessment whose run waits for a gate, for a minute at most."""

    def __init__(self, root: Path) -> None:
        self.name = f"gated-{uuid.uuid4().hex[:8]}"
        self.root = root
        self.gate = root / f"{self.name}.open"
        self.extension = root / "extensions" / self.name
        shutil.copytree(root / "extensions/harness", self.extension)
        manifest = self.extension / "extension.json"
        manifest.write_text(manifest.read_text().replace('"harness', f'"{self.name}'))
        runner = self.extension / "run.sh"
        wait = f"for i in $(seq 600); do [ -e '{self.gate}' ] && break; sleep 0.1; done\n"
        head, _, rest = runner.read_text().partition("awk ")
        runner.write_text(f"{head}{wait}awk {rest}")
        self.assessment = f"profiles/assessments/{self.name}.json"
        profile = (root / ASSESSMENT).read_text().replace('"harness"', f'"{self.name}"')
        (root / self.assessment).write_text(profile)

    def open(self) -> None:
        self.gate.touch()

    def remove(self) -> None:
        self.open()
        shutil.rmtree(self.extension)
        (self.root / self.assessment).unlink()


@pytest.fixture
def gated(servers: Servers) -> Iterator[Gated]:
    gated = Gated(servers.directory)
    yield gated
    gated.remove()


def test_a_job_is_followed_to_its_end_and_from_any_event_on(client: Any) -> None:
    job = client.start_run(target=TARGET, assessment=ASSESSMENT, labels={"by": "a test"})
    follow = client.follow(job.job_id)
    events = list(follow)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert follow.job.status == JOB_STATUS_SUCCEEDED
    assert follow.after == len(events)
    assert client.get_run(job_id=job.job_id) == follow.job
    assert client.get_run_reports(job_id=job.job_id).reports
    again = client.follow(job.job_id, after=2)
    assert [event.number for event in again] == [event.number for event in events[2:]]
    beyond = client.follow(job.job_id, after=follow.after)
    assert beyond.result() == follow.job
    assert job.job_id in [each.job_id for each in client.list_runs(page_size=1)]


def test_a_job_is_followed_through_a_connection_that_breaks(
    connect: Callable[..., Any], servers: Servers, gated: Gated, tmp_path: Path
) -> None:
    client = connect(servers.proxy)
    job = client.start_run(target=TARGET, assessment=gated.assessment)
    breaks: list[errors.GuideBoardError] = []
    events = []
    with client.follow(job.job_id, on_break=breaks.append) as follow:
        for event in follow:
            events.append(event)
            if len(events) == 1:
                # Over the same connection, which is reset for it.
                done = client.download_artifact(LARGE, tmp_path / "large", directory="large")
                assert done.resumed > 0
                gated.open()
        job = follow.result()
    assert breaks
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert job.progress.done == 2
    assert job.status == JOB_STATUS_SUCCEEDED


def test_a_job_that_never_was_is_not_found(client: Any) -> None:
    with pytest.raises(errors.NotFoundError) as caught:
        client.follow("no-such-job").result()
    assert caught.value.reason == "JOB_NOT_FOUND"


def test_a_job_is_cancelled(client: Any, gated: Gated) -> None:
    job = client.start_run(target=TARGET, assessment=gated.assessment)
    follow = client.follow(job.job_id)
    next(iter(follow))
    client.cancel_run(job_id=job.job_id)
    assert follow.result().status == JOB_STATUS_CANCELLED


def test_another_thread_stops_a_follower(servers: Servers, gated: Gated) -> None:
    with guideboard.Client(servers.tcp) as client:
        job = client.start_run(target=TARGET, assessment=gated.assessment)
        follow = client.follow(job.job_id)
        next(follow)
        stopper = threading.Timer(0.2, follow.close)
        stopper.start()
        for _ in follow:
            pass
        stopper.join()
        assert follow.job is None
        with pytest.raises(errors.ClientClosedError):
            follow.result()
        client.cancel_run(job_id=job.job_id)


def test_a_task_that_is_cancelled_stops_following(servers: Servers, gated: Gated) -> None:
    async def run() -> None:
        async with aio.Client(servers.tcp) as client:
            job = await client.start_run(target=TARGET, assessment=gated.assessment)
            follow = client.follow(job.job_id)
            await anext(follow)
            waiting = asyncio.create_task(follow.result())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await client.cancel_run(job_id=job.job_id)

    asyncio.run(run())


def test_a_client_that_is_closed_ends_its_calls(servers: Servers, gated: Gated) -> None:
    client = guideboard.Client(servers.tcp)
    job = client.start_run(target=TARGET, assessment=gated.assessment)
    follow = client.follow(job.job_id)
    next(follow)
    closer = threading.Timer(0.2, client.close)
    closer.start()
    with pytest.raises(errors.ClientClosedError):
        follow.result()
    closer.join()
    with pytest.raises(errors.ClientClosedError):
        client.get_run(job_id=job.job_id)


@pytest.mark.parametrize("closes_client", [True, False])
def test_a_client_or_follower_that_another_task_closes_ends_its_calls(
    closes_client: bool, servers: Servers, gated: Gated
) -> None:
    async def run() -> None:
        client = aio.Client(servers.tcp)
        job = await client.start_run(target=TARGET, assessment=gated.assessment)
        follow = client.follow(job.job_id)
        await anext(follow)
        waiting = asyncio.create_task(follow.result())
        await asyncio.sleep(0.2)
        await (client.close() if closes_client else follow.aclose())
        with pytest.raises(errors.ClientClosedError):
            await waiting
        await client.close()
        with pytest.raises(errors.ClientClosedError):
            await client.get_run(job_id=job.job_id)

    asyncio.run(run())


def test_a_server_that_is_silent_or_gone_is_given_up(connect: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(errors.GaveUpError) as caught:
            connect(address).follow("job-1", silence=0.2, retry_for=0.5).result()
        assert "nothing was heard" in caught.value.message
    with pytest.raises(errors.GaveUpError):
        connect("http://127.0.0.1:1").follow("job-1", retry_for=0.5).result()
