"""Takes an installation away: first what is asked, so that nobody waits for an engine that goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gatekeeper_py.installation.access import Access
from gatekeeper_py.installation.identifiers import (
    AUDIT,
    BACKGROUND,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONFIGURATIONS,
    CRON_JOB,
    DEPLOYMENT,
    NAME,
    NAMESPACE,
    NAMESPACE_KIND,
    POD,
)
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.fields import definitions

__all__ = ["NotGone", "Removal"]

PAUSE: Final = 0.5
"""Seconds between two looks."""


class NotGone(Exception):
    """Something does not go; the message names it."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Deletes, and waits until all is gone. Needs no engine, and no kubelet."""

    access: Access
    seconds: float
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def remove(self, *, tenants: bool) -> list[str]:
        """What was deleted; with `tenants` the definitions, and with them every Tenant of the cluster.

        Raises `AccessError` when something is refused, `NotGone` when the time is over. Both leave nothing
        registered once the first two are gone; it may be done again.
        """
        wanted = [*_everything(), *(_definitions() if tenants else [])]
        found = [each for each in wanted if self._delete(*each)]
        deadline = self.clock() + self.seconds
        while left := [_text(*each) for each in wanted if self.access.get(*each) is not None]:
            if self.clock() > deadline:
                raise NotGone(f"not gone within {self.seconds:.0f} s: {', '.join(left)}")
            self._end_pods()
            self.pause(PAUSE)
        return [_text(*each) for each in found]

    def _delete(self, kind: GroupVersionKind, name: str, namespace: str) -> bool:
        return self.access.delete(kind, name, namespace)

    def _end_pods(self) -> None:
        """A kubelet that is gone never says that its pods are: their namespace would stay for ever."""
        for pod in self.access.list(POD, NAMESPACE):
            self.access.delete(POD, pod["metadata"]["name"], NAMESPACE, now=True)


def _everything() -> list[tuple[GroupVersionKind, str, str]]:
    """The registration first, Deployments before their pods, rights after whom they serve.

    Of an audit all that may be there: what is not needs no deletion.
    """
    return [
        *((kind, NAME, "") for kind in CONFIGURATIONS),
        *((DEPLOYMENT, name, NAMESPACE) for name in (NAME, BACKGROUND)),
        (CRON_JOB, AUDIT, NAMESPACE),
        (NAMESPACE_KIND, NAMESPACE, ""),
        *((CLUSTER_ROLE_BINDING, name, "") for name in (NAME, AUDIT, BACKGROUND)),
        *((CLUSTER_ROLE, name, "") for name in (NAME, *AUDIT_ROLES)),
    ]


AUDIT_ROLES: Final = tuple(
    f"{name}{part}" for name in (AUDIT, BACKGROUND) for part in ("", "-kinds", "-reports")
)


def _definitions() -> list[tuple[GroupVersionKind, str, str]]:
    return [(CUSTOM_RESOURCE_DEFINITION, each["metadata"]["name"], "") for each in definitions()]


def _text(kind: GroupVersionKind, name: str, namespace: str) -> str:
    return f"{kind.kind} {namespace}/{name}" if namespace else f"{kind.kind} {name}"
