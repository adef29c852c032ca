"""All policies over one request, in the order of their names: who denies, who warns, what changes.

Follows the dispatchers of apiserver/pkg/admission/plugin/policy/{generic,validating,mutating}. Where the API
server reports the first denial of an order that is random, all are listed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import orjson

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.decision import Finding
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.conditions import ConditionError
from gatekeeper_py.policy.evaluation.validation import Failure, Invocation, Outcome
from gatekeeper_py.policy.matching.match import Match, MatchError, match
from gatekeeper_py.policy.matching.parameters import ParameterError, Parameters, collect, configuration_error
from gatekeeper_py.policy.model import (
    MutatingBinding,
    MutatingPolicy,
    Policy,
    ValidatingBinding,
    ValidatingPolicy,
)
from gatekeeper_py.policy.mutation.mutation import MutationInvocation
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.sharing.shared import Known, Shared

__all__ = ["Changed", "Denial", "Review", "Scope", "mutate", "validate"]

FAILURE_ANNOTATION = "validation.policy.admission.k8s.io/validation_failure"
"""Where the first failed validation with the action Audit is written."""

ANNOTATION_LIMIT = 10 * 1024
"""Bytes of an audit annotation's value that are kept (maxAuditAnnotationValueLength)."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One reason to refuse the request."""

    message: str
    """The cause: names policy and binding, then says why."""
    reason: str = ""
    """Empty: what the sort of policy gives by default."""


@dataclass(slots=True)
class Review:
    """What the validating policies together say of a request."""

    denials: list[Denial] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Changed:
    """What the mutating policies together made of a request's object."""

    value: Object | None
    denials: list[Denial] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a review looks things up, and until when it may."""

    request: AdmissionRequest
    cluster: ClusterView
    parameters: Parameters
    deadline: float | None = None


class _Misconfigured(Exception):
    """A policy (`binding` empty) or binding that cannot be used for this request."""

    def __init__(self, binding: str, error: object) -> None:
        said = messages.unconfigured_binding(error) if binding else messages.unconfigured_policy(error)
        super().__init__(said)
        self.binding = binding


def _policy_match(
    candidate: Candidate[ValidatingPolicy] | Candidate[MutatingPolicy], scope: Scope
) -> Match | None:
    """As what a policy matches the request; raise `_Misconfigured`."""
    if candidate.certain:
        return Match(scope.request.kind, scope.request.resource)
    policy: Policy = candidate.policy
    try:
        found = match(policy.match, scope.request, scope.cluster)
    except MatchError as error:
        raise _Misconfigured("", error) from error
    problem = configuration_error(policy.param_kind, scope.cluster, scope.parameters) if found else ""
    if problem:
        raise _Misconfigured("", problem)
    return found


def _params(
    policy: Policy, binding: ValidatingBinding | MutatingBinding, scope: Scope
) -> Sequence[Object | None]:
    """The params a binding evaluates its policy with; none when it does not match. Raise `_Misconfigured`."""
    try:
        if binding.match and match(binding.match, scope.request, scope.cluster) is None:
            return ()
        return collect(
            policy.param_kind, binding.param_ref, scope.request.namespace, scope.cluster, scope.parameters
        )
    except (MatchError, ParameterError) as error:
        raise _Misconfigured(binding.name, error) from error


# --- validation ---------------------------------------------------------------------------------------


def validate(
    candidates: Candidates[ValidatingPolicy], scope: Scope, facts: Facts, value: Object | None
) -> Review:
    """Evaluate every policy that matches; raise `NamespaceMissing`."""
    review = Review()
    for candidate, known in Shared(candidates, facts, value, scope.deadline).unsettled():
        policy = candidate.policy
        try:
            found = _policy_match(candidate, scope)
        except _Misconfigured as error:
            _refuse(review, policy, "", str(error))
            continue
        if found:
            _Validating(policy, found, scope, facts, review).run(value, known)
    return review


def _refuse(review: Review, policy: ValidatingPolicy, binding: str, message: str) -> None:
    """A denial that no validation action softens; only failurePolicy Ignore does."""
    if policy.failure_policy == "Ignore":
        return
    review.denials.append(Denial(messages.validation_denied(policy.name, binding, message)))
    review.findings.append(
        Finding(policy.name, binding, message, ("Deny",), error=True, metadata=policy.annotations)
    )


class _Validating:
    """One policy that matched, through all its bindings."""

    def __init__(
        self, policy: ValidatingPolicy, found: Match, scope: Scope, facts: Facts, review: Review
    ) -> None:
        self._policy = policy
        self._match = found
        self._scope = scope
        self._facts = facts
        self._review = review
        self._annotations: dict[str, dict[str, None]] = {}

    def run(self, value: Object | None, known: Known) -> None:
        """Evaluate with every binding and param, then publish the audit annotations."""
        for binding in self._policy.bindings:
            try:
                params = _params(self._policy, binding, self._scope)
            except _Misconfigured as error:
                _refuse(self._review, self._policy, binding.name, str(error))
                continue
            if params:
                self._facts.require_namespace()
            for param in params:
                deadline = self._scope.deadline
                once = Invocation(self._policy, self._match, self._facts, value, param, deadline, known)
                self._record(binding, once.run())
        for key, values in self._annotations.items():
            self._review.annotations.setdefault(f"{self._policy.name}/{key}", ", ".join(values))

    def _record(self, binding: ValidatingBinding, outcome: Outcome) -> None:
        for failure in outcome.failures:
            self._fail(binding, failure)
        for key, value in outcome.annotations:
            self._annotations.setdefault(key, {})[_cut(value)] = None
        for message in outcome.annotation_errors:
            _refuse(self._review, self._policy, binding.name, message)

    def _fail(self, binding: ValidatingBinding, failure: Failure) -> None:
        names = self._policy.name, binding.name
        for action in binding.actions:
            if action == "Deny":
                said = messages.validation_denied(*names, failure.message)
                self._review.denials.append(Denial(said, failure.reason))
            elif action == "Warn":
                self._review.warnings.append(messages.validation_warning(*names, failure.message))
            else:
                self._review.annotations.setdefault(FAILURE_ANNOTATION, _failure_json(binding, failure))
        self._review.findings.append(
            Finding(
                *names,
                failure.message,
                binding.actions,
                expression=failure.expression,
                reason=failure.reason or "Invalid",
                error=failure.error,
                metadata=self._policy.annotations,
            )
        )


def _cut(value: str) -> str:
    encoded = value.encode("utf-8", "replace")
    return (
        value if len(encoded) <= ANNOTATION_LIMIT else encoded[:ANNOTATION_LIMIT].decode("utf-8", "replace")
    )


HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
"""Go's JSON escapes what HTML or JavaScript could mistake."""


