from __future__ import annotations

from gatekeeper_py.cel.library.authorizer import AccessReview, Subject
from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from tests.cluster.test_authorization import bound, role
from tests.objects.test_kinds import V1, V2, definition

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")


def config_map(name: str, namespace: str = "", value: str = "") -> Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def test_is_a_cluster_view() -> None:
    view: ClusterView = Snapshot()
    assert view.get(CONFIG_MAP, "a", "b") is None


def test_finds_objects_by_namespace_and_name() -> None:
    cluster = Snapshot([config_map("a", "x"), config_map("a", "y"), config_map("b")])
    assert cluster.get(CONFIG_MAP, "x", "a") == config_map("a", "x")
    assert cluster.get(CONFIG_MAP, "", "a") is None
    assert cluster.get(CONFIG_MAP, "default", "b") == config_map("b")


def test_lists_by_namespace_and_name() -> None:
    cluster = Snapshot([config_map("b", "y"), config_map("a", "y"), config_map("c", "x")])
    assert [found["metadata"]["name"] for found in cluster.list(CONFIG_MAP)] == ["c", "a", "b"]
    assert [found["metadata"]["name"] for found in cluster.list(CONFIG_MAP, "y")] == ["a", "b"]
    assert list(cluster.list(CONFIG_MAP, "z")) == []


def test_the_last_of_two_objects_with_one_name_holds() -> None:
    manifests = [Manifest(config_map("a", "x", value)) for value in ("first", "last")]
    found = Snapshot.of(manifests).get(CONFIG_MAP, "x", "a")
    assert found == config_map("a", "x", "last")


def test_a_changed_snapshot_lists_what_it_holds_and_leaves_the_first_alone() -> None:
    first = Snapshot([config_map("a", "x"), namespace("x")])
    assert len(list(first.list(CONFIG_MAP))) == len(list(first.list(NAMESPACE))) == 1
    more = first.with_object(config_map("b", "x"))
    none = more.without_object(config_map("a", "x"))
    assert [found["metadata"]["name"] for found in more.list(CONFIG_MAP)] == ["a", "b"]
    assert [found["metadata"]["name"] for found in none.list(CONFIG_MAP, "x")] == ["b"]
    assert [found["metadata"]["name"] for found in first.list(CONFIG_MAP, "x")] == ["a"]
    assert list(none.list(NAMESPACE)) == [namespace("x")]


def test_a_namespace_of_a_manifest_has_what_every_api_server_gives_it() -> None:
    manifest = Manifest(namespace("x", **{"team": "a", "kubernetes.io/metadata.name": "a lie"}))
    cluster = Snapshot.of([manifest])
    assert cluster.get(NAMESPACE, "", "x") == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "x", "labels": {"team": "a", "kubernetes.io/metadata.name": "x"}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def test_a_namespace_that_is_going_is_left_as_it_is() -> None:
    going = namespace("x") | {"spec": {"finalizers": []}, "status": {"phase": "Terminating"}}
    found = Snapshot.of([Manifest(going)]).get(NAMESPACE, "", "x")
    assert found is not None
    assert (found["spec"], found["status"]) == (going["spec"], going["status"])


def test_a_changed_role_counts_at_once() -> None:
    review = AccessReview(Subject("u"), "get", resource="pods")
    cluster = Snapshot([bound("r", "u")])
    assert cluster.authorize(review).allowed is False
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    assert cluster.with_object(role("r", rules)).authorize(review).allowed is True
    assert cluster.with_object(config_map("a")).authorize(review).allowed is False


def test_a_namespace_nobody_told_of_is_assumed_with_its_name_label() -> None:
    found = Snapshot().get(NAMESPACE, "", "x")
    assert found is not None
    assert found["metadata"] == {"name": "x", "labels": {"kubernetes.io/metadata.name": "x"}}
    assert list(Snapshot().list(NAMESPACE)) == []


