"""Policies found by what a request is about, so that a request pays only for what can match it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from gatekeeper_py.cel.budget import EXPRESSION_LIMIT
from gatekeeper_py.cluster.resource import GroupVersionResource
from gatekeeper_py.policy.conditions import CONDITIONS_BUDGET, PASS_BUDGET
from gatekeeper_py.policy.matching import concerns_as_sent, exempt, may_concern
from gatekeeper_py.policy.model import (
    Expression,
    MatchResources,
    MutatingPolicy,
    ValidatingPolicy,
    Validation,
)
from gatekeeper_py.policy.request import AdmissionRequest

__all__ = ["Candidate", "PolicyIndex"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)

_Key = tuple[GroupVersionResource, str, str, bool]

MAX_KEYS = 4096
"""Answers remembered: more than a cluster has resources and operations; others are made anew."""


UNSEEN_LIMIT = (PASS_BUDGET - CONDITIONS_BUDGET) // EXPRESSION_LIMIT
"""Expressions that a policy can pay for besides what `Candidate.floor` allows for."""


@dataclass(frozen=True, slots=True)
class Candidate(Generic[P]):
    """A policy that may be about a request, and what of it is known before any object is."""

    policy: P
    conditions: tuple[Expression, ...]
    variables: Mapping[str, Expression]
    read: tuple[tuple[str, Expression], ...]
    """The variables that validations may read, and those that these may, each after those it may read."""
    simple: bool
    """Whether it sees the request as it was sent, if at all, and has no params."""
    certain: bool
    """Whether it does see it: it is simple, and has no selector or exclusion that could say otherwise."""
    floor: int
    """What must be left of a purse of `CONDITIONS_BUDGET` that all policies share, to be sure that this one
    would not spend more than that if it paid for all of its conditions, variables and validations alone."""
    validations: tuple[Expression, ...]
    messages: int
    """How many message expressions it has."""
    affordable: bool
    """Whether they can be paid for, whatever they cost, and each of the variables costs once more.

    The API server evaluates those of validations that pass, too; what cannot exhaust a budget we leave out.
    """

    @classmethod
    def of(cls, policy: P, request: AdmissionRequest) -> Candidate[P]:
        """A policy before a request about such a resource."""
        validations = policy.validations if isinstance(policy, ValidatingPolicy) else ()
        expressions = len(policy.match_conditions) + len(policy.variables) + len(validations)
        messages = sum(validation.message_expression is not None for validation in validations)
        simple = policy.param_kind is None and concerns_as_sent(policy.match.rules, request)
        return cls(
            policy,
            tuple(condition.expression for condition in policy.match_conditions),
            policy.declared,
            _read(policy, validations),
            simple,
            simple and _unconditional(policy.match),
            CONDITIONS_BUDGET - CONDITIONS_BUDGET // max(expressions, 1),
            tuple(validation.expression for validation in validations),
            messages,
            messages == 0 or messages + len(policy.variables) <= UNSEEN_LIMIT,
        )


def _unconditional(match: MatchResources) -> bool:
    return match.namespace_selector.empty and match.object_selector.empty and not match.exclude_rules


def _read(
    policy: ValidatingPolicy | MutatingPolicy, validations: Sequence[Validation]
) -> tuple[tuple[str, Expression], ...]:
    names = {name for validation in validations for name in validation.expression.reads}
    found: list[tuple[str, Expression]] = []
    for variable in reversed(policy.variables):
        if variable.name in names:
            names.update(variable.expression.reads)
            found.append((variable.name, variable.expression))
    return tuple(reversed(found))


class PolicyIndex(Sequence[P], Generic[P]):
    """Policies of one kind, sorted by name; those without bindings are never in force."""

    def __init__(self, policies: Iterable[P] = ()) -> None:
        self._policies: tuple[P, ...] = tuple(sorted(policies, key=lambda policy: policy.name))
        self._bound = tuple(policy for policy in self._policies if policy.bindings)
        self._answers: dict[_Key, tuple[Candidate[P], ...]] = {}

    def concerning(self, request: AdmissionRequest) -> tuple[Candidate[P], ...]:
        """The policies whose rules name the request's resource and operation, and do not exclude it."""
        key = (request.resource, request.subresource, request.operation, bool(request.namespace))
        answer = self._answers.get(key)
        if answer is None:
            answer = self._concerning(request)
            if len(self._answers) < MAX_KEYS:
                self._answers[key] = answer
        return answer

    def _concerning(self, request: AdmissionRequest) -> tuple[Candidate[P], ...]:
        if exempt(request):
            return ()
        return tuple(
            Candidate.of(policy, request)
            for policy in self._bound
            if may_concern(policy.match.rules, request)
            and not concerns_as_sent(policy.match.exclude_rules, request)
        )

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[P]:
        return iter(self._policies)

    @overload
    def __getitem__(self, index: int) -> P: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[P, ...]: ...

    def __getitem__(self, index: int | slice) -> P | tuple[P, ...]:
        return self._policies[index]
