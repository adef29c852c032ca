"""Whether a policy or binding has the fields and types of its kind: what strict decoding refuses.

The API server stops at the first value of a wrong type; we list all of them, in its words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.fieldpath import field_text
from gatekeeper_py.objects.findings import Finding, UnknownField, WrongType, findings
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import ANY, Form, Schema, builtin_schema
from gatekeeper_py.objects.unmarshalling import unmarshal_error

__all__ = ["GROUP", "KINDS", "VERSIONS", "shape_problems"]

GROUP = "admissionregistration.k8s.io"
VERSIONS = ("v1", "v1beta1", "v1alpha1")
"""All have the same shape."""

KINDS = frozenset(
    {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)

WRITTEN_BY_SERVERS = frozenset({"status", "managedFields"})
"""Fields not looked into: a newer server than we know may have written them, and nothing of them is used."""

VERSIONED = frozenset(
    {
        "FailurePolicyType",
        "MatchPolicyType",
        "ParameterNotFoundActionType",
        "PatchType",
        "ValidationAction",
    }
)
"""Words that each version declares anew; of others the older versions take those of v1
(api/admissionregistration/v1beta1/types.go)."""

WORDS = {
    "boolean": "true or false",
    "date-time": "a time such as 2006-01-02T15:04:05Z",
    "integer": "a whole number",
}
"""How to write a scalar; all others are strings."""


def shape_problems(manifest: Manifest) -> Iterator[Problem]:
    """What is wrong with the fields and types of a policy or binding; nothing when all is well."""
    kind, source = manifest.kind, manifest.source
    schema = _document(kind.kind, kind.version)
    refusal = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
    for finding in findings(manifest.object, schema):
        locate = source.locate if isinstance(finding, WrongType) else source.locate_key
        text, remedy = _told(finding, schema)
        yield Problem(source.path, *locate(finding.path), refusal + text, remedy)


def _told(finding: Finding, root: Schema) -> tuple[str, str]:
    """What is wrong, and how to put it right."""
    if isinstance(finding, WrongType):
        return unmarshal_error(finding, root), f"Write {_wanted(finding.schema)}"
    return f'strict decoding error: unknown field "{field_text(finding.path)}"', _meant(finding)


def _wanted(schema: Schema) -> str:
    if schema.form is Form.SCALAR:
        return WORDS.get(schema.scalar, "a string, in quotes")
    return "a list" if schema.form is Form.LIST else "a mapping"


def _meant(finding: Finding) -> str:
    near = finding.near if isinstance(finding, UnknownField) else None
    return f"Did you mean {near}?" if near else f"Known here: {', '.join(sorted(finding.schema.fields))}"


@cache
def _document(kind: str, version: str) -> Schema:
    schema = builtin_schema(GroupVersionKind(GROUP, "v1", kind))
    assert schema is not None
    fields = {**schema.fields, "metadata": _free(schema.fields["metadata"])}
    return _renamed(_free(replace(schema, fields=fields)), version)


def _free(schema: Schema) -> Schema:
    fields = {name: ANY if name in WRITTEN_BY_SERVERS else inner for name, inner in schema.fields.items()}
    return replace(schema, fields=fields)


def _renamed(schema: Schema, version: str) -> Schema:
    """The schema with the names that Go's types have in another version."""
    if version == "v1" or schema is ANY or schema.type.startswith("meta."):
        return schema
    name = schema.go.rpartition(".")[2]
    return replace(
        schema,
        type=schema.type.replace(".v1.", f".{version}."),
        go=f"{version}.{name}" if name in VERSIONED else schema.go,
        items=schema.items and _renamed(schema.items, version),
        fields={field: _renamed(inner, version) for field, inner in schema.fields.items()},
    )
