"""What the functions of the libraries cost, what work they do for it, and how far a value may grow.

The factors are those of Kubernetes 1.36 (apiserver/pkg/cel/library/cost.go) and cel-go 0.26 (common/cost.go).
Both let some work go by uncharged: a list of a million short strings is walked through for nothing.
Such work is counted apart, in steps (see `Budget.work`), so that prices stay those of Kubernetes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation.budget import EXPRESSION_LIMIT, WORK_LIMIT

__all__ = [
    "CALL",
    "LIST",
    "MAXIMUM_ELEMENTS",
    "MAXIMUM_LENGTH",
    "STRUCT",
    "check_elements",
    "check_length",
    "deep_size",
    "deep_traversal",
    "nominal",
    "pairwise",
    "regex",
    "scaled",
    "steps",
    "text_length",
    "traversal",
    "twice",
    "utf8_length",
]

CALL = 1
"""Units every call costs at least."""
LIST = 10
"""Units to create a list."""
STRUCT = 40
"""Units to create a structured value."""
TRAVERSAL = 0.1
"""Units for each character of a string that is walked through once."""
REGEX = 0.25
"""Units for each character of a regular expression, times those of the string."""

CHARACTERS_PER_STEP = 64
"""Characters of a string that C code handles in the time Python takes for one element of a list."""
MAXIMUM_LENGTH = 16 * 1024 * 1024
"""Characters (or bytes) a function may make: five times the largest request the API server takes."""
MAXIMUM_ELEMENTS = 2 * 1024 * 1024
"""Elements of a list a function may make: more than the largest request can hold."""
WALK = 1_000_000
"""Values one walk visits."""


def nominal(*_: object) -> int:
    """Units of a call whose work is not counted."""
    return CALL


def scaled(length: int) -> int:
    """Units to walk once through so many characters or bytes."""
    return math.ceil(length * TRAVERSAL)


def traversal(text: str | bytes) -> int:
    """Units to walk through a string once."""
    return scaled(len(text))


def twice(text: str, *_: object) -> int:
    """Units to walk through a string and write one of its size."""
    return math.ceil(len(text) * 2 * TRAVERSAL)


def regex(text: str, pattern_length: int) -> int:
    """Units to match a string against a pattern of this length."""
    return math.ceil((1.0 + len(text)) * TRAVERSAL) * math.ceil(pattern_length * REGEX)


def steps(text: str | bytes, *_: object) -> int:
    """Steps of work to walk through a string once, in C."""
    return len(text) // CHARACTERS_PER_STEP


def text_length(value: object) -> int:
    """The length of a string; of anything else 0."""
    return len(value) if isinstance(value, (str, bytes)) else 0


def utf8_length(text: str) -> int:
    """How many bytes a string has in Go."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def deep_traversal(value: object, *_: object) -> int:
    """Units to walk through a value and everything in it.

    Lists may share their elements, so that the size of the data does not bound the walk: beyond `WALK` it
    stops with more units than an expression may spend. What has so many values costs as much in Kubernetes,
    or is larger than any request.
    """
    cost = visited = 0
    pending = [value]
    while pending:
        item = pending.pop()
        parts = _parts(item)
        if parts is None:
            visited += 1
            cost += _units(item)
            continue
        visited += 1 + len(parts)
        if visited > WALK:
            return EXPRESSION_LIMIT + 1
        kinds = set(map(type, parts))
        if kinds <= _NUMBERS:
            cost += len(parts)
        elif kinds == _STRINGS:
            cost += sum([utf8_length(part) // 10 for part in cast(Sequence[str], parts)])
        else:
            pending.extend(parts)
    return cost


def _units(value: object) -> int:
    if isinstance(value, str):
        return int(utf8_length(value) * TRAVERSAL)
    return int(len(value) * TRAVERSAL) if isinstance(value, bytes) else 1


def deep_size(value: object, *_: object) -> int:
    """Steps to visit a value and everything in it; beyond `WALK`, more than an expression may take."""
    visited = 0
    pending = [value]
    while pending:
        item = pending.pop()
        parts = _parts(item)
        if parts is None:
            visited += 1 + (steps(item) if isinstance(item, (str, bytes)) else 0)
            continue
        visited += 1
        if visited + len(parts) > WALK:
            return WORK_LIMIT + 1
        kinds = set(map(type, parts))
        if kinds <= _NUMBERS:
            visited += len(parts)
        elif kinds == _STRINGS:
            visited += len(parts) + sum(map(text_length, parts)) // CHARACTERS_PER_STEP
        else:
            pending.extend(parts)
    return visited


_NUMBERS = frozenset({bool, int, float, type(None)})
"""Types of which a list is flat, and its elements cost one unit each."""
_STRINGS = {str}


def pairwise(left: Sequence[object], right: Sequence[object]) -> int:
    """Steps to compare every element of one list with every one of another, beyond one for each pair."""
    if not (_nested(left) and _nested(right)):
        return len(left) + len(right)
    return min(deep_size(left) * max(len(right), 1), WORK_LIMIT + 1)


def _nested(items: Sequence[object]) -> bool:
    return any(isinstance(item, (list, tuple, Mapping)) for item in items)


def _parts(value: object) -> Sequence[object] | None:
    """What is in a list or a map; None for any other value."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, Mapping):
        return [part for entry in value.items() for part in entry]
    return None


def check_length(length: int) -> None:
    """Refuse to make a string longer than `MAXIMUM_LENGTH`."""
    if length > MAXIMUM_LENGTH:
        raise EvaluationError(f"result too large: a string of {length} characters exceeds {MAXIMUM_LENGTH}")


def check_elements(count: int) -> None:
    """Refuse to make a list of more than `MAXIMUM_ELEMENTS`."""
    if count > MAXIMUM_ELEMENTS:
        raise EvaluationError(f"result too large: a list of {count} elements exceeds {MAXIMUM_ELEMENTS}")
