"""Applying, waiting, and what is said when the engine does not come."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.installation.access import AccessError
from gatekeeper_py.installation.contents import Installation
from gatekeeper_py.installation.identifiers import (
    CONFIG_MAP,
    CONFIGURATIONS,
    DEPLOYMENT,
    LABELS,
    NAME,
    NAMESPACE,
)
from gatekeeper_py.installation.installer import Installer, NotReady
from gatekeeper_py.installation.registrar import Registrar
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.installation.support import Clock, Cluster
from tests.installation.test_registrar import ANSWERED, BUNDLE

NOTHING = load_policies(())
FILES = {"a/x.yaml": "x", "b/y.yaml": "y"}

WAITING = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "nobody/nothing"'}}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}


class Kubelet(Clock):
    """Lets time pass; at a moment the Deployment has this status, at another the engine registers."""

    def __init__(self, cluster: Cluster, ready_at: float, registered_at: float, **status: int) -> None:
        super().__init__()
        self.cluster, self.ready_at, self.registered_at, self.status = (
            cluster,
            ready_at,
            registered_at,
            status,
        )

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        if self.now >= self.ready_at:
            self.cluster.at(DEPLOYMENT, NAME)["status"] = {"observedGeneration": 0, **self.status}
        if self.now >= self.registered_at:
            self.cluster.said = ANSWERED
            Registrar(self.cluster).register(BUNDLE, Tenancy())


def install(cluster: Cluster, kubelet: Kubelet, files: dict[str, str] = FILES, **options: Any) -> None:
    Installer(cluster, 60, kubelet, kubelet.pause).install(Installation(NOTHING, files, **options))


ONE = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 1}
NEVER = float("inf")


def test_it_returns_when_a_replica_is_ready_and_registered() -> None:
    cluster = Cluster()
    install(cluster, kubelet := Kubelet(cluster, 5, 8, **ONE))
    assert kubelet.now == 8


@pytest.mark.parametrize(
    ("kubelet", "said"),
    [
        (
            {"ready_at": NEVER},
            'no replica is ready\n  ImagePullBackOff: Back-off pulling image "nobody/nothing"\n  Unschedulable: 0/2 nodes',
        ),
        (
            {"ready_at": 1, **ONE},
            "a replica is ready, but it has not registered itself: its log says why"
            " (kubectl -n gatekeeper-system logs deployment/gatekeeper)",
        ),
    ],
    ids=["no image", "not reached"],
)
def test_when_the_engine_does_not_come_it_says_why_and_nothing_is_registered(
    kubelet: dict[str, Any], said: str
) -> None:
    cluster = Cluster()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "gatekeeper-1", "namespace": NAMESPACE, "labels": LABELS},
        "status": {"containerStatuses": [{"state": WAITING}], "conditions": [UNSCHEDULED]},
    }
    cluster.apply(pod)
    with pytest.raises(NotReady) as told:
        install(cluster, Kubelet(cluster, registered_at=NEVER, **kubelet))
    assert str(told.value) == (
        f"not ready within 60 s: {said}\nNothing is registered, so nobody is locked out."
        " Mend it and install again, or take it away: gatekeeper uninstall"
    )
    assert all(not cluster.at(kind, NAME, "").get("webhooks") for kind in CONFIGURATIONS)


def test_an_upgrade_waits_for_a_new_replica_not_for_those_that_ran_before() -> None:
    cluster = Cluster()
    install(cluster, Kubelet(cluster, 1, 1, **ONE))
    registered = cluster.at(CONFIGURATIONS[0], NAME, "")["webhooks"]
    cluster.at(DEPLOYMENT, NAME)["status"] = {"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2}
    with pytest.raises(NotReady) as told:
        install(cluster, Kubelet(cluster, NEVER, NEVER), image="new")
    assert str(told.value) == (
        "not ready within 60 s: no replica is ready\n"
        "The engine stays registered, and the replicas that ran before are asked."
        " Mend it and install again, or install what was there before"
    )
    assert cluster.at(CONFIGURATIONS[0], NAME, "")["webhooks"] == registered


def test_an_upgrade_takes_away_the_config_maps_of_folders_that_are_no_more() -> None:
    cluster = Cluster()
    install(cluster, Kubelet(cluster, 1, 1, **ONE))
    install(cluster, Kubelet(cluster, 1, 1, **ONE), files={"b/y.yaml": "y"})
    found = {name for kind, name, _ in cluster.objects if kind == CONFIG_MAP}
    assert found == {"gatekeeper-reach", "gatekeeper-kubeconfig", "gatekeeper-policies-b"}


def node(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}


CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
CONTROLS, CORDONED, GONE = (
    node("a", taints=[CONTROL_PLANE]),
    node("b", unschedulable=True),
    node("c", taints=[{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]),
)
PLAIN = node("d", taints=[{"key": "better-not", "effect": "PreferNoSchedule"}])
FEW = (
    "nodes that take pods: 1. None of 3 replicas may share one, so some stay Pending, and a rollout waits for ever."
    " --replicas or --spread preferred: docs/install.md"
)


@pytest.mark.parametrize(
    ("nodes", "options", "said"),
    [
        ([CONTROLS, CORDONED, GONE, PLAIN], {}, FEW),
        ([PLAIN, node("e"), node("f")], {}, ""),
        ([PLAIN], {"replicas": 1}, ""),
        ([PLAIN], {"spread": "preferred"}, ""),
        ([], {"inside": False}, ""),
    ],
)
def test_too_few_nodes_are_told_of(nodes: list[Any], options: dict[str, Any], said: str) -> None:
    cluster, clock = Cluster(), Clock()
    for each in nodes:
        cluster.apply(each)
    installer = Installer(cluster, 60, clock, clock.pause)
    assert installer.shortage(Installation(NOTHING, FILES, **options)) == said


def test_a_server_outside_is_waited_for_by_its_registration() -> None:
    cluster = Cluster()
    install(cluster, kubelet := Kubelet(cluster, NEVER, 4), inside=False)
    assert kubelet.now == 4


def test_what_is_refused_ends_it() -> None:
    cluster = Cluster()
    cluster.deaf = "forbidden"
    with pytest.raises(AccessError):
        install(cluster, Kubelet(cluster, 1, 1))
