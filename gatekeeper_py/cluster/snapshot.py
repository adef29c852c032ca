"""A cluster as manifests describe it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.cluster.authorization import GROUP as RBAC_GROUP
from gatekeeper_py.cluster.authorization import Authorizer
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["DEFAULT_NAMESPACE", "NAMESPACE", "Difference", "Snapshot"]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
DEFAULT_NAMESPACE = "default"
"""Where a namespaced object without a namespace belongs, as for kubectl."""

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label every API server sets on every namespace, to its own name."""


class _ByName:
    """The objects of a kind in one namespace; immutable once made."""

    __slots__ = ("_sorted", "objects")

    def __init__(self, objects: Mapping[str, Object]) -> None:
        self.objects = objects
        """By name."""
        self._sorted: tuple[Object, ...] | None = None

    def all(self) -> tuple[Object, ...]:
        """All of them by name; sorted when it is first asked for."""
        if self._sorted is None:
            self._sorted = tuple(self.objects[name] for name in sorted(self.objects))
        return self._sorted


class Difference(NamedTuple):
    """An object that one snapshot holds otherwise than another; None where it holds none."""

    kind: GroupVersionKind
    namespace: str
    name: str
    before: Object | None
    after: Object | None


def _merged(versions: Sequence[_ByName]) -> tuple[Object, ...]:
    """An object that is held in several versions is one, in the first of them."""
    if len(versions) <= 1:
        return versions[0].all() if versions else ()
    return _ByName(dict(ChainMap(*(dict(each.objects) for each in versions)))).all()


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
        self._held: dict[GroupVersionKind, Mapping[str, _ByName]] = {}
        for kind, objects in _by_kind(held).items():
            self._held[kind] = self._grouped(kind, objects)
        self._authorizer = Authorizer(self, defaults=not complete)

    @classmethod
    def of(cls, manifests: Iterable[Manifest], *, complete: bool = False) -> Snapshot:
        """From manifests; of two with the same kind, namespace and name the last holds.

        A Namespace gets what an API server gives every namespace, should the manifest not say so.
        """
        return cls((_stored(manifest.object) for manifest in manifests), complete=complete)

    def with_object(self, obj: Object) -> Snapshot:
        """This snapshot and one more object, which replaces that of its name; cheap, for many in a row."""
        return self.with_changes(_kind(obj), (obj,), ())

    def without_object(self, obj: Object) -> Snapshot:
        """This snapshot without the object of that kind, namespace and name; cheap, for many in a row."""
        return self.with_changes(_kind(obj), (), (obj,))

    def with_changes(
        self, kind: GroupVersionKind, there: Iterable[Object], gone: Iterable[Object]
    ) -> Snapshot:
        """This snapshot with some objects of a kind, and without others; it costs what they are."""
        held = self._held.get(kind, {})
        changed: dict[str, dict[str, Object]] = {}

        def objects(namespace: str) -> dict[str, Object]:
            if namespace not in changed:
                changed[namespace] = dict(held[namespace].objects) if namespace in held else {}
            return changed[namespace]

        for obj in there:
            namespace, name = self._key(kind, obj)
            objects(namespace)[name] = obj
        for obj in gone:
            namespace, name = self._key(kind, obj)
            objects(namespace).pop(name, None)
        after = dict(held)
        for namespace, each in changed.items():
            if each:
                after[namespace] = _ByName(each)
            else:
                after.pop(namespace, None)
        return self._with_held(kind, after)

    def with_kind(self, kind: GroupVersionKind, objects: Iterable[Object]) -> Snapshot:
        """This snapshot with these objects of a kind, and none else of it."""
        return self._with_held(kind, self._grouped(kind, objects))

    def _with_held(self, kind: GroupVersionKind, held: Mapping[str, _ByName]) -> Snapshot:
        everything = {**self._held, kind: held}
        if kind == CUSTOM_RESOURCE_DEFINITION:  # what is namespaced, and what is one and the same, may change
            objects = (obj for each in everything.values() for there in each.values() for obj in there.all())
            return Snapshot(objects, complete=self._complete)
        made = Snapshot.__new__(Snapshot)
        made.kinds = self.kinds
        made._complete = self._complete
        made._held = everything
        made._authorizer = (
            Authorizer(made, defaults=not self._complete) if kind.group == RBAC_GROUP else self._authorizer
        )
        return made

    def _grouped(self, kind: GroupVersionKind, objects: Iterable[Object]) -> Mapping[str, _ByName]:
        namespaces: dict[str, dict[str, Object]] = {}
        for obj in objects:
            namespace, name = self._key(kind, obj)
            namespaces.setdefault(namespace, {})[name] = obj
        return {namespace: _ByName(each) for namespace, each in namespaces.items()}

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None; a Namespace that nobody told of is assumed to exist."""
        for version in self.kinds.versions(kind):
            there = self._held.get(version, {}).get(namespace)
            if there is not None and name in there.objects:
                return there.objects[name]
        return _namespace(name) if kind == NAMESPACE and name and not self._complete else None

    def held(self, kind: GroupVersionKind, obj: Object) -> Object | None:
        """What is held of this very kind under an object's name."""
        return self.named(kind, *self._key(kind, obj))

    def named(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """What is held of this very kind, and nothing that is assumed."""
        there = self._held.get(kind, {}).get(namespace)
        return None if there is None else there.objects.get(name)

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, by namespace and name, without assumed Namespaces."""
        versions = [held for version in self.kinds.versions(kind) if (held := self._held.get(version))]
        if not versions:
            return ()
        if namespace is not None:
            return _merged([each for held in versions if (each := held.get(namespace)) is not None])
        if len(versions) == 1 and len(versions[0]) == 1:
            return next(iter(versions[0].values())).all()
        everywhere = sorted({namespace for held in versions for namespace in held})
        return tuple(obj for each in everywhere for obj in self.list(kind, each))

    def differences(self, before: Snapshot) -> Iterator[Difference]:
        """What has come, changed or gone since another snapshot that this one was made of.

        What both hold as one and the same is not looked at again: it costs what has changed.
        """
        for kind in {**before._held, **self._held}:
            now, then = self._held.get(kind, {}), before._held.get(kind, {})
            for namespace in {**then, **now} if now is not then else ():
                yield from _differing(kind, namespace, then.get(namespace), now.get(namespace))

    def objects(self, kind: GroupVersionKind) -> Iterator[tuple[str, str, Object]]:
        """Namespace, name and object of all that is held of this very kind."""
        for namespace, there in self._held.get(kind, {}).items():
            for name, value in there.objects.items():
                yield namespace, name, value

    def within(self, namespace: str) -> Iterator[tuple[GroupVersionKind, str]]:
        """Kind and name of all that is held in a namespace."""
        for kind, held in self._held.items():
            for name in held[namespace].objects if namespace in held else ():
                yield kind, name

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether it holds every object of a kind: when it is complete, or was told of one of that kind.

        Whoever writes down one RuntimeClass of a cluster writes down all; of a kind without any object in the
        snapshot nothing is known.
        """
        return self._complete or any(self._held.get(version) for version in self.versions(kind))

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

    def versions(self, kind: GroupVersionKind) -> tuple[GroupVersionKind, ...]:
        """As `Kinds.versions`."""
        return self.kinds.versions(kind)

    def _key(self, kind: GroupVersionKind, obj: Object) -> tuple[str, str]:
        metadata: Mapping[str, str] = obj.get("metadata") or {}
        namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
        served = self.kinds.served(kind)
        if served:
            namespace = (namespace or DEFAULT_NAMESPACE) if served.namespaced else ""
        return namespace, name


def _differing(
    kind: GroupVersionKind, namespace: str, then: _ByName | None, now: _ByName | None
) -> Iterator[Difference]:
    if then is now:
        return
    before, after = ({} if each is None else each.objects for each in (then, now))
    for name in {**before, **after}:
        was, is_ = before.get(name), after.get(name)
        if was is not is_:
            yield Difference(kind, namespace, name, was, is_)


def _by_kind(objects: Iterable[Object]) -> Mapping[GroupVersionKind, list[Object]]:
    kinds: dict[GroupVersionKind, list[Object]] = {}
    for obj in objects:
        kinds.setdefault(_kind(obj), []).append(obj)
    return kinds


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
