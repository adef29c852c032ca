"""Every row of the catalogue finds what it is for, and a row that goes missing is missed.

`named.yaml` has an object of each kind with whatever it can name, and what that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.schema import Form, Schema, builtin_schema
from gatekeeper_py.tenancy.catalogue import Node, path_steps, tree_of
from gatekeeper_py.tenancy.references import references


def load(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


CATALOGUE = load(files("gatekeeper_py.tenancy").joinpath("catalogue.yaml").read_text(encoding="utf-8"))
CASES = load(Path(__file__).with_name("named.yaml").read_text(encoding="utf-8"))
OBJECTS: dict[str, dict[str, Any]] = {}
for case in CASES:
    version, _, _ = case["object"]["apiVersion"].rpartition("/")
    OBJECTS[".".join(filter(None, (case["object"]["kind"], version)))] = case["object"]


def said(reference: Mapping[str, str]) -> str:
    kind = ".".join(filter(None, (reference["kind"], reference["group"])))
    return f"{kind or '?'} {reference['namespace']}/{reference['name']}"


def names(body: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reference in references(body):
        found.setdefault(reference["path"], []).append(said(reference))
    return found


@pytest.mark.parametrize("case", CASES, ids=OBJECTS)
def test_an_object_names_all_of_that_and_nothing_else(case: dict[str, Any]) -> None:
    listed = {path: said if isinstance(said, list) else [said] for path, said in case["names"].items()}
    assert names(case["object"]) == listed


Row = tuple[str, str, str]
"""A kind or a shape, how its field refers, and the field's path."""


def shown(owner: str, table: Mapping[str, Any], value: Any) -> Iterator[Row]:
    """The rows of a kind or a shape whose field is there, with those of the shapes it uses."""
    for how, fields in table.items():
        for path in fields:
            for held in at(value, path_steps(path)):
                yield owner, how, path
                if how == "use":
                    shape = fields[path]
                    yield from shown(shape, CATALOGUE["shapes"][shape], held)


def at(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path: nothing, one value, or one for each item of a list."""
    if not steps:
        yield value
    elif steps[0] == "[]":
        for item in value if isinstance(value, list) else ():
            yield from at(item, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from at(value[steps[0]], steps[1:])


def test_every_row_of_the_catalogue_has_a_field_that_shows_it() -> None:
    owners = {**CATALOGUE["kinds"], **CATALOGUE["shapes"]}
    written = {(owner, how, path) for owner, table in owners.items() for how in table for path in table[how]}
    found = {row for kind, body in OBJECTS.items() for row in shown(kind, CATALOGUE["kinds"][kind], body)}
    assert written - found == set()


# --- what Kubernetes' own kinds can name, by their schemas

REFERRING_TYPE = re.compile(
    r"(Reference|KeySelector|EnvSource|ConfigMapNodeConfigSource|RoleRef|Subject|IngressServiceBackend)$"
)
REFERRING_FIELD = re.compile(
    r"(namespaces?|secretName|claimName|[cC]lassName|serviceName|nodeName|serviceAccountName|volumeName|[nN]amespaceSelector)$"
)
UNCATALOGUED = {
    "fileKeyRef": "a file in a volume of the same pod",
    "fileKeyRef.volumeName": "a volume of the same pod",
    "storageos.volumeName": "a volume in the namespace beside it, which is catalogued",
    "subjects.[].namespace": "read with the subject, which is catalogued",
    "rules.[].subjects.[].user": "FlowSchemas name users and groups, who are in no namespace",
    "rules.[].subjects.[].group": "FlowSchemas name users and groups, who are in no namespace",
    "volumeClaimTemplates.[].status.currentVolumeAttributesClassName": "no status is made from a template",
    "volumeClaimTemplates.[].status.modifyVolumeStatus.targetVolumeAttributesClassName": "no status is made from a template",
    "status.currentMetrics.[].object.describedObject": "what a HorizontalPodAutoscaler has read, by its spec",
    "ResourceSlice spec.devices.[].nodeName": "what drivers write",
    "scaleIO.volumeName": "a volume of ScaleIO, none of Kubernetes",
    "SelfSubjectAccessReview spec.resourceAttributes.namespace": "a question about the rights of who asks",
    "SelfSubjectRulesReview spec.namespace": "a question about the rights of who asks",
}
"""Ends of kind and path of fields that refer, by type or name, and why the catalogue need not have them."""


def referring(
    schema: Schema | None, path: tuple[str, ...] = (), above: frozenset[Schema] = frozenset()
) -> Iterator[tuple[str, ...]]:
    """The paths below a place at which something can be named."""
    if schema is None or schema in above:
        return
    if schema.form is Form.LIST:
        yield from referring(schema.items, (*path, "[]"), above | {schema})
        return
    for name, inner in schema.fields.items():
        if name == "metadata":
            continue  # the object's own, or that of what is made from a template, in the same namespace
        item = inner.items if inner.form is Form.LIST and inner.items else inner
        if REFERRING_TYPE.search(item.type) or REFERRING_FIELD.search(name):
            yield (*path, name)
        yield from referring(inner, (*path, name), above | {schema})


def has(node: Node | None, path: tuple[str, ...]) -> bool:
    for step in path:
        node = None if node is None else node.items if step == "[]" else node.fields.get(step)
    return node is not None


def test_what_a_built_in_kind_can_name_is_catalogued_or_listed_with_a_reason() -> None:
    missing = {
        f"{kind.kind} {'.'.join(path)}"
        for kind in (resource.served.kind for resource in Kinds.builtin())
        for path in referring(builtin_schema(kind))
        if not has(tree_of(kind.group, kind.kind), path)
    }
    ends = {end for end in UNCATALOGUED for path in missing if path.endswith(end)}
    assert [path for path in sorted(missing) if not path.endswith(tuple(UNCATALOGUED))] == []
    assert ends == UNCATALOGUED.keys()
