import hashlib
from pathlib import Path
from typing import Any

import pytest
from script import Answer, Script

from guideboard._download import Download, Reading, Which, download, read
from guideboard._flow import SilenceError
from guideboard.errors import ChangedError, DataLossError, DigestMismatchError, NotFoundError, UnavailableError
from guideboard.v1.retained_run_service_pb2 import ReadArtifactResponse

WHICH = Which("artifacts/a", "", "run", "")
SHA256 = hashlib.sha256(b"hello").hexdigest()


def header(data: bytes = b"", *, size: int = 5, generation: str = "g", sha256: str = SHA256, offset: int = 0) -> Any:
    return ReadArtifactResponse(size_bytes=size, generation=generation, sha256=sha256, offset=offset, data=data)


def more(offset: int, data: bytes) -> ReadArtifactResponse:
    return ReadArtifactResponse(offset=offset, data=data)


def broken() -> UnavailableError:
    return UnavailableError("connection reset by peer")


def downloaded(answers: list[Answer], target: Path, **given: Any) -> tuple[Script, Download]:
    script = Script(answers)
    return script, script.run(download(WHICH, target, retry_for=5, **given))


def test_what_breaks_off_goes_on_where_it_broke_in_the_same_generation(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    script, done = downloaded(
        [[header(b"he"), broken()], broken(), [header(b"l", offset=2), more(3, b"l")], [header(b"o", offset=4)]],
        tmp_path / "a",
        progress=lambda position, size: seen.append((position, size)),
    )
    assert (tmp_path / "a").read_bytes() == b"hello"
    assert [(each.offset, each.expected_generation, each.compute_sha256) for each in script.asked] == [
        (0, "", True),
        (2, "g", False),
        (2, "g", False),
        (4, "g", False),
    ]
    assert seen == [(2, 5), (3, 5), (4, 5), (5, 5)]
    assert (done.sha256, done.resumed, done.size_bytes) == (SHA256, 2, 5)


def test_a_stream_that_falls_silent_is_taken_up_again_each_time_with_more_patience() -> None:
    silent, now = SilenceError(), iter(range(1000))
    script = Script(
        [[header(b"h"), silent], [silent], [header(b"e", offset=1), silent], [header(b"l", offset=2), more(3, b"lo")]]
    )
    reading = Reading(WHICH, retry_for=60, clock=lambda: float(next(now)))
    assert script.run(reading.to_the_end(lambda _: True, len))
    # Before the first message a digest may have to be computed. By this clock a message takes a second, which is stretched.
    assert script.timeouts == [None, 2, 4, 8, 4, 8, 4, 4]


def test_when_only_the_end_was_lost_nothing_is_asked_for(tmp_path: Path) -> None:
    script, _ = downloaded([[header(b"hello"), broken()]], tmp_path / "a")
    assert script.slept == []


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    downloaded([[header(size=0, sha256=hashlib.sha256().hexdigest())]], tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b""


@pytest.mark.parametrize(
    ("answers", "given", "kind"),
    [
        ([[header(b"hello", sha256="0" * 64)]], {}, DigestMismatchError),
        ([[header(b"hello", sha256="")]], {"expected_sha256": "0" * 64}, DigestMismatchError),
        ([[header(b"hello")]], {"expected_sha256": "0" * 64}, DigestMismatchError),
        ([[header(b"he"), broken()], [header(b"llo", offset=2, generation="h")]], {}, ChangedError),
        ([[header(b"he"), more(3, b"lo")]], {}, DataLossError),
        ([[header(b"he"), more(2, b"llo!")]], {}, DataLossError),
        ([[header(b"hello", generation="")]], {}, DataLossError),
        ([[header(b"he"), DataLossError("other bytes")]], {}, DataLossError),
        ([[header(b"he"), ChangedError("changed")]], {}, ChangedError),
        ([[NotFoundError("no such file")]], {}, NotFoundError),
    ],
)
def test_what_goes_wrong_leaves_nothing(
    answers: list[Answer], given: dict[str, Any], kind: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(kind):
        downloaded(answers, tmp_path / "a", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_stands_there_stays_and_nothing_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError):
        downloaded([], tmp_path / "a")
    assert (tmp_path / "a").read_text() == "mine"
    downloaded([[header(b"hello")]], tmp_path / "a", overwrite=True)
    assert (tmp_path / "a").read_text() == "hello"


def test_a_file_that_is_the_same_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hello")
    script, done = downloaded([[header(b"he"), more(2, b"llo")]], tmp_path / "a", keep_identical=True)
    assert (done.was_there, done.sha256, script.closed) == (True, SHA256, 1)


def test_a_small_output_is_read_and_verified() -> None:
    def reading(*answers: Answer, most: int = 5) -> bytes:
        data: bytes = Script(answers).run(read(WHICH, max_bytes=most, retry_for=5))
        return data

    assert reading([header(b"he"), broken()], [header(b"llo", offset=2)]) == b"hello"
    with pytest.raises(DigestMismatchError):
        reading([header(b"jello")])
    with pytest.raises(ValueError, match="more than"):
        reading([header(b"hello")], most=4)
