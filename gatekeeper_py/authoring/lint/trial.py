"""Expressions that fail on what nobody meant to refuse, found by trying policies on least objects (GK20x).

What is told is certain: there is a request without anything wrong that the policy refuses, by an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from gatekeeper_py.authoring.fuller import ITEM, fuller
from gatekeeper_py.authoring.lint.fieldreads import Steps, reads_of
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.authoring.specimens import kinds_with_specimens, specimen
from gatekeeper_py.authoring.tenancies import named_tenancy
from gatekeeper_py.authoring.trace import Explained, NotEvaluated, explain_policy
from gatekeeper_py.cel import Explanation, tree
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.schema import Schema, builtin_schema
from gatekeeper_py.policy.admission import decision as admission
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.matching.match import selects
from gatekeeper_py.policy.model import MutatingPolicy, Policy, ValidatingPolicy, Validation
from gatekeeper_py.policy.sharing.index import PolicyIndex
from gatekeeper_py.tenancy.documents import is_tenancy_document, load_tenancy
from gatekeeper_py.tenancy.library import extension
from gatekeeper_py.tenancy.lookups import asks_about_tenants

__all__ = ["MOST_TRIED", "fuller_trials", "grounds", "is_about", "only", "requests_about", "trials"]

ABSENT = re.compile(r"no such key: (?P<name>\S+)$")
POD = GroupVersionKind("", "v1", "Pod")
NOBODY = make_user("somebody", ())
ANYWHERE = "default"
OF_EXAMPLE = "foo"
"""A namespace of a tenant in `data/example.yaml`."""
MOST_TRIED = 6
"""Fuller objects of a kind that one policy is tried on."""
MOST_KINDS = 2
"""Kinds of which it is tried on fuller objects: what is true of a pod is of its templates."""
FAILURE_REMEDY = "Compare values of one type, and say what holds where there is none"
MUTATION_REMEDY = "Write what the kind takes where it stands, and make what is absent first"


def trials(subject: Subject) -> Iterator[Finding]:
    """Every expression that has no value, and every mutation that fails, for an object of the least sort."""
    return _once(
        finding for engine, namespace in grounds(subject) for finding in _on_least(engine, namespace)
    )


def fuller_trials(subject: Subject) -> Iterator[Finding]:
    """What the same policies do with objects that have a field more; each policy by itself."""
    return _once(
        finding for engine, namespace in grounds(subject) for finding in _on_fuller(engine, namespace)
    )


def grounds(subject: Subject) -> Iterator[tuple[Engine, str]]:
    """What policies are tried on, each with a namespace: of a tenant, and of nobody in particular.

    Policies that ask about tenants, where no tenant is, are tried on those that come with us: a guard
    would keep everything from them.
    """
    engine = Engine(subject.policies, Snapshot(()))
    owned = next(_owned(subject), None)
    if owned is not None:
        yield engine, owned
    elif asks_about_tenants(subject.policies):
        tenancy = load_tenancy(named_tenancy("example", Path()))
        yield Engine(replace(subject.policies, extensions=(extension(tenancy),)), Snapshot(())), OF_EXAMPLE
    yield engine, ANYWHERE


def _on_least(engine: Engine, namespace: str) -> Iterator[Finding]:
    for kind in kinds_with_specimens():
        for request in requests_about(kind, specimen(kind), namespace, engine):
            yield from _tried(engine, request)


def _on_fuller(engine: Engine, namespace: str) -> Iterator[Finding]:
    """What fails of a policy where there is more of what it reads without asking, and of what it asks for."""
    every: tuple[Policy, ...] = (*engine.policies.validating, *engine.policies.mutating)
    for policy in every:
        reads = reads_of(policy)
        if not (unasked := reads.unasked):
            continue
        wanted = dict.fromkeys((*(steps[:-1] for steps in unasked), *reads.asked))
        alone = Engine(replace(engine.policies, **only(policy)), engine.cluster)
        for kind in islice(filter(partial(is_about, alone), kinds_with_specimens()), MOST_KINDS):
            schema = builtin_schema(kind)
            if schema is None:
                continue
            least = next(requests_about(kind, specimen(kind), namespace, alone)).object
            if all(_is_there(least, steps) or not _may_be(schema, steps) for steps in unasked):
                continue
            for body in islice(fuller(specimen(kind), schema, wanted), MOST_TRIED):
                for request in requests_about(kind, body, namespace, alone):
                    yield from (each for each in _tried(alone, request) if not _is_of_text(each))


def _is_there(value: Any, steps: Steps) -> bool:
    """Whether the least object has a field already, in the first of each list."""
    for step in steps:
        if step == ITEM:
            value = value[0] if isinstance(value, list) and value else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value is not None


def _may_be(schema: Schema | None, steps: Steps) -> bool:
    for step in steps:
        if schema is None:
            return False
        schema = schema.items if step == ITEM else schema.field(step)
    return schema is not None


def _is_of_text(finding: Finding) -> bool:
    """Whether what failed was to read a text that stands for any: its author might have written another."""
    return READ_TEXT.search(finding.problem.what) is not None


READ_TEXT: Final = re.compile(r"conversion error|parse error|regular expression|Major[.]Minor")


def is_about(engine: Engine, kind: GroupVersionKind) -> bool:
    """Whether some policy names the resource of a kind."""
    served = engine.cluster.served(kind)
    return served is not None and any(
        selects(rule, named, served, "")
        for policy in (*engine.policies.validating, *engine.policies.mutating)
        for rule in policy.match.rules
        for named in rule.resources
    )


def only(policy: Policy) -> dict[str, Any]:
    """The fields of a set of policies that holds one alone."""
    if isinstance(policy, MutatingPolicy):
        return {"validating": PolicyIndex(), "mutating": PolicyIndex([policy])}
    return {"validating": PolicyIndex([policy]), "mutating": PolicyIndex()}


def _tried(engine: Engine, request: AdmissionRequest) -> Iterator[Finding]:
    found = engine.judge(request).findings
    for policy, failures in _concerned(engine, [each for each in found if each.error]):
        yield from _told(engine, policy, request) or _failed(policy, failures, request)
    for policy, _ in _concerned(engine, [each for each in found if each.message.startswith(UNSAID)]):
        yield from _unsaid(engine, policy, request)


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Of what fails at many requests, the first."""
    seen: set[tuple[tuple[str, int, int], str]] = set()
    for finding in findings:
        place = finding.problem.path, finding.problem.line, finding.problem.column
        if finding.code not in ONCE or (place, finding.code) not in seen:
            yield finding
        seen.add((place, finding.code))


