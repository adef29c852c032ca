"""What a node is made of, and whether this machine can run one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.e2e.harness import StartError, Unavailable

__all__ = ["build", "require_machine"]

HERE = Path(__file__).parent
BUILD_SECONDS = 3600
"""Measured: 8 minutes on two cores the first time, nothing afterwards."""
COMMANDS = {"runc": "runc", "unshare": "util-linux", "ip": "iproute2"}
"""What of Debian is used, each with its package."""
BUSYBOX = Path("/bin/busybox")
"""Statically linked (busybox-static): all that the images of these tests hold."""
CGROUPS = Path("/sys/fs/cgroup")


def require_machine() -> None:
    """Raises Unavailable with what is missing for a node to run on this machine."""
    if missing := _missing():
        raise Unavailable(missing)


def _missing() -> str:
    if sys.platform != "linux":
        return "a kubelet needs Linux"
    if os.geteuid() != 0:
        return "a container runtime needs root"
    if not (CGROUPS / "memory").is_dir():
        return "no cgroup v1, and these tests know nothing else"
    commands = [package for command, package in COMMANDS.items() if shutil.which(command) is None]
    packages = commands + ([] if BUSYBOX.exists() else ["busybox-static"])
    return f"apt-get install {' '.join(packages)}" if packages else ""


@cache
def build() -> Path:
    """The folder of the binaries; made when they are not there and Go is."""
    if shutil.which("go") is None:
        raise Unavailable("no Go to build kubelet, containerd and gVisor with")
    built = subprocess.run([HERE / "build"], stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS)
    if built.returncode:
        raise StartError(f"{HERE / 'build'} exited with {built.returncode}; what it says above is why")
    return Path(built.stdout.strip())
