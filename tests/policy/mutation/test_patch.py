"""JSON patches, as a live kube-apiserver 1.36.3 applied them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.mutation.patch import (
    Operation,
    PatchError,
    TestFailed,
    apply,
    copied,
    difference,
    same,
)

DOCUMENT: dict[str, Any] = {
    "metadata": {"name": "x"},
    "data": {"a": "1"},
    "empty": {},
    "list": ["a", "b"],
    "size": 1,
    "a/b": {"m~n": "found"},
}

APPLIES = [
    ("add", "/data/b", "", "2", "data", {"a": "1", "b": "2"}),
    ("add", "/data/a", "", "2", "data", {"a": "2"}),
    ("add", "/data/b", "", ABSENT, "data", {"a": "1", "b": None}),
    ("add", "/list/-", "", "c", "list", ["a", "b", "c"]),
    ("add", "/list/1", "", "c", "list", ["a", "c", "b"]),
    ("add", "/list/2", "", "c", "list", ["a", "b", "c"]),
    ("add", "/list/+1", "", "c", "list", ["a", "c", "b"]),
    ("add", "/list/-1", "", "c", "list", ["a", "b", "c"]),
    ("add", "/a~1b/x~01", "", "new", "a/b", {"m~n": "found", "x~1": "new"}),
    ("add", "data/b", "", "2", "b", "2"),
    ("remove", "/data/a", "", ABSENT, "data", {}),
    ("remove", "/list/-1", "", ABSENT, "list", ["a"]),
    ("replace", "/data/b", "", "2", "data", {"a": "1", "b": "2"}),
    ("replace", "/list/-1", "", "z", "list", ["a", "z"]),
    ("move", "/data/c", "/data/a", ABSENT, "data", {"c": "1"}),
    ("copy", "/data/c", "/data/a", ABSENT, "data", {"a": "1", "c": "1"}),
    ("copy", "/data/c", "/data/none", ABSENT, "data", {"a": "1", "c": None}),
    ("test", "/a~1b/m~0n", "", "found", "size", 1),
    ("test", "/size", "", 1.0, "size", 1),
    ("test", "/empty", "", None, "size", 1),
    ("test", "/none", "", ABSENT, "size", 1),
]


@pytest.mark.parametrize(("op", "path", "origin", "value", "key", "expected"), APPLIES)
def test_an_operation_applies(
    op: str, path: str, origin: str, value: object, key: str, expected: object
) -> None:
    assert apply(DOCUMENT, [Operation(op, path, origin, value)])[key] == expected


FAILS = yaml.safe_load((Path(__file__).parent / "data" / "jsonpatch_failures.yaml").read_text("utf-8"))


@pytest.mark.parametrize(("op", "path", "origin", "message"), FAILS)
def test_a_patch_that_does_not_apply_says_why(op: str, path: str, origin: str, message: str) -> None:
    with pytest.raises(PatchError) as caught:
        apply(DOCUMENT, [Operation(op, path, origin, "v")])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "value"),
    [("/data/a", "2"), ("/data/a", None), ("/data/a", ABSENT), ("/none", None), ("/size", True), ("", {})],
)
def test_a_failing_test_is_told_apart(path: str, value: object) -> None:
    with pytest.raises(TestFailed):
        apply(DOCUMENT, [Operation("test", path, "", value)])


def test_the_document_and_the_values_stay_as_they_are() -> None:
    before, value = copy.deepcopy(DOCUMENT), {"k": ["v"]}
    patched = apply(DOCUMENT, [Operation("add", "/n", "", value), Operation("add", "/n/k/-", "", "w")])
    assert patched["n"] == {"k": ["v", "w"]}
    assert before == DOCUMENT
    assert value == {"k": ["v"]}


def test_the_root_can_be_replaced() -> None:
    assert apply(DOCUMENT, [Operation("replace", "", "", {"b": 1})]) == {"b": 1}


def test_a_document_nested_deep_is_copied_and_compared() -> None:
    deep: Any = "end"
    for _ in range(5_000):
        deep = {"a": [deep]}
    assert same(copied({"d": deep}), {"d": deep})
    assert difference({"d": deep}, {"d": {"b": 1}})[0]["op"] in ("add", "replace", "remove")


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "~", "/", "0", "é"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab~/01é"), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "~1", "a/b", ""]), VALUES, max_size=4)


@given(before=OBJECTS, after=OBJECTS)
def test_the_difference_applied_gives_exactly_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    patch = difference(before, after)
    assert same(jsonpatch.apply_patch(before, list(patch)), after)
    assert bool(patch) != same(before, after)


def test_one_and_true_are_not_the_same() -> None:
    assert difference({"a": 1}, {"a": True}) == ({"op": "replace", "path": "/a", "value": True},)
