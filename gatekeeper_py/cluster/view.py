"""What the engine may ask about the cluster at decision time: pure look-ups in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from gatekeeper_py.cel.library.authorizer import AccessReview, Decision
from gatekeeper_py.cluster.resource import GroupVersionKind, GroupVersionResource

__all__ = ["ClusterView", "Object", "Served"]

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON gives it. Never changed in place once the engine has it."""


@dataclass(frozen=True, slots=True)
class Served:
    """How the cluster serves a kind."""

    kind: GroupVersionKind
    resource: GroupVersionResource
    namespaced: bool


class ClusterView(Protocol):
    """A consistent, immutable picture of the cluster. Every method is safe from any thread."""

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None; `namespace` is empty for cluster-scoped kinds."""

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, in one namespace or (None) in all, ordered by namespace and name."""

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served (built-in table, then CustomResourceDefinitions), or None when unknown."""

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups, each with the kind of the subresource."""

    def authorize(self, review: AccessReview) -> Decision:
        """Whether RBAC as this view knows it allows the access, and the reason in RBAC's words."""
