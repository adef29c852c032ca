"""What `gatekeeper tenants render` prints is taken by a real API server and by the policies, and holds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.e2e.cluster import Cluster, guarded
from tests.e2e.gatekeeper import COMMAND, gatekeeper
from tests.e2e.harness import ADMIN, ALICE, ControlPlane


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with guarded(bare_plane, tmp_path_factory.mktemp("frames")) as made:
        yield made


def rendered(cluster: Cluster) -> str:
    config = cluster.plane.kubeconfig(ADMIN)
    return gatekeeper("tenants", "render", "--policies", cluster.server.policies, "--kubeconfig", config)


def lacking(cluster: Cluster) -> set[str]:
    """The namespaces of which an audit says that they lack something."""
    config = str(cluster.plane.kubeconfig(ADMIN))
    asked = ["--policies", str(cluster.server.policies), "--kubeconfig", config, "-o", "json"]
    done = subprocess.run([*COMMAND, "audit", *asked], capture_output=True, text=True, timeout=120)
    results = orjson.loads(done.stdout)["results"]
    return {
        result["name"]
        for result in results
        if any(finding["policy"] == "tenant-frame" for finding in result["findings"])
    }


def test_what_is_rendered_is_admitted_as_it_is_and_twice_is_once(cluster: Cluster, tmp_path: Path) -> None:
    assert lacking(cluster) >= {"foo", "bar"}
    frames = tmp_path / "frames.yaml"
    frames.write_text(rendered(cluster))
    dry = cluster.admin("apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", str(frames))
    assert "serverside-applied (server dry run)" in dry
    assert lacking(cluster) >= {"foo", "bar"}
    cluster.admin("apply", "-f", str(frames))
    assert rendered(cluster) == frames.read_text()
    again = cluster.admin("apply", "-f", str(frames))
    assert {line.rpartition(" ")[2] for line in again.splitlines()} == {"unchanged"}
    assert lacking(cluster).isdisjoint({"foo", "bar"})


def test_a_tenant_cannot_take_its_frame_away(cluster: Cluster) -> None:
    cluster.admin("apply", "-f", "-", stdin=rendered(cluster))
    alice = cluster.plane.kubectl(ALICE, "foo")
    cluster.admin(
        "create", "rolebinding", "more", "-n", "foo", "--clusterrole=cluster-admin", f"--user={ALICE.name}"
    )
    for what in (
        "networkpolicy/tenant-default-deny",
        "resourcequota/tenant-quota",
        "limitrange/tenant-limits",
        "rolebinding/tenant-owners",
    ):
        said = alice.run("delete", what).stderr
        assert "denied" in said, (what, said)


def test_a_container_that_states_nothing_gets_what_the_frame_says(cluster: Cluster) -> None:
    cluster.admin("apply", "-f", "-", stdin=rendered(cluster))
    pod = orjson.loads(
        cluster.admin("run", "probe", "--image=probe", "--dry-run=server", "-o", "json", "-n", "foo")
    )
    (container,) = pod["spec"]["containers"]
    assert container["resources"] == {
        "limits": {"cpu": "1", "memory": "2Gi"},
        "requests": {"cpu": "100m", "memory": "128Mi"},
    }
