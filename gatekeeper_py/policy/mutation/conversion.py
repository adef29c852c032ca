"""What the API server makes of a mutated object: it reads it into the types of its kind, strictly.

A built-in kind knows its fields: an unknown one or a value of another type is an internal error, which no
failurePolicy forgives, and null, empty and unwritten are one. Objects of custom kinds are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final

import orjson

from gatekeeper_py.golang import quantities as quantity
from gatekeeper_py.objects.decoding import LEAST
from gatekeeper_py.objects.fieldpath import field_text
from gatekeeper_py.objects.findings import Finding, WrongType, findings
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.schema import Form, Schema, builtin_schema
from gatekeeper_py.objects.unmarshalling import go_type, text_error, type_error, unmarshal_error
from gatekeeper_py.policy.mutation.jsonvalue import whole
from gatekeeper_py.policy.mutation.patch import same

ANY, SCALAR, LIST, MAP = Form.ANY, Form.SCALAR, Form.LIST, Form.MAP
"""By names of their own: the attributes of an enumeration are slow to look up."""

__all__ = ["DecodingError", "conversion_problem", "decode", "settle"]


class DecodingError(ValueError):
    """An object that is not one of its kind."""


def decode(
    patched: Any, live: Object, kind: GroupVersionKind, listed: Callable[[], Container[str]] = frozenset
) -> Object:
    """The object a JSON patch left, read as `kind`; raise `DecodingError`. `live` is what it was before.

    `listed` tells the API versions of a custom kind that differ by nothing but their name: what a patch moved
    to one of them is converted back.
    """
    if not isinstance(patched, dict):
        raise DecodingError(
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"
        )
    named: Object = {name: live[name] for name in ("apiVersion", "kind") if name in live}
    _check_named(patched, named)
    schema = builtin_schema(kind)
    if schema is None:
        return _custom(patched, named, kind, listed())
    _same_kind({**named, **patched}, kind)
    found = findings(patched, schema, live)
    if found:
        raise DecodingError(_strict_error(found, schema))
    settled: Object = settle({**named, **patched}, live, schema)
    return settled


TEXT = Schema(Form.SCALAR, scalar="string")


def _check_named(patched: Object, named: Object) -> None:
    """What the reader asks before it knows the type (apimachinery/pkg/runtime/serializer/json/meta.go)."""
    for name in named:
        value = patched.get(name)
        if value is not None and not isinstance(value, str):
            wrong = type_error(WrongType((name,), value, TEXT), f"struct field .{name}")
            raise DecodingError(f"couldn't get version/kind; json parse error: {wrong}")


def _custom(patched: Object, named: Object, kind: GroupVersionKind, listed: Container[str]) -> Object:
    """An object of a custom kind (apiextensions-apiserver pkg/apiserver/conversion/converter.go)."""
    if "kind" in named and not patched.get("kind"):
        shown = orjson.dumps(patched, option=orjson.OPT_SORT_KEYS).decode()
        raise DecodingError(f"Object 'Kind' is missing in '{shown}'")
    said = {name: patched.get(name) or "" for name in named}
    found = GroupVersionKind.parse(said.get("apiVersion", kind.api_version), said.get("kind", kind.kind))
    if found.group != kind.group:
        shown = f"{found.group}/{found.version}, Kind={found.kind}"
        raise _unconvertible(
            f'{shown} is unstructured and is not suitable for converting to "{kind.api_version}"'
        )
    if found.version != kind.version and found.api_version not in listed:
        raise _unconvertible(f"request to convert CR from an invalid group/version: {found.api_version}")
    return {**patched, **(named if found.kind == kind.kind else {**named, "kind": found.kind})}


def _unconvertible(why: str) -> DecodingError:
    return DecodingError(f"failed to convert object: {why}")


def _same_kind(patched: Object, kind: GroupVersionKind) -> None:
    """An API server always says the kind; who does not means that of the request."""
    api_version, name = patched.get("apiVersion", kind.api_version), patched.get("kind", kind.kind)
    found = GroupVersionKind.parse(str(api_version), str(name))
    if found == kind:
        return
    if builtin_schema(found) is None:
        raise DecodingError(
            f'no kind "{found.kind}" is registered for version "{found.api_version}" '
            'in scheme "pkg/runtime/scheme.go:111"'
        )
    group = kind.group.partition(".")[0] or "core"
    raise DecodingError(
        f"failed to convert object: converting ({found.version}.{found.kind}) to ({group}.{kind.kind}): "
        "unknown conversion"
    )


READ_BY_THEMSELVES: Final = frozenset({"date-time", "int-or-string", "quantity"})
"""Scalars with a reader of their own, whose error ends the decoder's work at once; it keeps the first other
error and goes on (sigs.k8s.io/json, internal/golang/encoding/json/decode.go)."""


def _strict_error(found: Sequence[Finding], schema: Schema) -> str:
    """The first value of another type ends Go's reading; only where there is none, fields are looked at."""
    in_order = sorted(found, key=lambda finding: finding.path)  # a patch leaves the maps it went through so
    wrong = [finding for finding in in_order if isinstance(finding, WrongType)]
    if wrong:
        ends = (finding for finding in wrong if finding.schema.scalar in READ_BY_THEMSELVES)
        return unmarshal_error(next(ends, wrong[0]), schema)
    unknown = (field_text(finding.path) for finding in in_order)
    return "strict decoding error: " + ", ".join(f'unknown field "{path}"' for path in unknown)


