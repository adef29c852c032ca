"""How many pods a custom resource asks for: every road that scales ends in a number called after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gatekeeper_py.objects.remembered import remembered
from gatekeeper_py.tenancy.forms import Place

__all__ = ["Count", "counts"]

COUNT_KEY = re.compile(
    r"(?:.*[a-z0-9_-])?(?:replicas?(?:count)?|instances?(?:count)?|runners|parallelism|num_?(?:nodes|workers)"
    r"|(?:node|worker|pod|executor)_?counts?|workers|(?:desired|target)_?size)",
    re.IGNORECASE,
)
"""How fields are called that say how many pods there are."""
RANGE_KEYS = ("max", "min")
"""What stands in a field of such a name where it is a range."""
SETS = re.compile(r"(?:node|instance|worker)_?(?:group|pool|set)s?", re.IGNORECASE)
"""Fields of sets of pods alike, in which `count` says how many."""
SCALE_ANNOTATION = re.compile(r"autoscaling\.knative\.dev/(?:initial|max|min)-?scale", re.IGNORECASE)
"""By which Knative is told how many pods there are."""
NUMBER = re.compile(r"[0-9]{1,18}")
LONGEST_KEY = 64
"""Characters of a field's name that may be one of the above."""
OWN = frozenset(("apiVersion", "kind", "metadata", "status"))
"""Parts of an object that ask for nothing."""


class Count(NamedTuple):
    """A number of pods that is asked for, and the field that says so."""

    path: str
    number: int


def counts(body: Mapping[str, Any]) -> Iterator[Count]:
    """Every number of pods that a resource asks for, in no order; raises `Unreadable` at one too deep."""
    stack: list[tuple[Any, Place, str]] = [
        (value, Place(None, key, len(key)), key) for key, value in body.items() if key not in OWN
    ]
    while stack:
        value, place, field = stack.pop()
        if type(value) is list:
            stack += [(item, place.below(f"[{index}]"), field) for index, item in enumerate(value) if item]
        elif type(value) is dict:
            for key, item in value.items():
                if item and type(item) in (dict, list):
                    stack.append((item, place.below(f".{key}"), key))
                elif (number := _number(key, item, field)) is not None:
                    yield Count(place.below(f".{key}").path(), number)


def _number(key: str, value: Any, around: str) -> int | None:
    if type(value) is int:
        is_count = _is_count(key) or (key in RANGE_KEYS and _is_count(around))
        return value if is_count or (key == "count" and _is_set(around)) else None
    is_text = type(value) is str and len(key) <= LONGEST_KEY and SCALE_ANNOTATION.fullmatch(key) is not None
    return int(value) if is_text and NUMBER.fullmatch(value) else None


@remembered(LONGEST_KEY)
def _is_count(key: str) -> bool:
    return len(key) <= LONGEST_KEY and COUNT_KEY.fullmatch(key) is not None


@remembered(LONGEST_KEY)
def _is_set(key: str) -> bool:
    return len(key) <= LONGEST_KEY and SETS.fullmatch(key) is not None
