"""One walk finds everything that is wrong with a value by its schema, and where."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.findings import (
    Finding,
    MissingField,
    OutOfBounds,
    UnknownField,
    WrongKey,
    WrongType,
    findings,
)
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import ANY, ANYTHING, Form, OpenAPI, Schema, builtin_schema, openapi_schema

Json = dict[str, Any]


def builtin(kind: str) -> Schema:
    schema = builtin_schema(GroupVersionKind("", "v1", kind))
    assert schema is not None
    return schema


POD = builtin("Pod")
METADATA = {"labels": {"any": "thing"}, "label": {}}


def pod(**spec: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def told(found: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(type(each).__name__, field_text(each.path)) for each in found]


# --- built-in kinds -----------------------------------------------------------------------------------

BUILTIN: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "nothing": (pod(containers=[{"name": "a"}], nodeSelector={"any": "thing"}), []),
    "null stands for what is absent": (pod(containers=None, priority=None, volumes=[None]), []),
    "unknown fields, each with its path": (
        {
            **pod(containers=[{"name": "a", "images": "x", "ports": [{"prt": 1}]}]),
            "metadata": METADATA,
            "data": {},
        },
        [
            ("UnknownField", "metadata.label"),
            ("UnknownField", "spec.containers[0].images"),
            ("UnknownField", "spec.containers[0].ports[0].prt"),
            ("UnknownField", "data"),
        ],
    ),
    "types and fields in reading order": (
        pod(hostPID=1, foo=[], containers=["a", {"args": [1]}]),
        [
            ("WrongType", "spec.hostPID"),
            ("UnknownField", "spec.foo"),
            ("WrongType", "spec.containers[0]"),
            ("WrongType", "spec.containers[1].args[0]"),
        ],
    ),
    "an integer of 32 bits": (pod(priority=2**31), [("WrongType", "spec.priority")]),
    "the least of 32 bits": (pod(priority=-(2**31)), []),
    "an integer of 64 bits": (pod(terminationGracePeriodSeconds=2**31), []),
    "more than 64 bits": (
        pod(terminationGracePeriodSeconds=2**63),
        [("WrongType", "spec.terminationGracePeriodSeconds")],
    ),
    "a number without end": (pod(priority=float("inf")), [("WrongType", "spec.priority")]),
    "no number": (pod(priority=float("nan")), [("WrongType", "spec.priority")]),
    "a whole number with a point": (pod(priority=2.0), []),
    "a key that is no text": ({**pod(), "metadata": {"labels": {1: "x"}}}, [("WrongKey", "metadata.labels")]),
    "a field that is no text": ({**pod(), 1: "x"}, [("WrongKey", "")]),
}


@pytest.mark.parametrize(("value", "expected"), BUILTIN.values(), ids=BUILTIN)
def test_an_object_is_held_against_its_kind(value: Any, expected: list[tuple[str, str]]) -> None:
    assert told(findings(value, POD)) == expected


def test_a_misspelt_field_is_known_by_the_one_that_is_near() -> None:
    near, far = findings({**pod(containerz=[], zzz=1)}, POD)
    assert isinstance(near, UnknownField)
    assert isinstance(far, UnknownField)
    assert (near.near, far.near) == ("containers", None)
    assert near.schema is POD.fields["spec"]


# --- schemas of OpenAPI -------------------------------------------------------------------------------

POINT: OpenAPI = {
    "type": "object",
    "required": ["x"],
    "minProperties": 2,
    "maxProperties": 3,
    "properties": {
        "x": {"type": "integer", "minimum": 0, "maximum": 9},
        "word": {"type": "string", "enum": ["a", "b"], "nullable": True},
        "name": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"},
        "price": {"type": "string", "pattern": r"^[0-9]+\$"},
        "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "number"}},
        "free": ANYTHING,
    },
}
BOUNDED: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "within": ({"x": 9, "word": "a", "list": [1, 1.5]}, []),
    "a null that may be": ({"x": 0, "word": None}, []),
    "a null that may not": ({"x": None, "free": None}, [("WrongType", "x")]),
    "an integer of any length": ({"x": 2**70, "free": 1}, [("maximum", "x")]),
    "a whole number with a point is none": ({"x": 1.0, "free": 1}, [("WrongType", "x")]),
    "anything below what is free": ({"x": 1, "free": {1: [None]}}, []),
    "no string, so no pattern": ({"x": 1, "name": 1}, [("WrongType", "name")]),
    "several bounds at once": ({"x": 1, "name": "ABCD"}, [("maxLength", "name"), ("pattern", "name")]),
    "the end is the end of the text": ({"x": 1, "name": "a\n"}, [("pattern", "name")]),
    "a dollar that is written": ({"x": 1, "price": "1$ off"}, []),
    "an empty text": ({"x": 1, "name": ""}, [("minLength", "name")]),
    "too few and too many items": (
        {"x": 1, "list": [], "word": "c"},
        [("minItems", "list"), ("enum", "word")],
    ),
    "items after their list": (
        {"x": 1, "list": ["a", 1, 2]},
        [("maxItems", "list"), ("WrongType", "list[0]")],
    ),
    "out of range": ({"x": -1, "free": 1}, [("minimum", "x")]),
    "too few fields, after what is missing": ({}, [("MissingField", ""), ("minProperties", "")]),
    "too many fields": ({"x": 1, "word": "a", "name": "a", "free": 1}, [("maxProperties", "")]),
}


@pytest.mark.parametrize(("value", "expected"), BOUNDED.values(), ids=BOUNDED)
def test_a_document_is_held_against_its_schema(value: Any, expected: list[tuple[str, str]]) -> None:
    found = findings(value, openapi_schema(POINT))
    names = [each.keyword if isinstance(each, OutOfBounds) else type(each).__name__ for each in found]
    assert list(zip(names, (field_text(each.path) for each in found), strict=True)) == expected


# --- what was there before ----------------------------------------------------------------------------


def test_what_is_the_very_object_that_was_there_is_not_looked_into() -> None:
    broken = {"images": 1}
    before = pod(containers=[broken], foo=broken)
    moved = {**before, "spec": {**before["spec"], "containers": [{"name": 1}, broken]}}
    assert told(findings(moved, POD, before)) == [("WrongType", "spec.containers[0].name")]
    assert findings(before, POD, before) == ()


def test_an_equal_object_is_looked_into() -> None:
    before = pod(containers=[{"images": {}}])
    assert told(findings(copy.deepcopy(before), POD, before)) == [
        ("UnknownField", "spec.containers[0].images")
    ]


# --- properties ---------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "byte": st.sampled_from(["", "aGk=", "aG\nk="]),
    "date-time": st.just("2024-01-02T03:04:05.000006Z"),
    "int-or-string": st.integers(0, 9) | st.text(max_size=3),
    "integer": st.integers(0, 9),
    "number": st.integers() | st.floats(),
    "quantity": st.sampled_from(["1", "100m", 1, 0.5]),
}
MISFITS: dict[str, Any] = {
    "boolean": 1,
    "byte": "hello!",
    "date-time": "now",
    "int-or-string": 1.5,
    "quantity": "frog",
}
DEPTH = 5


@st.composite
def fitting(draw: st.DrawFn, schema: Schema, depth: int = DEPTH) -> Any:
    """A value that the schema holds, without nulls."""
    if schema.form is Form.SCALAR:
        return draw(FITTING.get(schema.scalar, st.text(max_size=3)))
    if schema.form is Form.ANY:
        return draw(ANY_JSON)
    if schema.form is Form.LIST:
        return [draw(fitting(schema.items or ANY, depth - 1)) for _ in range(min(depth, 2))]
    names = st.sampled_from(sorted(schema.fields)) if schema.fields else st.text(max_size=3)
    chosen = draw(st.sets(names, max_size=3)) if depth > 0 else ()
    return {name: draw(fitting(schema.field(name) or ANY, depth - 1)) for name in chosen}


def places(value: Any, schema: Schema, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Schema]]:
    """Every place of a value that has a type."""
    if schema.form is Form.ANY:
        return
    yield path, schema
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, schema.field(name) or ANY, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, schema.items or ANY, (*path, index))


def reached(value: Any, path: FieldPath) -> Any:
    for part in path:
        value = value[part]
    return value


def planted(value: Any, path: FieldPath, new: Any) -> Any:
    """The value with another at a place; what is beside the way stays the very object it was."""
    if not path:
        return new
    made = copy.copy(value)
    made[path[0]] = planted(value[path[0]], path[1:], new)
    return made


KINDS = st.sampled_from([POD, builtin("Secret"), builtin("Service"), builtin("PersistentVolume")])


@given(st.data(), KINDS)
def test_a_value_made_by_a_schema_has_nothing_wrong(data: st.DataObject, schema: Schema) -> None:
    assert findings(data.draw(fitting(schema)), schema) == ()


@given(st.data(), KINDS)
def test_a_misfit_is_the_one_finding_and_has_its_path(data: st.DataObject, schema: Schema) -> None:
    value = data.draw(fitting(schema))
    path, held = data.draw(st.sampled_from(list(places(value, schema))))
    misfit = MISFITS.get(held.scalar, True) if held.form is Form.SCALAR else "no container"
    broken = planted(value, path, misfit)
    expected = (WrongType(path, misfit, held),)
    assert findings(broken, schema) == expected
    assert findings(broken, schema, value) == expected


@given(st.data(), KINDS)
def test_a_stranger_is_the_one_finding_and_has_its_path(data: st.DataObject, schema: Schema) -> None:
    value = data.draw(fitting(schema))
    structs = [(path, held) for path, held in places(value, schema) if held.fields and held.values is None]
    path, held = data.draw(st.sampled_from(structs))
    broken = planted(value, path, {**reached(value, path), "stranger": 1})
    assert findings(broken, schema) == (UnknownField((*path, "stranger"), 1, held),)
    assert findings(broken, schema, value) == findings(broken, schema)


@given(st.data(), KINDS, ANY_JSON)
def test_every_finding_leads_to_what_it_is_about(data: st.DataObject, schema: Schema, any_json: Any) -> None:
    value = data.draw(fitting(schema))
    path, _ = data.draw(st.sampled_from(list(places(value, schema))))
    broken = planted(value, path, any_json)
    for each in findings(broken, schema):
        assert each.path[: len(path)] == path
        assert isinstance(each, WrongType | UnknownField)
        assert reached(broken, each.path) is each.value


OPENAPI: st.SearchStrategy[Json] = st.recursive(
    st.sampled_from(["string", "integer", "number", "boolean"]).map(lambda name: {"type": name}),
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda values: {"type": "object", "additionalProperties": values}, inner)
        | st.builds(
            lambda fields, needed: {"type": "object", "properties": fields, "required": needed},
            st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
            st.lists(st.sampled_from("abc"), unique=True, max_size=1),
        )
    ),
    max_leaves=6,
)
PYTHON: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def conforms(value: Any, schema: OpenAPI) -> bool:
    """What conforming means, as plainly as can be said."""
    if schema["type"] == "array":
        return isinstance(value, list) and all(conforms(item, schema["items"]) for item in value)
    if schema["type"] == "object":
        return isinstance(value, dict) and members_conform(value, schema)
    if isinstance(value, bool):
        return bool(schema["type"] == "boolean")
    return isinstance(value, PYTHON[schema["type"]])


def members_conform(value: Json, schema: OpenAPI) -> bool:
    properties, values = schema.get("properties", {}), schema.get("additionalProperties")
    return all(name in value for name in schema.get("required", ())) and all(
        (name in properties or values is not None) and conforms(inner, properties.get(name, values))
        for name, inner in value.items()
    )


@given(
    OPENAPI,
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
def test_a_value_has_findings_if_and_only_if_it_does_not_conform(schema: OpenAPI, value: Any) -> None:
    found = findings(value, openapi_schema(schema))
    assert (not found) == conforms(value, schema)
    for each in found:
        if isinstance(each, MissingField):
            assert each.value not in reached(value, each.path)
        else:
            assert not isinstance(each, WrongKey)
            assert reached(value, each.path) is each.value
