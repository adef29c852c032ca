from __future__ import annotations

from gatekeeper_py.policy.evaluation.lazy import lazy


class Counting:
    def __init__(self) -> None:
        self.asked = 0

    @lazy
    def number(self) -> int:
        """How often it was asked for."""
        self.asked += 1
        return self.asked

    @lazy
    def nothing(self) -> None:
        self.asked += 10


def test_a_value_is_made_once_for_each_object() -> None:
    one, other = Counting(), Counting()
    assert [one.number, one.number, other.number] == [1, 1, 1]
    assert (one.asked, other.asked) == (1, 1)


def test_nothing_is_a_value_too() -> None:
    one = Counting()
    assert (one.nothing, one.nothing, one.asked) == (None, None, 10)
