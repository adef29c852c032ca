"""Files are found and read without waiting for what is no plain file."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper_py.manifests.folder import content, files, is_stream
from gatekeeper_py.manifests.manifest import ManifestError, read

POD = "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n"


def pipe(folder: Path, name: str = "pipe.yaml") -> Path:
    os.mkfifo(folder / name)
    return folder / name


def listener(folder: Path, name: str = "s.yaml") -> Path:
    """A socket; its path is short enough only when it is relative."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(name)
    finally:
        os.chdir(before)
    return folder / name


def linked(folder: Path, target: str | Path, name: str = "link.yaml") -> Path:
    (folder / name).symlink_to(target)
    return folder / name


NEVER_OPENED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a pipe": (pipe, "is a named pipe, which is never opened. Put a file in its place, or remove it"),
    "a pipe that is called like no manifest": (
        lambda folder: pipe(folder, "pipe"),
        "is a named pipe, which is never opened. Put a file in its place, or remove it",
    ),
    "a link to a pipe": (
        lambda folder: linked(folder, pipe(folder, ".hidden")),
        "is a named pipe, which is never opened. Put a file in its place, or remove it",
    ),
    "a socket": (listener, "is a socket, which is never opened. Put a file in its place, or remove it"),
    "a device": (
        lambda folder: linked(folder, "/dev/zero"),
        "is a device, which is never opened. Put a file in its place, or remove it",
    ),
    "a link to itself": (
        lambda folder: linked(folder, "link.yaml"),
        "cannot be read: too many levels of symbolic links. Check the path and its permissions",
    ),
    "a link to nothing": (
        lambda folder: linked(folder, "gone.yaml"),
        "cannot be read: no such file or directory. Check the path and its permissions",
    ),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", NEVER_OPENED)
@pytest.mark.parametrize("whole", [True, False], ids=["in a folder", "by its name"])
def test_what_is_no_plain_file_is_named_and_not_opened(tmp_path: Path, case: str, whole: bool) -> None:
    make, said = NEVER_OPENED[case]
    path = make(tmp_path)
    with pytest.raises(ManifestError) as caught:
        read([tmp_path if whole else path])
    assert [str(problem) for problem in caught.value.problems] == [f"{path}: {said}"]


def test_streams_are_told_from_files(tmp_path: Path) -> None:
    assert is_stream(pipe(tmp_path))
    assert is_stream("/dev/null")
    assert not is_stream(tmp_path)
    assert not is_stream(tmp_path / "gone")


def test_a_link_of_another_name_that_leads_nowhere_does_not_matter(tmp_path: Path) -> None:
    linked(tmp_path, "gone", "README")
    linked(tmp_path, "loop", "loop")
    assert list(files(tmp_path)) == []


@pytest.mark.timeout(20)
def test_a_pipe_put_in_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening."""
    kind = (tmp_path / "..").stat().st_mode
    monkeypatch.setattr("gatekeeper_py.manifests.folder._kind", lambda _path: kind)
    with pytest.raises(ManifestError, match="is a named pipe"):
        content(pipe(tmp_path))


@pytest.mark.parametrize(("size", "fits"), [(8, True), (9, False)])
def test_a_file_has_at_most_so_many_bytes(tmp_path: Path, size: int, fits: bool) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"#" * size)
    if fits:
        assert read([tmp_path], largest=8) == ()
        return
    with pytest.raises(ManifestError) as caught:
        read([tmp_path], largest=8)
    remedy = "Split it, or remove what does not belong here"
    assert str(caught.value) == f"{file}: is longer than 8 bytes. {remedy}"


@pytest.mark.parametrize(("text", "blank"), [("", True), (" \n \n", True), ("# nothing yet\n", False)])
def test_a_file_may_have_to_hold_something(tmp_path: Path, text: str, blank: bool) -> None:
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(POD)
    assert len(read([tmp_path])) == 1
    if not blank:
        assert len(read([tmp_path], blank=False)) == 1
        return
    with pytest.raises(ManifestError) as caught:
        read([tmp_path], blank=False)
    assert str(caught.value) == (
        f"{tmp_path}/a.yaml: the file is empty, as a file is whose writing has just begun. "
        "Write it to its end, or remove it"
    )
