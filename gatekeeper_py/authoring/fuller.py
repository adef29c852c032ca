"""Objects that have a field more than the least of their kind, as somebody might well write them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import Form, Schema

__all__ = ["ITEM", "fuller"]

ITEM: Final = "[]"
"""Stands among the steps of a path for one of a list."""
OUTSIDE: Final = frozenset({"status", "ephemeralContainers"})
"""What no author writes into an object itself."""
METADATA: Final = frozenset({"labels", "annotations"})
SCALARS: Final[Mapping[str, Any]] = {
    "boolean": True,
    "integer": 1,
    "number": 1,
    "string": "web",
    "quantity": "1",
    "int-or-string": 80,
}


def fuller(least: Object, schema: Schema, wanted: Iterable[tuple[str, ...]]) -> Iterator[Object]:
    """The object with each of these fields in turn; what cannot be made, or is there already, is passed over.

    A field is as empty as its kind lets it be, so that what else may be absent is.
    """
    made: list[Object] = []
    for steps in wanted:
        body = copy.deepcopy(least)
        if _may_be_written(steps) and _put(body, schema, steps) and body not in (least, *made):
            made.append(body)
            yield body


def _may_be_written(steps: tuple[str, ...]) -> bool:
    if steps[:1] == ("metadata",):
        return len(steps) > 1 and steps[1] in METADATA
    return not OUTSIDE & set(steps)


def _put(holder: Any, schema: Schema, steps: tuple[str, ...]) -> bool:
    """Make what is absent on the way down; False where that is not known."""
    for step in steps:
        below = schema.items if step == ITEM else schema.field(step) if schema.form is Form.MAP else None
        if below is None:
            return False
        key: int | str = 0 if step == ITEM else step
        if not _has(holder, key):
            value = _least(below)
            if value is None:
                return False
            if isinstance(key, int):
                holder.append(value)
            else:
                holder[key] = value
        holder, schema = holder[key], below
    return True


def _has(holder: Any, key: int | str) -> bool:
    return len(holder) > 0 if isinstance(key, int) else key in holder


def _least(schema: Schema) -> Any:
    """The least value of a schema; None where it is not known."""
    if schema.form is Form.SCALAR:
        return next(filter(None, schema.choices), None) or SCALARS.get(schema.scalar)
    if schema.type in _needed():
        return copy.deepcopy(_needed()[schema.type])
    if schema.form is Form.LIST and schema.items is not None:
        item = _least(schema.items) if _is_known(schema.items) else None
        return None if item is None else [item]
    if schema.form is not Form.MAP or None in schema.always.values():
        return None  # a list that Go always writes is one that must be there
    if schema.values is not None and not schema.fields:
        value = _least(schema.values)
        return None if value is None else {"web": value}
    return {}


def _is_known(schema: Schema) -> bool:
    """Whether an item of a list can be written without knowing more of it."""
    return schema.form is Form.SCALAR or schema.type in _needed()


@cache
def _needed() -> Mapping[str, Any]:
    text = files("gatekeeper_py.authoring").joinpath("data/needed.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded
