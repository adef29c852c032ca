"""Runs test suites of policies through the engine's own door, so that a test says what a cluster does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper_py.authoring.known import unknown_kinds
from gatekeeper_py.authoring.suite import Case, Expectation, Suite, missing
from gatekeeper_py.authoring.tenancies import TENANCIES
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.lookups import asks_about_tenants
from gatekeeper_py.tenancy.reading import declares_tenancy

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
    """The tenancy documents among policies: suites are tried on the tenants of the folder they came from.

    On its waivers they are not: what a policy refuses is refused where nobody waives it.
    """
    return tuple(filter(declares_tenancy, read(paths)))


def run(suite: Suite, tenancy: Sequence[Manifest] = ()) -> list[Outcome]:
    """Try every case of a suite. Raises `ManifestError` when its policies cannot be loaded."""
    return try_on(engine_for(suite, tenancy), suite)


def engine_for(suite: Suite, tenancy: Sequence[Manifest] = ()) -> Engine:
    """What a suite is tried on. Raises `ManifestError` when that cannot be told."""
    documents = documents_of(suite, tenancy)
    cluster = Snapshot((*suite.cluster, *_definitions(documents)))
    engine = Engine.load(documents, cluster, whole=False)
    problems = [
        *_without_tenants(suite, engine, documents),
        *unknown_kinds(suite, engine.policies, cluster.kinds),
    ]
    if problems:
        raise ManifestError(problems)
    return engine


def _definitions(documents: Iterable[Manifest]) -> Iterator[Object]:
    return (each.object for each in documents if each.kind == CUSTOM_RESOURCE_DEFINITION)


def _without_tenants(suite: Suite, engine: Engine, documents: Iterable[Manifest]) -> Iterator[Problem]:
    """Policies that ask about tenants where nothing is a tenant's: every case would be admitted."""
    if asks_about_tenants(engine.policies) and not any(map(declares_tenancy, documents)):
        remedy = f"Write tenants: [{TENANCIES[0]}], or name the file they stand in"
        yield Problem(str(suite.path), 1, 1, "the policies ask about tenants, and none are here", remedy)


def try_on(
    engine: Engine, suite: Suite, seen: Callable[[Engine, AdmissionRequest], None] = lambda _e, _r: None
) -> list[Outcome]:
    """Try every case of a suite; `seen` is told each request."""
    return [Outcome(case, tuple(_outcome_faults(engine, case, seen))) for case in suite.cases]


def documents_of(suite: Suite, tenancy: Sequence[Manifest]) -> tuple[Manifest, ...]:
    """What a suite is tried on: its policies, and the tenancy of their folder unless they bring their own."""
    policies = read(suite.policies)
    if suite.named or any(map(declares_tenancy, policies)):
        tenancy = ()
    return (*policies, *tenancy, *suite.tenants, *suite.waivers)


def request_of(case: Case, cluster: ClusterView) -> AdmissionRequest:
    """The request a case makes. Raises `ManifestError` when it makes none."""
    submission = Submission(
        operation=case.operation,
        subresource=case.subresource,
        user=make_user(case.user, case.groups) if case.user else ADMINISTRATOR,
        namespace=case.namespace,
        asked_at=case.asked_at,
    )
    request = make_request(Manifest(case.object, case.source), cluster, submission, old=case.old)
    return replace(request, name=case.request_name) if case.request_name else request


def faults_of(engine: Engine, case: Case, request: AdmissionRequest) -> list[str]:
    """How a case goes otherwise than it says; nothing when it goes as it says."""
    concerned = _concerned(engine, request)
    if case.workload and not concerned:
        return [unmatched(request)]
    decision = engine.review(request)
    faults = _unexpected(case, decision) or _mismatched(case, decision, request, concerned)
    if case.patched:
        faults += missing(decision.object, case.patched)
    return faults


def _concerned(engine: Engine, request: AdmissionRequest) -> bool:
    policies = engine.policies
    return bool(policies.mutating.concerning(request) or policies.validating.concerning(request))


def _mismatched(case: Case, decision: Decision, request: AdmissionRequest, concerned: bool) -> list[str]:
    """A case that shows nothing of a policy, or shows more than it says."""
    if case.expect == "unmatched":
        return [f"a policy of this suite matches {_what(request)}; expect allow"] if concerned else []
    return [f"{unmatched(request)}; expect unmatched says so"] if decision.allowed and not concerned else []


def unmatched(request: AdmissionRequest) -> str:
    """That no policy is about a request."""
    return f"no policy of this suite matches {_what(request)}"


def _what(request: AdmissionRequest) -> str:
    subresource = f"/{request.subresource}" if request.subresource else ""
    return f"{request.operation} of {request.resource.resource}{subresource}"


def _outcome_faults(
    engine: Engine, case: Case, seen: Callable[[Engine, AdmissionRequest], None]
) -> list[str]:
    try:
        request = request_of(case, engine.cluster)
        seen(engine, request)
        return faults_of(engine, case, request)
    except ManifestError as error:
        return [str(error)]


def _unexpected(case: Case, decision: Decision) -> list[str]:
    said = _said(case, decision)
    found = _found(decision)
    if found != ("allow" if case.expect == "unmatched" else case.expect):
        return [f"expected {case.expect}, got {found}{': ' + said if said else ''}"]
    if case.message and case.message not in said:
        return [f"expected a message with {case.message!r}, got {said!r}"]
    return []


def _found(decision: Decision) -> Expectation:
    """What became of a request."""
    if not decision.allowed:
        return "deny"
    if any(finding.waived is not None for finding in decision.findings):
        return "waived"
    return "warn" if decision.warnings else "allow"


def _said(case: Case, decision: Decision) -> str:
    if decision.status is not None and not decision.allowed:
        return "\n".join(cause.message for cause in decision.status.causes) or decision.status.message
    if case.expect == "waived":
        return "\n".join(finding.message for finding in decision.findings if finding.waived is not None)
    return "\n".join(decision.warnings) if case.expect == "warn" else ""
