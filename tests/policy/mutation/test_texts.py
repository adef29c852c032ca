"""Patches that only add texts leave what any other way of applying them leaves."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.mutation.conversion import DecodingError, decode
from gatekeeper_py.policy.mutation.patch import Operation, PatchError, apply
from gatekeeper_py.policy.mutation.texts import with_texts
from tests.policy.support import POD, Json

PODS = GroupVersionKind("", "v1", "Pod")
WIDGETS = GroupVersionKind("cases.example.com", "v1", "Widget")
LABELED: Json = {**POD, "metadata": {**POD["metadata"], "labels": {"a": "1", "b/c": "2"}}}


def adding(path: str, value: Any = "x", op: str = "add") -> Operation:
    return Operation(op, path, value=value)


LEAVES: dict[str, tuple[list[Operation], Json]] = {
    "a label": ([adding("/metadata/labels/b~1d")], {"a": "1", "b/c": "2", "b/d": "x"}),
    "a label again": ([adding("/metadata/labels/a")], {"a": "x", "b/c": "2"}),
    "two labels": (
        [adding("/metadata/labels/d"), adding("/metadata/labels/e")],
        {"a": "1", "b/c": "2", "d": "x", "e": "x"},
    ),
    "all labels": ([adding("/metadata/labels", {"x": "y"})], {"x": "y"}),
    "all labels and one": (
        [adding("/metadata/labels", {"x": "", "y": "z"}), adding("/metadata/labels/d")],
        {"x": "", "y": "z", "d": "x"},
    ),
    "before the first slash": ([adding("odd/metadata/labels/d")], {"a": "1", "b/c": "2", "d": "x"}),
}


@pytest.mark.parametrize(("operations", "labels"), LEAVES.values(), ids=LEAVES)
def test_a_text_is_added_and_the_rest_stays(operations: list[Operation], labels: Json) -> None:
    before = copy.deepcopy(LABELED)
    made = with_texts(LABELED, operations, PODS)
    assert made == {**LABELED, "metadata": {**LABELED["metadata"], "labels": labels}}
    assert before == LABELED
    assert made["spec"] is LABELED["spec"]


OTHERWISE: dict[str, Operation] = {
    "another operation": adding("/metadata/labels/a", op="replace"),
    "no text": adding("/metadata/labels/a", 1),
    "an empty text": adding("/spec/nodeName", ""),
    "an empty map": adding("/spec/nodeSelector", {}),
    "a map of more than texts": adding("/metadata/labels", {"x": "y", "z": 1}),
    "a map for a text": adding("/spec/nodeName", {"x": "y"}),
    "a map for a structure": adding("/spec/securityContext", {"fsGroupChangePolicy": "Always"}),
    "a text for a map": adding("/metadata/labels"),
    "a field that the kind has not": adding("/spec/unknown"),
    "below a field that the kind has not": adding("/unknown/x"),
    "a map that is not there": adding("/metadata/annotations/a"),
    "below a text": adding("/metadata/name/a"),
    "within a list": adding("/spec/containers/0/name"),
    "a number": adding("/spec/priority"),
    "a quantity": adding("/spec/overhead/cpu", "1000m"),
    "a time": adding("/metadata/creationTimestamp"),
    "what the object is": adding("/kind"),
    "the root": adding(""),
    "nowhere": adding("metadata"),
}


@pytest.mark.parametrize("operation", OTHERWISE.values(), ids=OTHERWISE)
def test_of_any_other_patch_nothing_is_said(operation: Operation) -> None:
    live = {**LABELED, "spec": {**LABELED["spec"], "overhead": {}}, "unknown": {}}
    assert with_texts(live, [operation], PODS) is None


@pytest.mark.parametrize("said", [{"kind": "Other"}, {"apiVersion": "v2"}])
def test_of_an_object_that_says_to_be_another_nothing_is_said(said: Json) -> None:
    assert with_texts({**LABELED, **said}, [adding("/metadata/labels/a")], PODS) is None


def test_of_a_custom_kind_nothing_is_said() -> None:
    live = {"apiVersion": "cases.example.com/v1", "kind": "Widget", "spec": {"a": {"b": "c"}}}
    assert with_texts(live, [adding("/spec/a/b")], WIDGETS) is None


PATHS = [
    "/metadata/labels/a",
    "/metadata/labels/b~1c",
    "/metadata/labels/b/c",
    "/metadata/labels",
    "/metadata/annotations/a",
    "/metadata/name",
    "/spec/nodeName",
    "/spec/nodeSelector/a",
    "/spec/nodeSelector/a~0b",
    "/spec/securityContext/fsGroup",
    "/spec/securityContext/seccompProfile/type",
    "/spec/containers/0/image",
    "/spec/b~1c",
    "/status/phase",
]
TEXTS: list[Any] = ["x", "y", "x", {"a": "x"}, {"a": "", "b/c": "2"}]
SPECS: list[Json] = [
    {},
    {"nodeSelector": {}},
    {"nodeSelector": {"a": "x"}, "securityContext": {"seccompProfile": {}}},
    {"unknown": None, "nodeName": ""},
    {"nodeSelector": None, "securityContext": {"fsGroup": "x"}},
]


@pytest.mark.parametrize("seed", range(200))
def test_what_is_left_is_what_applying_and_reading_leave(seed: int) -> None:
    random = Random(seed)
    live = {**random.choice([POD, LABELED]), **({"status": {}} if random.random() < 0.5 else {})}
    live["spec"] = {**live["spec"], **random.choice(SPECS)}
    items = [*live.items()]
    random.shuffle(items)
    live = dict(items)
    operations = [adding(random.choice(PATHS), random.choice(TEXTS)) for _ in range(random.randint(1, 3))]
    kept = copy.deepcopy(live)
    made = with_texts(live, operations, PODS)
    assert live == kept
    if made is None:
        return
    try:
        expected = decode(apply(live, operations), live, PODS)
    except (PatchError, DecodingError) as error:
        pytest.fail(f"{error} of {operations}")
    assert repr(made) == repr(expected)
