"""Image archives as `docker save` writes them: what containerd, podman and docker import."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["layer_of_files", "layer_of_folder", "write_archive"]

TIME = 0
"""When every file was changed: the same input makes the same image."""


def layer_of_files(files: Mapping[str, Path | bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A layer with these files, for everybody to read and run; and symbolic links."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name in _parents([*files, *(links or {})]):
            tar.addfile(_member(name, type=tarfile.DIRTYPE))
        for name, content in sorted(files.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            tar.addfile(_member(name, size=len(data)), io.BytesIO(data))
        for name, target in sorted((links or {}).items()):
            tar.addfile(_member(name, type=tarfile.SYMTYPE, linkname=target))
    return written.getvalue()


def layer_of_folder(root: Path, leave_out: Callable[[str], bool]) -> bytes:
    """A layer with all of a folder, owners and modes kept, but for device nodes and what is left out."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if leave_out(name):
                continue
            member = tar.gettarinfo(path, name)
            if member is None or member.isdev():
                continue
            member.mtime = TIME
            with path.open("rb") if member.isreg() else io.BytesIO() as data:
                tar.addfile(member, data)
    return written.getvalue()


def write_archive(path: Path, tag: str, layers: Sequence[bytes], config: Mapping[str, Any]) -> None:
    """An image of these layers, the lowest first, under a tag."""
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    described = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }
    body = json.dumps(described, sort_keys=True).encode()
    name = f"{hashlib.sha256(body).hexdigest()}.json"
    files = {f"{digest}/layer.tar": layer for digest, layer in zip(digests, layers, strict=True)}
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": list(files)}]
    files |= {name: body, "manifest.json": json.dumps(manifest).encode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode="w") as tar:
        for each, data in files.items():
            tar.addfile(_member(each, size=len(data)), io.BytesIO(data))


def _parents(names: Iterable[str]) -> list[str]:
    parents = {str(parent) for name in names for parent in Path(name).parents}
    return sorted(parents - {".", "/"})


def _member(name: str, **fields: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.mtime = 0o755, TIME
    for field, value in fields.items():
        setattr(member, field, value)
    return member
