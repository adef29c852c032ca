"""RBAC as a live kube-apiserver 1.36.3 decided it: `data/rbac.json` holds its SubjectAccessReviews."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.cel.library.authorizer import AccessDecision, AccessReview, Subject
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import Object

RECORDED = json.loads((Path(__file__).parent / "data" / "rbac.json").read_text())
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def cluster() -> Snapshot:
    return Snapshot(RECORDED["objects"])


def review_of(spec: dict[str, Any]) -> AccessReview:
    attributes = spec.get("resourceAttributes") or spec["nonResourceAttributes"]
    return AccessReview(Subject(spec["user"], tuple(spec["groups"])), **attributes)


def _label(row: dict[str, Any]) -> str:
    attributes = row["spec"].get("resourceAttributes") or row["spec"]["nonResourceAttributes"]
    return "-".join([row["spec"]["user"], *map(str, attributes.values())])


@pytest.mark.parametrize("row", [pytest.param(row, id=_label(row)) for row in RECORDED["reviews"]])
def test_decides_as_the_api_server(row: dict[str, Any], cluster: Snapshot) -> None:
    decision = cluster.authorize(review_of(row["spec"]))
    assert decision.allowed == row["allowed"]
    assert set(decision.reason.strip("RBAC: []").split(", ")) == set(
        row["reason"].strip("RBAC: []").split(", ")
    )


def role(name: str, rules: list[Any], labels: dict[str, str] | None = None, **more: Any) -> Object:
    metadata = {"name": name, "labels": labels or {}}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": rules,
        **more,
    }


def bound(role_name: str, user: str) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{user}-{role_name}"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role_name},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": user}],
    }


def may(cluster: Snapshot, verb: str, group: str, resource: str, namespace: str = "a") -> bool:
    review = AccessReview(Subject("u"), verb, group=group, resource=resource, namespace=namespace)
    return cluster.authorize(review).allowed


def test_an_aggregated_role_has_the_rules_of_the_roles_it_selects() -> None:
    selector = {"clusterRoleSelectors": [{"matchLabels": {"into": "sum"}}]}
    part = role("part", [{"verbs": ["get"], "apiGroups": ["x.io"], "resources": ["xs"]}], {"into": "sum"})
    cluster = Snapshot([role("sum", [], aggregationRule=selector), part, bound("sum", "u")])
    assert may(cluster, "get", "x.io", "xs")
    assert not may(cluster, "list", "x.io", "xs")


def test_roles_that_aggregate_each_other_end() -> None:
    def one(name: str, other: str) -> Object:
        rule = {"clusterRoleSelectors": [{"matchLabels": {"name": other}}]}
        return role(name, [], {"name": name}, aggregationRule=rule)

    cluster = Snapshot([one("a", "b"), one("b", "a"), bound("a", "u")])
    assert not may(cluster, "get", "", "pods")


@pytest.mark.parametrize(
    ("name", "verb", "group", "resource", "allowed"),
    [
        ("view", "get", "apps", "deployments", True),
        ("view", "get", "", "secrets", False),
        ("edit", "create", "", "pods", True),
        ("edit", "create", GROUP, "roles", False),
        ("admin", "create", GROUP, "roles", True),
        ("admin", "create", "", "pods", True),
        ("admin", "create", "", "nodes", False),
        ("cluster-admin", "delete", "any.io", "things", True),
    ],
)
def test_default_roles_are_known(name: str, verb: str, group: str, resource: str, allowed: bool) -> None:
    assert may(Snapshot([bound(name, "u")]), verb, group, resource) is allowed


SCHEDULER = AccessReview(
    Subject("system:kube-scheduler"),
    "update",
    group="coordination.k8s.io",
    resource="leases",
    namespace="kube-system",
    name="kube-scheduler",
)


def test_default_roles_of_a_namespace_are_known() -> None:
    assert Snapshot().authorize(SCHEDULER).allowed
    assert not Snapshot().authorize(replace(SCHEDULER, name="other", namespace="a")).allowed


def test_a_view_that_holds_all_there_is_has_no_roles_but_its_own() -> None:
    """Whoever has removed the default bindings has closed a door."""
    asked = AccessReview(Subject("u", ("system:authenticated",)), "get", path="/version")
    assert Snapshot().authorize(asked).allowed
    assert not Snapshot(complete=True).authorize(asked).allowed
    assert not Snapshot(complete=True).with_object(bound("cluster-admin", "u")).authorize(asked).allowed


def test_a_role_of_the_view_stands_for_the_default_one() -> None:
    cluster = Snapshot([role("cluster-admin", []), bound("cluster-admin", "u")])
    assert not may(cluster, "get", "", "pods")


def test_a_selector_that_makes_no_sense_adds_nothing() -> None:
    rule = {"clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "Like"}]}]}
    cluster = Snapshot([role("sum", [], aggregationRule=rule), bound("sum", "u")])
    assert not may(cluster, "get", "", "pods")


@pytest.mark.parametrize("rules", [5, "*", [5], [{"verbs": "*", "apiGroups": "*", "resources": "*"}]])
def test_rules_without_sense_grant_nothing(rules: Any) -> None:
    cluster = Snapshot([role("broken", rules), bound("broken", "u")])
    assert not may(cluster, "get", "", "pods")


def test_a_role_reference_of_another_kind_is_an_error() -> None:
    binding = bound("x", "u") | {"roleRef": {"kind": "Group", "name": "x"}}
    review = AccessReview(Subject("u"), "get", resource="pods")
    assert Snapshot([binding]).authorize(review) == AccessDecision(
        False, 'RBAC: unsupported role reference kind: "Group"'
    )
