"""What already exists and should not: every object is reviewed as if it were created now, as it is.

Validation sees the object unchanged: what a mutating policy would have put right had it been there is a
violation of what exists. What mutation would change is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.changes import Change, changes
from gatekeeper_py.policy.admission.decision import Decision, Enforcement, Finding
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy

__all__ = ["CLUSTER_WIDE", "Audited", "scan"]

CLUSTER_WIDE = "(cluster-wide)"
"""Stands for the tenant of objects outside any namespace."""

CONTESTED = "(contested)"
UNOWNED = "(none)"


@dataclass(frozen=True, slots=True)
class Audited:
    """One existing object and what is wrong with it."""

    manifest: Manifest
    request: AdmissionRequest
    tenant: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    """What mutating policies would change were it created now."""
    error: str = ""
    """Why the object could not be judged: a denial that no validation gave."""
    enforcement: Enforcement = "enforce"
    """How far an object like it is held to what is found."""

    @property
    def violates(self) -> bool:
        """Whether the object would be denied today."""
        return self.enforcement == "enforce" and self.is_amiss

    @property
    def is_amiss(self) -> bool:
        """Whether the object would be denied were policies enforced."""
        return bool(self.error) or any("Deny" in finding.actions for finding in self.findings)


def scan(
    engine: Engine, tenancy: Tenancy, manifests: Iterable[Manifest], *, defaults: bool = True
) -> Iterator[Audited]:
    """Each object in its order; raises `ManifestError` for one that cannot be asked about."""
    submission = Submission("CREATE", defaults=defaults)
    for manifest in manifests:
        submitted = replace(manifest, object=_as_submitted(manifest.object))
        request = make_request(submitted, engine.cluster, submission)
        validated = engine.judge(request, frozenset({"validate"}))
        mutated = engine.judge(request, frozenset({"mutate"}))
        yield Audited(
            manifest,
            request,
            _tenant(tenancy, engine.cluster, request),
            validated.findings,
            tuple(changes(request.object, mutated.object)) if mutated.allowed else (),
            _error(validated) or _error(mutated),
            engine.enforcement(request),
        )


def _as_submitted(value: Object) -> Object:
    """The object without what the cluster itself added since: the node of a pod that the scheduler placed."""
    spec = value.get("spec")
    if value.get("kind") != "Pod" or not isinstance(spec, dict) or not _is_scheduled(value.get("status")):
        return value
    return {**value, "spec": {name: part for name, part in spec.items() if name != "nodeName"}}


def _is_scheduled(status: object) -> bool:
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return any(
        isinstance(condition, dict)
        and (condition.get("type"), condition.get("status")) == ("PodScheduled", "True")
        for condition in conditions or ()
    )


def _error(decision: Decision) -> str:
    """The message of a denial that no finding explains."""
    if decision.allowed or decision.status is None or any("Deny" in f.actions for f in decision.findings):
        return ""
    return decision.status.message


def _tenant(tenancy: Tenancy, cluster: ClusterView, request: AdmissionRequest) -> str:
    try:
        owner = Context(tenancy, cluster, request).tenant()
    except ContestedNamespace:
        return CONTESTED
    if owner is not None:
        return owner.name
    return UNOWNED if request.namespace else CLUSTER_WIDE