def conversion_problem(merged: Object, schema: Schema) -> str | None:
    """What keeps a merged object, whose shape is right, out of the Go types; None when nothing does.

    apimachinery/pkg/runtime/converter.go: it knows no place, and cuts an integer that has too many bits.
    """
    for finding in findings(merged, schema):
        if isinstance(finding, WrongType) and (problem := _conversion_error(finding)):
            return problem
    return None


def _conversion_error(finding: WrongType) -> str | None:
    scalar = finding.schema.scalar
    if scalar == "integer" and isinstance(finding.value, float) and not finding.value.is_integer():
        return f"cannot convert float64 to {go_type(finding.schema)}"
    if scalar == "int-or-string":
        return type_error(finding)
    if scalar == "byte":
        return f"error decoding from json: {text_error(finding)}"
    return text_error(finding)


# --- what is left after writing (omitempty) ------------------------------------------------------------


def settle(value: Any, before: Any, schema: Schema) -> Any:
    """The object as Go writes it, without what Go adds: nulls and empties gone, quantities in one form.

    What is as it was `before` stays as it is, so that a patch holds only what a policy did.
    """
    form = schema.form
    if form is ANY or same(value, before):
        return value
    if form is SCALAR:
        return _settled_scalar(value, schema.scalar)
    if form is MAP and isinstance(value, dict):
        old = before if isinstance(before, dict) else {}
        return dict(_settled_fields(value, old, schema))
    if form is LIST and isinstance(value, list) and schema.items is not None:
        old_items = before if isinstance(before, list) else []
        padded = [*old_items, *[None] * len(value)]
        return [_settled_item(inner, padded[at], schema.items) for at, inner in enumerate(value)]
    return value


def _settled_fields(value: Object, before: Object, schema: Schema) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if name in before and before[name] is inner:
            yield name, inner
            continue
        field = schema.field(name)
        if field is None:
            continue
        if name not in schema.fields:
            yield name, _settled_item(inner, before.get(name), field)
            continue
        settled = settle(inner, before.get(name), field)
        kept = name in schema.pointers or name in schema.structs or name in schema.always
        if _unchanged(name, inner, before) or (settled is not None and (settled or kept)):
            yield name, settled


def _unchanged(name: str, value: Any, before: Object) -> bool:
    return name in before and same(value, before[name])


def _settled_item(value: Any, before: Any, schema: Schema) -> Any:
    if value is not None:
        return settle(value, before, schema)
    return {} if schema.type else LEAST.get(schema.scalar)


def _settled_scalar(value: Any, scalar: str) -> Any:
    if scalar == "quantity" and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return quantity.canonical(str(value))
    if isinstance(value, float):
        return whole(value)
    return value
