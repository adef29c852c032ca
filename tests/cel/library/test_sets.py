"""Sets of anything, by CEL's equality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cel.library.expressions import cost, error, evaluate

VALUES = st.lists(st.sampled_from([1, 1.0, 2, "a", "b", True, None, [1], [1.0]]), max_size=5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sets.contains([1, 2], dyn([2.0]))", True),
        ("sets.contains([true], dyn([1]))", False),
        ("sets.contains([], [])", True),
        ("sets.equivalent(['a', 'b'], ['b', 'a', 'a'])", True),
        ("sets.intersects([[1]], dyn([[1u]]))", True),
        ("sets.intersects(['a'], [])", False),
    ],
)
def test_lists_are_taken_as_sets(text: str, value: bool) -> None:
    assert evaluate(text) is value


def test_the_product_of_the_lengths_is_charged() -> None:
    assert cost("sets.contains(object, object)", list(range(30))) == 2 + 900 + 1
    assert cost("sets.equivalent(object, object)", list(range(30))) == 2 + 1800 + 1
    assert "cost" in error("sets.contains(object, object)", list(range(2_000)))


def test_many_deep_elements_run_out_of_budget() -> None:
    deep = [[[0] * 2_000, number] for number in range(500)]
    assert "cost" in error("sets.contains(object, object.map(x, x))", deep)


@given(VALUES, VALUES)
def test_sets_have_their_algebra(left: list[object], right: list[object]) -> None:
    data = {"a": left, "b": right}
    assert evaluate("sets.contains(object.a + object.b, object.a)", data) is True
    assert (
        evaluate("sets.intersects(object.a, object.b) == sets.intersects(object.b, object.a)", data) is True
    )
    both = evaluate("sets.contains(object.a, object.b) && sets.contains(object.b, object.a)", data)
    assert evaluate("sets.equivalent(object.a, object.b)", data) is both
