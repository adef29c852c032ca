"""Objects, the names of kinds and resources, and which resource serves which kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

__all__ = [
    "ABSENT",
    "Absent",
    "GroupVersion",
    "GroupVersionKind",
    "GroupVersionResource",
    "Object",
    "Objects",
    "Served",
]

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON gives it. Never changed in place once the engine has it."""


class Absent(Enum):
    """No value at all, where null is one."""

    ABSENT = "ABSENT"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class GroupVersion(NamedTuple):
    """`apps/v1`; the core group is the empty string."""

    group: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


class GroupVersionKind(NamedTuple):
    """`apps/v1 Deployment`; the core group is the empty string."""

    group: str
    version: str
    kind: str

    @classmethod
    def parse(cls, api_version: str, kind: str) -> GroupVersionKind:
        """From an object's apiVersion and kind."""
        group, _, version = api_version.rpartition("/")
        return cls(group, version, kind)

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


class GroupVersionResource(NamedTuple):
    """`apps/v1 deployments`; the core group is the empty string."""

    group: str
    version: str
    resource: str


@dataclass(frozen=True, slots=True)
class Served:
    """How the cluster serves a kind."""

    kind: GroupVersionKind
    resource: GroupVersionResource
    namespaced: bool


class Objects(Protocol):
    """The objects that exist, and how their kinds are served. Every method is safe from any thread."""

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None; `namespace` is empty for cluster-scoped kinds."""

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, in one namespace or (None) in all, ordered by namespace and name."""

    def served(self, kind: GroupVersionKind) -> Served | None:
        """How a kind is served (built-in table, then CustomResourceDefinitions), or None when unknown."""
