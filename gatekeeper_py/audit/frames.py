"""Namespaces of tenants that lack what admission cannot give: what is there counts, whatever its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.subjects import Subject, subjects_of
from gatekeeper_py.cluster.authorization import ROLE_BINDING
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.decision import Finding
from gatekeeper_py.tenancy.context import NAMESPACE
from gatekeeper_py.tenancy.frame import LEVEL_LABEL, LEVELS, homes
from gatekeeper_py.tenancy.tenant import GROUP, Tenancy, Tenant

__all__ = ["FRAME_KINDS", "Frames"]

NETWORK_POLICY: Final = GroupVersionKind("networking.k8s.io", "v1", "NetworkPolicy")
QUOTA: Final = GroupVersionKind("", "v1", "ResourceQuota")
LIMIT_RANGE: Final = GroupVersionKind("", "v1", "LimitRange")
FRAME_KINDS: Final = (ROLE_BINDING, NETWORK_POLICY, QUOTA, LIMIT_RANGE)

OWN: Final = f"{GROUP}/made-by-tenant"
"""The label of a bound that the tenant made itself, and may lift."""

POLICY: Final = "tenant-frame"
"""By which reports call it, as they do a policy."""
REMEDY: Final = "apply what `gatekeeper tenants render` prints"
UNREAD: Final = "no {} was read: whether tenants' namespaces have theirs is not audited"
READ_IT: Final = "Give them with --cluster, or the right to list them"


@dataclass(frozen=True)
class Frames:
    """Judges Namespaces by what is in them."""

    tenancy: Tenancy
    cluster: ClusterView
    unread: frozenset[GroupVersionKind] = frozenset()
    """Kinds of which nobody knows whether there are more than the cluster shows."""

    def judge(self, items: Iterable[Audited | Problem]) -> Iterator[Audited | Problem]:
        """The same objects, Namespaces with what they lack; and what could not be looked for."""
        framed = False
        for item in items:
            tenant = self._tenant(item) if isinstance(item, Audited) else None
            if tenant is None or isinstance(item, Problem):
                yield item
                continue
            framed = True
            lacking = list(self._lacking(tenant, item))
            found = (*item.findings, _finding(lacking)) if lacking else item.findings
            yield replace(item, findings=found)
        for kind in FRAME_KINDS if framed else ():
            if kind in self.unread:
                yield Problem(f"{kind.api_version} {kind.kind}", 0, 0, UNREAD.format(kind.kind), READ_IT)

    def _tenant(self, item: Audited) -> Tenant | None:
        """Whose a Namespace is, if it is to have a frame; who is not enforced is to have none yet."""
        if item.manifest.kind != NAMESPACE or "deletionTimestamp" in item.manifest.object["metadata"]:
            return None
        tenant = self._homes.get(item.request.name)
        return tenant if tenant is not None and tenant.enforcement == "enforce" else None

    @cached_property
    def _homes(self) -> Mapping[str, Tenant]:
        found = homes(self.tenancy, self.cluster.list(NAMESPACE))
        return {
            record["metadata"]["name"]: self.tenancy.by_name[name]
            for name, records in found.items()
            for record in records
        }

    def _lacking(self, tenant: Tenant, item: Audited) -> Iterator[str]:
        """What a namespace lacks, in words."""
        name = item.request.name
        level = labels_of(item.manifest.object).get(LEVEL_LABEL, "")
        if level not in LEVELS or LEVELS.index(level) < LEVELS.index(tenant.pod_security):
            yield f"the label {LEVEL_LABEL}: {tenant.pod_security}"
        if self._knows(ROLE_BINDING) and not self._binds_owners(tenant, name):
            yield "a RoleBinding of its owners"
        for direction in ("Ingress", "Egress"):
            if self._knows(NETWORK_POLICY) and not self._denies(name, direction):
                yield f"a NetworkPolicy that denies {direction.lower()} by default"
        for kind in (QUOTA, LIMIT_RANGE):
            if self._knows(kind) and not self._has(kind, name, _is_the_platforms):
                yield f"a {kind.kind} of the platform"

    def _knows(self, kind: GroupVersionKind) -> bool:
        return kind not in self.unread

    def _has(self, kind: GroupVersionKind, namespace: str, holds: Callable[[Object], bool]) -> bool:
        return any(map(holds, self.cluster.list(kind, namespace)))

    def _binds_owners(self, tenant: Tenant, namespace: str) -> bool:
        """Whether each owner is bound to something."""
        bound = {
            subject
            for binding in self.cluster.list(ROLE_BINDING, namespace)
            for subject in subjects_of(binding)
        }
        return all(Subject(owner.kind, owner.name, owner.namespace) in bound for owner in tenant.owners)

    def _denies(self, namespace: str, direction: str) -> bool:
        """Whether some policy is about every pod, and lets not everything through."""
        policies = self.cluster.list(NETWORK_POLICY, namespace)
        return any(_isolates(policy, direction) for policy in policies)


def _is_the_platforms(bound: Object) -> bool:
    return OWN not in labels_of(bound)


def _isolates(policy: Object, direction: str) -> bool:
    """Whether a NetworkPolicy isolates every pod in a direction, for what none allows is denied then."""
    spec = policy.get("spec")
    if not isinstance(spec, dict) or spec.get("podSelector"):
        return False
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    rules = spec.get(direction.lower()) or []
    return direction in types and all(rule for rule in rules)


def _finding(lacking: list[str]) -> Finding:
    message = f"the tenant's namespace lacks {', '.join(lacking)}; {REMEDY}"
    metadata = {"severity": "medium", "category": "tenants", "remedy": REMEDY}
    return Finding(POLICY, "", message, ("Warn",), metadata=metadata)
