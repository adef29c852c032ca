"""A tenant's own cluster as decisions may know it: its classes count as the host has them.

What runs a pod is the host's RuntimeClass of that name. One that the tenant made in its own API server says
nothing, whatever handler it names, and one that the host lacks is as good as none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.cluster.staleness import Guarded, StaleView
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["Overlay"]

CLASSES: Final = frozenset({"RuntimeClass"})
"""Kinds of node.k8s.io that say what a pod gets at the host."""
NODE_GROUP: Final = "node.k8s.io"


@dataclass(frozen=True, slots=True)
class Overlay:
    """Implements `ClusterView` over a tenant's cluster and the host."""

    own: ClusterView
    host: ClusterView
    group: str = ""
    """Objects of this API group are the host's alone: the documents that say what holds."""

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        with self._known():
            if self._is_hosts(kind):
                return self.host.get(kind, namespace, name)
            found = self.own.get(kind, namespace, name)
            return self.host.get(kind, namespace, name) if found and _is_class(kind) else found

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind."""
        with self._known():
            if self._is_hosts(kind):
                return self.host.list(kind, namespace)
            if not _is_class(kind):
                return self.own.list(kind, namespace)
            mine = {each["metadata"]["name"] for each in self.own.list(kind, namespace)}
            return [each for each in self.host.list(kind, namespace) if each["metadata"]["name"] in mine]

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether it holds every object of a kind."""
        with self._known():
            return self.own.knows(kind) and (not _is_class(kind) or self.host.knows(kind))

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served, or None when unknown."""
        with self._known():
            return self.own.served(kind)

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""
        with self._known():
            return self.own.resource(resource)

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups."""
        with self._known():
            return self.own.equivalents(resource, subresource)

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether the tenant's own RBAC allows the access."""
        with self._known():
            return self.own.authorize(review)

    def _is_hosts(self, kind: GroupVersionKind) -> bool:
        return bool(self.group) and kind.group == self.group

    @contextmanager
    def _known(self) -> Iterator[None]:
        """Who goes on by what was known last goes on by that of both."""
        try:
            yield
        except StaleView as error:
            last = Overlay(_last(self.own), _last(self.host), self.group)
            raise StaleView(error.stale, last) from error


def _last(view: ClusterView) -> ClusterView:
    """What was known of a cluster last, however long ago."""
    return view.as_last_seen() if isinstance(view, Guarded) else view


def _is_class(kind: GroupVersionKind) -> bool:
    return kind.group == NODE_GROUP and kind.kind in CLASSES
