"""What a live kube-apiserver 1.36.3 said of objects of every sort (`unmarshalled.jsonl`), said word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.objects.findings import WrongType, findings
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import Schema, builtin_schema
from gatekeeper_py.objects.unmarshalling import place, unmarshal_error

Json = dict[str, Any]

RECORDED: list[Json] = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "unmarshalled.jsonl").read_bytes().splitlines()
]

UNLIKE = {
    "bytes list": "Go reads bytes from a list of numbers, which nobody writes",
    "bytes list bad": "as above",
    "managedFields": "fieldsV1 is any JSON to Go, a map to OpenAPI",
    "quantity exp": "a number too large to be worth writing out",
    "whole float": "a YAML document's 2.0 comes to the API server as 2",
}
"""Recorded cases that are told otherwise, and why."""


def schema_of(value: Json) -> Schema:
    schema = builtin_schema(GroupVersionKind.parse(value["apiVersion"], value["kind"]))
    assert schema is not None
    return schema


def said(value: Json) -> str:
    schema = schema_of(value)
    wrong = (finding for finding in findings(value, schema) if isinstance(finding, WrongType))
    return next((unmarshal_error(finding, schema) for finding in wrong), "")


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["case"])
def test_the_first_value_of_a_wrong_type_is_told_as_the_api_server_tells_it(row: Json) -> None:
    told = row["message"].partition(": ")[2]
    assert (said(row["object"]) == told) == (row["case"] not in UNLIKE)


def test_every_exception_was_recorded() -> None:
    assert UNLIKE.keys() <= {row["case"] for row in RECORDED}


def test_a_place_without_a_field_is_a_value() -> None:
    root = schema_of({"apiVersion": "v1", "kind": "Pod"})
    assert place((), root) == "value"
    assert place(("spec",), root) == "struct field Pod.spec"
    assert place(("metadata", "labels", "a"), root) == "struct field ObjectMeta.metadata.labels"
