"""A picture of the cluster that is too old in part: what looks that part up has no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gatekeeper_py.cel import AccessDecision, AccessReview
from gatekeeper_py.cluster.authorization import Authorizer
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["Guarded", "Stale", "StaleView"]


@dataclass(frozen=True, slots=True)
class Stale:
    """A kind of which nobody knows how it is now."""

    kind: GroupVersionKind
    age: float | None
    """Seconds since it was last known whole; None when it never was."""
    reason: str

    def __str__(self) -> str:
        what = f"{self.kind.kind} ({self.kind.api_version})"
        if self.age is None:
            return f"{what} has not been read yet: {self.reason}"
        return f"{what} was last known {self.age:.0f} s ago: {self.reason}"


class StaleView(Exception):
    """A decision looked up what is not known as it is now. No expression absorbs it: it is none's error."""

    def __init__(self, stale: Stale, last: ClusterView) -> None:
        self.stale = stale
        self.last = last
        """The cluster as last seen, for those who go on by that."""
        super().__init__(str(stale))


def _to_nobody(_stale: Stale) -> None:
    pass


class Guarded:
    """Implements `ClusterView`: a snapshot, but look-ups of kinds that are stale raise `StaleView`.

    `tell` is told of each such look-up before, for who wants to know of those that somebody caught.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        stale: Mapping[GroupVersionKind, Stale],
        tell: Callable[[Stale], None] = _to_nobody,
    ) -> None:
        self._snapshot = snapshot
        self._tell = tell
        self._stale = {version: each for kind, each in stale.items() for version in snapshot.versions(kind)}
        self._authorizer = Authorizer(self, defaults=False)

    def as_last_seen(self) -> ClusterView:
        """The same without the guard."""
        return self._snapshot

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        self._require(kind)
        return self._snapshot.get(kind, namespace, name)

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind."""
        self._require(kind)
        return self._snapshot.list(kind, namespace)

    def knows(self, kind: GroupVersionKind) -> bool:
        """Whether it holds every object of a kind."""
        self._require(kind)
        return self._snapshot.knows(kind)

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served, or None when unknown."""
        builtin = Kinds.builtin().served(kind)
        return builtin or self._defined.served(kind)

    def resource(self, resource: GroupVersionResource) -> Served | None:
        """The kind a resource serves, or None when unknown."""
        builtin = Kinds.builtin().resource(resource)
        return builtin or self._defined.resource(resource)

    def equivalents(self, resource: GroupVersionResource, subresource: str = "") -> tuple[Served, ...]:
        """The same resource in its other versions and groups."""
        builtin = Kinds.builtin()
        kinds = self._defined if builtin.resource(resource) is None else builtin
        return kinds.equivalents(resource, subresource)

    def authorize(self, review: AccessReview) -> AccessDecision:
        """Whether RBAC allows the access; all of its kinds may have to be looked up."""
        return self._authorizer.authorize(review)

    @property
    def _defined(self) -> Kinds:
        """All kinds: only CustomResourceDefinitions say which there are."""
        self._require(CUSTOM_RESOURCE_DEFINITION)
        return self._snapshot.kinds

    def _require(self, kind: GroupVersionKind) -> None:
        if stale := self._stale.get(kind):
            self._tell(stale)
            raise StaleView(stale, self._snapshot)
