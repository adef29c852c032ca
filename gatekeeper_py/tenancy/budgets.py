"""Pods that more than one PodDisruptionBudget picks: the API server evicts none of them, and drains wait
(pkg/registry/core/pod/storage/eviction.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects
from gatekeeper_py.objects.selector import Selector, SelectorError, labels_of
from gatekeeper_py.tenancy.protection import CHAIN, CLAIM, name_of

__all__ = ["BUDGET", "holding_budgets"]

BUDGET = GroupVersionKind("policy", "v1", "PodDisruptionBudget")
POD, CRON_JOB = "Pod", "CronJob"
Labels = Mapping[str, Any]


def holding_budgets(value: Object, objects: Objects, namespace: str) -> list[str]:
    """The budgets by which a pod is held twice.

    Of a budget these are the others that pick what it picks, of what makes pods all that pick them, where
    they are more than one.
    """
    listed = sorted(objects.list(BUDGET, namespace), key=name_of)
    budgets = [(name_of(each), _selector(each)) for each in listed]
    if value.get("kind") != BUDGET.kind:
        labels = _pod_labels(value)
        found = [name for name, selector in budgets if selector is not None and selector.matches(labels)]
        return found if len(found) > 1 else []
    own, others = _selector(value), [each for each in budgets if each[0] != name_of(value)]
    if own is None or not others:
        return []
    held = [labels for labels in _all_labels(objects, namespace) if own.matches(labels)]
    return [name for name, each in others if each is not None and any(map(each.matches, held))]


def _all_labels(objects: Objects, namespace: str) -> Iterator[Labels]:
    """The labels of the pods of a namespace, there and to come."""
    for kind in CHAIN:
        if kind != CLAIM:
            yield from map(_pod_labels, objects.list(kind, namespace))


def _pod_labels(value: Object) -> Labels:
    """The labels of a pod, or of those that something makes."""
    if value.get("kind") == POD:
        return labels_of(value)
    spec = _part(value, "spec")
    if value.get("kind") == CRON_JOB:
        spec = _part(_part(spec, "jobTemplate"), "spec")
    return labels_of(_part(spec, "template"))


def _selector(budget: Object) -> Selector | None:
    """By what a budget picks pods: nothing where it has no selector, or none that the API server takes."""
    selector = _part(budget, "spec").get("selector")
    try:
        return Selector.of(selector) if isinstance(selector, dict) else None
    except (SelectorError, AttributeError, TypeError):
        return None


def _part(value: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    part = value.get(field)
    return part if isinstance(part, dict) else {}
