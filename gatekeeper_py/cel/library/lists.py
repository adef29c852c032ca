"""Lists: version 3 of cel-go's extension (ext/lists.go) and Kubernetes' own functions
(apiserver/pkg/cel/library/lists.go).

Elements with equal keys are left in the order in which Go's sort leaves them: as they were up to twelve
elements, beyond as its steps have it (`golang/sorting.py`).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    parameter,
)
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs, values
from gatekeeper_py.cel.evaluation.values import Duration, Timestamp, UInt, type_name
from gatekeeper_py.cel.syntax.macros import LISTS
from gatekeeper_py.golang.sorting import sorted_as_go_does

__all__ = ["LIBRARY"]

_T = parameter("T")
_A = parameter("A")

COMPARABLE: Final = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
"""In the order of the overloads, which decides for an empty list of dyn."""
SUMMABLE: Final = (INT, UINT, DOUBLE, DURATION)

_COMPARABLE_NAMES = frozenset(
    {
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "google.protobuf.Duration",
        "google.protobuf.Timestamp",
    }
)

Items = Sequence[Any]


def _slice(items: Items, start: int, end: int) -> Items:
    if start < 0 or end < 0:
        raise EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvaluationError(
            f"cannot slice({start}, {end}), start index must be less than or equal to end index"
        )
    if len(items) < end:
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _flatten(items: Items, depth: int = 1) -> list[Any]:
    """Lists in lists, down to a depth, made one; keeps its own stack, because data may be nested deep."""
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    flat: list[Any] = []
    pending = [iter(items)]
    while pending:
        for item in pending[-1]:
            if isinstance(item, (list, tuple)) and len(pending) <= depth:
                pending.append(iter(item))
                break
            flat.append(item)
        else:
            pending.pop()
    return flat


def _flat_size(items: Items, depth: int = 1) -> int:
    """How many elements there are to flatten; refused when too many, for lists may share their parts."""
    count = level = 0
    parts = [items]
    while parts:
        count += sum(map(len, parts))
        costs.check_elements(count)
        if level >= depth:
            break
        parts = [item for part in parts for item in part if isinstance(item, (list, tuple))]
        level += 1
    return count


def _range(end: int) -> list[int]:
    costs.check_elements(end)
    return list(range(end))


def _reverse(items: Items) -> Items:
    return items[::-1]


def _distinct(items: Items) -> list[Any]:
    if all(type(item) is str for item in items):
        return list(dict.fromkeys(items))
    found: list[Any] = []
    for item in items:
        if not any(values.equal(item, other) for other in found):
            found.append(item)
    return found


def _sort(items: Items) -> Items:
    return _sort_by(items, items)


def _sort_by(items: Items, keys: Items) -> Items:
    """The items in the order of their keys."""
    if len(items) != len(keys):
        raise EvaluationError(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, "
            f"but got {len(items)} and {len(keys)} elements respectively"
        )
    if not items:
        return items
    name = type_name(keys[0])
    if name not in _COMPARABLE_NAMES:
        raise EvaluationError("list elements must be comparable")
    if len({type_name(key) for key in keys}) > 1:
        raise EvaluationError("list elements must have the same type")
    return [items[position] for position in _in_order(_ranks(keys))]


def _in_order(ranks: Items) -> list[int]:
    """Positions in Go's order; where no two are equal, and all have an order, it is everybody's."""
    if not any(rank != rank for rank in ranks) and len(set(ranks)) == len(ranks):
        return sorted(range(len(ranks)), key=ranks.__getitem__)
    return sorted_as_go_does(ranks)


def _ranks(keys: Items) -> Items:
    """What Python orders as CEL orders the keys."""
    first = keys[0]
    if isinstance(first, (Duration, Timestamp)):
        return [key.nanoseconds for key in keys]
    if isinstance(first, float):
        return [values.normal(key) for key in keys]
    return keys


def _check(item: Any, names: frozenset[str]) -> None:
    if type_name(item) not in names:
        raise EvaluationError("no such overload")


def _order(left: Any, right: Any) -> int:
    """The order of two elements; 0 where there is none, which Kubernetes takes no offence at."""
    try:
        return values.compare(left, right)
    except EvaluationError:
        return 0


def _plain(items: Items) -> bool:
    """Whether Python orders these as CEL does, and knows how."""
    kinds = set(map(type, items))
    return len(kinds) == 1 and kinds <= _PLAIN


_PLAIN = frozenset({bool, int, str, bytes})


def _is_sorted(items: Items) -> bool:
    if _plain(items):
        return all(map(operator.le, items, items[1:]))
    for number, item in enumerate(items):
        _check(item, _COMPARABLE_NAMES)
        if number and _order(items[number - 1], item) > 0:
            return False
    return True


def _best(items: Items, name: str, worse: int) -> Any:
    """The element that compares as `worse` with no later one."""
    if not items:
        raise EvaluationError(f"{name} called on empty list")
    if _plain(items):
        return min(items) if worse > 0 else max(items)
    best = items[0]
    _check(best, _COMPARABLE_NAMES)
    for item in items[1:]:
        _check(item, _COMPARABLE_NAMES)
        if _order(best, item) == worse:
            best = item
    return best


def _sum(items: Items, zero: Any) -> Any:
    if type(zero) is int and set(map(type, items)) == {int}:
        bound = max(max(items), -min(items))
        if bound * len(items) <= values.INT_MAX:
            return sum(items)
    total = zero
    for item in items:
        total = _add(total, item)
    return total


def _add(total: Any, item: Any) -> Any:
    item = values.normal(item)
    if type(item) is not type(total):
        raise EvaluationError("no such overload")
    if isinstance(total, Duration):
        return values.check_duration(total.nanoseconds + item.nanoseconds)
    if isinstance(total, float):
        return total + item
    return values.check_uint(total + item) if isinstance(total, UInt) else values.check_int(total + item)


def _index_of(items: Items, item: Any) -> int:
    if type(item) is str:
        return items.index(item) if item in items else -1
    return next((number for number, other in enumerate(items) if values.equal(other, item)), -1)


def _last_index_of(items: Items, item: Any) -> int:
    if type(item) is str:
        return len(items) - 1 - items[::-1].index(item) if item in items else -1
    return next((number for number in range(len(items) - 1, -1, -1) if values.equal(items[number], item)), -1)


def _created(count: int, factor: float = 1.0) -> int:
    """Units for a call that makes a list, of so many elements or comparisons."""
    return int(count * factor) + costs.CALL + costs.LIST


def _compared(items: Items) -> int:
    """Units to compare each element with each other, and to make a list."""
    factor = 2.0
    if items and isinstance(items[0], (str, bytes)):
        factor += costs.TRAVERSAL
    return _created(len(items) * len(items), factor)


def _slice_cost(items: Items, start: int, end: int) -> int:
    return _created(max(min(end, len(items)) - max(start, 0), 0))


def _flatten_cost(items: Items, depth: int = 1) -> int:
    """Depth times length; below zero it is what Go makes of that as an unsigned number, mostly a huge one."""
    units = max(len(items) * depth, values.INT_MIN) + costs.CALL + costs.LIST
    return units if units >= 0 else units + values.UINT_MAX + 1


def _sort_work(items: Items, keys: Items | None = None) -> int:
    count = len(items if keys is None else keys)
    return count * max(count.bit_length() // 4, 1)


def _method(identifier: str, parameters: tuple[Type, ...], result: Type, run: Any, **more: Any) -> Overload:
    return Overload(identifier, parameters, result, run, member=True, **more)


def _walking(identifier: str, parameters: tuple[Type, ...], result: Type, run: Any) -> Overload:
    """A function of Kubernetes' own: each costs a walk through the list."""
    return _method(identifier, parameters, result, run, cost=costs.deep_traversal, work=costs.deep_size)


