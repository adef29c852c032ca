"""What is wrong with objects: those that exist, and those that authors are about to submit.

What exists is judged as it is, as if it were created now; what mutation would change is told beside it, as
drift. What an author submits is judged as it would be admitted, mutation first: what `review` admits is
clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gatekeeper_py.cluster.absence import Without
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.changes import Change, changes
from gatekeeper_py.policy.admission.decision import Decision, Enforcement, Finding
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy

__all__ = ["CLUSTER_WIDE", "Audited", "scan", "tenant_of"]

CLUSTER_WIDE = "(cluster-wide)"
"""Stands for the tenant of objects outside any namespace."""

CONTESTED = "(contested)"
UNOWNED = "(none)"


@dataclass(frozen=True, slots=True)
class Audited:
    """One object and what is wrong with it."""

    manifest: Manifest
    request: AdmissionRequest
    tenant: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    """What mutating policies would change in what exists, were it created now."""
    error: str = ""
    """Why the object could not be judged: a denial that no validation gave."""
    admitted: Object | None = None
    """The object as it exists, or as it would be admitted."""
    enforcement: Enforcement = "enforce"
    """How far an object like it is held to what is found."""
    concerns: tuple[str, ...] = ()
    """Other tenants that what is found is about: whom a binding gives something."""

    @property
    def violates(self) -> bool:
        """Whether the object would be denied today."""
        return self.enforcement == "enforce" and self.is_amiss

    @property
    def is_amiss(self) -> bool:
        """Whether the object would be denied were policies enforced."""
        return bool(self.error) or any("Deny" in finding.actions for finding in self.findings)


def scan(
    engine: Engine,
    tenancy: Tenancy,
    manifests: Iterable[Manifest],
    submission: Submission,
    *,
    existing: bool = True,
) -> Iterator[Audited | Problem]:
    """Each object in its order, or why it cannot be asked about; `existing` ones are judged as they are."""
    judge = _judge_existing if existing else _judge_submitted
    for manifest in manifests:
        try:
            yield judge(engine, tenancy, manifest, submission)
        except ManifestError as error:
            yield from error.problems


def _judge_existing(engine: Engine, tenancy: Tenancy, manifest: Manifest, submission: Submission) -> Audited:
    submitted = replace(manifest, object=_as_submitted(manifest.object))
    request = make_request(submitted, engine.cluster, submission)
    before = _before(engine, request)
    validated = before.judge(request, frozenset({"validate"}))
    mutated = before.judge(request, frozenset({"mutate"}))
    return Audited(
        manifest,
        request,
        tenant_of(tenancy, engine.cluster, request),
        validated.findings,
        tuple(changes(request.object, mutated.object)) if mutated.allowed else (),
        _error(validated) or _error(mutated),
        request.object,
        before.enforcement(request),
    )


def _judge_submitted(engine: Engine, tenancy: Tenancy, manifest: Manifest, submission: Submission) -> Audited:
    request = make_request(manifest, engine.cluster, submission)
    before = _before(engine, request)
    decision, enforcement = before.judge(request), before.enforcement(request)
    admitted = decision.object if enforcement == "enforce" else request.object
    tenant = tenant_of(tenancy, engine.cluster, request)
    said = decision.findings, (), _error(decision)
    return Audited(manifest, request, tenant, *said, admitted, enforcement)


def _before(engine: Engine, request: AdmissionRequest) -> Engine:
    """The engine as it was when the object was not there yet: what counts objects does not count it."""
    return Engine(engine.policies, Without(engine.cluster, request.resource, request.namespace, request.name))


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


def tenant_of(tenancy: Tenancy, cluster: ClusterView, request: AdmissionRequest) -> str:
    """The name of the tenant that an object belongs to, or in brackets why there is none."""
    try:
        owner = Context(tenancy, cluster, request).tenant()
    except ContestedNamespace:
        return CONTESTED
    if owner is not None:
        return owner.name
    return UNOWNED if request.namespace else CLUSTER_WIDE
