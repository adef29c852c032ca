"""Changes of files are seen, whichever way they come about."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from gatekeeper_py.webhook import watch
from gatekeeper_py.webhook.watch import changes, fingerprint


def write(path: Path, text: str = "a") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mount(folder: Path, version: str) -> None:
    """As the kubelet updates a mounted ConfigMap: a new folder, and one link that is swapped to it."""
    write(folder / f"..{version}" / "policy.yaml", version)
    (folder / "..new").symlink_to(f"..{version}")
    os.replace(folder / "..new", folder / "..data")
    link = folder / "policy.yaml"
    if not link.is_symlink():
        link.symlink_to("..data/policy.yaml")


def edit_keeping_size(folder: Path) -> None:
    write(folder / "a.yaml", "b")


def edit_with_the_old_time(folder: Path) -> None:
    before = (folder / "a.yaml").stat()
    write(folder / "a.yaml", "b")
    os.utime(folder / "a.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(folder: Path) -> None:
    os.replace(write(folder / "a.yaml~", "b"), folder / "a.yaml")


EDITS: dict[str, Callable[[Path], object]] = {
    "an edit of the same size": edit_keeping_size,
    "an edit that sets back the clock": edit_with_the_old_time,
    "a file put in place of another": replace,
    "a new file": lambda folder: write(folder / "b.yaml"),
    "a new file in a new folder": lambda folder: write(folder / "deep" / "er" / "b.yaml"),
    "a file gone": lambda folder: (folder / "a.yaml").unlink(),
    "a file renamed": lambda folder: (folder / "a.yaml").rename(folder / "b.yaml"),
    "a link to a file": lambda folder: (folder / "b.yaml").symlink_to("a.yaml"),
    "the swap of a mounted ConfigMap": lambda folder: mount(folder, "two"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_change_changes_the_fingerprint(tmp_path: Path, edit: Callable[[Path], object]) -> None:
    write(tmp_path / "a.yaml")
    mount(tmp_path, "one")
    before = fingerprint([tmp_path])
    assert fingerprint([tmp_path]) == before
    edit(tmp_path)
    assert fingerprint([tmp_path]) != before


def test_what_cannot_be_read_counts_by_its_absence(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    assert fingerprint([tmp_path / "gone", tmp_path]) == frozenset()
    there = fingerprint([write(tmp_path / "gone")])
    assert [entry[0] for entry in there] == [str(tmp_path / "gone")]


def test_links_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    write(tmp_path / "below" / "a.yaml")
    (tmp_path / "below" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert names([tmp_path]) == ("a.yaml",)


def names(paths: list[Path]) -> tuple[str, ...]:
    """Files without their sizes and times: a look may fall between a file's making and its writing."""
    return tuple(sorted(Path(entry[0]).name for entry in fingerprint(paths)))


async def follow(folder: Path, steps: list[tuple[Callable[[], object], tuple[str, ...]]]) -> None:
    """Take each step once the watch is at rest, and wait until it has told what is there then."""
    looks = asyncio.Event()

    def look() -> tuple[str, ...]:
        loop.call_soon_threadsafe(looks.set)
        return names([folder])

    loop = asyncio.get_running_loop()
    watching = changes([folder], names([folder]), look)
    for act, expected in steps:
        change = asyncio.ensure_future(anext(watching))
        await looks.wait()
        assert not change.done(), "saw a change where there was none"
        act()
        while await change != expected:
            change = asyncio.ensure_future(anext(watching))
        looks.clear()


@pytest.mark.parametrize("exists", [True, False], ids=["that is there", "that is made later"])
def test_a_change_in_a_folder_is_told_with_what_is_there_then(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "policies"
    if exists:
        folder.mkdir()
    one = lambda: write(folder / "a.yaml"), ("a.yaml",)
    two = lambda: write(folder / "b.yaml"), ("a.yaml", "b.yaml")
    asyncio.run(asyncio.wait_for(follow(folder, [one, two]), 30))


def test_a_folder_put_in_place_of_another_is_followed_further(tmp_path: Path) -> None:
    folder = write(tmp_path / "policies" / "a.yaml").parent

    def swap() -> None:
        write(tmp_path / "new" / "b.yaml")
        os.rename(folder, tmp_path / "old")
        os.rename(tmp_path / "new", folder)

    later = lambda: write(folder / "c.yaml"), ("b.yaml", "c.yaml")
    asyncio.run(asyncio.wait_for(follow(folder, [(swap, ("b.yaml",)), later]), 30))


def test_what_is_already_known_is_not_told_and_what_is_not_is_told_at_once(tmp_path: Path) -> None:
    async def first(seen: object) -> object:
        return await asyncio.wait_for(anext(changes([tmp_path], seen)), 20)

    write(tmp_path / "a.yaml")
    assert asyncio.run(first(frozenset())) == fingerprint([tmp_path])


def test_files_that_come_to_rest_are_seen_as_they_are_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET", 0.001)
    looks = iter([1, 2, 3, 3, 4])
    assert watch.at_rest(lambda: next(looks)) == 3


def test_files_that_never_come_to_rest_are_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET", 0.001)
    monkeypatch.setattr(watch, "PATIENCE", 0.02)
    looks = count()
    assert watch.at_rest(lambda: next(looks)) == next(looks) - 1


def test_a_change_is_told_when_it_is_over(tmp_path: Path) -> None:
    states = iter(["old", "half", "half", "whole"])

    def look() -> str:
        return next(states, "whole")

    async def first() -> object:
        return await asyncio.wait_for(anext(changes([tmp_path], "old", look)), 20)

    assert asyncio.run(first()) == "whole"