_ZEROS: Mapping[Type, Any] = {INT: 0, UINT: UInt(0), DOUBLE: 0.0, DURATION: Duration(0)}


def _best_of(name: str, worse: int) -> Function:
    overloads = (
        _walking(
            f"list_{type_.name}_{name}_{type_.name}",
            (list_of(type_),),
            type_,
            partial(_best, name=name, worse=worse),
        )
        for type_ in COMPARABLE
    )
    return Function(name, tuple(overloads))


_KUBERNETES = (
    Function(
        "isSorted",
        tuple(
            _walking(f"list_{type_.name}_is_sorted_bool", (list_of(type_),), BOOL, _is_sorted)
            for type_ in COMPARABLE
        ),
    ),
    Function(
        "sum",
        tuple(
            _walking(
                f"list_{type_.name}_sum_{type_.name}",
                (list_of(type_),),
                type_,
                partial(_sum, zero=_ZEROS[type_]),
            )
            for type_ in SUMMABLE
        ),
    ),
    _best_of("max", -1),
    _best_of("min", 1),
    Function("indexOf", (_walking("list_a_index_of_int", (list_of(_A), _A), INT, _index_of),)),
    Function("lastIndexOf", (_walking("list_a_last_index_of_int", (list_of(_A), _A), INT, _last_index_of),)),
)

_EXTENSION = (
    Function(
        "slice",
        (_method("list_slice", (list_of(_T), INT, INT), list_of(_T), _slice, cost=_slice_cost),),
    ),
    Function(
        "flatten",
        (
            _method(
                "list_flatten",
                (list_of(list_of(_T)),),
                list_of(_T),
                _flatten,
                cost=_flatten_cost,
                work=_flat_size,
                unguarded=True,
            ),
            _method(
                "list_flatten_int",
                (list_of(DYN), INT),
                list_of(DYN),
                _flatten,
                cost=_flatten_cost,
                work=_flat_size,
                unguarded=True,
            ),
        ),
    ),
    Function(
        "sort",
        tuple(
            _method(
                f"list_{type_.runtime_name}_sort",
                (list_of(type_),),
                list_of(type_),
                _sort,
                cost=_compared,
                work=_sort_work,
                unresolved_cost=costs.nominal,
                compared=0,
                unguarded=True,
            )
            for type_ in COMPARABLE
        ),
    ),
    Function(
        "@sortByAssociatedKeys",
        tuple(
            _method(
                f"list_{type_.runtime_name}_sortByAssociatedKeys",
                (list_of(_T), list_of(type_)),
                list_of(_T),
                _sort_by,
                cost=lambda _, keys: _compared(keys),
                work=_sort_work,
                unresolved_cost=costs.nominal,
                compared=1,
                unguarded=True,
            )
            for type_ in COMPARABLE
        ),
    ),
    Function(
        "lists.range",
        (Overload("lists_range", (INT,), list_of(INT), _range, cost=lambda end: _created(max(end, 0))),),
    ),
    Function(
        "reverse",
        (
            _method(
                "list_reverse",
                (list_of(_T),),
                list_of(_T),
                _reverse,
                cost=lambda items: _created(len(items)),
            ),
        ),
    ),
    Function(
        "distinct",
        (
            _method(
                "list_distinct",
                (list_of(_T),),
                list_of(_T),
                _distinct,
                cost=_compared,
                work=lambda items: costs.pairwise(items, items),
                compared=0,
            ),
        ),
    ),
)

LIBRARY = Library("cel.lib.ext.lists", functions=(*_EXTENSION, *_KUBERNETES), macros=LISTS)
