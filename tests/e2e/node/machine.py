"""A real node on this machine: containerd with runc and gVisor's runsc, a CNI bridge, a kubelet; and a scheduler.

Runs in an enclosure, which takes away what it leaves. Each has a folder, a name and a range of addresses of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.e2e.harness import Component, ControlPlane, Kubectl, User, free_port
from tests.e2e.node import enclosure
from tests.e2e.node.binaries import build
from tests.e2e.node.images import PAUSE, write_images
from tests.e2e.node.names import DOMAIN, SERVER

__all__ = ["SCHEDULER", "Node", "kubelet_of", "node", "scheduler"]

READY_SECONDS = 90
"""How long a node may take to be Ready. Measured: 10 s on two idle cores."""
SCHEDULER = User("system:kube-scheduler")
SNAPSHOTTER = "overlayfs"

CONTAINERD = """\
version = 3
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "{snapshotter}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{binaries}/cni"]
conf_dir = "{folder}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runsc]
runtime_type = "io.containerd.runsc.v1"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runsc.options]
TypeUrl = "io.containerd.runsc.v1.options"
ConfigPath = "{folder}/runsc.toml"
"""
RUNSC = '[runsc_config]\nplatform = "systrap"\n'
"""Without /dev/kvm; gVisor's systrap needs nothing of the machine."""


def kubelet_of(name: str) -> User:
    """As whom a node's kubelet speaks to the API server."""
    return User(f"system:node:{name}", ("system:nodes",))


