"""`gatekeeper audit --kubeconfig`: what exists in a real cluster, judged."""

from __future__ import annotations

import subprocess
from typing import Any

import orjson

from tests.e2e.conftest import CLASSES, namespace
from tests.e2e.gatekeeper import COMMAND
from tests.e2e.harness import ADMIN, ControlPlane
from tests.e2e.test_isolation import CONTAINER, pod
from tests.shipped import POLICIES

Json = dict[str, Any]


def audit(plane: ControlPlane, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = str(plane.kubeconfig(ADMIN))
    command = [*COMMAND, "audit", "--policies", str(POLICIES), "--kubeconfig", config, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


TAGS = "tags-labels-present"


def test_a_fresh_cluster_lacks_nothing_but_tags(bare_plane: ControlPlane) -> None:
    """The API server makes a Service in namespace default, which is a tenant of its own."""
    done = audit(bare_plane, "-o", "json")
    results = orjson.loads(done.stdout)["results"]
    assert {(result["namespace"], result["name"].partition("-")[0]) for result in results} <= {
        ("default", "kubernetes")
    }
    assert {finding["policy"] for result in results for finding in result["findings"]} <= {TAGS}


def test_what_came_before_the_webhook_is_found(bare_plane: ControlPlane) -> None:
    privileged = CONTAINER | {"securityContext": {"privileged": True}}
    kubectl = bare_plane.kubectl()
    kubectl.apply(*CLASSES, namespace("foo"))
    kubectl.apply(pod("left-over", "foo", runtimeClassName="kata", containers=[privileged]))
    done = audit(bare_plane)
    assert done.returncode == 1, done.stdout + done.stderr
    for part in ("left-over", "host-access-privileged", "foo"):
        assert part in done.stdout
