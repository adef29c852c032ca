"""From the paths of a command line to an engine and manifests; what cannot be read is an `InputError`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, read, read_text
from gatekeeper_py.policy.loading import load as loading

__all__ = ["input_errors", "load_engine", "read_cluster", "read_files"]

STANDARD_INPUT = "-"


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn problems of manifests into the command's error: `file:line:column: what. remedy`."""
    try:
        yield
    except ManifestError as error:
        raise InputError(str(error)) from error


def read_cluster(path: Path | None) -> Snapshot:
    """What exists, as `--cluster` says; nothing without it."""
    with input_errors():
        return Snapshot.of(read([path]) if path is not None else ())


def load_engine(policies: Path, cluster: ClusterView) -> Engine:
    """The engine for a folder of policies."""
    with input_errors():
        return Engine.load(loading.read([policies]), cluster)


def read_files(files: Iterable[str]) -> tuple[Manifest, ...]:
    """The manifests of all `-f`, in order."""
    with input_errors():
        return tuple(manifest for file in files for manifest in _read(file))


def _read(file: str) -> tuple[Manifest, ...]:
    if file == STANDARD_INPUT:
        return read_text(sys.stdin.buffer.read())
    return read([file])
