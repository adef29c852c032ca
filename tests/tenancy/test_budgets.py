"""By which PodDisruptionBudgets a pod is held twice."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.projection import IDENTITY, union
from gatekeeper_py.tenancy.budgets import holding_budgets
from gatekeeper_py.tenancy.reach import READ

Json = dict[str, Any]
WEB: Json = {"app": "web", "tier": "front"}


def budget(name: str, selector: Any, namespace: str = "foo") -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata,
        "spec": {"selector": selector},
    }


def matching(**labels: str) -> Json:
    return {"matchLabels": labels}


def maker(kind: str, api_version: str = "apps/v1", labels: Any = WEB, namespace: str = "foo") -> Json:
    template = {"metadata": {"labels": labels}, "spec": {"containers": []}}
    spec: Json = {"template": template}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    made = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": namespace}}
    if kind == "Pod":
        return {**made, "metadata": {**made["metadata"], "labels": labels}}  # type: ignore[dict-item]
    return {**made, "spec": spec}


MAKERS = (
    maker("Pod", "v1"),
    maker("ReplicationController", "v1"),
    *(maker(kind) for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")),
    *(maker(kind, "batch/v1") for kind in ("Job", "CronJob")),
)


def held(value: Json, *there: Json) -> list[str]:
    """In a cluster of which no more is kept than the live view keeps."""
    kept = union((IDENTITY, READ))
    return holding_budgets(value, Snapshot([kept.keep(each) for each in there]), "foo")


@pytest.mark.parametrize("made", MAKERS, ids=lambda made: made["kind"])
def test_pods_there_and_to_come_are_held_by_all_that_pick_them(made: Json) -> None:
    one, other = budget("one", matching(app="web")), budget("other", matching(tier="front"))
    assert held(made, one, other) == ["one", "other"]
    assert held(made, one) == []
    assert held(other, one, made) == ["one"]
    assert held(other, made) == []


OTHERS: dict[str, tuple[Any, list[str]]] = {
    "the same": (matching(app="web"), ["one"]),
    "everything": ({}, ["one"]),
    "by an expression": ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, ["one"]),
    "but by one": ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, []),
    "other pods": (matching(app="db"), []),
    "none": (None, []),
    "no selector": ("web", []),
    "one that no API server takes": ({"matchExpressions": [{"key": "app", "operator": "Like"}]}, []),
    "labels of an odd shape": ({"matchLabels": ["web"]}, []),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_budget_picks_as_the_api_server_has_it(case: str) -> None:
    selector, found = OTHERS[case]
    there = (budget("one", matching(app="web")), maker("Deployment"))
    assert held(budget("new", selector), *there) == found
    assert held(budget("one", matching(app="web")), budget("new", selector), maker("Pod", "v1")) == (
        ["new"] if found else []
    )


def test_a_budget_is_no_other_than_itself() -> None:
    one = budget("one", matching(app="web"))
    assert held(one, one, maker("Pod", "v1")) == []


def test_pods_that_are_not_there_are_held_by_nobody() -> None:
    one, claim = budget("one", {}), maker("PersistentVolumeClaim", "v1")
    assert held(budget("new", {}), one) == []
    assert held(budget("new", {}), one, claim) == []


def test_a_pod_without_labels_is_picked_by_what_picks_everything() -> None:
    assert held(maker("Pod", "v1", labels=None), budget("one", {}), budget("two", {})) == ["one", "two"]


def test_other_namespaces_are_others() -> None:
    one = budget("one", matching(app="web"), "bar")
    assert held(budget("new", matching(app="web")), one, maker("Pod", "v1")) == []
    there = (budget("one", matching(app="web")), maker("Pod", "v1", namespace="bar"))
    assert held(budget("new", matching(app="web")), *there) == []


@pytest.mark.parametrize("value", [{}, {"spec": 1}, {"kind": "CronJob", "spec": {"jobTemplate": []}}])
def test_what_makes_no_pods_that_anybody_could_read_is_held_by_what_picks_everything(value: Json) -> None:
    assert held(value, budget("one", matching(app="web")), budget("two", matching(app="web"))) == []
