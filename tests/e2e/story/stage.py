"""The whole picture on one machine: a super-user's control plane and node; foo and bar, each with a control plane of
its own that runs in gVisor in its namespace; and a syncer for each, with the rights that a syncer should have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from tests.e2e.blackhole import Way
from tests.e2e.conftest import IN_FORCE_SECONDS, PERMISSIONS, ROOT, admin_of, in_force, namespace
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import (
    ADMIN,
    ALICE,
    BOB,
    GATEKEEPER,
    USERS,
    ControlPlane,
    Kubectl,
    User,
    control_plane,
    wait_for,
)
from tests.e2e.node.conftest import CLASSES, GVISOR, tenant
from tests.e2e.node.machine import SCHEDULER, Node, kubelet_of, node, scheduler
from tests.e2e.story.syncer import Syncer
from tests.e2e.story.tenantplane import POD, address_of, connect, control_plane_of, write_image
from tests.shipped import POLICIES

__all__ = ["OWNERS", "Plane", "Stage", "stage", "syncer_of"]

Json = dict[str, Any]

NODE = "s1"
SUBNET = 40
ADDRESSES = [f"10.244.{SUBNET}.{last}" for last in range(2, 32)]
"""Which the pods of the node get one after another."""
ASKED_SECONDS = 60
"""Until a tenant's API server asks the engine. Measured: 5 to 15 s."""
RBAC = "rbac.authorization.k8s.io"
OWNERS = {"foo": ALICE, "bar": BOB}
GATEWAY = f"10.244.{SUBNET}.1"
"""Where pods of the node find what listens on the machine: the engine is not one of them."""
SYNCER_ABOVE = User("syncer", ("system:masters",))
"""Who a syncer is at a tenant's own API server."""


@dataclass
class Plane:
    """A tenant's control plane, what it is called below, what brings its pods down, and how the engine reaches it."""

    name: str
    above: ControlPlane
    owner: User
    """Who administers it; below it is the tenant's owner."""
    syncer: Syncer
    way: Way
    """Which the engine takes to it."""

    @property
    def kubectl(self) -> Kubectl:
        """The tenant's, with its own API server."""
        return self.above.kubectl(self.administrator, "default")

    @property
    def administrator(self) -> User:
        """Who the owner is there."""
        return User(self.owner.name, ("system:masters",))


@dataclass
class Stage:
    """All of it, running."""

    host: ControlPlane
    engine: Server
    machine: Node
    planes: Mapping[str, Plane]

    def inside(self, namespace: str, pod: str, *command: str) -> str:
        """What a command says in a pod of the host, to the super-user."""
        return self.host.kubectl(namespace=namespace)("exec", pod, "--", *command)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Everything, until the end of the block; files go into the folder."""
    with (
        _host() as host,
        _ways() as ways,
        _engine(host, folder, ways) as engine,
        scheduler(host),
        node(host, folder, NODE, SUBNET) as machine,
    ):
        machine.import_image(write_image(folder / "control-plane.tar"))
        with _planes(host, folder, ways) as planes:
            for plane in planes.values():
                wait_for(
                    f"{plane.name} to ask the engine", partial(isolates, plane.kubectl), ASKED_SECONDS, 0.5
                )
            yield Stage(host, engine, machine, planes)


@contextmanager
def _ways() -> Iterator[Mapping[str, Way]]:
    """One to each tenant's API server, which lead nowhere yet."""
    ways = {name: Way() for name in OWNERS}
    try:
        yield ways
    finally:
        for way in ways.values():
            way.close()


def isolates(kubectl: Kubectl) -> bool:
    """Whether a pod gets its class."""
    made = kubectl.run("run", "probe", "--image=probe", "--dry-run=server", "-o", "json")
    return "runtimeClassName" in made.stdout


