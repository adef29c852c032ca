"""Apply configurations, as a live kube-apiserver 1.36.3 merged them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import ANY, Schema, builtin_schema
from gatekeeper_py.policy.mutation.apply import ApplyError, apply_configuration
from gatekeeper_py.policy.mutation.literal import Foreign

NULL = Foreign("NULL_VALUE", "0", "structpb.NullValue")


def schema(api_version: str, kind: str) -> Schema:
    found = builtin_schema(GroupVersionKind.parse(api_version, kind))
    assert found is not None
    return found


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}


def applied(patch: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    return apply_configuration(live, patch, schema(live["apiVersion"], live["kind"]))


def containers(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "image": f"{name}:1"} for name in names]


MERGES = [
    pytest.param(["a", "b"], ["new"], ["a", "b", "new"], id="a new item goes last"),
    pytest.param(["a", "b"], ["new", "b", "a"], ["new", "b", "a"], id="the patch's order wins"),
    pytest.param(
        ["a", "b", "c"], ["c", "a"], ["b", "c", "a"], id="what the patch does not name keeps its side"
    ),
    pytest.param(["a", "b", "c"], ["b"], ["a", "b", "c"], id="one shared item keeps the order"),
    pytest.param([], ["a"], ["a"], id="into nothing"),
]


@pytest.mark.parametrize(("live", "patch", "names"), MERGES)
def test_lists_merge_by_key(live: list[str], patch: list[str], names: list[str]) -> None:
    merged = applied({"spec": {"containers": containers(*patch)}}, pod(containers=containers(*live)))
    assert [container["name"] for container in merged["spec"]["containers"]] == names


def test_items_of_one_key_merge_field_by_field() -> None:
    live = pod(containers=[{"name": "a", "image": "x", "env": [{"name": "K", "value": "v"}]}])
    env = [{"name": "K", "value": "new"}, {"name": "L", "value": "l"}]
    merged = applied({"spec": {"containers": [{"name": "a", "env": env}]}}, live)
    assert merged["spec"]["containers"] == [{"name": "a", "image": "x", "env": env}]


def test_a_key_the_patch_leaves_out_has_its_default() -> None:
    ports = [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP"}]
    live = pod(containers=[{"name": "a", "ports": ports}])
    patch = {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80, "name": "web"}]}]}}
    merged = applied(patch, live)["spec"]["containers"][0]["ports"]
    assert merged == [ports[0], {"containerPort": 80, "protocol": "TCP", "name": "web"}]


@pytest.mark.parametrize(("touched", "expected"), [("A", ["9", "3"]), ("C", ["1", "2", "3", "9"])])
def test_duplicates_of_the_object_stay_unless_the_patch_names_them(touched: str, expected: list[str]) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    patch = {"spec": {"containers": [{"name": "a", "env": [{"name": touched, "value": "9"}]}]}}
    merged = applied(patch, pod(containers=[{"name": "a", "env": env}]))
    assert [each["value"] for each in merged["spec"]["containers"][0]["env"]] == expected


def test_items_go_into_an_object_that_has_none() -> None:
    merged = applied({"metadata": {"finalizers": ["x.io/a"], "labels": {"a": "b"}}}, pod())
    assert merged["metadata"] == {"name": "x", "finalizers": ["x.io/a"], "labels": {"a": "b"}}


def test_sets_put_the_patch_first() -> None:
    live = pod() | {"metadata": {"name": "x", "finalizers": ["x.io/a", "x.io/z"]}}
    merged = applied({"metadata": {"finalizers": ["x.io/b", "x.io/a"]}}, live)
    assert merged["metadata"]["finalizers"] == ["x.io/b", "x.io/a", "x.io/z"]


@pytest.mark.parametrize(
    ("live", "patch", "merged"),
    [
        pytest.param({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}, id="maps merge"),
        pytest.param({"a": ["x", "y"]}, {"a": ["z"]}, {"a": ["z"]}, id="a list is replaced"),
        pytest.param({"a": ["x"]}, {"a": ("z",)}, {"a": ("z",)}, id="by a list that an expression made too"),
        pytest.param({"a": [{"name": "x"}]}, {"a": [{"name": "x", "b": 1}]}, {"a": [{"name": "x", "b": 1}]}, id="its maps too"),
        pytest.param({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}, id="a text for a map"),
        pytest.param({"a": {"b": 1}}, {"a": True}, {"a": True}, id="a truth for a map"),
        pytest.param({"a": {"b": 1}}, {"a": 1.5}, {"a": 1.5}, id="a number for a map"),
        pytest.param({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="a map for a text"),
        pytest.param({"a": ["x"]}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="a map for a list"),
        pytest.param({"a": 1}, {"b": {"c": [1]}}, {"a": 1, "b": {"c": [1]}}, id="something new"),
    ],
)  # fmt: skip
def test_where_anything_may_stand_maps_merge_and_all_else_is_replaced(
    live: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]
) -> None:
    """Custom objects with x-kubernetes-preserve-unknown-fields (deduced, in structured-merge-diff)."""
    found = apply_configuration({"kind": "Widget", "spec": live}, {"spec": patch}, ANY)
    assert found == {"kind": "Widget", "spec": merged}


def test_the_kind_is_the_objects_whatever_the_patch_says() -> None:
    assert applied({"kind": "Secret", "apiVersion": "v9"}, pod())["kind"] == "Pod"


def test_nothing_is_changed_in_place() -> None:
    live = pod(containers=containers("a"))
    before = copy.deepcopy(live)
    applied({"spec": {"containers": [{"name": "a", "image": "new"}], "hostname": "h"}}, live)
    assert live == before


def test_values_of_every_type_fit() -> None:
    """A quantity and a port are numbers or texts, a moment is a text."""
    spec: dict[str, Any] = {
        "hostname": "h",
        "priority": 5,
        "hostNetwork": True,
        "overhead": {"cpu": "100m", "memory": 5},
        "containers": [
            {
                "name": "a",
                "image": "a:1",
                "livenessProbe": {"httpGet": {"port": "web"}},
                "readinessProbe": {"httpGet": {"port": 80}},
                "resources": {"limits": {"cpu": 1.5, "memory": "1Gi"}},
            }
        ],
    }
    live = pod(containers=containers("a"))
    assert applied({"spec": spec}, live)["spec"] == spec
    assert applied({"spec": {"hostname": "h"}}, pod(**spec))["spec"] == spec


FITS_NOT = "failed to convert patch object to typed object: "
ATOMIC = "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
REFUSED = [
    ({"spec": {"nonsense": 1}}, FITS_NOT + ".spec.nonsense: field not declared in schema"),
    (
        {"spec": {"hostname": 3}},
        FITS_NOT + ".spec.hostname: expected string, got &value.valueUnstructured{Value:3}",
    ),
    (
        {"spec": {"hostname": ["a"]}},
        FITS_NOT + '.spec.hostname: expected string, got &value.valueUnstructured{Value:[]interface {}{"a"}}',
    ),
    ({"spec": {"hostNetwork": "x"}}, FITS_NOT + ".spec.hostNetwork: expected boolean, got &{x}"),
    ({"spec": {"priority": True}}, FITS_NOT + ".spec.priority: expected numeric (int or float), got bool"),
    (
        {"spec": {"priority": NULL}},
        FITS_NOT + ".spec.priority: expected numeric (int or float), got structpb.NullValue",
    ),
    (
        {"spec": {"overhead": {"cpu": {"a": "b"}}}},
        FITS_NOT + ".spec.overhead.cpu: expected any scalar, got &{map[a:b]}",
    ),
    (
        {"spec": {"overhead": {"cpu": ["a"]}}},
        FITS_NOT + ".spec.overhead.cpu: expected any scalar, got &{[a]}",
    ),
    (
        {"spec": {"overhead": {"cpu": NULL}}},
        FITS_NOT + ".spec.overhead.cpu: expected any scalar, got &{NULL_VALUE}",
    ),
    ({"spec": {"securityContext": "x"}}, FITS_NOT + ".spec.securityContext: expected map, got &{x}"),
    (
        {"spec": {"securityContext": NULL}},
        FITS_NOT + ".spec.securityContext: expected map, got &{NULL_VALUE}",
    ),
    ({"spec": {"containers": {"a": "b"}}}, FITS_NOT + ".spec.containers: expected list, got &{map[a:b]}"),
    (
        {"spec": {"containers": containers("a", "a")}},
        FITS_NOT + '.spec.containers: duplicate entries for key [name="a"]',
    ),
    (
        {"metadata": {"finalizers": ["x.io/a", "x.io/a"]}},
        FITS_NOT + '.metadata.finalizers: duplicate entries for key [="x.io/a"]',
    ),
    (
        {"spec": {"containers": ["a"]}},
        FITS_NOT + ".spec.containers: element 0: associative list with keys may not have non-map elements",
    ),
    (
        {"spec": {"nonsense": 1}, "status": {"odd": 1}},
        FITS_NOT + "errors:\n  .spec.nonsense: field not declared in schema\n"
        "  .status.odd: field not declared in schema",
    ),
    ({"spec": {"nodeSelector": {"a": "b"}}}, ATOMIC + ".spec.nodeSelector"),
    ({"spec": {"tolerations": []}}, ATOMIC + ".spec.tolerations"),
    ({"spec": {"imagePullSecrets": [{"name": "r"}]}}, ATOMIC + ".spec.imagePullSecrets[0]"),
    ({"spec": {"imagePullSecrets": [{}]}}, ATOMIC + ".spec.imagePullSecrets[0]"),
    (
        {"spec": {"containers": [{"name": "a", "args": ["x"], "command": ["y"]}]}},
        ATOMIC + ".spec.containers[0].args, .spec.containers[0].command",
    ),
]


@pytest.mark.parametrize(("patch", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_merged_says_why(patch: dict[str, Any], message: str) -> None:
    with pytest.raises(ApplyError) as caught:
        applied(patch, pod(containers=containers("b")))
    assert str(caught.value) == message


def test_an_object_that_is_not_of_its_kind_cannot_be_merged_into() -> None:
    with pytest.raises(
        ApplyError, match=r"failed to convert original object to typed object: \.spec\.odd: field"
    ):
        applied({}, pod(odd=1))
