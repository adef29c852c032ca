"""A control plane with a node that runs pods, and the webhook server in force before the node joins."""

from __future__ import annotations

import shutil
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.e2e.conftest import (
    IN_FORCE_SECONDS,
    PERMISSIONS,
    ROOT,
    admin_of,
    in_force,
    namespace,
    runtime_class,
)
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import GATEKEEPER, USERS, ControlPlane, Kubectl, User, control_plane, wait_for
from tests.e2e.node import enclosure
from tests.e2e.node.images import DEMO
from tests.e2e.node.machine import SCHEDULER, Node, kubelet_of, node, scheduler
from tests.e2e.node.virtual_kubelet import ACCOUNT, PROFILE
from tests.shipped import POLICIES

Json = dict[str, Any]

OVERHEAD = {"cpu": "200m", "memory": "64Mi"}
CLASSES = (
    runtime_class("gvisor", "runsc", overhead={"podFixed": OVERHEAD}),
    runtime_class("kata", "kata-qemu"),
    runtime_class("runc", "runc"),
)
"""What the cluster offers; that no node here has Kata's handler is nobody's business at admission."""
NODES = ("n1", "n2")
START_SECONDS = 60
"""How long a pod may take to run. Measured: 2 to 4 s after the apply, on two idle cores."""


CAROL = User("carol", ("team-cloud",))
"""Whose tenant runs on virtual nodes."""
GVISOR: Json = {"runtimeClasses": {"default": "gvisor", "allowed": ["gvisor"], "isolation": "sandbox"}}
CLOUD: Json = {"runtimeClasses": {"isolation": "virtual-node"}, "nodes": {"profile": PROFILE["name"]}}


def tenant(name: str, owner: str, where: Json) -> Json:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "namespaces": {"names": [name]},
            "owners": [{"kind": "User", "name": owner}],
            **where,
            "labels": {"cost-center": name},
        },
    }


TENANTS = (
    tenant("foo", "alice", GVISOR),
    tenant("bar", "bob", GVISOR),
    tenant("cloud", CAROL.name, CLOUD),
)


def policies_in(folder: Path) -> Path:
    """What ships, for these tenants: a folder below `folder`."""
    policies = shutil.copytree(POLICIES, folder / "policies")
    for document in TENANTS:
        (policies / "tenants" / f"{document['metadata']['name']}.yaml").write_bytes(orjson.dumps(document))
    settings = policies / "tenants" / "settings.yaml"
    document = yaml.safe_load(settings.read_text(encoding="utf-8"))
    document["spec"]["virtualNodes"] = [PROFILE]
    settings.write_bytes(orjson.dumps(document))
    return policies


def running(kubectl: Kubectl, selector: str) -> list[str]:
    """The names of the pods that a selector selects and that run, oldest first."""
    found: Json = kubectl.get("pods", "-l", selector, "--sort-by=.metadata.creationTimestamp")
    return [pod["metadata"]["name"] for pod in found["items"] if is_running(pod)]


def is_running(pod: Json) -> bool:
    containers = pod["status"].get("containerStatuses", ())
    return bool(containers) and all("running" in container["state"] for container in containers)


def runs(kubectl: Kubectl, name: str) -> None:
    """Waits until a pod runs; says what became of it when it does not."""
    try:
        wait_for(f"pod {name} to run", lambda: is_running(kubectl.get("pod", name)), START_SECONDS, 0.5)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{kubectl('describe', 'pod', name)}") from error


def refusal(plane: ControlPlane, path: str, value: Json, user: User) -> tuple[int, str]:
    """What the API server answers to a POST that it must refuse: the code and the text."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        plane.send("POST", path, value, user)
    with refused.value as answer:
        return answer.code, answer.read().decode()


def demo_pod(name: str, **spec: object) -> Json:
    """One that says on which kernel it runs, and sleeps; `container` changes its container."""
    container = {"name": "web", "image": DEMO, "imagePullPolicy": "IfNotPresent"}
    changes: Any = spec.pop("container", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        # It ends on no signal: nobody waits for it.
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container | changes], **spec},
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A node leaves much behind, so that none is started where it does not go by itself."""
    if not enclosure.inside():
        reason = "runs in an enclosure of its own: make e2e-node"
        for item in items:
            if "tests/e2e/node/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """One that knows kubelets, and lets each speak for its own node only."""
    users = (*USERS, CAROL, SCHEDULER, ACCOUNT, *map(kubelet_of, NODES))
    with control_plane(
        api_server_flags=["--enable-admission-plugins=NodeRestriction"], users=users
    ) as running:
        kubectl = running.kubectl()
        kubectl.apply(*CLASSES, *map(namespace, ("foo", "bar", "cloud")))
        kubectl.apply(*admin_of("foo"), *admin_of("bar"), *admin_of("cloud", CAROL))
        yield running


@pytest.fixture(scope="session")
def server(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shipped policies for tenants that gVisor isolates, and one that virtual nodes do."""
    folder = tmp_path_factory.mktemp("gatekeeper")
    policies = policies_in(folder)
    for file in PERMISSIONS:
        plane.kubectl()("apply", "-f", str(ROOT / "webhooks" / file))
    started = Server(policies, folder, ["--kubeconfig", plane.kubeconfig(GATEKEEPER)])
    started.start()
    try:
        started.register(plane.kubectl())
        wait_for("the webhooks to be in force", lambda: in_force(plane), IN_FORCE_SECONDS)
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def worker(plane: ControlPlane, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The node that everything runs on, and the scheduler that sends it there."""
    with scheduler(plane), node(plane, tmp_path_factory.mktemp("nodes"), NODES[0]) as joined:
        yield joined


@pytest.fixture(autouse=True)
def _node(worker: Node) -> Node:
    """Every test here needs it."""
    return worker
