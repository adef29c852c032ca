"""What ran before the policies were in force goes on under them."""

from __future__ import annotations

import time

from tests.e2e.conftest import IN_FORCE_SECONDS, in_force
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ALICE, ControlPlane, wait_for
from tests.e2e.test_isolation import TENANT_LABELS, pods_of, workload

CONFIGURATIONS = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
SETTLING_SECONDS = 3
"""In which a controller whose copies are changed under its hands makes a dozen ReplicaSets."""


def test_a_deployment_from_before_is_scaled_without_a_new_rollout(
    plane: ControlPlane, server: Server
) -> None:
    admin, alice = plane.kubectl(), plane.kubectl(ALICE, "foo")
    admin("delete", CONFIGURATIONS, "--all")
    try:
        alice.apply(workload("apps/v1", "Deployment", "from-before", replicas=1))
        old = pods_of(alice, "from-before", 1)[0]
    finally:
        server.register(admin)
        wait_for("the webhooks to be in force", lambda: in_force(plane), IN_FORCE_SECONDS)
    alice("scale", "deployment", "from-before", "--replicas=2")
    pods = pods_of(alice, "from-before", 2)
    time.sleep(SETTLING_SECONDS)
    assert len(alice.get("replicasets", "-l", "app=from-before")["items"]) == 1  # type: ignore[arg-type]
    new = next(pod for pod in pods if pod["metadata"]["name"] != old["metadata"]["name"])
    assert "runtimeClassName" not in old["spec"]
    assert new["spec"]["runtimeClassName"] == "kata"
    assert TENANT_LABELS.items() <= new["metadata"]["labels"].items()
