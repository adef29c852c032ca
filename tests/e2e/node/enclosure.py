"""A part of this machine that the node has to itself, and that goes with all it holds, whatever happened in it.

Namespaces of processes, mounts, network, names and cgroups: a container engine's shims and sandboxes outlive it, its
mounts and bridges stay behind, and two nodes would want the same addresses. Here the kernel takes all of it away with
the first process, and that one dies with us.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["MARK", "inside", "make_cgroup", "run"]

MARK = "GATEKEEPER_NODE_ENCLOSURE"
"""Set for what runs inside."""
PREFIX = "gatekeeper-node-"
CGROUPS = Path("/sys/fs/cgroup")
PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent dies."""
EMPTY_SECONDS = 10
"""How long the kernel may take to bury what was killed: until then its cgroups are not empty."""

# An API server says where it is by the address that leads outside, though there is no outside (RFC 5737).
# Only a cgroup hierarchy mounted anew shows the cgroup of the namespace as its root; what is made below it is ours.
# /run is empty: shims keep their sockets there by a path of their own. What kubelet and CNI write below /var and
# /usr/libexec, whatever they are told, lands in the folder that goes. dash buries orphans while it waits.
INSIDE = r"""
set -eu
ip link set lo up
ip link add outside type bridge
ip address add 192.0.2.1/24 dev outside
ip link set outside up
ip route add default via 192.0.2.254
echo 1 >/proc/sys/net/ipv4/ip_forward
mount -t tmpfs -o mode=755 tmpfs /run
for folder in /var /usr/libexec; do
    kept=$(mktemp -d)
    mkdir "$kept/upper" "$kept/work"
    mount -t overlay -o "lowerdir=$folder,upperdir=$kept/upper,workdir=$kept/work" overlay "$folder"
done
for folder in /sys/fs/cgroup/*/; do
    controller=$(basename "$folder")
    umount "$folder"
    case $controller in
    unified) mount -t cgroup2 cgroup2 "$folder" ;;
    systemd) mount -t cgroup -o none,name=systemd cgroup "$folder" ;;
    *) mount -t cgroup -o "$controller" cgroup "$folder" ;;
    esac
done
"$@"
"""


def inside() -> bool:
    """Whether this process runs in an enclosure."""
    return MARK in os.environ


def run(command: Sequence[str | Path]) -> int:
    """Runs a command in an enclosure with a folder of its own for temporary files; returns its exit code."""
    _sweep()
    prefix = f"{PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        name = Path(folder).name
        with _cgroups(name):
            environment = {**os.environ, MARK: name, "TMPDIR": folder}
            return subprocess.run(
                _enclosed(command), env=environment, preexec_fn=lambda: _enter(name)
            ).returncode


def _sweep() -> None:
    """Takes away the folders and cgroups of runs that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            for cgroup in _named(folder.name):
                _remove(cgroup)
            shutil.rmtree(folder, ignore_errors=True)


def _enclosed(command: Sequence[str | Path]) -> list[str | Path]:
    namespaces = ("--mount", "--net", "--ipc", "--uts", "--cgroup", "--pid", "--fork", "--mount-proc")
    return ["unshare", *namespaces, "--kill-child", "sh", "-c", INSIDE, "enclosure", *command]


def _enter(name: str) -> None:
    """In the child, before it becomes the command: into the cgroups, and never to outlive its parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for cgroup in _named(name):
        (cgroup / "cgroup.procs").write_text("0")


def _hierarchies() -> list[Path]:
    return [folder for folder in CGROUPS.iterdir() if folder.is_dir()]


def _named(name: str) -> list[Path]:
    return [found for hierarchy in _hierarchies() if (found := hierarchy / name).is_dir()]


def make_cgroup(name: str) -> None:
    """In every hierarchy, with the processors and memory of the one above: an empty cpuset takes nobody."""
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):
            with suppress(FileNotFoundError):
                (hierarchy / name / file).write_text((hierarchy / file).read_text())


@contextmanager
def _cgroups(name: str) -> Iterator[None]:
    """A cgroup, as long as the block."""
    make_cgroup(name)
    try:
        yield
    finally:
        for cgroup in _named(name):
            _remove(cgroup)


def _remove(cgroup: Path) -> None:
    """Takes a cgroup away with all below it, once the last process in it is buried."""
    deadline = time.monotonic() + EMPTY_SECONDS
    for folder, _, _ in os.walk(cgroup, topdown=False):
        while True:
            try:
                os.rmdir(folder)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
