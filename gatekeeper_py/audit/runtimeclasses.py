"""How well each runtime class of a cluster isolates the pods that name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.isolation import Level
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["isolation_of"]

RUNTIME_CLASS: Final = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")


def isolation_of(tenancy: Tenancy, cluster: ClusterView) -> Mapping[str, Level]:
    """By name of the class: by its handler, never by its name. What it does not hold isolates nothing."""
    return {
        str(each["metadata"]["name"]): tenancy.settings.handlers.get(str(each.get("handler", "")), "none")
        for each in cluster.list(RUNTIME_CLASS)
    }
