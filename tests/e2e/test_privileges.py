"""What RBAC of a real cluster grants tenants, as its API server decides about them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from examples.demo import policies_in
from tests.e2e.conftest import RBAC, admin_of, namespace
from tests.e2e.gatekeeper import COMMAND
from tests.e2e.harness import ADMIN, ALICE, BOB, ControlPlane, User, control_plane, wait_for

Json = dict[str, Any]


def bound(kind: str, name: str, role: str, *subjects: Json, namespace: str = "") -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


def role(name: str, *rules: Json, **labels: str) -> Json:
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": list(rules)}


ACCOUNTS, SECONDS = "system:serviceaccount:", 60
ALICES = {"apiGroup": RBAC, "kind": "User", "name": ALICE.name}
ACCOUNT = {"kind": "ServiceAccount", "name": "default", "namespace": "bar"}
EVERYBODY = {"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated"}
PROXY = {"verbs": ["get"], "apiGroups": [""], "resources": ["nodes/proxy"]}
OBJECTS = (
    role("nodes", PROXY, **{"rbac.example.com/into": "all"}),
    {
        **role("all"),
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"rbac.example.com/into": "all"}}]},
    },
    bound("ClusterRoleBinding", "aggregated", "all", ACCOUNT),
    bound("ClusterRoleBinding", "views", "view", EVERYBODY),
    bound("RoleBinding", "crossed", "edit", ALICES, namespace="bar"),
    bound("RoleBinding", "own", "edit", ALICES, namespace="foo"),
)


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """With the controllers that fill in aggregated roles."""
    with control_plane() as running:
        kubectl = running.kubectl()
        kubectl.apply(*map(namespace, ("foo", "bar")), *admin_of("foo"), *OBJECTS)
        account = ("get", "nodes", "--subresource=proxy")
        wait_for("aggregation", lambda: can(running, f"{ACCOUNTS}bar:default", *account), SECONDS)
        yield running


def audit(
    plane: ControlPlane, tmp_path: Any, *arguments: str, user: User = ADMIN
) -> subprocess.CompletedProcess[str]:
    policies_in(tmp_path)
    config = str(plane.kubeconfig(user))
    command = [*COMMAND, "audit", "--policies", str(tmp_path / "policies"), "--kubeconfig", config]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)


def can(plane: ControlPlane, user: str, *what: str) -> bool:
    """What the API server itself says."""
    return plane.kubectl().run("auth", "can-i", *what, f"--as={user}").stdout.strip() == "yes"


def test_who_may_what_no_tenant_should_is_told_as_the_api_server_decides(
    plane: ControlPlane, tmp_path: Any
) -> None:
    done = audit(plane, tmp_path, "-o", "json")
    assert done.returncode == 1, done.stderr
    found = {
        (result["name"], finding["policy"], *finding["actions"])
        for result in orjson.loads(done.stdout)["results"]
        for finding in result["findings"]
        if finding["policy"].startswith("rbac-")
    }
    assert found == {
        ("aggregated", "rbac-nodes", "Deny"),
        ("views", "rbac-reads", "Deny"),
        *(("crossed", f"rbac-{name}", "Deny") for name in CROSSED),
        ("own", "rbac-impersonate", "Audit"),
        ("own", "rbac-tokens", "Audit"),
        ("owner", "rbac-everything", "Audit"),
    }
    assert can(plane, BOB.name, "list", "pods", "-n", "foo")
    assert can(plane, ALICE.name, "get", "secrets", "-n", "bar")
    assert can(plane, ALICE.name, "impersonate", "serviceaccounts", "-n", "bar")
    assert can(plane, ALICE.name, "create", "serviceaccounts", "--subresource=token", "-n", "bar")
    assert not can(plane, ALICE.name, "get", "secrets")
    assert "(aggregated) -> rules[0]" in done.stdout


CROSSED = ("impersonate", "tokens", "secrets", "exec", "pods", "reads")


def test_rbac_that_may_not_be_listed_is_not_audited(plane: ControlPlane, tmp_path: Any) -> None:
    done = audit(plane, tmp_path, user=ALICE)
    assert done.returncode == 2
    for kind in ("ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role"):
        assert f"rbac.authorization.k8s.io/v1 {kind}: " in done.stderr
