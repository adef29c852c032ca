"""A tenant's own control plane: API server, store and controllers in one pod, which the platform puts into its namespace.

Nothing in the pod says that it is to be isolated: the engine does.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from image.archive import layer_of_files, write_archive
from tests.e2e.harness import (
    ADMIN,
    CONTROLLERS,
    ControlPlane,
    Kubectl,
    User,
    assets,
    kubeconfig_of,
    serving_certificate,
    wait_for,
)
from tests.e2e.node.binaries import BUSYBOX

__all__ = ["IMAGE", "POD", "address_of", "connect", "control_plane_of", "write_image"]

Json = dict[str, Any]

IMAGE = "example.test/control-plane:1"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager")
POD = "control-plane"
PORT = 6443
FILES = "/files"
STORE = "http://127.0.0.1:2379"
CONTROLLERS_NEEDED = (
    "deployment-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "replicaset-controller",
    "serviceaccount-controller",
)
"""Nothing there may take the one node for lost that no kubelet speaks for."""
START_SECONDS = 240
"""Measured: 20 to 40 s in gVisor on two cores that others used, too."""


def write_image(path: Path) -> Path:
    """The three binaries, and a busybox to look around with."""
    binaries = assets()
    files: dict[str, Path | bytes] = {f"bin/{name}": binaries / name for name in COMPONENTS}
    layer = layer_of_files(
        {**files, "bin/busybox": BUSYBOX}, {"bin/uname": "busybox", "bin/sleep": "busybox"}
    )
    write_archive(path, IMAGE, [layer], {"Env": ["PATH=/bin"]})
    return path


def control_plane_of(
    namespace: str, folder: Path, addresses: Sequence[str], users: Sequence[User]
) -> list[Json]:
    """What the platform applies for a tenant: a Secret with keys and tokens, and the pod.

    `addresses` are those that the pod may get: its certificate is made before it has one.
    """
    key, certificate = serving_certificate(folder, map(IPv4Address, addresses))
    everybody = [ADMIN, CONTROLLERS, *users]
    config = kubeconfig_of(f"https://127.0.0.1:{PORT}", Path(FILES) / certificate.name, CONTROLLERS)
    files = {
        "apiserver.key": key.read_bytes(),
        "apiserver.crt": certificate.read_bytes(),
        "tokens.csv": "".join(f"{user.line}\n" for user in everybody).encode(),
        "controllers.kubeconfig": orjson.dumps(config),
    }
    metadata = {"name": POD, "namespace": namespace}
    data = {name: base64.b64encode(content).decode() for name, content in files.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    return [secret, _pod(metadata)]


def connect(host: Kubectl, namespace: str, folder: Path) -> ControlPlane:
    """The control plane in a namespace, once it answers; `folder` holds its certificate."""
    wait_for("the pod's address", lambda: bool(_address(host, namespace)), START_SECONDS, 0.5)
    url = f"https://{_address(host, namespace)}:{PORT}"
    plane = ControlPlane(assets(), folder, url, folder / "apiserver.crt")
    try:
        wait_for(f"the API server of {namespace}", plane.ready, START_SECONDS, 0.5)
    except TimeoutError as error:
        said = host.run("logs", POD, "-n", namespace, "-c", "kube-apiserver", "--tail=20")
        told = host.run("describe", "pod", POD, "-n", namespace)
        raise AssertionError(f"{error}\n{said.stdout}{said.stderr}{told.stdout}") from error
    return plane


def address_of(plane: ControlPlane) -> tuple[str, int]:
    """Where it listens."""
    return urlsplit(plane.url).hostname or "", PORT


def _address(host: Kubectl, namespace: str) -> str:
    found = host.run("get", "pod", POD, "-n", namespace, "-o", "jsonpath={.status.podIP}")
    return found.stdout.strip()


def _pod(metadata: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "labels": {"app": POD}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [_container(name, flags) for name, flags in _flags().items()],
            "volumes": [
                {"name": "files", "secret": {"secretName": POD}},
                {"name": "store", "emptyDir": {"sizeLimit": "1Gi"}},
            ],
        },
    }


def _container(name: str, flags: Json) -> Json:
    return {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": [name, *(f"--{flag}={value}" for flag, value in flags.items())],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        "volumeMounts": [
            {"name": "files", "mountPath": FILES, "readOnly": True},
            {"name": "store", "mountPath": "/store"},
        ],
    }


def _flags() -> dict[str, Json]:
    key, certificate = f"{FILES}/apiserver.key", f"{FILES}/apiserver.crt"
    return {
        "etcd": {
            "data-dir": "/store/etcd",
            "listen-client-urls": STORE,
            "advertise-client-urls": STORE,
            "unsafe-no-fsync": "true",
        },
        "kube-apiserver": {
            "etcd-servers": STORE,
            "secure-port": PORT,
            "tls-cert-file": certificate,
            "tls-private-key-file": key,
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "service-account-issuer": "https://kubernetes.default.svc",
            "token-auth-file": f"{FILES}/tokens.csv",
            "authorization-mode": "Node,RBAC",
            "service-cluster-ip-range": "10.0.0.0/24",
            "allow-privileged": "true",
            "disable-admission-plugins": "TaintNodesByCondition",
        },
        "kube-controller-manager": {
            "kubeconfig": f"{FILES}/controllers.kubeconfig",
            "service-account-private-key-file": key,
            "root-ca-file": certificate,
            "use-service-account-credentials": "false",
            "leader-elect": "false",
            "controllers": ",".join(CONTROLLERS_NEEDED),
            "cert-dir": "/store",
        },
    }
