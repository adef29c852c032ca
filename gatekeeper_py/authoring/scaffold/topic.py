"""What a new policy is about: resources by their names, and an object of each to try it on."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper_py.authoring.scaffold.refusal import CannotDraft
from gatekeeper_py.authoring.specimens import specimen
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served
from gatekeeper_py.objects.schema import Schema, builtin_schema, custom_schema, untyped_object

__all__ = ["EPHEMERAL", "Target", "find_target"]

EPHEMERAL = "ephemeralcontainers"
"""The subresource of pods by which `kubectl debug` adds a container."""


@dataclass(frozen=True, slots=True)
class Target:
    """One resource, its kind's structure, and what its manifest has besides metadata."""

    served: Served
    schema: Schema
    specimen: Object

    @property
    def name(self) -> str:
        """What its object is called in the suite."""
        return self.served.kind.kind.lower()

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod itself, not what makes pods."""
        return (self.served.kind.group, self.served.kind.kind) == ("", "Pod")

    def object(self, namespace: str) -> Object:
        """A manifest as its author writes it; a cluster-wide one is in no namespace."""
        kind = self.served.kind
        metadata = {"name": "web", **({"namespace": namespace} if self.served.namespaced else {})}
        body = copy.deepcopy(self.specimen)
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}


def find_target(word: str, definitions: Mapping[str, Object]) -> Target:
    """A resource by its name, as kubectl takes it: `pods`, `deployments.apps`, `widgets.v1.example.com`.

    `definitions` are CustomResourceDefinitions by kind. Raises `CannotDraft` when there is no such resource.
    """
    kinds = Kinds.builtin().with_definitions(definitions.values())
    served = [each.served for each in kinds]
    found = [each for each in served if word in _names(each)] or _of_kind(word, served)
    if not found:
        near = difflib.get_close_matches(word, {name for each in served for name in _names(each)}, 1)
        meant = f"Did you mean {near[0]}?" if near else "Name one, or give its definition with --crd"
        raise CannotDraft(f'nothing serves a resource "{word}". {meant}')
    best = max(found, key=lambda each: _preference(each, served.index(each)))
    definition = next((d for d in definitions.values() if _defines(d, best.kind)), None)
    return Target(best, _schema(best.kind, definition), specimen(best.kind))


def _of_kind(word: str, served: list[Served]) -> list[Served]:
    return [each for each in served if each.kind.kind == word]


def _names(served: Served) -> tuple[str, ...]:
    group, version, resource = served.resource
    if not group:
        return (resource, f"{resource}.{version}")
    return (resource, f"{resource}.{group}", f"{resource}.{version}.{group}")


def _preference(served: Served, place: int) -> tuple[bool, bool, int]:
    """Stable versions first, then the core group, then the order of the table."""
    version = served.resource.version
    stable = "alpha" not in version and "beta" not in version
    return stable, not served.resource.group, -place


def _defines(definition: Object, kind: GroupVersionKind) -> bool:
    spec = definition["spec"]
    return bool(spec["group"] == kind.group and spec["names"]["kind"] == kind.kind)


def _schema(kind: GroupVersionKind, definition: Object | None) -> Schema:
    schema = builtin_schema(kind) or (definition and custom_schema(definition, kind.version))
    return schema or untyped_object()
