"""Runs test suites of policies through the engine's own door, so that a test says what a cluster does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper_py.authoring.suite import Case, Suite, missing
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = ["Outcome", "run", "run_case", "tenancy_documents"]


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
    policies = read(suite.policies)
    if any(is_tenancy_document(manifest) for manifest in policies):
        tenancy = ()
    engine = Engine.load((*policies, *tenancy, *suite.tenants), Snapshot(suite.cluster))
    return [Outcome(case, tuple(_faults(engine, case))) for case in suite.cases]


def run_case(engine: Engine, case: Case) -> Decision:
    """What becomes of a case. Raises `ManifestError` when it makes no request."""
    submission = Submission(
        operation=case.operation,
        subresource=case.subresource,
        user=make_user(case.user, case.groups) if case.user else ADMINISTRATOR,
        namespace=case.namespace,
    )
    request = make_request(Manifest(case.object, case.source), engine.cluster, submission, old=case.old)
    if case.request_name:
        request = replace(request, name=case.request_name)
    return engine.review(request)


def _faults(engine: Engine, case: Case) -> list[str]:
    try:
        decision = run_case(engine, case)
    except ManifestError as error:
        return [str(error)]
    faults = _unexpected(case, decision)
    if case.patched:
        faults += missing(decision.object, case.patched)
    return faults


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
