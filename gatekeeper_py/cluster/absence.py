"""A cluster without one of its objects: what it was before that one was created."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.cluster.snapshot import NAMESPACE
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["Without"]


@dataclass(frozen=True, slots=True)
class Without:
    """Implements `ClusterView` by asking another one, and leaving one object out.

    A namespace is still found by its name, as policies see the one that is being created.
    """

    view: ClusterView
    target: GroupVersionResource
    namespace: str
    name: str

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, unless it is the one."""
        if name == self.name and kind != NAMESPACE and namespace == self.namespace and self._is_of(kind):
            return None
        return self.view.get(kind, namespace, name)

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects but the one."""
        objects = self.view.list(kind, namespace)
        if not self._is_of(kind):
            return objects
        return tuple(each for each in objects if not self._is_it(each, cluster_wide=kind == NAMESPACE))

    def _is_of(self, kind: GroupVersionKind) -> bool:
        """Whether a kind is that of the object, in whatever version."""
        served = self.view.served(kind)
        if served is None:
            return False
        others = (other.resource for other in self.view.equivalents(served.resource))
        return self.target in (served.resource, *others)

    def _is_it(self, each: Object, *, cluster_wide: bool) -> bool:
        metadata = each.get("metadata") or {}
        namespace = "" if cluster_wide else metadata.get("namespace") or ""
        return (namespace or self.namespace, metadata.get("name")) == (self.namespace, self.name)

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether the other view holds every object of a kind."""
        return self.view.knows(kind)

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served, or None when unknown."""
        return self.view.served(kind)

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""
        return self.view.resource(resource)

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups."""
        return self.view.equivalents(resource, subresource)

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether the other view allows the access: who may do what does not hang on one object here."""
        return self.view.authorize(review)
