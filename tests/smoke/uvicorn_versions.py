"""Every minor of uvicorn: an allowed one serves TLS, an older one that or it refuses to start.

Run by `make lowest`, where uv is installed. Each version lies in a folder of its own, before all others.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.cli.support import POLICIES, write
from tests.smoke.serving import NotStarted, Serving, serving

OWN: Final = "callers with a certificate"

MINORS: Final = range(32, 55)
"""From the first that pyproject.toml ever allowed to the newest when this was last looked at."""


def main() -> int:
    """Try them all; the exit code is 1 when one lets in whom it may not, or is allowed and lets in nobody."""
    lowest = int(importlib.metadata.version("uvicorn").split(".")[1])
    found = []
    with tempfile.TemporaryDirectory() as made:
        policies = write(Path(made) / "policies", all=POLICIES)
        for minor in MINORS:
            folder = Path(made) / str(minor)
            version = _install(f"uvicorn==0.{minor}.*", folder / "libraries")
            answered, what = _tried(folder, policies)
            print(f"uvicorn {version}: {what}", flush=True)
            found.append(answered == [OWN] or (answered is None and minor < lowest))
    return 0 if all(found) else 1


def _install(requirement: str, folder: Path) -> str:
    """Put the package alone into a folder; returns its version."""
    uv = Path(sys.executable).with_name("uv")
    command: list[str | Path] = [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", folder, requirement], check=True)
    (distribution,) = importlib.metadata.distributions(name="uvicorn", path=[str(folder)])
    return distribution.version


def _tried(folder: Path, policies: Path) -> tuple[list[str] | None, str]:
    """Who is answered (None: the server refuses to start), and what to say of it."""
    try:
        with serving(folder, policies, libraries=folder / "libraries") as server:
            opened = _opened(server)
    except NotStarted as refusal:
        return None, f"refuses to start: {refusal}"
    return opened, f"answers {', '.join(opened) or 'nobody'}"


def _opened(server: Serving) -> list[str]:
    """Who is answered."""
    answered = {
        OWN: server.lets_in(certificate=True),
        "callers without a certificate": server.lets_in(certificate=False),
        "plain HTTP": server.answers_plainly(),
    }
    return [who for who, is_answered in answered.items() if is_answered]


if __name__ == "__main__":
    sys.exit(main())
