"""Documents are held against schemas: every fault with its place and its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.manifests.conformity import faults, problem_of
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.schema import ANYTHING, OpenAPI, openapi_schema
from gatekeeper_py.tenancy.fields import SETTINGS_SPEC, TENANT_SPEC

TEXT: OpenAPI = {"type": "string"}
TEXTS: OpenAPI = {"type": "array", "items": TEXT, "maxItems": 2}
POINT: OpenAPI = {
    "type": "object",
    "properties": {"width": {"type": "integer", "minimum": 0, "maximum": 9}, "names": TEXTS},
    "required": ["width"],
}
LABELS: OpenAPI = {"type": "object", "additionalProperties": TEXT}

FAULTS: dict[str, tuple[Any, OpenAPI, list[tuple[tuple[str | int, ...], str]]]] = {
    "nothing is looked into": ({1: [None]}, ANYTHING, []),
    "a fitting value": ({"width": 9, "names": ["a", ""]}, POINT, []),
    "null for a mapping": (None, POINT, [((), "must be a mapping, not null")]),
    "a list for a mapping": ([], POINT, [((), "must be a mapping, not a list")]),
    "a mapping for a list": ({}, TEXTS, [((), "must be a list, not a mapping")]),
    "a number for a text": (1.5, TEXT, [((), "must be a string, not 1.5")]),
    "truth is no number": ({"width": True}, POINT, [(("width",), "must be a whole number, not true")]),
    "a number is no truth": (1, {"type": "boolean"}, [((), "must be true or false, not 1")]),
    "a fraction": ({"width": 1.0}, POINT, [(("width",), "must be a whole number, not 1.0")]),
    "below the least": ({"width": -1}, POINT, [(("width",), "is -1; it must be between 0 and 9")]),
    "above the most": ({"width": 10}, POINT, [(("width",), "is 10; it must be between 0 and 9")]),
    "a missing field": ({}, POINT, [((), "lacks width; add it")]),
    "a misspelt field": (
        {"width": 1, "nams": []},
        POINT,
        [(("nams",), "is unknown; did you mean names?")],
    ),
    "a strange field": ({"width": 1, "x": 1}, POINT, [(("x",), "is unknown; known are width, names")]),
    "a key that is no text": (
        {"width": 1, 2: 3},
        POINT,
        [((), "has the key 2; keys must be strings, quote it")],
    ),
    "free keys, bound values": ({"a": "b", "c": 1}, LABELS, [(("c",), "must be a string, not 1")]),
    "a free key that is no text": (
        {None: "b"},
        LABELS,
        [((), "has the key None; keys must be strings, quote it")],
    ),
    "too many items, each looked at": (
        ["a", 1, "c"],
        TEXTS,
        [((), "has 3 items, at most 2 are allowed"), ((1,), "must be a string, not 1")],
    ),
    "an empty mapping": (
        {},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "minProperties": 1},
        [((), "is empty; give at least one of a, b")],
    ),
    "none of the choices": (
        "c",
        {"type": "string", "enum": ["a", "b"]},
        [((), "is 'c'; it must be one of a, b")],
    ),
    "an empty text": (
        "",
        {"type": "string", "minLength": 1},
        [((), "is empty; give a value or leave it out")],
    ),
    "a long text": (
        "aaaa",
        {"type": "string", "maxLength": 3},
        [((), "is 4 characters long, at most 3 are allowed")],
    ),
    "a line end is no end": (
        "a\n",
        {"type": "string", "pattern": "^[a-z]+$"},
        [((), "is 'a\\n', which does not match ^[a-z]+$")],
    ),
    "every fault at once, in reading order": (
        {"names": [1], "x": 1},
        POINT,
        [
            (("names", 0), "must be a string, not 1"),
            (("x",), "is unknown; known are width, names"),
            ((), "lacks width; add it"),
        ],
    ),
}


@pytest.mark.parametrize(("value", "schema", "expected"), FAULTS.values(), ids=FAULTS)
def test_every_fault_is_told_with_its_place(
    value: Any, schema: OpenAPI, expected: list[tuple[tuple[str | int, ...], str]]
) -> None:
    assert list(faults(value, openapi_schema(schema))) == expected


@pytest.mark.parametrize("schema", [TENANT_SPEC, SETTINGS_SPEC], ids=["Tenant", "TenancySettings"])
@pytest.mark.parametrize("value", [None, "", 0, True, [], [[[]]], {"": ""}, {"labels": [{}], "limits": None}])
def test_no_document_takes_the_check_down(schema: OpenAPI, value: object) -> None:
    assert list(faults(value, openapi_schema(schema)))


def test_a_fault_becomes_a_problem_of_its_file() -> None:
    (manifest,) = read_text("apiVersion: v1\nkind: Tenant\nspec:\n  width: x\n", "t.yaml")
    (fault,) = faults(manifest.object["spec"], openapi_schema(POINT), ("spec",))
    assert (
        str(problem_of(fault, manifest.source)) == "t.yaml:4:10: spec.width must be a whole number, not 'x'"
    )
    assert (
        str(problem_of(((), "is empty; give a value"), manifest.source))
        == "t.yaml:1:1: is empty. Give a value"
    )
