"""Runs test suites of policies through the engine's own door, so that a test says what a cluster does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper_py.authoring.suite import Case, Suite, missing
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = [
    "Outcome",
    "documents_of",
    "engine_for",
    "faults_of",
    "request_of",
    "run",
    "tenancy_documents",
    "try_on",
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case went; no faults, it passed."""

    case: Case
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.faults


def tenancy_documents(paths: Iterable[str | Path]) -> tuple[Manifest, ...]:
    """The tenancy documents among policies: suites are tried on the tenants of the folder they came from."""
    return tuple(manifest for manifest in read(paths) if is_tenancy_document(manifest))


def run(suite: Suite, tenancy: Sequence[Manifest] = ()) -> list[Outcome]:
    """Try every case of a suite. Raises `ManifestError` when its policies cannot be loaded."""
    return try_on(engine_for(suite, tenancy), suite)


def engine_for(suite: Suite, tenancy: Sequence[Manifest] = ()) -> Engine:
    """What a suite is tried on. Raises `ManifestError` when its policies cannot be loaded."""
    return Engine.load(documents_of(suite, tenancy), Snapshot(suite.cluster), whole=False)


def try_on(engine: Engine, suite: Suite) -> list[Outcome]:
    """Try every case of a suite."""
    return [Outcome(case, tuple(_outcome_faults(engine, case))) for case in suite.cases]


def documents_of(suite: Suite, tenancy: Sequence[Manifest]) -> tuple[Manifest, ...]:
    """What a suite is tried on: its policies, and the tenancy of their folder unless they bring their own."""
    policies = read(suite.policies)
    if any(is_tenancy_document(manifest) for manifest in policies):
        tenancy = ()
    return (*policies, *tenancy, *suite.tenants)


def request_of(case: Case, cluster: ClusterView) -> AdmissionRequest:
    """The request a case makes. Raises `ManifestError` when it makes none."""
    submission = Submission(
        operation=case.operation,
        subresource=case.subresource,
        user=make_user(case.user, case.groups) if case.user else ADMINISTRATOR,
        namespace=case.namespace,
    )
    request = make_request(Manifest(case.object, case.source), cluster, submission, old=case.old)
    return replace(request, name=case.request_name) if case.request_name else request


def faults_of(engine: Engine, case: Case, request: AdmissionRequest) -> list[str]:
    """How a case goes otherwise than it says; nothing when it goes as it says."""
    if case.workload and not _concerned(engine, request):
        return [f"no policy of this suite matches {request.operation} of {request.resource.resource}"]
    decision = engine.review(request)
    faults = _unexpected(case, decision)
    if case.patched:
        faults += missing(decision.object, case.patched)
    return faults


def _concerned(engine: Engine, request: AdmissionRequest) -> bool:
    policies = engine.policies
    return bool(policies.mutating.concerning(request) or policies.validating.concerning(request))


def _outcome_faults(engine: Engine, case: Case) -> list[str]:
    try:
        return faults_of(engine, case, request_of(case, engine.cluster))
    except ManifestError as error:
        return [str(error)]


def _unexpected(case: Case, decision: Decision) -> list[str]:
    said = _said(case, decision)
    found = "deny" if not decision.allowed else "warn" if decision.warnings else "allow"
    if found != case.expect:
        return [f"expected {case.expect}, got {found}{': ' + said if said else ''}"]
    if case.message and case.message not in said:
        return [f"expected a message with {case.message!r}, got {said!r}"]
    return []


def _said(case: Case, decision: Decision) -> str:
    if decision.status is not None and not decision.allowed:
        return "\n".join(cause.message for cause in decision.status.causes) or decision.status.message
    return "\n".join(decision.warnings) if case.expect == "warn" else ""