ONCE: Final = frozenset({"GK204", "GK508"})
"""Codes whose text names the request, which is one of many."""


def _owned(subject: Subject) -> Iterator[str]:
    """A namespace of some tenant, by its name."""
    for manifest in subject.manifests:
        if is_tenancy_document(manifest) and manifest.kind.kind == "Tenant":
            spec = manifest.object.get("spec") or {}
            names = (spec.get("namespaces") or {}).get("names") or ()
            if not spec.get("trusted") and names:
                yield str(names[0])
                return


def requests_about(
    kind: GroupVersionKind, least: Object, namespace: str, engine: Engine
) -> Iterator[AdmissionRequest]:
    """An object of a kind is made, changed in nothing, and deleted; in a pod a command is run."""
    served = engine.cluster.served(kind)
    metadata = {
        "name": "web",
        **({"namespace": namespace} if served and served.namespaced else {}),
        **least.get("metadata", {}),
    }
    body = {"apiVersion": kind.api_version, "kind": kind.kind, **least, "metadata": metadata}
    manifest = Manifest(body, Source("<specimen>"))
    made = make_request(manifest, engine.cluster, Submission(user=NOBODY))
    yield made
    for operation in ("UPDATE", "DELETE"):
        submission = Submission(operation=operation, user=NOBODY)
        yield make_request(manifest, engine.cluster, submission, old=made.object)
    if kind == POD:
        body = {"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]}
        submission = Submission(subresource="exec", user=NOBODY, namespace=namespace)
        asked = make_request(Manifest(body, Source("<specimen>")), engine.cluster, submission)
        yield replace(asked, name="web")


def _concerned(
    engine: Engine, found: Iterable[admission.Finding]
) -> Iterator[tuple[Policy, list[admission.Finding]]]:
    """The policies that some findings are of, each with its own."""
    by_name: dict[str, list[admission.Finding]] = {}
    for finding in found:
        by_name.setdefault(finding.policy, []).append(finding)
    every: tuple[Policy, ...] = (*engine.policies.validating, *engine.policies.mutating)
    return ((policy, by_name[policy.name]) for policy in every if policy.name in by_name)


def _unsaid(engine: Engine, policy: Policy, request: AdmissionRequest) -> Iterator[Finding]:
    """Refusals whose messageExpression has no value, or none that can be told."""
    if not isinstance(policy, ValidatingPolicy) or not any(map(_has_expression, policy.validations)):
        return
    try:
        explained = {each.place: each.explanation for each in explain_policy(engine, policy, request)}
    except NotEvaluated:
        return
    for statement in statements(policy):
        index = int(statement.path[2])
        said = explained.get(f"validations[{index}].messageExpression")
        if statement.path[-1] != "messageExpression" or said is None:
            continue
        if any(each.value is False for each in explained[f"validations[{index}].expression"].outcomes):
            for part in _deepest(said):
                what = (
                    f"at the {request.operation} of a {request.kind.kind} this has no value: {_error(part)}"
                )
                yield Finding(statement.problem(_node(part), what, UNSAID_REMEDY), "GK508")


UNSAID: Final = "failed expression: "
"""How a refusal begins whose message has no value."""
UNSAID_REMEDY = "The refusal then quotes the expression: say what holds where there is none"


def _has_expression(validation: Validation) -> bool:
    return validation.message_expression is not None


def _error(part: Explanation) -> str:
    return next((outcome.error for outcome in part.outcomes if outcome.error), "") or ""


def _failed(
    policy: Policy, failures: list[admission.Finding], request: AdmissionRequest
) -> Iterator[Finding]:
    """A mutation whose expression has a value that cannot be applied; of several, one of them."""
    if isinstance(policy, MutatingPolicy):
        only = (0, policy.mutations[0].field, "expression") if len(policy.mutations) == 1 else ()
        for failure in failures:
            what = f"this fails at the {request.operation} of a {request.kind.kind}: {failure.message}"
            problem = policy.source.problem(("spec", "mutations", *only), what, MUTATION_REMEDY)
            yield Finding(problem, "GK204")


def _told(engine: Engine, policy: Policy, request: AdmissionRequest) -> list[Finding]:
    try:
        explained = explain_policy(engine, policy, request)
    except NotEvaluated:
        return []
    by_place = {_place(statement): statement for statement in statements(policy)}
    return [
        finding
        for each in explained
        if "messageExpression" not in each.place and (statement := by_place.get(each.place)) is not None
        for finding in _erring(statement, each, request)
    ]


def _place(statement: Statement) -> str:
    """How an explanation names the expression."""
    policy, path = statement.policy, statement.path
    index = int(path[2])
    if path[1] == "matchConditions":
        return f"matchConditions {policy.match_conditions[index].name}"
    if path[1] == "variables":
        return f"variables.{policy.variables[index].name}"
    return f"{path[1]}[{index}]" if path[1] == "mutations" else f"{path[1]}[{index}].{path[-1]}"


def _erring(statement: Statement, each: Explained, request: AdmissionRequest) -> Iterator[Finding]:
    """The part that has no value, and why."""
    for part in _deepest(each.explanation):
        message = _error(part)
        name = _null(part, request)
        found = ABSENT.search(message)
        if name:
            yield _without_object(statement, part, name, request)
        elif found and part.text.rstrip(" ]'\"").endswith(found["name"]):
            yield _absent(statement, part, found["name"], request)
        elif not found:
            what = f"this fails at the {request.operation} of a {request.kind.kind}: {message}"
            yield Finding(statement.problem(_node(part), what, FAILURE_REMEDY), "GK204")


def _null(part: Explanation, request: AdmissionRequest) -> str:
    """`object` or `oldObject`, where a part reads a field of it and it is null."""
    name, _, rest = part.text.strip().partition(".")
    is_null = {"object": request.object is None, "oldObject": request.old_object is None}
    return name if rest and is_null.get(name, False) else ""


def _without_object(statement: Statement, part: Explanation, name: str, request: AdmissionRequest) -> Finding:
    what = f"{name} is null at a {request.operation}, so this is an error then"
    other = "oldObject" if name == "object" else "object"
    remedy = f"Ask {name} != null before, read {other}, or leave {request.operation} out of the rules"
    return Finding(statement.problem(_node(part), what, remedy), "GK204")


def _absent(statement: Statement, part: Explanation, name: str, request: AdmissionRequest) -> Finding:
    """The field whose absence was the error, where it was read."""
    root = part.text.strip().partition(".")[0]
    what = (
        f'{HOLDERS.get(root, f"a {request.kind.kind}")} may have no "{name}" here, and this is an error then'
    )
    if part.text.rstrip().endswith("]"):
        remedy = f"Ask '{name}' in it before, or read [?'{name}'] with orValue()"
        return Finding(statement.problem(_node(part), what, remedy), "GK202")
    end = part.span.end
    node = tree.Identifier(tree.Span(end - len(name), end), end, name)
    remedy = f"Ask has() before, or read .?{name} with orValue()"
    return Finding(statement.problem(node, what, remedy), "GK202")


HOLDERS: Final = {"params": "the params", "request": "the request", "namespaceObject": "a Namespace"}
"""Who has a field that is no object's, by the name it is read of."""


def _node(part: Explanation) -> tree.Node:
    return tree.Identifier(part.span, part.span.end, "")


def _deepest(explanation: Explanation) -> Iterator[Explanation]:
    """The parts that failed of themselves, and not because a part of them did."""
    failed = any(outcome.error for outcome in explanation.outcomes)
    inner = [part for part in explanation.parts if any(outcome.error for outcome in part.outcomes)]
    if failed and not inner:
        yield explanation
    for part in explanation.parts:
        yield from _deepest(part)
