"""Merge structure of built-in and custom kinds."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import (
    ANY,
    ANY_ATOMIC,
    Form,
    Schema,
    builtin_schema,
    custom_schema,
    schema_of,
)

POD = GroupVersionKind("", "v1", "Pod")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")


def at(schema: Schema | None, path: str) -> Schema:
    for part in path.split("."):
        assert schema is not None, path
        schema = schema.items if part == "[]" else schema.field(part)
    assert schema is not None, path
    return schema


def builtin(api_version: str, kind: str, path: str) -> Schema:
    return at(builtin_schema(GroupVersionKind.parse(api_version, kind)), path)


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "keys"),
    [
        ("v1", "Pod", "spec.containers", ("name",)),
        ("v1", "Pod", "spec.containers.[].ports", ("containerPort", "protocol")),
        ("v1", "Pod", "spec.containers.[].env", ("name",)),
        ("v1", "Pod", "spec.containers.[].args", None),
        ("v1", "Pod", "spec.tolerations", None),
        ("v1", "Pod", "spec.volumes", ("name",)),
        ("v1", "Pod", "spec.topologySpreadConstraints", ("topologyKey", "whenUnsatisfiable")),
        ("v1", "Pod", "metadata.finalizers", ()),
        ("v1", "Pod", "metadata.ownerReferences", ("uid",)),
        ("v1", "Service", "spec.ports", ("port", "protocol")),
        ("networking.k8s.io/v1", "Ingress", "spec.rules", None),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "subjects", None),
    ],
)
def test_lists_of_built_in_kinds_merge_by_their_keys(
    api_version: str, kind: str, path: str, keys: tuple[str, ...] | None
) -> None:
    schema = builtin(api_version, kind, path)
    assert schema.form is Form.LIST
    assert schema.keys == keys


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "atomic"),
    [
        ("v1", "Pod", "metadata.labels", False),
        ("v1", "Pod", "spec.nodeSelector", True),
        ("v1", "Pod", "spec.imagePullSecrets.[]", True),
        ("apps/v1", "Deployment", "spec.selector", True),
        ("v1", "ConfigMap", "data", False),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef", True),
    ],
)
def test_maps_of_built_in_kinds_are_atomic_where_the_api_says_so(
    api_version: str, kind: str, path: str, atomic: bool
) -> None:
    schema = builtin(api_version, kind, path)
    assert schema.form is Form.MAP
    assert schema.atomic is atomic


@pytest.mark.parametrize(
    ("path", "scalar"),
    [
        ("spec.hostNetwork", "boolean"),
        ("spec.priority", "integer"),
        ("spec.overhead.cpu", "quantity"),
        ("spec.containers.[].livenessProbe.httpGet.port", "int-or-string"),
        ("metadata.creationTimestamp", "date-time"),
        ("spec.nodeName", "string"),
    ],
)
def test_scalars_know_their_type(path: str, scalar: str) -> None:
    assert builtin("v1", "Pod", path).scalar == scalar


def test_a_key_field_has_its_default() -> None:
    assert builtin("v1", "Pod", "spec.containers.[].ports.[]").defaults == {"protocol": "TCP"}


def test_every_kind_the_api_server_lets_write_has_a_schema() -> None:
    missing = {
        str(kind)
        for resource in Kinds.builtin()
        for kind in (resource.served.kind, *resource.subresources.values())
        if builtin_schema(kind) is None and not kind.kind.endswith("Options")
    }
    assert missing == set()


def test_a_schema_that_holds_itself_is_no_trouble() -> None:
    path = "spec.versions.[].schema.openAPIV3Schema.properties.x.properties.y.items"
    assert builtin("apiextensions.k8s.io/v1", "CustomResourceDefinition", path) is ANY


def definition(schema: dict[str, Any] | None, **spec: object) -> dict[str, Any]:
    version: dict[str, Any] = {"name": "v1", "served": True, "storage": True}
    if schema is not None:
        version["schema"] = {"openAPIV3Schema": schema}
    names = {"kind": "Widget", "plural": "widgets"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "names": names, "versions": [version], **spec},
    }


SPEC = {
    "type": "object",
    "properties": {
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "map": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["a", "b"],
            "items": {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "integer", "default": 0}},
            },
        },
        "plain": {"type": "array", "items": {"type": "string"}},
        "whole": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "properties": {"a": {"type": "string"}},
        },
        "values": {"type": "object", "additionalProperties": {"type": "integer"}},
        "free": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"in": {"type": "object", "properties": {"x": {"type": "string"}}}},
        },
        "empty": {"type": "object"},
        "either": {"x-kubernetes-int-or-string": True},
        "whatever": {"x-kubernetes-preserve-unknown-fields": True},
        "inner": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object"}},
        },
    },
}


def custom(path: str) -> Schema:
    schema = {"type": "object", "properties": {"spec": SPEC}}
    return at(custom_schema(definition(schema), "v1"), f"spec.{path}")


def test_a_custom_kind_merges_as_its_definition_says() -> None:
    assert custom("set").keys == ()
    assert custom("map").keys == ("a", "b")
    assert custom("map.[]").defaults == {"b": 0}
    assert custom("plain").keys is None
    assert custom("whole").atomic
    assert custom("values.anything").scalar == "integer"
    assert custom("either") is ANY
    assert custom("whatever") is ANY
    assert custom("empty.anything") is ANY


def test_unknown_fields_are_let_in_below_what_preserves_them() -> None:
    assert custom("free.anything") is ANY
    assert custom("free.in.anything") is ANY
    assert custom("whole").field("unknown") is None


def test_an_embedded_object_has_metadata() -> None:
    assert custom("inner.metadata.finalizers").keys == ()
    assert custom("inner").embedded


@pytest.mark.parametrize(
    "made", [definition(None), definition({"type": "object"}, preserveUnknownFields=True)]
)
def test_a_custom_kind_without_a_schema_takes_anything_beside_metadata(made: dict[str, Any]) -> None:
    schema = custom_schema(made, "v1")
    assert at(schema, "metadata.labels").form is Form.MAP
    assert at(schema, "spec") is ANY


def test_a_version_that_is_not_served_has_no_schema() -> None:
    made = definition({"type": "object"})
    made["spec"]["versions"][0]["served"] = False
    assert custom_schema(made, "v1") is None
    assert custom_schema(definition({"type": "object"}), "v2") is None


def test_the_view_says_which_custom_kinds_there_are() -> None:
    view = Snapshot([definition({"type": "object", "properties": {"spec": SPEC}})])
    assert schema_of(WIDGET, view) is not None
    assert schema_of(WIDGET, Snapshot()) is None
    assert schema_of(POD, view) is builtin_schema(POD)


def test_anything_holds_anything() -> None:
    for schema in (ANY, ANY_ATOMIC):
        assert schema.takes_map
        assert schema.takes_list
        assert schema.field("x") is schema
        assert schema.items is ANY_ATOMIC
    assert ANY_ATOMIC.atomic
    assert not ANY.atomic
