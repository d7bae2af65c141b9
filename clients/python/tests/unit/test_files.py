from pathlib import Path

import pytest

from guideboard import _files
from guideboard._pull import recorded_in


@pytest.mark.parametrize("path", ["run.json", "artifacts/a b/ü.txt", "a/.hidden", "a/...", "%2e%2e/a"])
def test_plain_paths_are_safe(path: str) -> None:
    assert _files.is_safe(path)


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "..", "../a", "a/../b", "a/..", ".", "./a", "a//b", "a/", "a\\b", "a\0b", "x" * 4096]
)
def test_paths_that_lead_elsewhere_are_not(path: str, tmp_path: Path) -> None:
    assert not _files.is_safe(path)
    with pytest.raises(ValueError, match="below"):
        _files.place_below(tmp_path, path)


def test_nothing_is_put_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "artifacts").symlink_to(outside)
    with pytest.raises(FileExistsError):
        _files.place_below(copy, "artifacts/x/a")
    assert list(outside.iterdir()) == []
    assert _files.files_below(copy, ("artifacts",)) == ["artifacts"]


def test_a_link_in_the_place_of_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        _files.standing(tmp_path / "link")
    assert _files.standing(tmp_path / "none") is None


def test_a_file_that_appeared_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / "file"
    partial = _files.PartialFile(target)
    partial.write(b"theirs")
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        partial.place(overwrite=False, fsync=False)
    partial.discard()
    assert target.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [target]


def test_a_whole_file_has_its_place_alone(tmp_path: Path) -> None:
    for overwrite in (False, True):
        partial = _files.PartialFile(tmp_path / "file")
        partial.write(b"by")
        partial.write(b"tes")
        assert partial.sha256 == "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9"
        partial.place(overwrite=overwrite, fsync=True)
        partial.discard()
        assert (tmp_path / "file").read_bytes() == b"bytes"
        assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_submission_package_records_digests_of_plain_paths_alone() -> None:
    package = b"""{"documents": [{"path": "reports/report.md", "sha256": "AB"}, {"path": "../x", "sha256": "ab"}, {"path": 1}, 2,
        {"path": "a", "sha256": "sha256:cd"}]}"""
    assert recorded_in(package) == {"reports/report.md": "ab", "a": "cd"}
    for none in (b"", b"[]", b"{}", b'{"documents": {}}', b"[" * 100_000, b"\xff"):
        assert recorded_in(none) == {}
