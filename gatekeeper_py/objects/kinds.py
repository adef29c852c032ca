"""Which kinds a cluster serves, under which resources, and which of these are one in several versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["CUSTOM_RESOURCE_DEFINITION", "Kinds", "ServedResource"]

CUSTOM_RESOURCE_DEFINITION = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")

_SCALE = GroupVersionKind("autoscaling", "v1", "Scale")


@dataclass(frozen=True, slots=True)
class ServedResource:
    """A resource with its subresources and the kinds these take."""

    served: Served
    subresources: Mapping[str, GroupVersionKind] = field(default_factory=dict)

    def kind(self, subresource: str) -> GroupVersionKind | None:
        """The kind of the resource, or of one of its subresources."""
        return self.subresources.get(subresource) if subresource else self.served.kind


class Kinds:
    """An immutable table of kinds: the built-in ones of Kubernetes 1.36, and custom ones."""

    def __init__(
        self, resources: Iterable[ServedResource], families: Iterable[Iterable[GroupVersionResource]] = ()
    ) -> None:
        self.resources: Mapping[GroupVersionResource, ServedResource] = {
            resource.served.resource: resource for resource in resources
        }
        self._families = tuple(map(tuple, families))
        self._by_kind = {resource.served.kind: resource.served for resource in self.resources.values()}
        self._namespaced = {
            (kind.group, kind.kind): served.namespaced for kind, served in self._by_kind.items()
        }
        self._equivalents = _equivalents(self.resources, self._families)
        self._versions = {
            self.resources[resource].served.kind: tuple(
                self.resources[each].served.kind for each in (resource, *others)
            )
            for resource, others in self._equivalents.items()
        }

    @classmethod
    def builtin(cls) -> Kinds:
        """What a kube-apiserver 1.36 serves without further flags."""
        return _builtin()

    def with_definitions(self, definitions: Iterable[Object]) -> Kinds:
        """This table and the kinds of CustomResourceDefinitions."""
        custom = [resource for definition in definitions for resource in _custom(definition)]
        return Kinds((*self.resources.values(), *custom), self._families) if custom else self

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served, or None when unknown."""
        return self._by_kind.get(kind)

    def versions(self, kind: GroupVersionKind) -> tuple[GroupVersionKind, ...]:
        """The kind and its other versions: an object is one and the same in all of them."""
        return self._versions.get(kind) or (kind,)

    def is_namespaced(self, group: str, kind: str) -> bool:
        """Whether objects of a kind, in whatever version, lie in namespaces; False when unknown."""
        return self._namespaced.get((group, kind), False)

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""
        found = self.resources.get(resource)
        return found.served if found else None

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups, each with the kind of the subresource."""
        equivalents = self._equivalents.get(resource)
        if equivalents is None:
            return ()  # as of nearly every resource
        others = (self.resources[other] for other in equivalents)
        return tuple(
            Served(kind, other.served.resource, other.served.namespaced)
            for other in others
            if (kind := other.kind(subresource)) is not None
        )

    def __iter__(self) -> Iterator[ServedResource]:
        return iter(self.resources.values())


def _equivalents(
    resources: Mapping[GroupVersionResource, ServedResource],
    families: Iterable[tuple[GroupVersionResource, ...]],
) -> dict[GroupVersionResource, tuple[GroupVersionResource, ...]]:
    """Versions of one resource are equivalent, and what shares its storage (EquivalentResourceRegistry)."""
    storage = {(member.group, member.resource): family for family in families for member in family}
    shared: defaultdict[Any, list[GroupVersionResource]] = defaultdict(list)
    for resource in resources:
        name = (resource.group, resource.resource)
        shared[storage.get(name, name)].append(resource)
    return {
        resource: tuple(other for other in members if other != resource)
        for members in shared.values()
        if len(members) > 1
        for resource in members
    }


@cache
def _builtin() -> Kinds:
    data = orjson.loads(files("gatekeeper_py.objects").joinpath("data/kinds.json").read_bytes())
    families = [[GroupVersionResource(*member) for member in family] for family in data["equivalents"]]
    return Kinds(map(_resource, data["kinds"]), families)


def _resource(entry: Mapping[str, Any]) -> ServedResource:
    group, version = entry["group"], entry["version"]
    served = Served(
        GroupVersionKind(group, version, entry["kind"]),
        GroupVersionResource(group, version, entry["resource"]),
        entry["namespaced"],
    )
    subresources = {name: GroupVersionKind(*value["kind"]) for name, value in entry["subresources"].items()}
    return ServedResource(served, subresources)


def _custom(definition: Object) -> Iterator[ServedResource]:
    """One resource for each served version of a CustomResourceDefinition; none when it makes no sense."""
    spec = definition.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(names, dict):
        return
    versions = spec.get("versions")
    for version in versions if isinstance(versions, list) else ():
        if not isinstance(version, dict) or not version.get("served"):
            continue
        group, name = str(spec.get("group")), str(version.get("name"))
        kind = GroupVersionKind(group, name, str(names.get("kind")))
        resource = GroupVersionResource(group, name, str(names.get("plural")))
        subresources = {
            subresource: _SCALE if subresource == "scale" else kind
            for subresource in ("scale", "status")
            if subresource in (version.get("subresources") or {})
        }
        yield ServedResource(Served(kind, resource, spec.get("scope") == "Namespaced"), subresources)
