"""Policies found by what a request is about, so that a request pays only for what can match it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar, overload

from gatekeeper_py.cel import EXPRESSION_LIMIT
from gatekeeper_py.objects.resource import GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.conditions import CONDITIONS_BUDGET
from gatekeeper_py.policy.matching.match import concerns_as_sent, exempt, may_concern
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate, Conditions
from gatekeeper_py.policy.sharing.plan import Evaluate, Plan

__all__ = ["Candidates", "Gate", "PolicyIndex"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)

_Key = tuple[GroupVersionResource, str, str, bool]

MAX_KEYS = 4096
"""Answers remembered: more than a cluster has resources and operations; others are made anew."""


Gate: TypeAlias = tuple[tuple[int, Evaluate, bool], ...]
"""The match conditions of a policy: the place where the value is kept for other policies, what computes it,
and whether no other needs a look when it is false: those after it could not exhaust the budget."""

Held: TypeAlias = tuple[bool | None, ...]
"""Whether each gate is open; None when it cannot be told."""

MAX_PLANS = 256
"""Plans remembered for a resource and operation; requests differ in few conditions. Others are made anew."""


class Candidates(Generic[P]):
    """The policies that may be about requests of one resource and operation, sorted by name."""

    def __init__(self, candidates: Iterable[Candidate[P]]) -> None:
        self._candidates = tuple(candidates)
        places: dict[Expression, int] = {}
        self._gates: dict[Conditions, Gate] = {
            conditions: _gate(conditions, places)
            for conditions in dict.fromkeys(each.conditions for each in self._candidates)
        }
        self.gates: tuple[Gate, ...] = tuple(self._gates.values())
        """The different match conditions among them."""
        self.size = len(places)
        """How many different conditions there are in all."""
        self.floor = max((each.floor for each in self._candidates), default=0)
        """The highest of their floors."""
        self._plans: dict[Held, Plan] = {}

    def gate(self, candidate: Candidate[P]) -> Gate:
        """The match conditions of one of them."""
        return self._gates[candidate.conditions]

    def plan(self: Candidates[ValidatingPolicy], held: Held) -> Plan:
        """What to evaluate when this is known of the `gates`."""
        plan = self._plans.get(held)
        if plan is None:
            outcomes = dict(zip(self._gates, held, strict=True))
            plan = Plan.of((each, outcomes[each.conditions] if each.simple else None) for each in self)
            if len(self._plans) < MAX_PLANS:
                self._plans[held] = plan
        return plan

    def __len__(self) -> int:
        return len(self._candidates)

    def __iter__(self) -> Iterator[Candidate[P]]:
        return iter(self._candidates)


def _gate(conditions: Conditions, places: dict[Expression, int]) -> Gate:
    last = len(conditions) - 1
    return tuple(
        (
            places.setdefault(condition, len(places)),
            condition.program.evaluate,
            (last - at) * EXPRESSION_LIMIT <= CONDITIONS_BUDGET // 2,
        )
        for at, condition in enumerate(conditions)
    )


class PolicyIndex(Sequence[P], Generic[P]):
    """Policies of one kind, sorted by name; those without bindings are never in force."""

    def __init__(self, policies: Iterable[P] = ()) -> None:
        self._policies: tuple[P, ...] = tuple(sorted(policies, key=lambda policy: policy.name))
        self._bound = tuple(policy for policy in self._policies if policy.bindings)
        self._answers: dict[_Key, Candidates[P]] = {}

    def concerning(self, request: AdmissionRequest) -> Candidates[P]:
        """The policies whose rules name the request's resource and operation, and do not exclude it."""
        key = (request.resource, request.subresource, request.operation, bool(request.namespace))
        answer = self._answers.get(key)
        if answer is None:
            answer = self._concerning(request)
            if len(self._answers) < MAX_KEYS:
                self._answers[key] = answer
        return answer

    def _concerning(self, request: AdmissionRequest) -> Candidates[P]:
        if exempt(request):
            return Candidates(())
        return Candidates(
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
