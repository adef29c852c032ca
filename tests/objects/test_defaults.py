"""Defaults against what a kube-apiserver 1.36.3 showed to validating admission.

`data/admitted.jsonl` holds manifests of our own and what a recording webhook saw of each on a dry run;
tests/e2e/test_defaults.py records them anew.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.defaults import UnreadableObject, apply_defaults
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Served

Json = dict[str, Any]

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "admitted.jsonl").read_text(encoding="utf-8").splitlines()
]


def served(value: Json) -> Served | None:
    return Kinds.builtin().served(GroupVersionKind.parse(value["apiVersion"], value["kind"]))


def identity(pair: Json) -> str:
    return f"{pair['object']['kind']}/{pair['object']['metadata'].get('name', '')}"


@pytest.mark.parametrize("pair", RECORDED, ids=identity)
def test_an_object_gets_what_the_api_server_gives_it(pair: Json) -> None:
    before = copy.deepcopy(pair["object"])
    made = apply_defaults(pair["object"], served(pair["object"]), namespace="foo")
    assert made == pair["admitted"]
    assert pair["object"] == before, "the argument was changed"


ADDED_AGAIN = {
    "Job/j3": "a Job without labels takes those its template has by then",
    "Pod/gated": "matchLabelKeys are added to the selector at every creation",
}


@pytest.mark.parametrize(
    "pair", [pair for pair in RECORDED if identity(pair) not in ADDED_AGAIN], ids=identity
)
def test_defaults_of_a_defaulted_object_change_nothing(pair: Json) -> None:
    assert apply_defaults(pair["admitted"], served(pair["object"]), namespace="foo") == pair["admitted"]


def pod(**spec: object) -> Json:
    containers = [{"name": "a", "image": "a:1"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": containers} | spec,
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("a.example.com:5000/b/c:1", "IfNotPresent"),
        ("nginx@sha256:" + "0" * 64, "IfNotPresent"),
        ("nginx:latest@sha256:" + "0" * 64, "Always"),
        (".example.com/not-an-image", "IfNotPresent"),
        ("UPPER", "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    made = apply_defaults(pod(containers=[{"name": "a", "image": image}]), None)
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


CLUSTER = Snapshot(
    [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "low"},
            "value": -5,
            "globalDefault": True,
            "preemptionPolicy": "Never",
        },
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 1000,
        },
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "kata"},
            "handler": "kata",
            "overhead": {"podFixed": {"cpu": "0.25", "memory": "160Mi"}},
            "scheduling": {
                "nodeSelector": {"vm": "yes"},
                "tolerations": [{"key": "vm", "operator": "Exists"}],
            },
        },
        *(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {
                    "name": name,
                    "creationTimestamp": created,
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
                },
                "provisioner": "x",
            }
            for name, created in (("old", "2020-01-01T00:00:00Z"), ("new", "2024-01-01T00:00:00Z"))
        ),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {
                "name": "nginx",
                "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"},
            },
            "spec": {"controller": "x"},
        },
    ]
)


def test_a_pod_gets_the_overhead_and_the_scheduling_of_its_runtime_class() -> None:
    spec = apply_defaults(pod(runtimeClassName="kata"), None, CLUSTER)["spec"]
    assert spec["overhead"] == {"cpu": "250m", "memory": "160Mi"}
    assert spec["nodeSelector"] == {"vm": "yes"}
    assert {"key": "vm", "operator": "Exists"} in spec["tolerations"]


@pytest.mark.parametrize(
    ("given", "name", "value", "policy"),
    [
        ({}, "low", -5, "Never"),
        ({"priorityClassName": "high"}, "high", 1000, "PreemptLowerPriority"),
        (
            {"priorityClassName": "system-node-critical"},
            "system-node-critical",
            2_000_001_000,
            "PreemptLowerPriority",
        ),
    ],
)
def test_a_pod_gets_the_number_of_its_priority_class(given: Json, name: str, value: int, policy: str) -> None:
    spec = apply_defaults(pod(**given), None, CLUSTER)["spec"]
    assert (spec["priorityClassName"], spec["priority"], spec["preemptionPolicy"]) == (name, value, policy)


def test_a_priority_class_nobody_can_see_gives_no_number() -> None:
    assert "priority" not in apply_defaults(pod(priorityClassName="elsewhere"), None, CLUSTER)["spec"]


def test_a_claim_and_an_ingress_get_the_default_classes_unless_they_name_one() -> None:
    claim: Json = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {}}
    ingress: Json = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "i"},
        "spec": {},
    }
    assert apply_defaults(claim, None, CLUSTER)["spec"]["storageClassName"] == "new"
    assert apply_defaults(ingress, None, CLUSTER)["spec"]["ingressClassName"] == "nginx"
    claim["spec"] = {"storageClassName": ""}
    ingress["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "x"}
    assert apply_defaults(claim, None, CLUSTER)["spec"]["storageClassName"] == ""
    assert "ingressClassName" not in apply_defaults(ingress, None, CLUSTER)["spec"]


def test_an_update_keeps_what_the_request_may_not_change() -> None:
    old = apply_defaults(pod(), served(pod()))
    changed = pod(containers=[{"name": "a", "image": "b:2"}])
    made = apply_defaults(changed, served(changed), operation="UPDATE", old=old)
    assert made["spec"]["containers"][0]["image"] == "b:2"
    assert made["status"] == old["status"]
    assert made["spec"]["priority"] == 0


def test_an_update_of_the_status_keeps_the_spec() -> None:
    old = apply_defaults(pod(), served(pod()))
    changed = {**pod(hostNetwork=True), "status": {"phase": "Running"}}
    made = apply_defaults(changed, None, operation="UPDATE", subresource="status", old=old)
    assert made["spec"] == old["spec"]
    assert made["status"] == {"phase": "Running", "qosClass": "BestEffort"}


DEFINITION: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "default": {},
                                "properties": {
                                    "size": {"type": "integer", "default": 3},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "items": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "properties": {"on": {"type": "boolean", "default": False}},
                                        },
                                    },
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}


def widget(**fields: object) -> Json:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}} | fields


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        ({}, {"size": 3}),
        ({"spec": {"size": None, "other": 1}}, {"size": 3}),
        (
            {"spec": {"size": 4, "free": {"a": [1]}, "items": [{}]}},
            {"size": 4, "free": {"a": [1]}, "items": [{"on": False}]},
        ),
    ],
)
def test_a_custom_object_is_pruned_and_gets_the_defaults_of_its_schema(given: Json, spec: Json) -> None:
    view = Snapshot([DEFINITION])
    made = apply_defaults(widget(status={"x": 1}, extra=1, **given), None, view)
    assert made == widget(spec=spec)


def test_an_object_of_a_kind_nobody_knows_comes_back_as_it_is() -> None:
    assert apply_defaults(widget(spec={"a": None}), None, Snapshot()) == widget(spec={"a": None})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pod(containers="x"), "spec.containers must be a list, not 'x'"),
        (pod(containers=[5]), "spec.containers[0] must be a map, not 5"),
        (pod(hostNetwork="yes"), "spec.hostNetwork must be true or false, not 'yes'"),
        (pod(priority=True), "spec.priority must be a whole number, not True"),
        (pod(priority=1.5), "spec.priority must be a whole number, not 1.5"),
        (pod(overhead={"cpu": "much"}), "spec.overhead.cpu must be a quantity, not 'much'"),
        (pod(nodeName=["n"]), "spec.nodeName must be text, not a list"),
        ({**pod(), "metadata": "x"}, "metadata must be a map, not 'x'"),
        ({**widget(), "metadata": {"labels": []}}, "metadata.labels must be a map, not a list"),
    ],
)
def test_what_the_types_cannot_hold_is_refused_with_its_place(value: Json, message: str) -> None:
    with pytest.raises(UnreadableObject) as caught:
        apply_defaults(value, None)
    assert str(caught.value) == message


def test_a_bottomless_object_is_refused() -> None:
    deep: Json = {}
    inner = deep
    for _ in range(5000):
        inner["a"] = {}
        inner = inner["a"]
    with pytest.raises(UnreadableObject, match="nested less deeply"):
        apply_defaults(widget(spec=deep), None)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document."""
    yield path
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from paths(inner, (*path, key))


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    made = copy.copy(value)
    made[path[0]] = replaced(value[path[0]], path[1:], new)
    return made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(RECORDED), st.data())
def test_whatever_stands_anywhere_in_an_object_is_taken_or_refused(pair: Json, data: st.DataObject) -> None:
    """A tenant writes the manifest: nothing in it may crash what reads it."""
    value = pair["object"]
    path = data.draw(st.sampled_from([place for place in paths(value) if place]))
    hostile = replaced(value, path, data.draw(JSON))
    with contextlib.suppress(UnreadableObject):
        made = apply_defaults(hostile, None, CLUSTER)
        apply_defaults(made, None, CLUSTER, operation="UPDATE", old=made)
        apply_defaults(made, None, CLUSTER, operation="UPDATE", subresource="status", old=made)