def test_a_known_namespace_is_as_told() -> None:
    cluster = Snapshot([namespace("x", team="a")])
    assert cluster.get(NAMESPACE, "", "x") == namespace("x", team="a")


def test_without_assumptions_an_unknown_namespace_is_missing() -> None:
    assert Snapshot(complete=True).get(NAMESPACE, "", "x") is None


def test_custom_kinds_are_served() -> None:
    cluster = Snapshot([definition(V1, V2)])
    served = cluster.served(GroupVersionKind("example.com", "v1", "Widget"))
    assert served is not None
    assert cluster.resource(served.resource) == served
    assert [tuple(other.resource) for other in cluster.equivalents(served.resource)] == [
        ("example.com", "v2", "widgets")
    ]


def test_an_object_is_found_in_every_version_of_its_kind() -> None:
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "n"},
    }
    cluster = Snapshot([definition(V1, V2), widget])
    other = GroupVersionKind("example.com", "v2", "Widget")
    assert cluster.get(other, "n", "w") == widget
    assert list(cluster.list(other)) == [widget]


def test_objects_of_kinds_nobody_defines_are_kept_under_the_namespace_they_say() -> None:
    kind = GroupVersionKind("a.io", "v1", "A")
    thing = {"apiVersion": "a.io/v1", "kind": "A", "metadata": {"name": "a"}}
    cluster = Snapshot([thing])
    assert cluster.get(kind, "", "a") == thing
    assert cluster.served(kind) is None
    assert cluster.resource(GroupVersionResource("a.io", "v1", "as")) is None


RUNTIME_CLASS = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
KATA = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "kata"},
    "handler": "kata",
}


def test_what_a_snapshot_was_not_told_of_is_absent_only_where_it_knows_the_kind() -> None:
    assert not Snapshot().knows(RUNTIME_CLASS)
    assert Snapshot(complete=True).knows(RUNTIME_CLASS)
    assert Snapshot([KATA]).knows(RUNTIME_CLASS)
    assert not Snapshot([KATA]).without_object(KATA).knows(RUNTIME_CLASS)


def test_differences_are_what_has_come_changed_and_gone() -> None:
    before = Snapshot(
        [config_map("a", "x"), config_map("b", "x"), config_map("c", "y"), config_map("d", "z")]
    )
    changed = config_map("b", "x", "other")
    after = before.with_changes(CONFIG_MAP, [changed, config_map("e", "w")], [config_map("c", "y")])
    assert {(each.namespace, each.name): (each.before, each.after) for each in after.differences(before)} == {
        ("x", "b"): (config_map("b", "x"), changed),
        ("y", "c"): (config_map("c", "y"), None),
        ("w", "e"): (None, config_map("e", "w")),
    }
    assert list(before.differences(before)) == []


def test_what_is_listed_anew_with_the_same_objects_does_not_differ() -> None:
    held = [config_map("a", "x"), config_map("b", "y")]
    before = Snapshot(held)
    assert list(before.with_kind(CONFIG_MAP, held).differences(before)) == []
    (gone,) = before.with_kind(CONFIG_MAP, held[:1]).differences(before)
    assert (gone.kind, gone.name, gone.after) == (CONFIG_MAP, "b", None)


def test_a_definition_that_comes_changes_no_other_object() -> None:
    before = Snapshot([config_map("a", "x")])
    after = before.with_object(definition(V1))
    assert [each.kind.kind for each in after.differences(before)] == ["CustomResourceDefinition"]


def test_objects_are_found_by_namespace_and_by_kind_as_they_are_held() -> None:
    cluster = Snapshot([config_map("a", "x"), namespace("x"), config_map("b", "y")])
    assert list(cluster.within("x")) == [(CONFIG_MAP, "a")]
    assert [(where, name) for where, name, _ in cluster.objects(CONFIG_MAP)] == [("x", "a"), ("y", "b")]
    assert cluster.named(NAMESPACE, "", "x") == namespace("x")
    assert cluster.named(NAMESPACE, "", "assumed") is None
