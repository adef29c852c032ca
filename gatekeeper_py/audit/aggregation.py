"""API groups that another server than kube-apiserver answers for: no definition tells their kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = ["API_SERVICE", "MEASURED", "aggregated"]

API_SERVICE: Final = GroupVersionKind("apiregistration.k8s.io", "v1", "APIService")

MEASURED: Final = frozenset(("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"))
"""Groups of which nothing is kept: they tell what is measured."""


def aggregated(objects: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Group and version of each APIService among objects that names a Service to ask."""
    for each in objects:
        spec = each.get("spec")
        if each.get("kind") == API_SERVICE.kind and isinstance(spec, dict) and spec.get("service"):
            yield str(spec.get("group")), str(spec.get("version"))
