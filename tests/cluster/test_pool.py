"""Equal parts of objects are one."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster import pool
from gatekeeper_py.cluster.pool import LONGEST, Pool

Json = dict[str, Any]


def pod(name: str) -> Json:
    labels = {"app": "web"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"volumes": [{"name": "data"}]}}


def test_objects_stay_what_they_are_and_share_what_is_equal() -> None:
    held = Pool()
    one, other = held.share(pod("a")), held.share(pod("b"))
    assert (one, other) == (pod("a"), pod("b"))
    assert one["spec"] is other["spec"]
    assert one["metadata"]["labels"] is other["metadata"]["labels"]


def test_numbers_and_truth_are_not_one() -> None:
    held = Pool()
    assert repr(held.share({"spec": {"a": 1}})) == "{'spec': {'a': 1}}"
    assert repr(held.share({"spec": {"a": True}})) == "{'spec': {'a': True}}"
    assert repr(held.share({"spec": {"a": 1.0}})) == "{'spec': {'a': 1.0}}"


def test_long_parts_are_not_remembered() -> None:
    held = Pool()
    long = {"spec": {"a": "x" * LONGEST}}
    assert held.share(long)["spec"] is long["spec"]
    assert held.share({"spec": dict(long["spec"])})["spec"] is not long["spec"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST", 2)
    held = Pool()
    first = held.share({"spec": {"a": 1}})
    for number in range(2, 5):
        held.share({"spec": {"a": number}})
    assert held.share({"spec": {"a": 1}})["spec"] is not first["spec"]
