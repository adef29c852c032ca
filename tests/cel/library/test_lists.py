"""List functions keep CEL's equality and order, whatever the lists hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cel.library.expressions import cost, error, evaluate

INTS = st.lists(st.integers(-5, 5), max_size=20)
MANY = list(range(1_000_000))


def nested(depth: int) -> Any:
    value: Any = [1]
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("text", "data", "value"),
    [
        ("object.sum()", [1, 2, 3], 6),
        ("object.sum()", [], 0),
        ("object.sort()", ["b", "a"], ["a", "b"]),
        ("object.sortBy(x, x.n).map(x, x.k)", [{"n": 2, "k": "a"}, {"n": 1, "k": "b"}], ["b", "a"]),
        ("object.distinct()", [1, 1.0, True, "1", [1], [1.0]], [1, True, "1", [1]]),
        ("object.indexOf(1.0)", [True, 1], 1),
        ("object.lastIndexOf({'a': 1})", [{"a": 1}, {"a": 1.0}], 1),
        ("object.flatten(2)", [1, [2, [3, [4]]]], [1, 2, 3, [4]]),
        ("object.slice(1, 2)", [1, 2, 3], [2]),
        ("object.reverse()", [1, "a"], ["a", 1]),
        ("object.map(l, l.sum())", [[1], [1.5], []], [1, 1.5, 0]),
    ],
)
def test_functions_take_lists_of_anything(text: str, data: object, value: object) -> None:
    assert evaluate(text, data) == value


@pytest.mark.parametrize(
    ("text", "data", "message"),
    [
        ("object.sort()", [1, "a"], "list elements must have the same type"),
        ("object.sort()", [[1]], "list elements must be comparable"),
        ("object.min()", [], "min called on empty list"),
        ("object.sum()", [1, "a"], "no such overload"),
        ("object.sum()", [2**63 - 1, 1], "integer overflow"),
        (
            "object.slice(2, 1)",
            [1],
            "cannot slice(2, 1), start index must be less than or equal to end index",
        ),
        ("object.flatten(-1)", [1], "level must be non-negative"),
    ],
)
def test_errors_are_worded_as_in_kubernetes(text: str, data: object, message: str) -> None:
    assert error(text, data) == message


@pytest.mark.parametrize(
    "text",
    [
        "[object, object].map(l, l.sum())",
        "lists.range(2000000)",
        "object.distinct()",
        "object.map(x, x).sort()",
        "lists.range(200).all(i, object.sort().size() > 0)",
        "lists.range(200).all(i, object.indexOf(-1) < 0)",
        "lists.range(200).all(i, [object, object].flatten().size() > 0)",
    ],
)
def test_long_lists_run_out_of_budget(text: str) -> None:
    assert "cost" in error(text, MANY)


def test_deep_nesting_is_no_danger() -> None:
    assert evaluate("object.flatten(100000)", nested(5_000)) == [1]
    assert evaluate("object.indexOf(object[0])", nested(5_000)) == 0
    assert evaluate("object.distinct().size()", [nested(5_000), nested(5_000)]) == 1


def test_shared_parts_do_not_explode() -> None:
    shared: Any = [1]
    for _ in range(60):
        shared = [shared, shared]
    for text in ("object.flatten(100)", "object.indexOf(1)"):
        assert error(text, shared)


def test_sorting_costs_nothing_extra_where_types_are_not_known() -> None:
    """cel-go prices its own functions by overload, and finds none for a list of dyn."""
    assert cost("object.sort()", [3, 1, 2]) == 2
    assert cost("[3, 1, 2].sort()") == 10 + 2 * 9 + 11 - 10


@given(INTS)
def test_sorted_lists_are_sorted_and_hold_the_same(numbers: list[int]) -> None:
    result = evaluate("object.sort()", numbers)
    assert result == sorted(numbers)
    assert evaluate("object.sort().isSorted()", numbers) is True


@given(INTS)
def test_reversing_twice_changes_nothing(numbers: list[int]) -> None:
    assert evaluate("object.reverse().reverse()", numbers) == numbers


@given(INTS)
def test_distinct_keeps_the_first_of_each(numbers: list[int]) -> None:
    assert evaluate("object.distinct()", numbers) == list(dict.fromkeys(numbers))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers()), max_size=12))
def test_sorting_twelve_by_a_key_keeps_the_order_of_equals(pairs: list[tuple[int, int]]) -> None:
    data = [list(pair) for pair in pairs]
    assert evaluate("object.sortBy(x, x[0])", data) == sorted(data, key=lambda pair: pair[0])
