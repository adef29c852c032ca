"""Fields that are read where they may be absent, found by trying policies on the least objects (GK202).

What is told is certain: there is an object without anything wrong that the policy refuses, by an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.authoring.specimens import kinds_with_specimens, specimen
from gatekeeper_py.authoring.trace import Explained, NotEvaluated, explain_policy
from gatekeeper_py.cel import Explanation, tree
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.model import Policy
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = ["trials"]

ABSENT = re.compile(r"no such key: (?P<name>\S+)$")
NOBODY = make_user("somebody", ())
ANYWHERE = "default"


def trials(subject: Subject) -> Iterator[Finding]:
    """Every field whose absence is an error in an object of the least sort."""
    engine = Engine(subject.policies, Snapshot(()))
    namespaces = dict.fromkeys((*_owned(subject), ANYWHERE))
    for kind in kinds_with_specimens():
        for namespace in namespaces:
            request = _request(kind, namespace, engine)
            for policy in _failing(engine, request):
                yield from _told(engine, policy, request)


def _owned(subject: Subject) -> Iterator[str]:
    """A namespace of some tenant, by its name."""
    for manifest in subject.manifests:
        if is_tenancy_document(manifest) and manifest.kind.kind == "Tenant":
            spec = manifest.object.get("spec") or {}
            names = (spec.get("namespaces") or {}).get("names") or ()
            if not spec.get("trusted") and names:
                yield str(names[0])
                return


def _request(kind: GroupVersionKind, namespace: str, engine: Engine) -> AdmissionRequest:
    served = engine.cluster.served(kind)
    metadata = {"name": "web", **({"namespace": namespace} if served and served.namespaced else {})}
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **specimen(kind)}
    return make_request(Manifest(body, Source("<specimen>")), engine.cluster, Submission(user=NOBODY))


def _failing(engine: Engine, request: AdmissionRequest) -> Iterator[Policy]:
    """The policies of which an expression has no value for a request."""
    names = {finding.policy for finding in engine.judge(request).findings if finding.error}
    every: tuple[Policy, ...] = (*engine.policies.validating, *engine.policies.mutating)
    return (policy for policy in every if policy.name in names)


def _told(engine: Engine, policy: Policy, request: AdmissionRequest) -> Iterator[Finding]:
    try:
        explained = explain_policy(engine, policy, request)
    except NotEvaluated:
        return
    by_place = {_place(statement): statement for statement in statements(policy)}
    for each in explained:
        if "messageExpression" not in each.place and (statement := by_place.get(each.place)) is not None:
            yield from _absent(statement, each, request)


def _place(statement: Statement) -> str:
    """How an explanation names the expression."""
    policy, path = statement.policy, statement.path
    index = int(path[2])
    if path[1] == "matchConditions":
        return f"matchConditions {policy.match_conditions[index].name}"
    if path[1] == "variables":
        return f"variables.{policy.variables[index].name}"
    return f"{path[1]}[{index}]" if path[1] == "mutations" else f"{path[1]}[{index}].{path[-1]}"


def _absent(statement: Statement, each: Explained, request: AdmissionRequest) -> Iterator[Finding]:
    """The field whose absence was the error, where it was read."""
    for part in _deepest(each.explanation):
        message = next((outcome.error for outcome in part.outcomes if outcome.error), "") or ""
        found = ABSENT.search(message)
        if found and part.text.rstrip().endswith(found["name"]):
            end = part.span.end
            node = tree.Identifier(tree.Span(end - len(found["name"]), end), end, found["name"])
            what = f'a {request.kind.kind} may have no "{found["name"]}" here, and this is an error then'
            remedy = f"Ask has() before, or read .?{found['name']} with orValue()"
            yield Finding(statement.problem(node, what, remedy), "GK202")


def _deepest(explanation: Explanation) -> Iterator[Explanation]:
    """The parts that failed of themselves, and not because a part of them did."""
    failed = any(outcome.error for outcome in explanation.outcomes)
    inner = [part for part in explanation.parts if any(outcome.error for outcome in part.outcomes)]
    if failed and not inner:
        yield explanation
    for part in explanation.parts:
        yield from _deepest(part)
