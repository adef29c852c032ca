"""The bill of a cluster that runs counts what its scheduler counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.billing.samples import PRICES
from tests.e2e.gatekeeper import Server, gatekeeper
from tests.e2e.harness import ADMIN, ALICE, ControlPlane, Kubectl
from tests.e2e.node.conftest import OVERHEAD, demo_pod, runs
from tests.e2e.node.machine import Node

Json = dict[str, Any]


@pytest.fixture(scope="module")
def tenant(plane: ControlPlane, worker: Node) -> Iterator[Kubectl]:
    """Alice, with a pod that has a sidecar and needs more while it starts."""
    kubectl = plane.kubectl(ALICE, "foo")
    small, large = ({"requests": {"cpu": f"{cpu}m", "memory": f"{cpu}Mi"}} for cpu in (50, 170))
    starting = demo_pod("paid")["spec"]["containers"][0] | {"command": ["/bin/sh", "-c", "echo ready"]}
    init = [
        starting
        | {
            "name": "beside",
            "restartPolicy": "Always",
            "resources": small,
            "command": ["/bin/sleep", "1000"],
        },
        starting | {"name": "before", "resources": large},
    ]
    kubectl.apply(demo_pod("paid", initContainers=init, container={"resources": small}))
    runs(kubectl, "paid")
    yield kubectl
    kubectl("delete", "pod", "paid", "--wait=false")


def test_a_tenant_pays_for_what_the_scheduler_counts(
    tenant: Kubectl, plane: ControlPlane, server: Server, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES.read_text(encoding="utf-8").replace("{size: big}", "{}"), encoding="utf-8")
    common = ("--policies", server.policies, "--prices", prices, "--kubeconfig", plane.kubeconfig(ADMIN))
    found: Json = orjson.loads(gatekeeper("audit", "cost", *common, "-o", "json"))
    (paid,) = [pod for pod in found["pods"] if pod["name"] == "paid"]
    assert OVERHEAD == {"cpu": "200m", "memory": "64Mi"}
    assert (paid["tenant"], paid["runtimeClass"], paid["vcpu"]) == ("foo", "gvisor", "0.42")
    on_node = [pod for pod in found["pods"] if pod["node"] == "n1"]
    assert sum(round(float(pod["vcpu"]) * 1000) for pod in on_node) == allocated_millicores(plane.kubectl())
    assert found["problems"] == []


def allocated_millicores(admin: Kubectl) -> int:
    """What kubectl says is asked of the node, by its own copy of the scheduler's rule."""
    (text,) = re.findall(
        r"Allocated resources:.*?\n\s+cpu\s+(\S+)", admin("describe", "node", "n1"), re.DOTALL
    )
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000
