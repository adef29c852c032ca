"""What the engine may ask about the cluster at decision time: pure look-ups in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Objects, Served

__all__ = ["ClusterError", "ClusterView", "Followed"]


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


class Followed(Protocol):
    """A cluster that is followed in one process, for others that are forked from it, too."""

    def at_rest(self) -> AbstractContextManager[None]:
        """While it is entered the thread that follows it does nothing, and holds nothing."""

    def pass_on(self, wake: Callable[[], None]) -> None:
        """Gather from now on what the others have to be told; `wake` is called when there is some."""

    def news(self, *, standings: bool) -> bytes:
        """What they have to be told, and how each kind stands; empty when that is nothing."""

    async def find(self, namespace: str) -> Object | None:
        """A namespace, which is asked for when it is not known yet; None when there is none."""

    def follow_along(self, find: Callable[[str], Awaitable[Object | None]]) -> None:
        """In one of the others: it is told what happens, and asks for namespaces by `find`."""

    def hear(self, news: bytes) -> None:
        """In one of the others: what it is told."""
