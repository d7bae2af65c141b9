import asyncio
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import LARGE, Servers

from guideboard import aio, errors


def tree(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("way", ["tcp", "uds", "proxy"])
def test_an_artifact_is_downloaded_and_verified(
    way: str, connect: Callable[..., Any], servers: Servers, tmp_path: Path
) -> None:
    source = (servers.runs / "large" / LARGE).read_bytes()
    digest = hashlib.sha256(source).hexdigest()
    seen: list[tuple[int, int]] = []
    done = connect(getattr(servers, way)).download_artifact(
        LARGE,
        tmp_path / "large",
        directory="large",
        expected_sha256=digest,
        fsync=True,
        progress=lambda position, size: seen.append((position, size)),
    )
    assert (tmp_path / "large").read_bytes() == source
    assert list(tmp_path.iterdir()) == [tmp_path / "large"]
    assert (done.size_bytes, done.sha256, done.path) == (len(source), digest, tmp_path / "large")
    assert seen == sorted(seen)
    assert seen[-1] == (len(source), len(source))
    # A connection of the proxy lasts for 1 MiB of answers.
    assert (done.resumed >= 7) == (way == "proxy")


@pytest.mark.parametrize("way", ["tcp", "proxy"])
def test_a_file_that_changes_meanwhile_is_not_mixed(
    way: str, connect: Callable[..., Any], servers: Servers, copied: Path, tmp_path: Path
) -> None:
    def change(position: int, size: int) -> None:
        if position < size:
            (copied / LARGE).write_bytes(b"another" * (1 << 20))

    with pytest.raises(errors.ChangedError) as caught:
        connect(getattr(servers, way)).download_artifact(
            LARGE, tmp_path / "large", directory=copied.name, progress=change
        )
    assert caught.value.reason in ("CHANGED_WHILE_READING", "GENERATION_MISMATCH")
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_expected_are_refused(client: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.DigestMismatchError):
        client.download_artifact(LARGE, tmp_path / "large", directory="large", expected_sha256="0" * 64)
    with pytest.raises(errors.ChangedError):
        client.download_artifact(LARGE, tmp_path / "large", directory="large", expected_generation="another")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_stands_there_is_kept_unless_it_is_to_be_replaced(client: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError):
        client.download_artifact("run.json", tmp_path / "file", directory="large")
    assert (tmp_path / "file").read_text() == "mine"
    client.download_artifact("run.json", tmp_path / "file", directory="large", overwrite=True)
    assert (tmp_path / "file").read_bytes() == client.read_artifact("run.json", directory="large")


def test_an_empty_file_is_downloaded(client: Any, copied: Path, tmp_path: Path) -> None:
    (copied / "artifacts/empty").touch()
    done = client.download_artifact("artifacts/empty", tmp_path / "empty", directory=copied.name)
    assert (done.size_bytes, done.sha256) == (0, hashlib.sha256().hexdigest())
    assert (tmp_path / "empty").read_bytes() == b""
    assert client.read_artifact("artifacts/empty", directory=copied.name) == b""


def test_what_is_not_there_is_told(client: Any, tmp_path: Path) -> None:
    for path, kind, reason in (
        ("artifacts/none", errors.NotFoundError, "ARTIFACT_NOT_FOUND"),
        ("../run.json", errors.InvalidArgumentError, "PATH_INVALID"),
        ("artifacts", errors.FailedPreconditionError, "NOT_A_FILE"),
    ):
        with pytest.raises(kind) as caught:
            client.download_artifact(path, tmp_path / "a", directory="large")
        assert caught.value.reason == reason
    with pytest.raises(FileNotFoundError):
        client.download_artifact("run.json", tmp_path / "none/a", directory="large")
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_given_up_leaves_nothing(client: Any, servers: Servers, tmp_path: Path) -> None:
    def stop(position: int, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.download_artifact(LARGE, tmp_path / "large", directory="large", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_is_cancelled_leaves_nothing(servers: Servers, tmp_path: Path) -> None:
    async def run() -> None:
        begun = asyncio.Event()
        async with aio.Client(servers.tcp) as client:
            downloading = asyncio.create_task(
                client.download_artifact(LARGE, tmp_path / "large", directory="large", progress=lambda *_: begun.set())
            )
            await begun.wait()
            assert list(tmp_path.iterdir())
            downloading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await downloading
            assert list(tmp_path.iterdir()) == []
            assert (await client.get_server_info()).version

    asyncio.run(run())


@pytest.mark.parametrize("way", ["tcp", "proxy"])
def test_a_run_is_pulled_whole_and_kept_the_second_time(
    way: str, connect: Callable[..., Any], servers: Servers, tmp_path: Path
) -> None:
    client, copy = connect(getattr(servers, way)), tmp_path / "above" / "copy"
    told: list[str] = []
    report = client.pull_run(copy, directory="large", progress=lambda path, position, size: told.append(path))
    source = tree(servers.runs / "large")
    assert tree(copy) == source
    assert (report.problems, report.is_whole, report.has_summary) == ([], True, True)
    assert (report.pulled, report.kept) == (len(source), 0)
    assert report.bytes_pulled == sum(map(len, source.values()))
    assert told[-1] == "retention-summary.json"
    again = client.pull_run(copy, run_id=report.run.run_id)
    assert (again.pulled, again.kept, again.problems) == (0, len(source), [])
    # Broken off: what is missing comes.
    (copy / "retention-summary.json").unlink()
    (copy / LARGE).unlink()
    mended = client.pull_run(copy, directory="large")
    assert (mended.pulled, mended.kept) == (2, len(source) - 2)
    assert tree(copy) == source


def test_what_stands_in_the_way_of_a_copy_is_told_and_left(client: Any, servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "normalized").mkdir()
    (tmp_path / "normalized/findings.json").write_text("mine")
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/foreign").write_text("mine")
    report = client.pull_run(tmp_path, directory="large")
    assert {problem.path: problem.state for problem in report.problems} == {
        "normalized/findings.json": "refused",
        "artifacts/foreign": "foreign",
    }
    assert (report.is_whole, report.has_summary) == (False, False)
    assert (tmp_path / "normalized/findings.json").read_text() == "mine"
    (tmp_path / "artifacts/foreign").unlink()
    report = client.pull_run(tmp_path, directory="large", overwrite=True)
    assert (report.problems, report.has_summary) == ([], True)
    assert tree(tmp_path) == tree(servers.runs / "large")


def test_a_run_is_not_pulled_over_another(client: Any, tmp_path: Path) -> None:
    assert client.pull_run(tmp_path, directory="first").has_summary
    before = tree(tmp_path)
    with pytest.raises(errors.CopyConflictError):
        client.pull_run(tmp_path, directory="second")
    assert tree(tmp_path) == before


def test_a_run_is_pulled_as_it_is_and_what_is_wrong_with_it_told(client: Any, copied: Path, tmp_path: Path) -> None:
    (copied / LARGE).unlink()
    stderr = copied / "artifacts/harness/checks.stderr.txt"
    stderr.write_bytes(b"x" * stderr.stat().st_size)
    (copied / "artifacts/unlisted").write_text("not recorded")
    report = client.pull_run(tmp_path, directory=copied.name)
    assert {problem.path: problem.state for problem in report.problems} == {
        LARGE: "missing",
        "artifacts/harness/checks.stderr.txt": "other_digest",
    }
    assert (report.is_whole, report.has_summary) == (True, False)
    assert (tmp_path / "artifacts/unlisted").read_text() == "not recorded"
    assert not (tmp_path / "artifacts/harness/checks.stderr.txt").exists()


def test_nothing_is_pulled_through_a_link(client: Any, tmp_path: Path) -> None:
    outside, copy = tmp_path / "outside", tmp_path / "copy"
    outside.mkdir()
    copy.mkdir()
    (copy / "artifacts").symlink_to(outside)
    report = client.pull_run(copy, directory="large")
    assert not report.is_whole
    assert list(outside.iterdir()) == []
    shutil.rmtree(copy)
    with pytest.raises(errors.NotFoundError):
        client.pull_run(copy, directory="none")
    assert not copy.exists()
