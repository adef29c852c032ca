"""How many pods a custom resource asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.counts import counts


def asked(**spec: Any) -> list[tuple[str, int]]:
    return [(found.path, found.number) for found in counts({"metadata": {"replicas": 1}, "spec": spec})]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"replicas": 3}, ("spec.replicas", 3)),
        ({"groups": [{"maxReplicas": 3}]}, ("spec.groups[0].maxReplicas", 3)),
        ({"replicaCount": 3}, ("spec.replicaCount", 3)),
        ({"executor": {"instances": 3}}, ("spec.executor.instances", 3)),
        ({"minRunners": 3}, ("spec.minRunners", 3)),
        ({"replicas": {"max": 3}}, ("spec.replicas.max", 3)),
        ({"nodeSets": [{"count": 3}]}, ("spec.nodeSets[0].count", 3)),
        ({"numNodes": 3}, ("spec.numNodes", 3)),
        ({"jobs": [{"targetSize": 3}]}, ("spec.jobs[0].targetSize", 3)),
        (
            {"annotations": {"autoscaling.knative.dev/minScale": "3"}},
            ("spec.annotations.autoscaling.knative.dev/minScale", 3),
        ),
    ],
)
def test_a_number_of_pods(spec: dict[str, Any], expected: tuple[str, int]) -> None:
    assert asked(**spec) == [expected]


@pytest.mark.parametrize(
    "spec",
    [
        {"partitions": 3},
        {"count": 3},
        {"replicas": "3"},
        {"replicas": True},
        {"max": 3},
        {"annotations": {"autoscaling.knative.dev/target": "3"}},
        {"annotations": {"autoscaling.knative.dev/min-scale": "many"}},
        {"instancesFrom": 3},
        {"a" * 100 + "replicas": 3},
    ],
)
def test_another_number(spec: dict[str, Any]) -> None:
    assert asked(**spec) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(VALUES)
def test_whatever_a_tenant_writes_is_read(value: Any) -> None:
    asked(a=value)
    list(counts({"spec": value}))
