"""Lists taken as sets: contains, equivalent, intersects (cel-go ext/sets.go)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, list_of, parameter
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.evaluation.values import contains

__all__ = ["LIBRARY"]

_T = list_of(parameter("T"))


def _contains(items: Sequence[Any], part: Sequence[Any]) -> bool:
    if _texts(items) and _texts(part):
        return set(items).issuperset(part)
    return all(contains(items, item) for item in part)


def _intersects(left: Sequence[Any], right: Sequence[Any]) -> bool:
    if _texts(left) and _texts(right):
        return not set(left).isdisjoint(right)
    return any(contains(right, item) for item in left)


def _equivalent(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return _contains(left, right) and _contains(right, left)


def _texts(items: Sequence[Any]) -> bool:
    """Whether Python's sets compare these as CEL does."""
    return all(type(item) is str for item in items)


def _cost(factor: int) -> Callable[[Sequence[Any], Sequence[Any]], int]:
    return lambda left, right: costs.CALL + factor * len(left) * len(right)


def _overload(identifier: str, run: Callable[..., bool], factor: int = 1) -> tuple[Overload]:
    return (Overload(identifier, (_T, _T), BOOL, run, cost=_cost(factor), work=costs.pairwise),)


LIBRARY = Library(
    "cel.lib.ext.sets",
    functions=(
        Function("sets.contains", _overload("list_sets_contains_list", _contains)),
        Function("sets.equivalent", _overload("list_sets_equivalent_list", _equivalent, factor=2)),
        Function("sets.intersects", _overload("list_sets_intersects_list", _intersects)),
    ),
)
