"""A cluster as manifests describe it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.cluster.authorization import GROUP as RBAC_GROUP
from gatekeeper_py.cluster.authorization import Authorizer
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["DEFAULT_NAMESPACE", "NAMESPACE", "Snapshot"]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
DEFAULT_NAMESPACE = "default"
"""Where a namespaced object without a namespace belongs, as for kubectl."""

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label every API server sets on every namespace, to its own name."""


class Snapshot:
    """Implements `ClusterView` over objects in memory; immutable once made.

    An API server refuses requests into a namespace that does not exist before it asks any policy. A snapshot
    is seldom complete, so by default it takes a namespace it was not told of to exist, with the one label
    every namespace has, and the default roles of every cluster to be there. A `complete` one holds all there
    is: a namespace that it does not hold is missing, and a policy that selects namespaces fails closed.
    """

    def __init__(self, objects: Iterable[Object] = (), *, complete: bool = False) -> None:
        held = tuple(objects)
        self.kinds = Kinds.builtin().with_definitions(
            obj for obj in held if _kind(obj) == CUSTOM_RESOURCE_DEFINITION
        )
        self._complete = complete
        self._objects: dict[GroupVersionKind, dict[tuple[str, str], Object]] = {}
        for obj in held:
            kind = _kind(obj)
            self._objects.setdefault(kind, {})[self._key(kind, obj)] = obj
        self._listed: dict[GroupVersionKind, Mapping[str, tuple[Object, ...]]] = {}
        self._authorizer = Authorizer(self, defaults=not complete)

    @classmethod
    def of(cls, manifests: Iterable[Manifest], *, complete: bool = False) -> Snapshot:
        """From manifests; of two with the same kind, namespace and name the last holds.

        A Namespace gets what an API server gives every namespace, should the manifest not say so.
        """
        return cls((_stored(manifest.object) for manifest in manifests), complete=complete)

    def with_object(self, obj: Object) -> Snapshot:
        """This snapshot and one more object, which replaces that of its name; cheap, for many in a row."""
        kind = _kind(obj)
        if kind == CUSTOM_RESOURCE_DEFINITION:
            held = (value for objects in self._objects.values() for value in objects.values())
            return Snapshot((*held, obj), complete=self._complete)
        return self._with_objects(kind, {**self._objects.get(kind, {}), self._key(kind, obj): obj})

    def without_object(self, obj: Object) -> Snapshot:
        """This snapshot without the object of that kind, namespace and name; cheap, for many in a row."""
        kind = _kind(obj)
        gone = self._key(kind, obj)
        if kind == CUSTOM_RESOURCE_DEFINITION:
            held = self._objects.get(kind, {})
            kept = (value for objects in self._objects.values() for value in objects.values())
            made = (value for value in kept if value is not held.get(gone))
            return Snapshot(made, complete=self._complete)
        left = {key: value for key, value in self._objects.get(kind, {}).items() if key != gone}
        return self._with_objects(kind, left)

    def with_kind(self, kind: GroupVersionKind, objects: Iterable[Object]) -> Snapshot:
        """This snapshot with these objects of a kind, and none else of it."""
        if kind == CUSTOM_RESOURCE_DEFINITION:
            others = (held for other, held in self._objects.items() if other != kind)
            kept = (value for held in others for value in held.values())
            return Snapshot((*kept, *objects), complete=self._complete)
        return self._with_objects(kind, {self._key(kind, obj): obj for obj in objects})

    def _with_objects(self, kind: GroupVersionKind, objects: dict[tuple[str, str], Object]) -> Snapshot:
        made = Snapshot.__new__(Snapshot)
        made.kinds = self.kinds
        made._complete = self._complete
        made._objects = {**self._objects, kind: objects}
        stale = frozenset(self.versions(kind))
        made._listed = {other: listed for other, listed in self._listed.copy().items() if other not in stale}
        made._authorizer = (
            Authorizer(made, defaults=not self._complete) if kind.group == RBAC_GROUP else self._authorizer
        )
        return made

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None; a Namespace that nobody told of is assumed to exist."""
        for version in self.versions(kind):
            found = self._objects.get(version, {}).get((namespace, name))
            if found is not None:
                return found
        return _namespace(name) if kind == NAMESPACE and name and not self._complete else None

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, by namespace and name, without assumed Namespaces."""
        listed = self._listed.get(kind)
        if listed is None:
            listed = self._listed[kind] = self._by_namespace(kind)
        if namespace is not None:
            return listed.get(namespace, ())
        return tuple(obj for objects in listed.values() for obj in objects)

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether it holds every object of a kind: when it is complete, or was told of one of that kind.

        Whoever writes down one RuntimeClass of a cluster writes down all; of a kind without any object in the
        snapshot nothing is known.
        """
        return self._complete or any(self._objects.get(version) for version in self.versions(kind))

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served, or None when unknown."""
        return self.kinds.served(kind)

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""
        return self.kinds.resource(resource)

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups."""
        return self.kinds.equivalents(resource, subresource)

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether the RBAC objects of the snapshot allow the access, and the reason in RBAC's words."""
        return self._authorizer.authorize(review)

    def versions(self, kind: GroupVersionKind) -> Iterable[GroupVersionKind]:
        """The kind and its other versions: an object is one and the same in all of them."""
        yield kind
        served = self.kinds.served(kind)
        if served:
            yield from (other.kind for other in self.kinds.equivalents(served.resource))

    def _by_namespace(self, kind: GroupVersionKind) -> Mapping[str, tuple[Object, ...]]:
        """The objects of a kind by namespace, both sorted; made once."""
        held: dict[tuple[str, str], Object] = {}
        for version in self.versions(kind):
            held = self._objects.get(version, {}) | held
        keys = groupby(sorted(held), key=itemgetter(0))
        return {namespace: tuple(held[key] for key in group) for namespace, group in keys}

    def _key(self, kind: GroupVersionKind, obj: Object) -> tuple[str, str]:
        metadata: Mapping[str, str] = obj.get("metadata") or {}
        namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
        served = self.kinds.served(kind)
        if served:
            namespace = (namespace or DEFAULT_NAMESPACE) if served.namespaced else ""
        return namespace, name


def _kind(obj: Object) -> GroupVersionKind:
    return GroupVersionKind.parse(obj.get("apiVersion") or "", obj.get("kind") or "")


def _stored(obj: Object) -> Object:
    """An object as an API server would hold it: a Namespace with what every namespace has.

    Above all it has the label that policies select it by (registry/core/namespace/strategy.go).
    """
    metadata = obj.get("metadata") or {}
    name = metadata.get("name")
    if _kind(obj) != NAMESPACE or not name:
        return obj
    every = _namespace(name)
    labels = (metadata.get("labels") or {}) | every["metadata"]["labels"]
    state = {field: every[field] | (obj.get(field) or {}) for field in ("spec", "status")}
    return {**obj, "metadata": {**metadata, "labels": labels}, **state}


def _namespace(name: str) -> Object:
    """A namespace of which nothing is known but its name."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {NAME_LABEL: name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
