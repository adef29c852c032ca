"""`python -m image ARCHIVE [TAG]`, as `make image-archive`: the image as a file, without a container engine.

ctr -n k8s.io images import gatekeeper-py.tar     # or: docker load -i, podman load -i
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from pathlib import Path

from image.archive import layer_of_files, write_archive
from image.debian import Impossible, base_layer
from image.dockerfile import Recipe, recipe

ROOT = Path(__file__).parents[1]
TAG = "docker.io/library/gatekeeper-py:latest"
"""How the name gatekeeper-py:latest, which `gatekeeper install` uses, is written out."""
LEFT_OUT = ("*_test.yaml", "*.pyc")
"""As .dockerignore has it."""


def main(path: Path, tag: str = TAG) -> None:
    """Writes the archive; raises `Impossible`."""
    wanted = recipe(ROOT / "Dockerfile")
    base = base_layer(ROOT / "requirements" / "runtime.txt", wanted.packages)
    write_archive(path, tag, [base, layer_of_files(_files(wanted))], _config(wanted))


def _files(wanted: Recipe) -> dict[str, Path | bytes]:
    """What is copied from the repository, by its name in the image."""
    found: dict[str, Path | bytes] = {}
    for copy in wanted.copies:
        folder = ROOT / copy.source
        for path in folder.rglob("*"):
            if path.is_file() and not any(fnmatch(path.name, pattern) for pattern in LEFT_OUT):
                found[f"{copy.target.lstrip('/')}/{path.relative_to(folder)}"] = path
    return found


def _config(wanted: Recipe) -> dict[str, object]:
    return {
        "Env": [f"{name}={value}" for name, value in wanted.environment.items()],
        "User": wanted.user,
        "ExposedPorts": {f"{port}/tcp": {} for port in wanted.ports},
        "Entrypoint": list(wanted.entrypoint),
        "Cmd": list(wanted.command),
    }


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), *sys.argv[2:3])
    except Impossible as error:
        sys.exit(f"image-archive: {error}")
