"""Waivers as objects of a real cluster: only the platform writes them, and they hold until their day is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.e2e.cluster import SECONDS, Cluster, guarded
from tests.e2e.gatekeeper import gatekeeper
from tests.e2e.harness import ADMIN, ALICE, BOB, ControlPlane, User, wait_for

Json = dict[str, Any]

POLICY = "host-access-host-path"


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with guarded(bare_plane, tmp_path_factory.mktemp("waivers")) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_waivers(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.admin("delete", "waivers", "--all")
    wait_for("nothing waived", lambda: "denied" in mounts(cluster, ALICE, "foo"), SECONDS)


def today() -> date:
    """Not the day on which the tests began: they may last beyond midnight."""
    return datetime.now(UTC).date()


def waiver(name: str = "agent", days: int = 7, **fields: Any) -> Json:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Waiver",
        "metadata": {"name": name},
        "spec": {
            "policies": [POLICY],
            "tenants": ["foo"],
            "names": ["agent"],
            "reason": "an old agent",
            "approvedBy": "the platform",
            "expires": str(today() + timedelta(days=days)),
            **fields,
        },
    }


def mounts(cluster: Cluster, user: User, where: str, name: str = "agent") -> str:
    """What a tenant is told whose pod mounts a path of the host."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where},
        "spec": {
            "containers": [{"name": "agent", "image": "agent"}],
            "volumes": [{"name": "host", "hostPath": {"path": "/var/log"}}],
        },
    }
    done = cluster.plane.kubectl(user, where).run(
        "create", "--dry-run=server", "-f", "-", stdin=orjson.dumps(pod).decode()
    )
    return done.stdout + done.stderr


def row(cluster: Cluster, name: str) -> tuple[str, str]:
    """Whether `kubectl get waivers` says that one is ready, and why not."""
    path = "{.status.conditions[0].status} {.status.conditions[0].reason}"
    status, _, reason = cluster.admin("get", "waiver", name, "-o", f"jsonpath={path}").partition(" ")
    return status, reason


def test_what_the_platform_waives_is_admitted_and_nothing_else(cluster: Cluster) -> None:
    assert "denied" in mounts(cluster, ALICE, "foo")
    cluster.admin.apply(waiver())
    wait_for("the waiver", lambda: "pod/agent created" in mounts(cluster, ALICE, "foo"), SECONDS)
    assert "denied" in mounts(cluster, ALICE, "foo", "other")
    assert "denied" in mounts(cluster, BOB, "bar")
    wait_for("its status", lambda: row(cluster, "agent") == ("True", "InForce"), SECONDS)
    shown = gatekeeper("status", "--url", cluster.server.url)
    assert f"waivers       agent: {POLICY}: 7 days left" in shown
    decisions = [line for line in cluster.server.log.splitlines() if '"waived"' in line]
    assert {"policy": POLICY, "waiver": "agent", "expires": str(today() + timedelta(days=7))} in orjson.loads(
        decisions[-1]
    )["waived"]
    cluster.admin("delete", "waiver", "agent")
    wait_for("its end", lambda: "denied" in mounts(cluster, ALICE, "foo"), SECONDS)


def test_an_audit_tells_what_is_waived_and_how_long(cluster: Cluster) -> None:
    cluster.admin.apply(waiver(kinds=["ConfigMap"]), waiver("later", names=["audited"]))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "audited", "namespace": "foo"},
        "spec": {
            "runtimeClassName": "kata",
            "containers": [{"name": "agent", "image": "agent"}],
            "volumes": [{"name": "host", "hostPath": {"path": "/var/log"}}],
        },
    }
    wait_for("the waiver", lambda: "created" in mounts(cluster, ALICE, "foo", "audited"), SECONDS)
    cluster.plane.kubectl(ALICE, "foo").apply(pod)
    kubeconfig = cluster.plane.kubeconfig(ADMIN)
    asked = ("--policies", cluster.server.policies, "--kubeconfig", kubeconfig, "--policy", POLICY)
    shown = gatekeeper("audit", *asked)
    assert f"waived critical foo {POLICY}: Pod foo/audited: " in shown
    assert "(waived by 'later' until " in shown
    cluster.plane.kubectl(ALICE, "foo")("delete", "pod", "audited", "--force", "--grace-period=0")


def test_one_whose_day_is_over_admits_nothing_and_is_told(cluster: Cluster) -> None:
    cluster.admin.apply(waiver(days=-1))
    said = f"(the waiver 'agent' has ended on {today() - timedelta(days=1)})"
    wait_for("the refusal", lambda: said in mounts(cluster, ALICE, "foo"), SECONDS)
    wait_for("its status", lambda: row(cluster, "agent") == ("False", "Expired"), SECONDS)
    assert any("the waiver 'agent' has ended" in warning for warning in cluster.ready()["warnings"])


WRONG: dict[str, tuple[Json, str]] = {
    "an unknown policy": (waiver(policies=["host-acces"]), "'host-acces', which is no policy"),
    "a mutating policy": (waiver(policies=["isolation-default-runtime-class"]), "changes what is absent"),
    "what guards waivers": (waiver(policies=["tenants-waivers"]), "is never waived"),
    "no day that exists": (waiver(expires="2027-02-30"), "is no day"),
    "a condition that is none": (waiver(condition="object"), "must evaluate to bool"),
    "an empty list": (waiver(kinds=[]), "spec.kinds"),
    "nobody": (waiver(tenants=None), "say whose violations are waived"),
    "every namespace": (waiver(namespaces=["*"]), "spec.namespaces[0]"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_that_is_wrong_is_refused(cluster: Cluster, case: str) -> None:
    value, said = WRONG[case]
    assert said in cluster.admin.refused(value)


def test_one_that_is_there_nevertheless_costs_only_itself(cluster: Cluster) -> None:
    with cluster.unguarded():
        cluster.admin.apply(waiver("bad", policies=["gone"]), waiver("good"))
    wait_for("the good one", lambda: "created" in mounts(cluster, ALICE, "foo"), SECONDS)
    wait_for("the bad one's status", lambda: row(cluster, "bad") == ("False", "Invalid"), SECONDS)
    assert any("Waiver/bad" in problem for problem in cluster.ready()["problems"])


def test_nobody_but_the_platform_writes_one(cluster: Cluster) -> None:
    rbac = "rbac.authorization.k8s.io"
    cluster.admin.apply(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "waives"},
            "rules": [{"apiGroups": ["*"], "resources": ["waivers"], "verbs": ["*"]}],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "waives"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "waives"},
            "subjects": [
                {"apiGroup": rbac, "kind": "User", "name": name} for name in (ALICE.name, "mallory")
            ],
        },
    )
    said = "only the platform says what is waived"
    assert said in cluster.plane.kubectl(ALICE).refused(waiver())
    assert said in cluster.admin.refused(waiver(), arguments=["--as=mallory"])
    cluster.admin("delete", "clusterrolebinding/waives", "clusterrole/waives")
