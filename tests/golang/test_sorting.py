"""Go's order of what is equal; more of it is in tests/cel/library/recorded.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.golang.sorting import sorted_as_go_does


@given(st.lists(st.integers(0, 9), max_size=200))
def test_it_is_an_order_of_all_positions(keys: list[int]) -> None:
    order = sorted_as_go_does(keys)
    assert sorted(order) == list(range(len(keys)))
    assert [keys[position] for position in order] == sorted(keys)


@given(st.lists(st.integers(), unique=True, max_size=100))
def test_where_nothing_is_equal_it_is_everybody_s(keys: list[int]) -> None:
    assert sorted_as_go_does(keys) == sorted(range(len(keys)), key=keys.__getitem__)


@given(st.lists(st.integers(0, 2), max_size=12))
def test_a_short_list_is_sorted_stably(keys: list[int]) -> None:
    assert sorted_as_go_does(keys) == sorted(range(len(keys)), key=keys.__getitem__)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([number % 3 for number in range(13)], [6, 3, 0, 9, 12, 1, 4, 7, 10, 2, 5, 8, 11]),
        ([number % 2 for number in range(20)],
         [10, 18, 2, 16, 4, 0, 6, 14, 8, 12, 5, 11, 9, 13, 7, 15, 3, 17, 1, 19]),
        ([3.0, float("nan"), 1.0], [0, 1, 2]),
    ],
)  # fmt: skip
def test_it_is_what_go_1_26_gives(keys: list[float], expected: list[int]) -> None:
    assert sorted_as_go_does(keys) == expected


def test_one_that_is_bad_for_quicksort_ends_by_a_heap() -> None:
    keys = [0] * 2000
    for place in range(2000):  # an organ pipe of few values, with many bad pivots
        keys[place] = min(place, 1999 - place) % 7 * (place % 13)
    assert [keys[position] for position in sorted_as_go_does(keys)] == sorted(keys)
