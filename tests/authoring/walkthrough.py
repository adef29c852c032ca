"""A page that is read as a walk: its files are written and its commands run, one after the other, in one folder.

A block of YAML with a title is a file; a block `console` holds commands behind `$ ` and what they print.

    python -m tests.authoring.walkthrough docs/guide.md    # write what the commands print now into the page
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from gatekeeper_py.cli import gatekeeper

__all__ = ["Step", "steps", "walked"]

BLOCK = re.compile(
    r'^```(?P<kind>yaml|console)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$', re.MULTILINE | re.DOTALL
)
WIDTH = "100"
"""Columns of the terminal, for what goes by them."""


@dataclass(frozen=True, slots=True)
class Step:
    """A file that is written, or a command with what it prints."""

    line: int
    file: str = ""
    command: str = ""
    text: str = ""


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in order."""
    for block in BLOCK.finditer(page):
        line = page.count("\n", 0, block.start()) + 1
        if block["kind"] == "yaml":
            if block["title"]:
                yield Step(line, file=block["title"], text=block["body"])
            continue
        for part in re.split(r"^\$ ", block["body"], flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(line, command=command, text=output)


def walked(page: str, folder: Path) -> Iterator[tuple[Step, str]]:
    """Each command with what it prints in a folder that begins empty; files are written on the way."""
    with _inside(folder):
        for step in steps(page):
            if step.file:
                path = folder / step.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text)
            else:
                program, *arguments = shlex.split(step.command, comments=True)
                assert program == "gatekeeper", step
                result = CliRunner(env={"COLUMNS": WIDTH}).invoke(gatekeeper, arguments)
                lines = [line.rstrip() for line in result.output.splitlines()]
                lines += [f"exit code {result.exit_code}"] if result.exit_code else []
                yield step, "".join(f"{line}\n" for line in lines)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _rewrite(path: Path) -> None:
    page, place = path.read_text(), 0
    with tempfile.TemporaryDirectory() as folder:
        for step, output in walked(page, Path(folder)):
            before = f"$ {step.command}\n{step.text}"
            place = page.index(before, place)
            after = f"$ {step.command}\n{output}"
            page = page[:place] + after + page[place + len(before) :]
            place += len(after)
    path.write_text(page)


if __name__ == "__main__":
    _rewrite(Path(sys.argv[1]))
