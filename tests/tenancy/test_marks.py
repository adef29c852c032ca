"""What an object hands on to what is made from it."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.tenancy.forms import Unreadable
from gatekeeper_py.tenancy.marks import marks

OURS = "tenancy.gatekeeper-py.dev/protected"
TAGS = {"a": "b"}
FOUND: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "a template of pods": (
        {"spec": {"template": {"metadata": {"labels": TAGS}}}},
        [("spec.template.metadata.labels", "a", "b")],
    ),
    "claims": (
        {"spec": {"volumeClaimTemplates": [{"metadata": {"annotations": TAGS}}]}},
        [("spec.volumeClaimTemplates[0].metadata.annotations", "a", "b")],
    ),
    "labels by any name": ({"spec": {"podLabels": TAGS}}, [("spec.podLabels", "a", "b")]),
    "annotations by any name": ({"spec": {"extraAnnotations": TAGS}}, [("spec.extraAnnotations", "a", "b")]),
    "a list of labels": ({"spec": {"labels": [{"name": "a", "value": "b"}]}}, [("spec.labels[0]", "a", "b")]),
    "a list of keys": ({"spec": {"labels": [{"key": "a", "value": "b"}]}}, [("spec.labels[0]", "a", "b")]),
    "labels as text": ({"spec": {"labels": ["a=b"]}}, [("spec.labels[0]", "a", "b")]),
    "a value that is no text": ({"spec": {"labels": {"a": 1}}}, [("spec.labels", "a", "")]),
    "the platform's prefix, whatever the map is called": (
        {"spec": {"tags": {OURS: "true", "a": "b"}}},
        [("spec.tags", OURS, "true")],
    ),
    "the platform's prefix before a map": ({"spec": {OURS: {"x": 1}}}, [("spec", OURS, "")]),
    "what a revision holds": (
        {"data": {"spec": {"template": {"metadata": {"labels": TAGS}}}}},
        [("data.spec.template.metadata.labels", "a", "b")],
    ),
    "its own labels are judged as such": ({"metadata": {"labels": TAGS}}, []),
    "status says what is": ({"status": {"labels": TAGS}}, []),
    "a selector asks": ({"spec": {"selector": {"matchLabels": {OURS: "x"}}}}, []),
    "by whatever name": ({"spec": {"instanceSelector": {"labels": {OURS: "x"}}}}, []),
    "an affinity asks, too": ({"spec": {"nodeAffinity": {"labels": {OURS: "x"}}}}, []),
    "other maps hold anything": ({"spec": {"settings": TAGS}, "data": TAGS}, []),
    "nothing": ({}, []),
}


@pytest.mark.parametrize(("body", "found"), FOUND.values(), ids=FOUND)
def test_marks_of_an_object(body: dict[str, Any], found: list[tuple[str, str, str]]) -> None:
    assert [tuple(mark) for mark in marks(body)] == found


def test_an_object_as_deep_as_it_likes_is_walked_but_a_mark_so_deep_is_not_read() -> None:
    body: dict[str, Any] = {"y": 1}
    for _ in range(10_000):
        body = {"x": [body]}
    assert list(marks(body)) == []
    deep: dict[str, Any] = {"labels": TAGS}
    for _ in range(10_000):
        deep = {"x": [deep]}
    with pytest.raises(Unreadable):
        list(marks(deep))
