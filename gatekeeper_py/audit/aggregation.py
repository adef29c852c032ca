"""API groups that another server than kube-apiserver answers for: no definition tells their kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = ["API_SERVICE", "MEASURED", "aggregated", "unknown_groups"]

API_SERVICE: Final = GroupVersionKind("apiregistration.k8s.io", "v1", "APIService")

MEASURED: Final = frozenset(("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"))
"""Groups of which nothing is kept: they tell what is measured."""


def aggregated(objects: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Group and version of each APIService among objects that names a Service to ask."""
    for each in objects:
        spec = each.get("spec")
        if each.get("kind") == API_SERVICE.kind and isinstance(spec, dict) and spec.get("service"):
            yield str(spec.get("group")), str(spec.get("version"))


ELSEWHERE: Final = "an aggregated API server serves it, and which kinds it has is not known here"


def unknown_groups(objects: Iterable[Object]) -> Iterator[Problem]:
    """Those of which it is not known what is to be audited, going by the APIServices among objects."""
    for group, version in sorted(aggregated(objects)):
        if group not in MEASURED:
            yield Problem(f"{group}/{version}", 0, 0, ELSEWHERE)
