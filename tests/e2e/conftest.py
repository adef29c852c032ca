"""One control plane and one webhook server for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from examples.demo import policies_in
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import (
    ALICE,
    BOB,
    GATEKEEPER,
    ControlPlane,
    Kubectl,
    Unavailable,
    User,
    assets,
    control_plane,
    wait_for,
)

ROOT = Path(__file__).parents[2]
PERMISSIONS = ("namespace.yaml", "rbac.yaml")
"""What of `webhooks/` a server outside the cluster needs."""
IN_FORCE_SECONDS = 20

NAMESPACES = ("foo", "bar")
OWNERS = {"foo": ALICE, "bar": BOB}


def runtime_class(name: str, handler: str, **fields: object) -> dict[str, Any]:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": handler,
        **fields,
    }


OVERHEAD = {"cpu": "250m", "memory": "160Mi"}
CLASSES = (
    runtime_class("kata", "kata", overhead={"podFixed": OVERHEAD}),
    runtime_class("kata-clh", "kata-clh", overhead={"podFixed": {"memory": "130Mi"}}),
    runtime_class("runc", "runc"),
)


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


RBAC = "rbac.authorization.k8s.io"


def admin_of(name: str, owner: User | None = None) -> list[dict[str, Any]]:
    """Lets the tenant's person do everything in the namespace: more than the built-in role `admin`."""
    metadata = {"name": "owner", "namespace": name}
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "owner"},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": (owner or OWNERS[name]).name}],
        },
    ]


def pytest_sessionstart() -> None:
    """Builds what is missing before any test's time begins; without Go each test says so and is skipped."""
    with suppress(Unavailable):
        assets()


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """etcd, kube-apiserver and kube-controller-manager, with the tenants' namespaces and people."""
    try:
        started = control_plane()
        with started as running:
            kubectl = running.kubectl()
            kubectl.apply(*CLASSES, *map(namespace, NAMESPACES))
            for name in NAMESPACES:
                kubectl.apply(*admin_of(name))
                wait_for(f"service account of {name}", lambda name=name: _has_account(kubectl, name))  # type: ignore[misc]
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


def _has_account(kubectl: Kubectl, name: str) -> bool:
    return kubectl.run("get", "serviceaccount", "default", "-n", name).returncode == 0


@pytest.fixture(scope="module")
def bare_plane() -> Iterator[ControlPlane]:
    """An API server alone: no controllers, and pods need no service account."""
    try:
        with control_plane(controllers=False) as running:
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def server(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shipped policies, served and in force; the server reads the cluster with its own few rights."""
    folder = tmp_path_factory.mktemp("gatekeeper")
    for file in PERMISSIONS:
        plane.kubectl()("apply", "-f", str(ROOT / "webhooks" / file))
    started = Server(policies_in(folder), folder, ["--kubeconfig", plane.kubeconfig(GATEKEEPER)])
    started.start()
    try:
        started.register(plane.kubectl())
        wait_for("the webhooks to be in force", lambda: in_force(plane), IN_FORCE_SECONDS)
        yield started
    finally:
        started.stop()


def in_force(plane: ControlPlane) -> bool:
    """Both: a pod comes back changed, and a privileged one not at all."""
    kubectl = plane.kubectl(ALICE, "foo")
    changed = kubectl.run("run", "probe", "--image=probe", "--dry-run=server", "-o", "json")
    refused = kubectl.run("run", "probe", "--image=probe", "--privileged", "--dry-run=server")
    return "runtimeClassName" in changed.stdout and "denied the request" in refused.stderr


@pytest.fixture
def admin(plane: ControlPlane, server: Server) -> Kubectl:
    """The cluster's administrator."""
    return plane.kubectl()


@pytest.fixture
def alice(plane: ControlPlane, server: Server) -> Kubectl:
    """The admin of namespace foo."""
    return plane.kubectl(ALICE, "foo")


@pytest.fixture
def bob(plane: ControlPlane, server: Server) -> Kubectl:
    """The admin of namespace bar."""
    return plane.kubectl(BOB, "bar")
