"""What becomes of a sheet: problems with their places, and of each object verdict, change, cost and why.

The engine that serves decides; the page only shows. Made for one reader, as JSON.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff
from typing import Any, TypeAlias

from gatekeeper_py.authoring.editor.vocabulary import VARIABLES
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.linting import FAMILIES, kinds_among, plainest
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.authoring.playground.rendering import shown
from gatekeeper_py.authoring.playground.sheet import PANES, Sheet
from gatekeeper_py.authoring.trace import Explained, NotEvaluated, explain_policy
from gatekeeper_py.cel import DeadlineExceeded, Explanation
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.dumping import dump_all
from gatekeeper_py.manifests.fieldvalidation import validated
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, read_all_text
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.policy.admission.changes import graft
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation
from gatekeeper_py.policy.admission.submission import (
    ADMINISTRATOR,
    Submission,
    make_request,
    make_user,
    with_object,
)
from gatekeeper_py.policy.evaluation.expression import PASS_BUDGET
from gatekeeper_py.policy.model import MutatingPolicy, Policy
from gatekeeper_py.tenancy.documents import is_tenancy_document
from gatekeeper_py.tenancy.lookups import asks_about_tenants

__all__ = ["try_out"]

JSON: TypeAlias = dict[str, Any]

SECONDS = 2.0
"""Of one review: a server gives less."""
MOST_OBJECTS = 20
MOST_EXPLAINED = 40
"""Objects that are tried, and pairs of object and policy that are explained: a page holds no more."""
CONTEXT, HEAD = 2, 2
"""Lines shown around a change, and those that name the files, of which there are none."""
MOST_PARTS = 400
"""Parts of one expression that are shown."""

NO_SUITE = "GK601"
"""A page has no suite."""
NO_TENANTS = "the policies ask about tenants, and the pane of tenants is empty: nothing is a tenant's"
NO_POLICY = "write a policy and its binding"
NO_MANIFEST = "write a manifest"


def try_out(sheet: Sheet) -> JSON:
    """What the page shows for a sheet."""
    try:
        return _tried(sheet)
    except ManifestError as error:
        return {"problems": list(map(_problem, error.problems)), "notices": [], "requests": []}


def _tried(sheet: Sheet) -> JSON:
    read = {pane: read_all_text(getattr(sheet, pane), pane).demanded() for pane in PANES}
    documents = (*read["policy"], *read["tenants"])
    definitions = [each.object for each in documents if each.kind == CUSTOM_RESOURCE_DEFINITION]
    view = Snapshot.of(read["cluster"])
    for definition in definitions:
        view = view.with_object(definition)
    engine = Engine.load(documents, view, whole=False)
    tryout = _Tryout(engine, view, sheet)
    requests = [tryout.request(manifest) for manifest in read["manifest"][:MOST_OBJECTS]]
    return {
        "problems": [],
        "notices": [*_notices(engine, documents), *_missing(read["manifest"], engine)],
        "requests": requests,
    }


# --- what is wrong, or may be -----------------------------------------------------------------------------


def _problem(problem: Problem, code: str = "") -> JSON:
    text = f"{problem.what}. {problem.remedy}" if problem.remedy else problem.what
    return {"pane": problem.path, "line": problem.line, "column": problem.column, "text": text, "code": code}


def _notice(pane: str, text: str) -> JSON:
    return _problem(Problem(pane, 0, 0, text))


def _notices(engine: Engine, documents: Sequence[Manifest]) -> Iterator[JSON]:
    """What lint says of policies that load."""
    subject = Subject(tuple(documents), engine.policies, kinds_among(documents), (), frozenset())
    found: list[Finding] = [finding for family in FAMILIES for finding in family(subject)]
    for finding in sorted(set(plainest(found))):
        if finding.code != NO_SUITE:
            yield _problem(finding.problem, finding.code)
    if asks_about_tenants(engine.policies) and not any(map(is_tenancy_document, documents)):
        yield _notice("tenants", NO_TENANTS)


def _missing(manifests: Sequence[Manifest], engine: Engine) -> Iterator[JSON]:
    if not engine.policies.validating and not engine.policies.mutating:
        yield _notice("policy", NO_POLICY)
    if not manifests:
        yield _notice("manifest", NO_MANIFEST)
    if len(manifests) > MOST_OBJECTS:
        yield _notice("manifest", f"only the first {MOST_OBJECTS} objects are tried")


# --- one object -------------------------------------------------------------------------------------------


class _Tryout:
    """One sheet whose policies load."""

    def __init__(self, engine: Engine, view: Snapshot, sheet: Sheet) -> None:
        self.engine = engine
        self.view = view
        self.sheet = sheet
        self.explained = 0

    def request(self, manifest: Manifest) -> JSON:
        """What becomes of one object."""
        named = f"{manifest.kind.kind} {'/'.join(filter(None, (manifest.namespace, manifest.name)))}".strip()
        try:
            request = make_request(manifest, self.view, self._submission())
            decision = self.engine.review(request, deadline=time.monotonic() + SECONDS)
        except ManifestError as error:
            return {"name": named, "verdict": "unusable", "message": _told(error.problems)}
        except DeadlineExceeded:
            return {"name": named, "verdict": "unusable", "message": f"no decision in {SECONDS:g} s"}
        policies = [self._policy(policy, request) for policy in self._policies()]
        return {
            "name": f"{request.operation} {named}",
            "verdict": _verdict(decision),
            "message": decision.status.message if decision.status is not None else "",
            "warnings": list(decision.warnings),
            "odd": [_problem(problem)["text"] for problem in validated(manifest, self.view)],
            "diff": list(_diff(manifest, request, decision)),
            "policies": policies,
            "cost": sum(each["cost"] for each in policies),
            "limit": PASS_BUDGET,
        }

    def _submission(self) -> Submission:
        sheet = self.sheet
        groups = tuple(filter(None, (group.strip() for group in sheet.groups.split(","))))
        user = make_user(sheet.user, groups) if sheet.user or groups else ADMINISTRATOR
        operation: Operation | None = sheet.operation or None  # type: ignore[assignment]
        return Submission(operation, sheet.subresource, user, sheet.namespace)

    def _policies(self) -> Iterator[Policy]:
        yield from self.engine.policies.mutating
        yield from self.engine.policies.validating

    def _policy(self, policy: Policy, request: AdmissionRequest) -> JSON:
        """Why one policy decides so."""
        told: JSON = {"name": policy.name, "mutates": isinstance(policy, MutatingPolicy), "cost": 0}
        self.explained += 1
        if self.explained > MOST_EXPLAINED:
            return {**told, "why": f"only {MOST_EXPLAINED} are explained", "expressions": []}
        try:
            explained = explain_policy(self.engine, policy, self._seen(policy, request))
        except NotEvaluated as error:
            return {**told, "why": str(error), "expressions": []}
        expressions = list(map(_expression, explained))
        return {**told, "why": "", "expressions": expressions, "cost": sum(each.cost for each in explained)}

    def _seen(self, policy: Policy, request: AdmissionRequest) -> AdmissionRequest:
        """The request as the policy sees it: validation comes after mutation."""
        if isinstance(policy, MutatingPolicy):
            return request
        mutated = self.engine.judge(request, frozenset({"mutate"}), deadline=time.monotonic() + SECONDS)
        return with_object(request, mutated.object, self.view)


def _told(problems: Iterable[Problem]) -> str:
    return "\n".join(_problem(problem)["text"] for problem in problems)


def _verdict(decision: Decision) -> str:
    if not decision.allowed:
        return "denied"
    return "warned" if decision.warnings else "changed" if decision.patch else "allowed"


def _diff(manifest: Manifest, request: AdmissionRequest, decision: Decision) -> Iterator[str]:
    """What mutation changes in what the author wrote."""
    if not decision.patch or request.object is None or decision.object is None:
        return
    after = graft(manifest.object, request.object, decision.object)
    written, changed = (dump_all([value]).splitlines()[1:] for value in (manifest.object, after))
    yield from list(unified_diff(written, changed, lineterm="", n=CONTEXT))[HEAD:]


# --- why --------------------------------------------------------------------------------------------------


def _expression(explained: Explained) -> JSON:
    parts = [0]
    return {
        "binding": explained.binding,
        "place": explained.place,
        "cost": explained.cost,
        "tree": _tree(explained.explanation, parts),
    }


def _tree(explanation: Explanation, counted: list[int]) -> JSON:
    """A part of an expression, what it gave, and its own parts; of what was not needed nothing more."""
    counted[0] += 1
    given = list(dict.fromkeys(map(shown, explanation.outcomes)))
    failed = any(outcome.error is not None for outcome in explanation.outcomes)
    parts = explanation.parts if explanation.evaluated and counted[0] < MOST_PARTS else ()
    return {
        "text": " ".join(explanation.text.split()),
        "given": given,
        "failed": failed,
        "parts": [_tree(part, counted) for part in parts if not _is_plain(part)],
    }


WORDS = frozenset({"false", "null", "true", *VARIABLES})


def _is_plain(part: Explanation) -> bool:
    """Whether a part tells nothing: a literal, or a word that everything is read from."""
    return not part.parts and (part.text in WORDS or not part.text[:1].isalpha())
