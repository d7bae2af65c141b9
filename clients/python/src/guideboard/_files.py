"""Files that are written aside, verified, and put in their place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from pathlib import Path

_PIECE = 1 << 18
_MAX_PATH = 4095
_BACKSLASH_OR_NUL = frozenset("\\\0")


class PartialFile:
    """A file that is not whole yet. It stands beside its place, as NAME.part-RANDOM."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part-{secrets.token_hex(4)}")
        self.length = 0
        self._digest = hashlib.sha256()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        self._file = os.fdopen(descriptor, "wb")

    def write(self, data: bytes) -> None:
        """Adds bytes."""
        self._file.write(data)
        self._digest.update(data)
        self.length += len(data)

    @property
    def sha256(self) -> str:
        """The SHA-256 of all bytes so far, bare lower-case hex."""
        return self._digest.hexdigest()

    def place(self, *, overwrite: bool, fsync: bool) -> None:
        """Puts the whole file in its place.

        Raises:
            FileExistsError: Something stands there, and is not to be overwritten.
        """
        self._file.flush()
        if fsync:
            os.fsync(self._file.fileno())
        self._file.close()
        if overwrite:
            self.path.replace(self.target)
        else:
            self._place_new()
        if fsync and os.name == "posix":
            descriptor = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _place_new(self) -> None:
        try:
            # Unlike a renaming this never takes the place of another file.
            self.target.hardlink_to(self.path)
        except FileExistsError:
            raise already_there(self.target) from None
        except OSError:
            # Not every filesystem has links.
            refuse_existing(self.target)
            self.path.rename(self.target)
        else:
            self.path.unlink()

    def discard(self) -> None:
        """Throws the bytes away, if they were not put in their place."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def already_there(path: Path) -> FileExistsError:
    """That a file is not overwritten."""
    return FileExistsError(errno.EEXIST, "it is there already, and is not overwritten unless asked to", str(path))


def refuse_existing(path: Path) -> None:
    """Raises `FileExistsError` when anything stands there."""
    if os.path.lexists(path):
        raise already_there(path)


def standing(path: Path) -> tuple[int, str] | None:
    """Size and SHA-256 of the regular file that stands there; None when nothing does.

    Raises:
        FileExistsError: Something else than a regular file stands there.
    """
    try:
        kind = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(kind):
        raise FileExistsError(errno.EEXIST, "something else than a file stands there", str(path))
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def is_safe(path: str) -> bool:
    """Whether a path of a run leads nowhere but below the directory that it is put in."""
    if not path or len(path.encode("utf-8", "surrogateescape")) > _MAX_PATH or not _BACKSLASH_OR_NUL.isdisjoint(path):
        return False
    # Of Windows: a drive, or a stream of a file.
    if os.name == "nt" and ":" in path:
        return False
    return all(component not in ("", ".", "..") for component in path.split("/"))


def place_below(directory: Path, path: str) -> Path:
    """Where a path of a run stands below a directory. The directories on the way are made; none may be a link.

    Raises:
        FileExistsError: Something else than a directory stands on the way.
        ValueError: The path is not safe.
    """
    if not is_safe(path):
        raise ValueError("the path does not stay below the directory")
    at = directory
    *above, name = path.split("/")
    for component in above:
        at /= component
        with contextlib.suppress(FileExistsError):
            at.mkdir()
        if not stat.S_ISDIR(at.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "something else than a directory stands there", str(at))
    return at / name


def files_below(directory: Path, names: tuple[str, ...]) -> list[str]:
    """The paths of all that stands in some directories of a directory and is no directory. No link is followed."""
    found = []
    for name in names:
        if (directory / name).is_symlink():
            found.append(name)
            continue
        for above, directories, files in os.walk(directory / name):
            here = Path(above)
            links = [each for each in directories if (here / each).is_symlink()]
            found.extend((here / each).relative_to(directory).as_posix() for each in [*files, *links])
    return sorted(found)
