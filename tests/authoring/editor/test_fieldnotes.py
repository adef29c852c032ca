"""Every field of a native policy and of a suite is described, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatekeeper_py.authoring import suite
from gatekeeper_py.authoring.editor.fieldnotes import NATIVE, REQUIRED, SUITE_NOTES
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import Schema, builtin_schema
from gatekeeper_py.policy.loading.shape import GROUP, KINDS


def structs(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The structs of a part of a policy, by their Go names."""
    if schema.type and schema.fields:
        yield schema.type.rpartition(".")[2], schema
    for inner in (*schema.fields.values(), *filter(None, [schema.items])):
        yield from structs(inner)


def native() -> dict[str, Schema]:
    specs = [builtin_schema(GroupVersionKind(GROUP, "v1", kind)) for kind in KINDS]
    return {name: each for spec in specs if spec is not None for name, each in structs(spec.fields["spec"])}


def test_every_field_of_a_native_policy_is_described() -> None:
    fields = {f"{name}.{field}" for name, schema in native().items() for field in schema.fields}
    assert set(NATIVE) == fields


def test_what_is_required_exists() -> None:
    known = native()
    assert {
        name: fields for name, fields in REQUIRED.items() if not set(fields) <= set(known[name].fields)
    } == {}


def test_every_field_of_a_suite_is_described() -> None:
    assert set(SUITE_NOTES) == {*suite.DOCUMENT["properties"], *suite.CASE["properties"]}


@pytest.mark.parametrize("name", [*NATIVE, *SUITE_NOTES])
def test_a_description_is_a_sentence(name: str) -> None:
    text = (NATIVE.get(name) or SUITE_NOTES[name]).text
    assert text[0].isupper() or text.startswith("CEL")
    assert text.endswith(".")
