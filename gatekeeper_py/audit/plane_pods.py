"""Pods of a tenant's own control plane that run outside its namespaces and without its isolation.

In a namespace of the platform nothing is forced on a pod, and the API server of a tenant that runs there runs
what the tenant sends it. A ControlPlane says which pods those are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.decision import Finding
from gatekeeper_py.tenancy.context import NAMESPACE, RUNTIME_CLASS
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.tenancy.isolation import Level, satisfies
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy

__all__ = ["PlanePods"]

POD: Final = GroupVersionKind("", "v1", "Pod")
POLICY: Final = "control-plane-isolation"
"""By which reports call it, as they do a policy."""
REMEDY: Final = "run it in a namespace of its tenant, or give it a runtime class that isolates so"
MESSAGE: Final = (
    "the pod is a part of control plane {!r} of tenant {!r} and runs {}; the tenant needs {}. " + REMEDY
)


@dataclass(frozen=True)
class PlanePods:
    """Judges the pods that ControlPlanes name."""

    tenancy: Tenancy
    cluster: ClusterView

    def judge(self, items: Iterable[Audited | Problem]) -> Iterator[Audited | Problem]:
        """The same objects, pods of control planes with what is wrong with them."""
        for item in items:
            found = self._finding(item) if isinstance(item, Audited) and self._planes else None
            if found is None or isinstance(item, Problem):
                yield item
            else:
                tenant, finding = found
                concerns = tuple(dict.fromkeys((*item.concerns, tenant)))
                yield replace(item, findings=(*item.findings, finding), concerns=concerns)

    @cached_property
    def _planes(self) -> tuple[ControlPlane, ...]:
        return tuple(plane for plane in self.tenancy.control_planes if plane.pods)

    def _finding(self, item: Audited) -> tuple[str, Finding] | None:
        if item.manifest is None or item.target.kind != POD or not self._is_trusted(item.target.namespace):
            return None
        labels = labels_of(item.manifest.object)
        for plane in self._planes:
            if any(pods.cover(item.target.namespace, labels) for pods in plane.pods):
                return self._judged(plane, item.manifest.object.get("spec") or {})
        return None

    def _judged(self, plane: ControlPlane, spec: dict[str, object]) -> tuple[str, Finding] | None:
        needed = self.tenancy.by_name[plane.tenant].isolation
        name = str(spec.get("runtimeClassName") or "")
        level = self._level(name)
        if needed == "virtual-node" or satisfies(level, needed):
            return None
        how = f'in runtime class "{name}", whose handler isolates {level}' if name else "in no runtime class"
        message = MESSAGE.format(plane.name, plane.tenant, how, needed)
        metadata = {"severity": "high", "category": "isolation", "remedy": REMEDY}
        return plane.tenant, Finding(POLICY, "", message, ("Deny",), metadata=metadata)

    def _level(self, name: str) -> Level:
        """How well a class isolates; one that nobody knows isolates nothing."""
        found = self.cluster.get(RUNTIME_CLASS, "", name) if name else None
        handler = str((found or {}).get("handler", ""))
        return self.tenancy.settings.handlers.get(handler, "none")

    def _is_trusted(self, namespace: str) -> bool:
        """Whether nothing is forced on pods there: elsewhere policies have judged them."""
        record = self.cluster.get(NAMESPACE, "", namespace)
        try:
            owner = self.tenancy.owner(namespace, lambda _name: labels_of(record))
        except ContestedNamespace:
            return False
        return owner is None or owner.trusted
