"""What the API server finds wrong with a field, in its words (apimachinery/pkg/util/validation/field)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import orjson

from gatekeeper_py.golang.quoting import quote
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.policy.messages import aggregate

__all__ = [
    "Fault",
    "duplicate",
    "forbidden",
    "internal",
    "invalid",
    "invalid_object",
    "moved",
    "required",
    "too_long",
    "too_many",
    "unsupported",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One complaint about one field."""

    field: FieldPath
    text: str
    """`Required value: name is not specified`."""
    remedy: str = ""
    offset: int | None = None
    """Of a string: the character at fault."""
    value_at: FieldPath | None = None
    """Where the value stands, when the API server names another field."""

    def __str__(self) -> str:
        """`spec.variables[0].name: Required value: name is not specified`."""
        return f"{field_text(self.field)}: {self.text}"


def required(field: FieldPath, detail: str = "") -> Fault:
    """A value that is missing or empty."""
    return Fault(field, _detailed("Required value", detail), f"Set {field_text(field)}")


def invalid(field: FieldPath, value: Any, detail: str, **more: Any) -> Fault:
    """A value of the wrong form."""
    return Fault(field, _detailed(f"Invalid value: {_shown(value)}", detail), **more)


def internal(field: FieldPath, detail: str, **more: Any) -> Fault:
    """A value that the API server could not work with."""
    return Fault(field, _detailed("Internal error", detail), **more)


def unsupported(field: FieldPath, value: str, supported: Iterable[str]) -> Fault:
    """A value that is none of those there are."""
    choices = tuple(supported)
    detail = f"supported values: {', '.join(map(quote, choices))}"
    near = get_close_matches(value, choices, 1)
    remedy = f"Did you mean {near[0]}?" if near else "Write one of these"
    return Fault(field, _detailed(f"Unsupported value: {_shown(value)}", detail), remedy)


def moved(fault: Fault, place: FieldPath) -> Fault:
    """The fault with the place of the value, when the API server names another field."""
    return replace(fault, value_at=place)


def forbidden(field: FieldPath, detail: str) -> Fault:
    """A value that may not stand beside another."""
    return Fault(field, _detailed("Forbidden", detail), "Remove it, or what forbids it")


def duplicate(field: FieldPath, value: Any) -> Fault:
    """A value that stands twice where each may stand once."""
    return Fault(field, f"Duplicate value: {_shown(value)}", "Keep one of them")


def too_many(field: FieldPath, count: int, most: int) -> Fault:
    """A list with more items than allowed."""
    return Fault(field, f"Too many: {count}: must have at most {most} items", "Split the policy")


def too_long(field: FieldPath, most: int) -> Fault:
    """A value of more bytes than allowed."""
    return Fault(field, f"Too long: may not be more than {most} bytes")


def invalid_object(kind: str, group: str, name: str, faults: Iterable[object]) -> str:
    """What the API server answers when it refuses to store an object."""
    return f"{kind}.{group} {quote(name)} is invalid: {aggregate(map(str, faults))}"


def _detailed(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


def _shown(value: Any) -> str:
    return quote(value) if isinstance(value, str) else orjson.dumps(value).decode()
