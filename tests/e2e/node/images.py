"""Images for a node without a registry, as Docker archives: Debian's static busybox under the names of its applets."""

from __future__ import annotations

from pathlib import Path

from image.archive import layer_of_files, write_archive
from tests.e2e.node.binaries import BUSYBOX

__all__ = ["DEMO", "ENGINE", "ENGINE_ARCHIVE", "PAUSE", "write_images"]

PAUSE = "registry.k8s.io/pause:3.10.1"
"""The sandbox of every pod, which does nothing."""
DEMO = "example.test/demo:1"
"""Says on which kernel it runs, and sleeps."""
ENGINE = "docker.io/library/gatekeeper-py:latest"
"""The engine itself, by the name that `gatekeeper install` uses."""
ENGINE_ARCHIVE = "GATEKEEPER_IMAGE_ARCHIVE"
"""The variable that says where its archive is."""
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
        layer = layer_of_files({"bin/busybox": BUSYBOX}, {f"bin/{applet}": "busybox" for applet in applets})
        write_archive(made[-1], tag, [layer], {"Cmd": command, "Env": ["PATH=/bin"]})
    return made