def _failure_json(binding: ValidatingBinding, failure: Failure) -> str:
    value = {
        "message": failure.message,
        "policy": binding.policy_name,
        "binding": binding.name,
        "expressionIndex": failure.index,
        "validationActions": binding.actions,
    }
    return orjson.dumps([value]).decode().translate(HTML)


# --- mutation -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """A mutating policy that matched, with one binding and one param."""

    candidate: Candidate[MutatingPolicy]
    binding: MutatingBinding
    match: Match
    params: Object | None

    @property
    def policy(self) -> MutatingPolicy:
        return self.candidate.policy

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells this step from others when it is to run again."""
        metadata = (self.params or {}).get("metadata") or {}
        return (
            self.policy.name,
            self.binding.name,
            str(metadata.get("namespace", "")),
            str(metadata.get("name", "")),
        )


def mutate(
    candidates: Candidates[MutatingPolicy], scope: Scope, facts: Facts, value: Object | None
) -> Changed:
    """Run every policy that matches, then once more those that ask for it (IfNeeded) if any went through.

    Raise `NamespaceMissing`, or `Broken` when the request must fail whatever the policies' failurePolicy.
    """
    mutation = Changed(value)
    again = _Round(candidates, scope, facts, mutation).run()
    if again and not mutation.denials:
        changed = replace(scope, request=replace(scope.request, object=mutation.value))
        _Round(candidates, changed, facts, mutation, only=again).run()
    return mutation


class _Round:
    """One pass over all mutating policies."""

    def __init__(
        self,
        candidates: Candidates[MutatingPolicy],
        scope: Scope,
        facts: Facts,
        mutation: Changed,
        only: frozenset[tuple[str, str, str, str]] | None = None,
    ) -> None:
        self._candidates = candidates
        self._scope = scope
        self._facts = facts
        self._mutation = mutation
        self._only = only
        self._shared = Shared(candidates, facts, mutation.value, scope.deadline)

    def run(self) -> frozenset[tuple[str, str, str, str]]:
        """Apply what matches; the steps to run again."""
        ran: set[tuple[str, str, str, str]] = set()
        patched = False
        steps = list(self._steps())
        if steps:
            self._facts.require_namespace()
        for step in steps:
            patched |= self._apply(step, ran)
        return frozenset(ran) if patched else frozenset()

    def _steps(self) -> Iterator[_Step]:
        """What matches the object as the round finds it; matching is over before anything changes."""
        for candidate in self._candidates:
            policy = candidate.policy
            try:
                found = _policy_match(candidate, self._scope)
            except _Misconfigured as error:
                self._refuse(policy, "", str(error))
                continue
            for binding in policy.bindings if found else ():
                try:
                    params = _params(policy, binding, self._scope)
                except _Misconfigured as error:
                    self._refuse(policy, binding.name, str(error))
                    continue
                for param in params:
                    assert found is not None
                    yield _Step(candidate, binding, found, param)

    def _apply(self, step: _Step, ran: set[tuple[str, str, str, str]]) -> bool:
        """Run one step over the object as it is now; whether any of its mutations went through."""
        invocation = MutationInvocation(
            step.policy, step.match, self._facts, step.params, self._scope.deadline
        )
        value = self._mutation.value
        try:
            if not self._applies(step, invocation) or (self._only is not None and step.key not in self._only):
                return False
        except ConditionError as error:
            self._refuse(step.policy, step.binding.name, str(error), reason="Invalid")
            return False
        if step.policy.reinvocation_policy == "IfNeeded":
            ran.add(step.key)
        if value is None:
            return False
        mutated = invocation.run(value)
        for message in mutated.errors:
            self._refuse(step.policy, step.binding.name, message, reason="Invalid")
        if mutated.value is not value:
            self._mutation.value = mutated.value
            self._shared = Shared(self._candidates, self._facts, mutated.value, self._scope.deadline)
        return mutated.patched

    def _applies(self, step: _Step, invocation: MutationInvocation) -> bool:
        held = self._shared.holds(step.candidate)
        return invocation.applies(self._mutation.value) if held is None else held

    def _refuse(self, policy: MutatingPolicy, binding: str, message: str, reason: str = "") -> None:
        if policy.failure_policy == "Ignore":
            return
        said = messages.mutation_denied(policy.name, binding, message)
        self._mutation.denials.append(Denial(said, reason))
        self._mutation.findings.append(
            Finding(policy.name, binding, message, ("Deny",), error=True, metadata=policy.annotations)
        )
