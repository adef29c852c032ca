"""A virtual node: Virtual Kubelet with its mock provider, which runs nothing and says that all of it runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from gatekeeper_py.tenancy.virtual_nodes import known_profiles
from tests.e2e.harness import Component, ControlPlane, Unavailable, User, free_port, serving_certificate

__all__ = ["ACCOUNT", "PROFILE", "VIRTUAL", "build", "virtual_node"]

HERE = Path(__file__).parent / "virtual"
BUILD_SECONDS = 3600
"""Measured: 4 minutes on two cores the first time, nothing afterwards."""
READY_SECONDS = 60
VIRTUAL = "vk"
"""The name of the node."""
NAME = "system:serviceaccount:kube-system:virtual-kubelet"
ACCOUNT = User(NAME, ("system:serviceaccounts", "system:serviceaccounts:kube-system"))
"""As whom it speaks to the API server: it watches every ConfigMap and Secret, which no kubelet may."""
PROFILE: dict[str, Any] = {
    "name": "virtual-kubelet",
    "isolation": "vm",
    "nodeNames": [VIRTUAL],
    "lacks": [*known_profiles()["virtual-kubelet"].lacks, "attach", "exec", "portForward"],
}
"""The profile that ships, changed: the mock provider opens no door, and each pod counts as a machine."""
RULES = [
    {
        "apiGroups": [""],
        "resources": ["configmaps", "secrets", "services"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["pods/status", "nodes/status"], "verbs": ["update", "patch"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["create", "get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]},
]


@cache
def build() -> Path:
    """The binary; made when it is not there and Go is."""
    built = subprocess.run([HERE / "build"], stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS)
    if built.returncode:
        raise Unavailable(f"no Virtual Kubelet: {HERE / 'build'} exited with {built.returncode}")
    return Path(built.stdout.strip()) / "virtual-kubelet"


@contextmanager
def virtual_node(plane: ControlPlane, folder: Path) -> Iterator[Component]:
    """The node VIRTUAL is Ready until the end of the block. The plane must know ACCOUNT."""
    binary, kubectl = build(), plane.kubectl()
    kubectl.apply(*_rights())
    key, certificate = serving_certificate(folder)
    capacity = folder / "mock.json"
    capacity.write_bytes(orjson.dumps({VIRTUAL: {"cpu": "4", "memory": "8Gi", "pods": "20"}}))
    environment = {
        "APISERVER_CERT_LOCATION": certificate,
        "APISERVER_KEY_LOCATION": key,
        "KUBELET_PORT": free_port(),
        "VKUBELET_POD_IP": "127.0.0.1",
        "PATH": os.environ["PATH"],
    }
    flags = {
        "--kubeconfig": plane.kubeconfig(ACCOUNT),
        "--nodename": VIRTUAL,
        "--provider": "mock",
        "--provider-config": capacity,
    }
    settings = (f"{name}={value}" for name, value in environment.items())
    options = (f"{flag}={value}" for flag, value in flags.items())
    started = Component.start(["env", *settings, binary, *options], folder / "virtual-kubelet.log")
    try:
        started.await_ready(lambda: _is_ready(plane), READY_SECONDS)
        yield started
    finally:
        started.stop()
        kubectl.run("delete", "node", VIRTUAL, "--ignore-not-found")


def _is_ready(plane: ControlPlane) -> bool:
    found = plane.kubectl().run("get", "node", VIRTUAL, "-o", "json")
    conditions = orjson.loads(found.stdout)["status"].get("conditions", ()) if found.returncode == 0 else ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _rights() -> list[dict[str, Any]]:
    group, name = "rbac.authorization.k8s.io", "virtual-kubelet"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": RULES}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": ACCOUNT.name, "apiGroup": group}],
    }
    return [role, binding]
