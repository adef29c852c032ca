"""A snapshot grows by making another one."""

from __future__ import annotations

from typing import Any

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind


def test_one_more_object_leaves_the_first_snapshot_as_it_was() -> None:
    before = Snapshot(
        [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "foo"}}]
    )
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "foo", "labels": {"team": "x"}},
    }
    definition: dict[str, Any] = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gases.a.example"},
        "spec": {
            "group": "a.example",
            "scope": "Namespaced",
            "names": {"kind": "Gas", "plural": "gases"},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }
    after = before.with_object(namespace).with_object(definition)
    kind, gas = GroupVersionKind("", "v1", "Namespace"), GroupVersionKind("a.example", "v1", "Gas")
    assert after.get(kind, "", "foo") == namespace
    assert after.get(GroupVersionKind("", "v1", "ConfigMap"), "foo", "a") is not None
    assert after.served(gas) is not None
    assert before.get(kind, "", "foo") != namespace
    assert before.served(gas) is None
