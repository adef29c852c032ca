"""A cluster without one of its objects."""

from __future__ import annotations

from gatekeeper_py.cluster.absence import Without
from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object

AUTOSCALER = GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler")
OLDER = GroupVersionKind("autoscaling", "v1", "HorizontalPodAutoscaler")
RESOURCE = GroupVersionResource("autoscaling", "v2", "horizontalpodautoscalers")


def named(name: str, namespace: str, kind: GroupVersionKind = AUTOSCALER) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


CLUSTER = Snapshot([named("a", "foo"), named("b", "foo"), named("a", "bar"), named("foo", "", NAMESPACE)])


def test_the_object_is_gone_in_every_version() -> None:
    view = Without(CLUSTER, RESOURCE, "foo", "a")
    for kind in (AUTOSCALER, OLDER):
        assert view.get(kind, "foo", "a") is None
        assert [each["metadata"] for each in view.list(kind)] == [
            {"name": "a", "namespace": "bar"},
            {"name": "b", "namespace": "foo"},
        ]
        assert [each["metadata"]["name"] for each in view.list(kind, "foo")] == ["b"]


def test_all_others_are_there() -> None:
    view = Without(CLUSTER, RESOURCE, "foo", "a")
    assert view.get(AUTOSCALER, "bar", "a") is not None
    assert view.get(AUTOSCALER, "foo", "b") is not None
    assert [each["metadata"]["name"] for each in view.list(NAMESPACE)] == ["foo"]
    assert view.served(AUTOSCALER) == CLUSTER.served(AUTOSCALER)
    assert view.resource(RESOURCE) == CLUSTER.resource(RESOURCE)


def test_a_namespace_is_not_counted_but_found_by_its_name() -> None:
    view = Without(CLUSTER, GroupVersionResource("", "v1", "namespaces"), "foo", "foo")
    assert list(view.list(NAMESPACE)) == []
    assert view.get(NAMESPACE, "", "foo") is not None
