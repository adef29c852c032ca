"""Policies found by resource and operation, so that a request pays only for those that can match it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Thread
from typing import Generic, TypeAlias, TypeVar, overload

from gatekeeper_py.cel import EXPRESSION_LIMIT
from gatekeeper_py.objects.resource import GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.expression import CONDITIONS_BUDGET
from gatekeeper_py.policy.matching.match import concerns_as_sent, exempt, may_concern
from gatekeeper_py.policy.matching.versions import as_sent
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate, Conditions
from gatekeeper_py.policy.sharing.foresight import Foresight, foresee_mutations
from gatekeeper_py.policy.sharing.joining import Joined, join_policies
from gatekeeper_py.policy.sharing.plan import Evaluate, Plan
from gatekeeper_py.policy.sharing.premises import Premises

__all__ = ["Candidates", "PolicyIndex", "SharedConditions"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)
T = TypeVar("T")

_Key = tuple[GroupVersionResource, str, str, bool, bool]

MAX_KEYS = 4096
"""Answers remembered: more than a cluster has resources and operations. Others are made anew."""

MAX_PLANS = 256
"""Plans remembered for a resource and operation; requests differ in few conditions. Others are made anew."""

JOINING = "join policies"
"""The name of the threads that do so."""

FREQUENT = 100
"""Requests after which their policies are joined: writing their function costs as much as a thousand."""


def aside(task: Callable[[], None]) -> None:
    """Do what takes a quarter of a second while reviews go on. A process may end or fork meanwhile."""
    Thread(target=task, name=JOINING, daemon=True).start()


SharedCondition: TypeAlias = tuple[int, Evaluate, bool]
"""One match condition of a policy, evaluated once for all policies that have it: the slot that keeps its
value, what computes it, and whether its being false decides that the policy does not apply. It does not
decide when so many conditions come after it that they could exhaust the budget."""

SharedConditions: TypeAlias = tuple[SharedCondition, ...]
"""All match conditions of a policy."""

Applicability: TypeAlias = tuple[bool | None, ...]
"""Whether each of several sets of match conditions holds; None when that cannot be told."""


class Candidates(Generic[P]):
    """The policies that may match requests for one operation on one resource, sorted by name."""

    def __init__(self, candidates: Iterable[Candidate[P]], premises: Premises | None = None) -> None:
        self._candidates = tuple(candidates)
        self._premises = premises
        """What holds for all of these requests that are ordinary; None for requests that never are."""
        self._asked = 0
        self._joined: tuple[Joined, Candidates[ValidatingPolicy]] | None = None
        self._foresight: Foresight | None = None
        slots: dict[Expression, int] = {}
        self._conditions: dict[Conditions, SharedConditions] = {
            conditions: _shared(conditions, slots)
            for conditions in dict.fromkeys(each.conditions for each in self._candidates)
        }
        self.conditions: tuple[SharedConditions, ...] = tuple(self._conditions.values())
        """The different sets of match conditions among them."""
        self.slots = len(slots)
        """How many different conditions there are in all."""
        self.lasting: frozenset[int] = frozenset(
            slot for condition, slot in slots.items() if not condition.program.reads("object")
        )
        """The slots of those that hold or not whatever the object is."""
        self.required_budget = max((each.required_budget for each in self._candidates), default=0)
        """The highest that one of them requires."""
        self._plans: dict[Applicability, Plan] = {}

    def conditions_of(self, candidate: Candidate[P]) -> SharedConditions:
        """The match conditions of one of them."""
        return self._conditions[candidate.conditions]

    def plan(self: Candidates[ValidatingPolicy], applicability: Applicability) -> Plan:
        """What to evaluate when this is known of the `conditions`."""
        plan = self._plans.get(applicability)
        if plan is None:
            hold = dict(zip(self._conditions, applicability, strict=True))
            plan = Plan.of((each, hold[each.conditions] if each.shareable else None) for each in self)
            if len(self._plans) < MAX_PLANS:
                self._plans[applicability] = plan
        return plan

    def joined(
        self: Candidates[ValidatingPolicy], request: AdmissionRequest, value: Object | None
    ) -> tuple[Joined, Candidates[ValidatingPolicy]] | None:
        """Their function for a request with the object as it is now, and those that it knows nothing of.

        None where the request is unusual, or such requests have not been frequent so far.
        """
        if self._premises is None or not self._premises.hold(request, value):
            return None
        self._asked += 1
        if self._asked == FREQUENT and self._joined is None:
            aside(self.join)
        return self._joined

    def join(self: Candidates[ValidatingPolicy]) -> None:
        """Write their function, unless it is written: what `joined` does by itself once they are frequent."""
        if self._premises is None or self._joined is not None:
            return
        joined = join_policies(self, self._premises.known)
        if joined is not None:
            self._joined = joined, Candidates(joined.others)

    def foresight(
        self: Candidates[MutatingPolicy], request: AdmissionRequest, value: Object | None
    ) -> Foresight | None:
        """The function that tells what they would make of an object; None as `joined` gives None."""
        if self._premises is None or not self._premises.hold(request, value):
            return None
        self._asked += 1
        if self._asked == FREQUENT and self._foresight is None:
            aside(self.foresee)
        return self._foresight

    def foresee(self: Candidates[MutatingPolicy]) -> None:
        """Write that function, unless it is written."""
        if self._premises is not None and self._foresight is None:
            self._foresight = foresee_mutations(self, self._premises.known)

    def in_order(self, found: Mapping[Candidate[P], T]) -> list[tuple[Candidate[P], T]]:
        """Some of them with what was found of each, sorted by name."""
        return [(each, found[each]) for each in self._candidates if each in found]

    def __len__(self) -> int:
        return len(self._candidates)

    def __iter__(self) -> Iterator[Candidate[P]]:
        return iter(self._candidates)


def _shared(conditions: Conditions, slots: dict[Expression, int]) -> SharedConditions:
    last = len(conditions) - 1
    return tuple(
        (
            slots.setdefault(condition, len(slots)),
            condition.program.evaluate,
            (last - at) * EXPRESSION_LIMIT <= CONDITIONS_BUDGET // 2,
        )
        for at, condition in enumerate(conditions)
    )


class PolicyIndex(Sequence[P], Generic[P]):
    """All policies of one kind, sorted by name. Policies without bindings are never in force."""

    def __init__(self, policies: Iterable[P] = ()) -> None:
        self._policies: tuple[P, ...] = tuple(sorted(policies, key=lambda policy: policy.name))
        self._bound = tuple(policy for policy in self._policies if policy.bindings)
        self._answers: dict[_Key, Candidates[P]] = {}

    def concerning(self, request: AdmissionRequest) -> Candidates[P]:
        """The policies whose rules name the request's resource and operation, and do not exclude it."""
        sent = as_sent(request)
        key = (sent.resource, sent.subresource, sent.operation, bool(sent.namespace), sent is not request)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._concerning(sent, converted=sent is not request)
            if len(self._answers) < MAX_KEYS:
                self._answers[key] = answer
        return answer

    def _concerning(self, request: AdmissionRequest, *, converted: bool) -> Candidates[P]:
        """Of a request as it was sent; where that is asked about `converted`, those that may judge it so."""
        if exempt(request):
            return Candidates(())
        concerned = (
            Candidate.of(policy, request)
            for policy in self._bound
            if may_concern(policy.match.rules, request)
            and not concerns_as_sent(policy.match.exclude_rules, request)
            and not (converted and concerns_as_sent(policy.match.rules, request))
        )
        return Candidates(concerned, None if converted else Premises.of(request))

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
