"""What the Dockerfile's last stage says: so that both roads lead to the same image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Copy", "Recipe", "UnknownInstruction", "recipe"]

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class UnknownInstruction(ValueError):
    """The Dockerfile has grown by something that is not known here."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A file or folder of the repository, and where in the image it goes."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the image is to be."""

    packages: str
    """Where the environment with the locked packages stands."""
    copies: tuple[Copy, ...]
    environment: Mapping[str, str]
    user: str
    ports: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]


def recipe(dockerfile: Path) -> Recipe:
    """The last stage; raises `UnknownInstruction`."""
    packages, copies, found = "", [], {"USER": "", "EXPOSE": "", "ENTRYPOINT": "[]", "CMD": "[]", "ENV": ""}
    for instruction, rest in _last_stage(dockerfile.read_text(encoding="utf-8")):
        if instruction == "COPY" and rest.startswith("--from="):
            packages = rest.split()[-1]
        elif instruction == "COPY":
            copies.append(Copy(*rest.split()))
        elif instruction in found:
            found[instruction] = rest
        else:
            raise UnknownInstruction(f"{dockerfile}: {instruction} is not known to image/dockerfile.py")
    return Recipe(
        packages,
        tuple(copies),
        {"PATH": DEFAULT_PATH} | dict(_environment(found["ENV"])),
        found["USER"],
        tuple(found["EXPOSE"].split()),
        tuple(json.loads(found["ENTRYPOINT"])),
        tuple(json.loads(found["CMD"])),
    )


def _last_stage(text: str) -> Iterator[tuple[str, str]]:
    stage = re.split(r"(?m)^FROM .*$", text)[-1]
    for line in stage.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def _environment(text: str) -> Iterator[tuple[str, str]]:
    for assignment in text.split():
        name, _, value = assignment.partition("=")
        yield name, value.replace("$PATH", DEFAULT_PATH)
