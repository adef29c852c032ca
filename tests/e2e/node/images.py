"""Images for a node without a registry, as Docker archives: Debian's static busybox under the names of its applets."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from tests.e2e.node.binaries import BUSYBOX

__all__ = ["DEMO", "PAUSE", "write_images"]

PAUSE = "registry.k8s.io/pause:3.10.1"
"""The sandbox of every pod, which does nothing."""
DEMO = "example.test/demo:1"
"""Says on which kernel it runs, and sleeps."""
SAYS = "/bin/uname -r; /bin/dmesg 2>&1 | /bin/head -2; exec /bin/sleep 1000000"
APPLETS = (
    "sh",
    "sleep",
    "uname",
    "dmesg",
    "head",
    "cat",
    "ls",
    "id",
    "wget",
    "nc",
    "ip",
    "httpd",
    "echo",
    "mount",
)


def write_images(folder: Path) -> list[Path]:
    """Writes both images into the folder and returns where they are."""
    images = {
        "pause": (PAUSE, ["/bin/sleep", "1000000"], ("sh", "sleep")),
        "demo": (DEMO, ["/bin/sh", "-c", SAYS], APPLETS),
    }
    made = []
    for name, (tag, command, applets) in images.items():
        made.append(folder / f"{name}.tar")
        made[-1].write_bytes(archive(tag, command, applets))
    return made


def archive(tag: str, command: Sequence[str], applets: Sequence[str]) -> bytes:
    """An image of one layer in the format of `docker save`, by the layout of its manifest.json."""
    layer = _layer(applets)
    digest = hashlib.sha256(layer).hexdigest()
    config = orjson.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": list(command), "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    )
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": [f"{digest}/layer.tar"]}]
    return _tar({name: config, f"{digest}/layer.tar": layer, "manifest.json": orjson.dumps(manifest)})


def _layer(applets: Sequence[str]) -> bytes:
    links = {f"bin/{applet}": "busybox" for applet in applets}
    return _tar({"bin/busybox": BUSYBOX.read_bytes()}, folders=("bin", "tmp", "etc"), links=links)


def _tar(
    files: Mapping[str, bytes], folders: Sequence[str] = (), links: Mapping[str, str] | None = None
) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for folder in folders:
            tar.addfile(_member(folder, type=tarfile.DIRTYPE))
        for name, data in files.items():
            tar.addfile(_member(name, size=len(data)), io.BytesIO(data))
        for name, target in (links or {}).items():
            tar.addfile(_member(name, type=tarfile.SYMTYPE, linkname=target))
    return written.getvalue()


def _member(name: str, **fields: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = 0o755
    for field, value in fields.items():
        setattr(member, field, value)
    return member
