"""Apply configurations as the API server merges them (sigs.k8s.io/structured-merge-diff v6, typed/).

The patch must fit the schema of the kind and may contain nothing atomic; then its fields win over the
object's: maps merge by field, lists by their items' keys, sets by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from gatekeeper_py.golang.quoting import quote
from gatekeeper_py.objects.resource import ABSENT, Object
from gatekeeper_py.objects.schema import Form, Schema
from gatekeeper_py.policy.mutation.literal import Foreign, go_syntax, go_type, go_value

__all__ = ["ApplyError", "apply_configuration"]


class ApplyError(ValueError):
    """An apply configuration that cannot be merged."""


ValidationError: TypeAlias = tuple[str, str]
"""Where, and what: `.spec.replicas`, `expected numeric (int or float), got string`."""


def apply_configuration(live: Object, patch: Mapping[str, Any], schema: Schema) -> Object:
    """The object with the patch merged in; neither argument is changed, the result may share parts with both.

    The patch is taken to be of the object's kind, whatever it says itself.
    """
    patch = {**patch, **{name: live[name] for name in ("apiVersion", "kind") if name in live}}
    _refuse(_errors(patch, schema, duplicates=False), "failed to convert patch object to typed object")
    atomics = list(_atomics(patch, schema, ""))
    if atomics:
        found = ", ".join(atomics)
        raise ApplyError(
            f"invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {found}"
        )
    _refuse(_errors(live, schema, duplicates=True), "failed to convert original object to typed object")
    merged: Object = _merge(live, patch, schema)
    return merged


def _refuse(errors: Iterator[ValidationError], what: str) -> None:
    found = [f"{path}: {error}" if path else error for path, error in errors]
    if found:
        text = found[0] if len(found) == 1 else "\n  ".join(["errors:", *found])
        raise ApplyError(f"{what}: {text}")


# --- does a value fit its schema (typed/validate.go) --------------------------------------------------


def _errors(value: Any, schema: Schema, *, duplicates: bool, path: str = "") -> Iterator[ValidationError]:
    form = _form(value, schema)
    if value is None:
        return
    if form is Form.MAP:
        if isinstance(value, dict):
            yield from _map_errors(value, schema, path, duplicates=duplicates)
        else:
            yield path, f"expected map, got &{{{go_value(value)}}}"
    elif form is Form.LIST:
        if isinstance(value, (list, tuple)):
            yield from _list_errors(value, schema, path, duplicates=duplicates)
        else:
            yield path, f"expected list, got &{{{go_value(value)}}}"
    elif schema.form is not Form.ANY:
        yield from _scalar_errors(value, schema.scalar, path)


def _form(value: Any, schema: Schema) -> Form:
    """What a place that takes anything is for this value; a map when the value does not say (deduceAtom)."""
    if schema.form is not Form.ANY:
        return schema.form
    if isinstance(value, (list, tuple)):
        return Form.LIST
    return Form.SCALAR if isinstance(value, (bool, int, float, str)) else Form.MAP


def _map_errors(value: Object, schema: Schema, path: str, *, duplicates: bool) -> Iterator[ValidationError]:
    for name, inner in value.items():
        field = schema.field(name)
        if field is None:
            yield f"{path}.{name}", "field not declared in schema"
            return
        yield from _errors(inner, field, duplicates=duplicates, path=f"{path}.{name}")


def _list_errors(
    value: Sequence[Any], schema: Schema, path: str, *, duplicates: bool
) -> Iterator[ValidationError]:
    seen: set[str] = set()
    items = schema.items
    if items is None:
        return
    for index, inner in enumerate(value):
        try:
            element = _element(inner, schema, index)
        except ApplyError as error:
            yield path, f"element {index}: {error}"
            return
        if element in seen and not duplicates and schema.keys is not None:
            yield path, f"duplicate entries for key {element}"
        seen.add(element)
        yield from _errors(inner, items, duplicates=duplicates, path=f"{path}{element}")


def _scalar_errors(value: Any, scalar: str, path: str) -> Iterator[ValidationError]:
    if scalar in ("string", "byte"):
        if not isinstance(value, str):
            yield path, f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value)}}}"
    elif scalar in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            yield path, f"expected numeric (int or float), got {go_type(value)}"
    elif scalar == "boolean":
        if not isinstance(value, bool):
            yield path, f"expected boolean, got &{{{go_value(value)}}}"
    elif isinstance(value, (dict, list, tuple, Foreign)):
        yield path, f"expected any scalar, got &{{{go_value(value)}}}"


# --- which item of a list is which (typed/helpers.go, fieldpath/element.go) ----------------------------


def _element(item: Any, schema: Schema, index: int) -> str:
    """What identifies an item of a list, as paths print it: `[0]`, `[="a"]`, `[name="a"]`."""
    if schema.keys is None:
        return f"[{index}]"
    return _keyed(item, schema) if schema.keys else f"[={_set_item(item)}]"


def _keyed(item: Any, schema: Schema) -> str:
    if item is None:
        raise ApplyError("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise ApplyError("associative list with keys may not have non-map elements")
    keys = schema.keys or ()
    defaults = _defaults(schema.items) if schema.items else {}
    found = {key: item.get(key, defaults.get(key)) for key in keys if key in item or key in defaults}
    if not found:
        names = " ".join(map(quote, keys))
        raise ApplyError(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return f"[{','.join(f'{key}={_printed(found[key])}' for key in sorted(found))}]"


def _defaults(item: Schema) -> Mapping[str, Any]:
    """What keys of an item are where it says nothing: the published schema defaults what Go always writes."""
    named = {"name": ""} if item.type == "core.v1.LocalObjectReference" else {}
    return {**named, **item.always, **item.defaults}


def _set_item(item: Any) -> str:
    if isinstance(item, dict):
        raise ApplyError("associative list without keys has an element that's a map type")
    if isinstance(item, (list, tuple)):
        raise ApplyError("not supported: associative list with lists as elements")
    if item is None:
        raise ApplyError("associative list without keys has an element that's an explicit null")
    return _printed(item)


def _printed(value: Any) -> str:
    """A value as structured-merge-diff prints it."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return quote(value)
    return "{{undefined}}" if isinstance(value, Foreign) else go_value(value)


