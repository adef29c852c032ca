"""What the engine may ask about the cluster at decision time: pure look-ups in memory."""

from __future__ import annotations

from typing import Protocol

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Objects, Served

__all__ = ["ClusterError", "ClusterView"]


class ClusterError(Exception):
    """The cluster cannot be asked; the message says why and what to do."""


class ClusterView(Objects, Protocol):
    """A consistent, immutable picture of the cluster. Every method is safe from any thread."""

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether this view holds every object of a kind: what it does not hold is not there."""

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups, each with the kind of the subresource."""

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether RBAC as this view knows it allows the access, and the reason in RBAC's words."""