@contextmanager
def _host() -> Iterator[ControlPlane]:
    """The super-user's, which knows both tenants and both syncers."""
    users = (*USERS, SCHEDULER, kubelet_of(NODE), *map(syncer_of, OWNERS))
    flags = ["--enable-admission-plugins=NodeRestriction"]
    with control_plane(api_server_flags=flags, users=users) as running:
        kubectl = running.kubectl()
        kubectl.apply(*CLASSES, *map(namespace, OWNERS))
        for name in OWNERS:
            kubectl.apply(*admin_of(name), *_rights_of(name))
        yield running


def syncer_of(name: str) -> User:
    """Who brings a tenant's pods down."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{name}")
    return User(f"system:serviceaccount:{name}:syncer", groups)


def _rights_of(name: str) -> list[Json]:
    """What a syncer may do: with pods, and in its own namespace."""
    metadata = {"name": "syncer", "namespace": name}
    verbs = ["get", "list", "watch", "create", "delete"]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}],
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "syncer"},
            "subjects": [{"kind": "ServiceAccount", "name": "syncer", "namespace": name}],
        },
    ]


def _documents(folder: Path, ways: Mapping[str, Way]) -> list[Json]:
    """Whose the control planes are, how they are reached, and who brings down what is asked for there."""
    return [
        {
            "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
            "kind": "ControlPlane",
            "metadata": {"name": name},
            "spec": {
                "tenant": name,
                "kubeconfig": {"file": str(folder / name / f"{ADMIN.name}.kubeconfig")},
                "server": f"https://127.0.0.1:{way.port}",
                "platform": {"users": [SYNCER_ABOVE.name]},
                "syncer": {"users": [syncer_of(name).name]},
                "pods": [{"namespace": name, "selector": {"matchLabels": {"app": POD}}}],
            },
        }
        for name, way in ways.items()
    ]


@contextmanager
def _engine(host: ControlPlane, folder: Path, ways: Mapping[str, Way]) -> Iterator[Server]:
    """The shipped policies, in force on the super-user's API server, and on each tenant's own as soon as it is there."""
    policies = shutil.copytree(POLICIES, folder / "policies")
    for document in (
        *(tenant(name, owner.name, GVISOR) for name, owner in OWNERS.items()),
        *_documents(folder, ways),
    ):
        file = f"{document['kind']}-{document['metadata']['name']}.yaml"
        (policies / "tenants" / file).write_bytes(orjson.dumps(document))
    for file in PERMISSIONS:
        host.kubectl()("apply", "-f", str(ROOT / "webhooks" / file))
    started = Server(policies, folder, addresses=[GATEWAY])
    started.options = (
        *("--kubeconfig", host.kubeconfig(GATEKEEPER), "--control-plane-ca", started.authority),
        *("--control-plane-url", f"https://{GATEWAY}:{started.port}"),
    )
    started.start()
    try:
        started.register(host.kubectl())
        wait_for("the webhooks to be in force", lambda: in_force(host), IN_FORCE_SECONDS)
        yield started
    finally:
        started.stop()


@contextmanager
def _planes(host: ControlPlane, folder: Path, ways: Mapping[str, Way]) -> Iterator[Mapping[str, Plane]]:
    """Foo's and bar's, running, each with the host's classes and its syncer."""
    kubectl = host.kubectl()
    for name, owner in OWNERS.items():
        (folder / name).mkdir()
        administrator = User(owner.name, ("system:masters",))
        kubectl.apply(*control_plane_of(name, folder / name, ADDRESSES, [administrator, SYNCER_ABOVE]))
    with ExitStack() as stack:
        made = {}
        for name, owner in OWNERS.items():
            above = connect(kubectl, name, folder / name)
            above.kubectl().apply(*CLASSES)
            ways[name].lead_to(*address_of(above))
            syncer = Syncer(above, host, SYNCER_ABOVE, syncer_of(name), name)
            syncer.start_node()
            stack.enter_context(syncer.running())
            made[name] = Plane(name, above, owner, syncer, ways[name])
        yield made
