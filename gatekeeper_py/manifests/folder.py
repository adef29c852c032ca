"""Files of manifests: found in folders, and read without ever waiting for what is no plain file.

To open a named pipe waits for its writer, a socket cannot be opened at all, and to open a device may do
something. None of them is ever opened here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from gatekeeper_py.manifests.place import ManifestError, Problem

__all__ = ["LARGEST", "SUFFIXES", "content", "files", "inhabitants", "is_stream", "opened"]

SUFFIXES: Final = (".json", ".jsonl", ".yaml", ".yml")

LARGEST: Final = 256 << 20
"""Bytes of one file: a dump of a large cluster has that many, and memory holds them several times."""

SPECIAL: Mapping[int, str] = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def files(path: str | Path) -> Iterator[Path]:
    """The manifest files of a folder and its folders, by name; or the file itself.

    Hidden names are passed over: the kubelet keeps the files of a mounted ConfigMap in `..data` and shows
    each through a link, so everything is found once. A link that leads back up is an error, and so is what
    is neither a file nor a folder.
    """
    path = Path(path)
    kind = _kind(path)
    if stat.S_ISDIR(kind):
        return _folder(path, ())
    _demand_plain(path, kind)
    return iter((path,))


def _folder(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        what = "this link leads back to a folder it is in"
        raise ManifestError([Problem(str(folder), 0, 0, what, "Remove the link")])
    for path in inhabitants(folder):
        manifest = path.name.lower().endswith(SUFFIXES)
        kind = _kind(path) if manifest else _kind_if_any(path)
        if stat.S_ISDIR(kind):
            yield from _folder(path, (*above, real))
            continue
        _demand_plain(path, kind)
        if manifest:
            yield path


def inhabitants(folder: Path) -> list[Path]:
    """What is in a folder, by name, but for hidden names."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise _unreadable(folder, error) from error


def is_stream(path: str | Path) -> bool:
    """Whether a path is a named pipe, or the terminal: to be read once, and only by whoever asked for it."""
    kind = _kind_if_any(Path(path))
    return stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A plain file, open; raise `ManifestError` when it is none, or cannot be read."""
    _demand_plain(path, _kind(path))
    try:
        # Not to wait, should something else have taken the file's place since.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            _demand_plain(path, os.fstat(descriptor).st_mode)
            yield file
    except OSError as error:
        raise _unreadable(path, error) from error


def content(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a plain file; raise `ManifestError` when it is none, or longer than `largest`."""
    with opened(path) as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        what = f"is longer than {largest} bytes"
        raise ManifestError([Problem(str(path), 0, 0, what, "Split it, or remove what does not belong here")])
    return data


def _kind(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError as error:
        if path.is_symlink():
            raise _unreadable(path, error) from error
        raise ManifestError([Problem(str(path), 0, 0, "no such file or folder", "Check the path")]) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _kind_if_any(path: Path) -> int:
    """What a path leads to; 0 when that cannot be told, which matters only of what is to be read."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _demand_plain(path: Path, mode: int) -> None:
    special = SPECIAL.get(stat.S_IFMT(mode))
    if special is not None:
        what = f"is {special}, which is never opened"
        raise ManifestError([Problem(str(path), 0, 0, what, "Put a file in its place, or remove it")])


def _unreadable(path: Path, error: OSError) -> ManifestError:
    reason = (error.strerror or str(error)).lower()
    what = f"cannot be read: {reason}"
    return ManifestError([Problem(str(path), 0, 0, what, "Check the path and its permissions")])