@dataclass
class Node:
    """A node and its processes, which can be stopped and started again."""

    plane: ControlPlane
    folder: Path
    name: str
    number: int = 0
    """Which /24 of 10.244.0.0/16 its pods are in."""
    kubelet_port: int = field(default_factory=free_port)
    components: list[Component] = field(default_factory=list)

    @property
    def kubectl(self) -> Kubectl:
        return self.plane.kubectl()

    def start(self) -> None:
        """Joins the cluster; returns when the node is Ready."""
        self._write_configuration()
        enclosure.make_cgroup(self.name)
        self._start_containerd()
        for archive in write_images(self.folder):
            self.import_image(archive)
        self.start_kubelet()

    def import_image(self, archive: Path) -> None:
        """Makes an image known that pods may name with `imagePullPolicy: IfNotPresent`."""
        self.ctr("images", "import", "--local", "--snapshotter", SNAPSHOTTER, archive)

    def ctr(self, *arguments: str | Path) -> str:
        """containerd's own command line, in the kubelet's namespace."""
        ctr: list[str | Path] = [build() / "ctr", "-a", self.folder / "containerd.sock", "-n", "k8s.io"]
        done = subprocess.run([*ctr, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_kubelet(self) -> None:
        """Starts it, or starts it anew."""
        kubeconfig = self.plane.kubeconfig(kubelet_of(self.name))
        flags = {
            "--config": self.folder / "kubelet.json",
            "--kubeconfig": kubeconfig,
            "--root-dir": self.folder / "kubelet",
            "--cert-dir": self.folder / "pki",
            "--hostname-override": self.name,
            "--cloud-provider": "external",
        }
        kubelet = self._start("kubelet", *(f"{flag}={value}" for flag, value in flags.items()))
        kubelet.await_ready(self._is_registered, READY_SECONDS)
        self._settle()
        kubelet.await_ready(self.is_ready, READY_SECONDS)

    def is_ready(self) -> bool:
        """Whether the API server has it as Ready."""
        conditions: dict[str, str] = {
            condition["type"]: condition["status"] for condition in self._status().get("conditions", ())
        }
        return conditions.get("Ready") == "True"

    def stop_kubelet(self) -> None:
        """Its pods run on: they are containerd's."""
        for component in [each for each in self.components if each.name == "kubelet"]:
            component.stop()
            self.components.remove(component)

    def lose(self) -> None:
        """As when its power fails: nothing of it runs, and nobody there answers."""
        self.stop_kubelet()
        for task in self.ctr("tasks", "ls", "-q").split():
            self.ctr("tasks", "kill", "-s", "KILL", task)
        self._set_bridge("down")

    def come_back(self) -> None:
        """As when it boots: its kubelet starts its pods anew."""
        self._set_bridge("up")
        self.start_kubelet()

    def _set_bridge(self, state: str) -> None:
        subprocess.run(["ip", "link", "set", f"{self.name}-pods", state], check=True, timeout=10)

    def stop(self) -> None:
        """Ends the node's own processes; what its pods leave goes with the enclosure."""
        for component in reversed(self.components):
            component.stop()
        self.components.clear()

    def _start(self, binary: str, *arguments: str | Path) -> Component:
        path = f"{build()}:{os.environ['PATH']}"
        command = ["env", f"PATH={path}", binary, *arguments]
        component = Component.start(command, self.folder / f"{binary}.log")
        component.name = binary
        self.components.append(component)
        return component

    def _start_containerd(self) -> None:
        containerd = self._start("containerd", "--config", self.folder / "containerd.toml")
        containerd.await_ready(self._containerd_answers)

    def _containerd_answers(self) -> bool:
        command: list[str | Path] = [build() / "ctr", "-a", self.folder / "containerd.sock", "version"]
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0

    def _is_registered(self) -> bool:
        return self.kubectl.run("get", "node", self.name).returncode == 0

    def _settle(self) -> None:
        """What a cloud's controller does: says where the node is, which here is loopback, and takes off its taint."""
        addresses = {"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}}
        patch = orjson.dumps(addresses).decode()
        self.kubectl("patch", "node", self.name, "--subresource=status", "--type=merge", "-p", patch)
        self.kubectl.run("taint", "node", self.name, "node.cloudprovider.kubernetes.io/uninitialized-")

    def _status(self) -> dict[str, Any]:
        found = self.kubectl.run("get", "node", self.name, "-o", "json")
        status: dict[str, Any] = orjson.loads(found.stdout)["status"] if found.returncode == 0 else {}
        return status

    def _write_configuration(self) -> None:
        (self.folder / "cni").mkdir(parents=True)
        values = {"folder": self.folder, "binaries": build(), "pause": PAUSE, "snapshotter": SNAPSHOTTER}
        (self.folder / "containerd.toml").write_text(CONTAINERD.format(**values))
        (self.folder / "runsc.toml").write_text(RUNSC)
        (self.folder / "cni" / "10-bridge.conflist").write_bytes(orjson.dumps(self._network()))
        (self.folder / "kubelet.json").write_bytes(orjson.dumps(self._kubelet()))

    def _network(self) -> dict[str, Any]:
        addresses = {
            "type": "host-local",
            "dataDir": str(self.folder / "addresses"),
            "ranges": [[{"subnet": f"10.244.{self.number}.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = {"type": "bridge", "bridge": f"{self.name}-pods", "isGateway": True, "ipam": addresses}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{self.folder}/containerd.sock",
            "address": "127.0.0.1",
            "port": self.kubelet_port,
            "healthzPort": free_port(),
            "readOnlyPort": 0,
            # Whoever is in the enclosure is the test.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "podLogsDir": str(self.folder / "logs"),
            # A tree of its own: a kubelet kills what is in its tree and no pod of its own.
            "cgroupRoot": f"/{self.name}",
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": True,
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "localStorageCapacityIsolation": False,
            "makeIPTablesUtilChains": False,
            "resolvConf": "",
            "clusterDNS": [SERVER],
            "clusterDomain": DOMAIN,
            "evictionHard": {"memory.available": "50Mi"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "5s",
            "syncFrequency": "10s",
        }


@contextmanager
def node(plane: ControlPlane, folder: Path, name: str = "n1", number: int = 0) -> Iterator[Node]:
    """A node that is Ready, until the end of the block. The plane must know `kubelet_of(name)`."""
    made = Node(plane, folder / name, name, number)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def scheduler(plane: ControlPlane) -> Iterator[Component]:
    """kube-scheduler, with the rights of one. The plane must know SCHEDULER."""
    flags = {
        "--kubeconfig": plane.kubeconfig(SCHEDULER),
        "--leader-elect": "false",
        "--bind-address": "127.0.0.1",
        "--secure-port": free_port(),
    }
    command: list[str | Path] = [
        build() / "kube-scheduler",
        *(f"{flag}={value}" for flag, value in flags.items()),
    ]
    started = Component.start(command, plane.folder / "kube-scheduler.log")
    try:
        yield started
    finally:
        started.stop()
