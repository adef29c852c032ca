"""Names of kinds and resources, and which resource serves which kind."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GroupVersionKind", "GroupVersionResource"]


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
