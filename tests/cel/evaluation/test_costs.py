"""Costs follow Kubernetes; counting them stays bounded."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.evaluation.budget import EXPRESSION_LIMIT, WORK_LIMIT


def shared(depth: int) -> Any:
    value: Any = ["x"]
    for _ in range(depth):
        value = [value, value]
    return value


@pytest.mark.parametrize(("length", "units"), [(0, 0), (1, 1), (10, 1), (11, 2), (30, 3), (3000, 300)])
def test_a_traversal_is_rounded_up_as_a_double(length: int, units: int) -> None:
    assert costs.scaled(length) == units


def test_a_walk_counts_every_value() -> None:
    assert costs.deep_traversal([1, "a" * 25, {"k" * 10: 2.5}, b"b" * 9]) == 1 + 2 + 1 + 1
    assert costs.deep_traversal("\u00e9" * 5) == 1
    assert costs.deep_size([1, [2, 3], {"a": 4}]) == 8


def test_a_walk_through_shared_parts_ends() -> None:
    assert costs.deep_traversal(shared(60)) == EXPRESSION_LIMIT + 1
    assert costs.deep_size(shared(60)) == WORK_LIMIT + 1


def test_pairs_of_nested_values_count_more_than_pairs_of_plain_ones() -> None:
    assert costs.pairwise([1] * 100, [1] * 100) == 200
    assert costs.pairwise([[1]] * 100, [[1]] * 100) > 10_000


def test_results_beyond_bounds_are_refused() -> None:
    with pytest.raises(EvaluationError, match="result too large"):
        costs.check_length(costs.MAXIMUM_LENGTH + 1)
    with pytest.raises(EvaluationError, match="result too large"):
        costs.check_elements(costs.MAXIMUM_ELEMENTS + 1)