# --- nothing atomic (mutating/patch/smd.go) -----------------------------------------------------------


def _atomics(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if isinstance(value, dict) and schema.takes_map:
        if schema.atomic:
            yield path
        for name, inner in value.items():
            field = schema.fields.get(name)
            if field is not None:
                yield from _atomics(inner, field, f"{path}.{name}")
    elif isinstance(value, (list, tuple)) and schema.takes_list and schema.items is not None:
        if schema.keys is None:
            yield path
        for index, inner in enumerate(value):
            yield from _atomics(inner, schema.items, f"{path}[{index}]")


# --- merging (typed/merge.go) -------------------------------------------------------------------------


def _merge(live: Any, patch: Any, schema: Schema) -> Any:
    """Both values as one, or ABSENT when nothing is left of them."""
    if patch is ABSENT:
        return live
    form = _form(patch, schema)
    if form is Form.MAP:
        return _merge_maps(live, patch, schema)
    if form is Form.LIST:
        return _merge_lists(live, patch, schema)
    return patch


def _merge_maps(live: Any, patch: Any, schema: Schema) -> Any:
    lhs = live if isinstance(live, dict) else {}
    rhs = patch if isinstance(patch, dict) else {}
    if schema.atomic or (not lhs and not rhs):
        return patch
    merged = {}
    for name in [*lhs, *(name for name in rhs if name not in lhs)]:
        field = schema.field(name)
        value = rhs.get(name, ABSENT)
        value = value if field is None else _merge(lhs.get(name, ABSENT), value, field)
        if value is not ABSENT:
            merged[name] = value
    return merged or ABSENT


def _merge_lists(live: Any, patch: Any, schema: Schema) -> Any:
    lhs = live if isinstance(live, list) else []
    rhs = patch if isinstance(patch, (list, tuple)) else []
    if schema.keys is None or (not lhs and not rhs):
        return patch
    try:
        merged = _Items(lhs, rhs, schema).merged()
    except ApplyError as error:
        raise ApplyError(f"failed to merge patch: {error}") from None
    return merged or ABSENT


class _Items:
    """Merges two lists item by item: in the patch's order where it says anything, else in the object's."""

    def __init__(self, live: Sequence[Any], patch: Sequence[Any], schema: Schema) -> None:
        self._schema = schema
        self._live = live
        self._left = [_element(item, schema, index) for index, item in enumerate(live)]
        self._right = [_element(item, schema, index) for index, item in enumerate(patch)]
        self._by_right = dict(zip(self._right, patch, strict=True))
        self._by_left: dict[str, Any] = {}
        for element, item in zip(self._left, live, strict=True):
            self._by_left[element] = None if element in self._by_left else item
        self._shared = [element for element in self._right if element in self._by_left]
        self._done: set[str] = set()

    def merged(self) -> list[Any]:
        """The items of both."""
        merged: list[Any] = []
        left = right = 0
        while left < len(self._left) or right < len(self._right):
            if left < len(self._left) and right < len(self._right):
                element = self._left[left]
                if element == self._right[right]:
                    self._take(element, merged)
                    left, right = left + 1, right + 1
                    continue
                if element in self._by_right and self._shared and self._shared[0] != element:
                    left += 1
                    continue
            if left < len(self._left):
                element = self._left[left]
                if element not in self._by_right:
                    merged.append(self._live[left])
                    left += 1
                    continue
                if element in self._done:
                    left += 1
            if right < len(self._right):
                self._take(self._right[right], merged)
                right += 1
        return merged

    def _take(self, element: str, merged: list[Any]) -> None:
        """Merge an item of the patch with the object's of the same key, unless that has duplicates."""
        self._done.add(element)
        if self._shared and self._shared[0] == element:
            self._shared.pop(0)
        items = self._schema.items
        value = self._by_right[element]
        if items is not None:
            value = _merge(self._by_left.get(element, ABSENT), value, items)
        if value is not ABSENT:
            merged.append(value)
