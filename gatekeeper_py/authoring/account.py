"""The whole account of a request: what each policy did, and what of its expressions decided that.

Mutating policies go first, each on what those before it left, as in admission; then validating ones, on the
object as it is in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gatekeeper_py.authoring.reasoning import Reason, reason_of
from gatekeeper_py.authoring.trace import Explained, NotEvaluated, explain_policy
from gatekeeper_py.cel import Explanation
from gatekeeper_py.engine import Engine
from gatekeeper_py.objects.selector import EVERYTHING
from gatekeeper_py.policy.admission.changes import Change, changes
from gatekeeper_py.policy.admission.decision import Decision, Finding
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import with_object
from gatekeeper_py.policy.matching.match import MatchError, match
from gatekeeper_py.policy.model import MutatingPolicy, Policy, ValidatingPolicy
from gatekeeper_py.policy.sharing.index import PolicyIndex

__all__ = ["Account", "PolicyAccount", "Stage", "account_of"]

Stage = Literal["other", "unmatched", "passes", "changes", "leaves", "fails"]
"""other: its rules are about other requests; unmatched: selectors, bindings or a condition leave it out."""

OTHER_RULES = "its rules are about other resources or operations"
EXCLUDED = "its excludeResourceRules leave the request out"
SELECTORS = "its namespaceSelector or objectSelector does not select it"
NO_BINDING = "it has no binding, so it is not in force"


@dataclass(frozen=True, slots=True)
class Decided:
    """One expression that decided, and why it gave what it gave."""

    place: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class PolicyAccount:
    """What one policy did with a request."""

    policy: str
    mutates: bool
    stage: Stage
    why: str = ""
    """Of a policy that does not match, what leaves it out."""
    decided: tuple[Decided, ...] = ()
    changed: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """What all policies did, and the verdict."""

    request: AdmissionRequest
    policies: tuple[PolicyAccount, ...]
    decision: Decision


def account_of(engine: Engine, request: AdmissionRequest, names: Iterable[str] = ()) -> Account:
    """The account of a request, by the policies of these names, or by all."""
    wanted = frozenset(names)
    told: list[PolicyAccount] = []
    current = request
    for mutating in engine.policies.mutating:
        made, changed = _mutated(engine, mutating, current)
        if not wanted or mutating.name in wanted:
            told.append(made)
        current = changed
    decision = engine.judge(request)
    seen = with_object(request, engine.judge(request, frozenset({"mutate"})).object, engine.cluster)
    for validating in engine.policies.validating:
        if not wanted or validating.name in wanted:
            told.append(_validated(engine, validating, seen, decision))
    return Account(request, tuple(told), engine.review(request))


def _mutated(
    engine: Engine, policy: MutatingPolicy, request: AdmissionRequest
) -> tuple[PolicyAccount, AdmissionRequest]:
    """What a policy does alone with the object as it is, and the request after it."""
    left_out = _left_out(engine, policy, request)
    if left_out is not None:
        return left_out, request
    alone = replace(
        engine.policies, mutating=PolicyIndex([policy]), validating=PolicyIndex[ValidatingPolicy]()
    )
    decision = Engine(alone, engine.cluster).judge(request, frozenset({"mutate"}))
    changed = tuple(changes(request.object, decision.object)) if decision.allowed else ()
    stage: Stage = "fails" if not decision.allowed else "changes" if changed else "leaves"
    decided = _decided(explain_policy(engine, policy, request), ["mutations"])
    made = PolicyAccount(
        policy.name, True, stage, decided=decided, changed=changed, findings=decision.findings
    )
    return made, with_object(request, decision.object, engine.cluster)


def _validated(
    engine: Engine, policy: ValidatingPolicy, request: AdmissionRequest, decision: Decision
) -> PolicyAccount:
    findings = tuple(each for each in decision.findings if each.policy == policy.name)
    left_out = None if findings else _left_out(engine, policy, request)
    if left_out is not None:
        return left_out
    explained = explain_policy(engine, policy, request)
    failed = {each.expression for each in findings}
    places = [
        f"validations[{index}].expression"
        for index, validation in enumerate(policy.validations)
        if not findings or validation.expression.text in failed
    ]
    conditions = ["matchConditions"] if findings and not places else []
    stage: Stage = "fails" if findings else "passes"
    return PolicyAccount(
        policy.name, False, stage, decided=_decided(explained, [*conditions, *places]), findings=findings
    )


def _decided(explained: Sequence[Explained], places: Sequence[str]) -> tuple[Decided, ...]:
    """The expressions at these places, each once."""
    variables = _variables(explained)
    chosen = [each for each in explained if any(each.place.startswith(place) for place in places)]
    made = {each.place: Decided(each.place, reason_of(each.explanation, variables)) for each in chosen}
    return tuple(made.values())


def _variables(explained: Sequence[Explained]) -> dict[str, Explanation]:
    """The explanations of variables by their names."""
    places = {each.place.partition("variables."): each.explanation for each in explained}
    return {name: explanation for (before, _, name), explanation in places.items() if name and not before}


# --- policies that do not match


def _left_out(engine: Engine, policy: Policy, request: AdmissionRequest) -> PolicyAccount | None:
    """Why a policy has no say; None when it has."""
    mutates = isinstance(policy, MutatingPolicy)
    stage, why = _unselected(engine, policy, request)
    if why:
        return PolicyAccount(policy.name, mutates, stage, why)
    try:
        explained = explain_policy(engine, policy, request)
    except NotEvaluated as error:
        return PolicyAccount(policy.name, mutates, "unmatched", str(error))
    false = next(_false_conditions(explained), None)
    if false is None:
        return None
    name = false.place.partition(" ")[2]
    return PolicyAccount(policy.name, mutates, "unmatched", f'condition "{name}" is false', (false,))


def _unselected(engine: Engine, policy: Policy, request: AdmissionRequest) -> tuple[Stage, str]:
    """What of rules and selectors leaves a policy out."""
    if not policy.bindings:
        return "unmatched", NO_BINDING
    resources, cluster = policy.match, engine.cluster
    whole = replace(resources, namespace_selector=EVERYTHING, object_selector=EVERYTHING)
    try:
        if match(replace(whole, exclude_rules=()), request, cluster) is None:
            return "other", OTHER_RULES
        if match(whole, request, cluster) is None:
            return "other", EXCLUDED
        return "unmatched", SELECTORS if match(resources, request, cluster) is None else ""
    except MatchError:
        return "unmatched", ""  # it is refused for that


def _false_conditions(explained: Sequence[Explained]) -> Iterator[Decided]:
    for each in explained:
        if each.place.startswith("matchConditions") and each.explanation.outcomes[-1].value is False:
            yield Decided(each.place, reason_of(each.explanation, _variables(explained)))
