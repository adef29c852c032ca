"""A tenant's ceiling holds over its namespaces, however many pods come at once."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.cluster import SECONDS, Cluster, guarded
from tests.e2e.conftest import OVERHEAD
from tests.e2e.harness import ControlPlane, wait_for

Json = dict[str, Any]

NAMESPACES = ("low-a", "low-b", "low-c")
MOST = 7
FORGOTTEN_SECONDS = 60.0
"""A pod that is deleted soon after it was made counts for the 30 s of --max-view-age."""
EACH = 350
"""Millicores that a pod asks for: its own 100, and the 250 that its class takes."""
TENANT: Json = {
    "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
    "kind": "Tenant",
    "metadata": {"name": "low"},
    "spec": {
        "namespaces": {"patterns": ["low-*"]},
        "runtimeClasses": {"default": "kata", "allowed": ["kata"], "isolation": "vm"},
        "ceiling": {"cpu": f"{MOST * EACH}m", "pods": 50},
    },
}


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with guarded(bare_plane, tmp_path_factory.mktemp("ceiling"), NAMESPACES) as made:
        made.admin.apply(TENANT)
        wait_for("the tenant", lambda: made.row("low")[0] == "True", SECONDS)
        yield made


def pod(name: str, namespace: str, cpu: str = "100m") -> Json:
    container = {"name": "web", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def admits(cluster: Cluster, number: int) -> bool:
    namespace = NAMESPACES[number % len(NAMESPACES)]
    try:
        made = pod(f"pod-{number}", namespace)
        cluster.plane.send("POST", f"/api/v1/namespaces/{namespace}/pods", made)
    except urllib.error.HTTPError as error:
        with error as answer:
            assert "over all its namespaces, and its other pods ask for" in answer.read().decode()
        return False
    return True


def test_of_many_that_come_at_once_as_many_are_made_as_there_is_room_for(cluster: Cluster) -> None:
    with ThreadPoolExecutor(16) as threads:
        made = sum(threads.map(lambda number: admits(cluster, number), range(60)))
    assert OVERHEAD["cpu"] == "250m"
    assert made == MOST
    found: Json = cluster.admin.get("pods", "-A")
    assert sum(each["metadata"]["namespace"] in NAMESPACES for each in found["items"]) == MOST


def test_what_goes_leaves_room_and_what_grows_needs_it(cluster: Cluster) -> None:
    found: Json = cluster.admin.get("pods", "-A")
    (gone, *_) = [each["metadata"] for each in found["items"] if each["metadata"]["namespace"] in NAMESPACES]
    cluster.admin("delete", "pod", gone["name"], "-n", gone["namespace"], "--force", "--grace-period=0")
    wait_for("room for one", lambda: admits(cluster, 100), FORGOTTEN_SECONDS)
    assert not admits(cluster, 101)
