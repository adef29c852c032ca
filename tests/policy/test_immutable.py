"""To all but the clock they are frozen dataclasses."""

from __future__ import annotations

import pickle

import pytest

from gatekeeper_py.policy.immutable import immutable, replace


@immutable(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0


def test_equal_values_are_one_key() -> None:
    assert {Point(1): "a"}[Point(1, 0)] == "a"
    assert Point(1) != Point(2)


def test_it_can_be_replaced_in_part_and_sent_to_another_process() -> None:
    before = Point(1)
    assert pickle.loads(pickle.dumps(replace(before, y=2))) == Point(1, 2)
    assert before == Point(1, 0)


def test_it_has_no_other_fields() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        replace(Point(1), z=3)  # type: ignore[call-arg]
