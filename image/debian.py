"""The lower layer: a small Debian with Python, and the locked packages by their hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from image.archive import layer_of_folder

__all__ = ["Impossible", "base_layer", "cache"]

SUITE = "trixie"
"""The Debian that the Dockerfile's python:3.13-slim stands on."""
PYTHON = "3.13"
INCLUDED = "python3,ca-certificates"
LEFT_OUT = (
    *("dev", "proc", "run", "sys", "tmp"),
    *("var/cache", "var/lib/apt/lists", "var/log"),
    *("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man"),
)
"""What a container gets from its runtime, or nobody reads there."""
DEBOOTSTRAP_SECONDS = 900
"""Measured: 1 to 2 minutes."""
PIP_SECONDS = 600


class Impossible(Exception):
    """The image cannot be made here; says what is missing."""


def base_layer(requirements: Path, environment: str) -> bytes:
    """Debian, and an environment with the packages at that path. Made once for the same locked packages."""
    kept = cache() / f"{_fingerprint(requirements, environment)}.tar"
    if not kept.exists():
        _require_tools()
        with tempfile.TemporaryDirectory(prefix="gatekeeper-image-") as folder:
            root = Path(folder) / "root"
            _bootstrap(root)
            _install(root, requirements, environment)
            _keep(kept, layer_of_folder(root, _is_left_out))
    return kept.read_bytes()


def cache() -> Path:
    """Where what takes long is kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "gatekeeper-image"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fingerprint(requirements: Path, environment: str) -> str:
    """Of all that goes into the layer, this module included."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(requirements.read_bytes())
    digest.update(environment.encode())
    return digest.hexdigest()[:20]


def _keep(path: Path, layer: bytes) -> None:
    """In one file system: there whole or not at all."""
    written = path.with_suffix(".new")
    written.write_bytes(layer)
    written.replace(path)


def _require_tools() -> None:
    if os.geteuid() != 0:
        raise Impossible("debootstrap needs root")
    if shutil.which("debootstrap") is None:
        raise Impossible("apt-get install debootstrap")


def _bootstrap(root: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", SUITE, str(root)]
    _run(command, DEBOOTSTRAP_SECONDS)


def _install(root: Path, requirements: Path, environment: str) -> None:
    """As the Dockerfile's first stage; pip runs outside, for what only it needs would stay in the image."""
    _run(["chroot", str(root), "python3", "-m", "venv", "--without-pip", environment], PIP_SECONDS)
    packages = root / environment.lstrip("/") / "lib" / f"python{PYTHON}" / "site-packages"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    locked = ["--require-hashes", "--requirement", str(requirements), "--no-compile"]
    foreign = ["--target", str(packages), "--upgrade", "--python-version", PYTHON, "--only-binary=:all:"]
    _run([*pip, *locked, *foreign], PIP_SECONDS)
    python = f"{environment}/bin/python"
    _run(["chroot", str(root), python, "-m", "compileall", "-q", f"{environment}/lib"], PIP_SECONDS)


def _run(command: list[str], seconds: int) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
    )
    if done.returncode:
        raise Impossible(f"{' '.join(command[:2])} failed:\n{done.stdout[-2000:]}")


def _is_left_out(name: str) -> bool:
    return any(name.startswith(f"{folder}/") for folder in LEFT_OUT)
