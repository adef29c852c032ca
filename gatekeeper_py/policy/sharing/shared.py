"""The expressions of many policies over one object, each evaluated once.

This decides only the common case: a policy does not apply, or it admits the request. Whatever else may come
of a policy (a denial, an error, an exhausted budget) is left to its own evaluation, which follows the API
server.

All policies share one budget here. As long as what they have spent together, times the number of a policy's
expressions, fits into that policy's own budgets, the policy could not have exhausted any of them alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeAlias, TypeVar

from gatekeeper_py.cel import STRIDE, Budget, ComputedMap, DeadlineExceeded, EvaluationError
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.expression import CONDITIONS_BUDGET
from gatekeeper_py.policy.matching.match import NAMESPACES, Match
from gatekeeper_py.policy.model import MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.foresight import Foreseen, Prospect
from gatekeeper_py.policy.sharing.index import Candidates, SharedConditions
from gatekeeper_py.policy.sharing.plan import Evaluate, Plan, PlannedPolicy

__all__ = ["Shared", "VariableValues"]

VariableValues: TypeAlias = Mapping[str, object] | None
"""What is known of a policy's variables (see `Invocation.variables`)."""

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)

MOST_VALUES = 4
"""Of an object over which it is foreseen what policies make of it: each time all of them are evaluated."""


class Shared(Generic[P]):
    """The expressions of all policies over one object, for the kind and resource the request names."""

    def __init__(
        self,
        candidates: Candidates[P],
        facts: Facts,
        value: Object | None,
        deadline: float | None,
        usable: bool | None = None,
    ) -> None:
        self._candidates = candidates
        self._facts = facts
        self._value = value
        self._usable = _namespace_known(facts) if usable is None else usable
        self._deadline = deadline
        self._budget = Budget(CONDITIONS_BUDGET, deadline)
        self._activation: dict[str, object] = {}
        self._conditions: list[object] = [NOT_EVALUATED] * candidates.slots
        self._values = 1
        """How many values of the object there have been."""
        self._foreseen: Foreseen | None = None
        self._is_foreseen = not self._usable

    def over(self, value: Object | None) -> Shared[P]:
        """The same over another value of the object; what does not read it is known already."""
        if value is self._value:
            return self
        made = Shared(self._candidates, self._facts, value, self._deadline, self._usable)
        made._budget = self._budget
        for slot in self._candidates.lasting:
            made._conditions[slot] = self._conditions[slot]
        made._values = self._values + 1
        return made

    def prospect(self: Shared[MutatingPolicy], candidate: Candidate[MutatingPolicy]) -> Prospect | None:
        """What is certain of a policy over the object, before it is run; None when nothing is."""
        if not self._is_foreseen:
            self._is_foreseen = True
            self._foreseen = self._foresee() if self._values <= MOST_VALUES else None
        return None if self._foreseen is None else self._foreseen.of(candidate)

    def _foresee(self: Shared[MutatingPolicy]) -> Foreseen | None:
        foresight = self._candidates.foresight(self._facts.request, self._value)
        if foresight is None:
            return None
        return foresight.over(self._facts.mutation(self._match, self._value, None), self._deadline)

    def covers(self, candidate: Candidate[P]) -> bool:
        """Whether a policy can be told of here: it has no params, matches the request as it was sent, and no
        selector of its own or of a binding can fail."""
        return candidate.shareable and self._usable

    def applies(self, candidate: Candidate[P]) -> bool | None:
        """Whether a policy's match conditions hold for the object; None when that cannot be told here."""
        if not self.covers(candidate):
            return None
        met = self._all_met(self._candidates.conditions_of(candidate))
        return met if self._budget.remaining >= candidate.required_budget else None

    def undecided(
        self: Shared[ValidatingPolicy],
    ) -> Iterable[tuple[Candidate[ValidatingPolicy], VariableValues]]:
        """The policies that may have something to say: all but those that do not apply, or admit.

        Each with what is known of its variables.
        """
        candidates = self._candidates
        if not self._usable:
            return ((each, None) for each in candidates)
        joined = candidates.joined(self._facts.request, self._value)
        if joined is not None:
            activation = self._facts.validation(self._match, self._value, None)
            found = joined[0].undecided(activation, self._deadline)
            if found is not None:
                return self._with_others(found, joined[1])
        return self._planned()

    def _with_others(
        self: Shared[ValidatingPolicy],
        found: dict[Candidate[ValidatingPolicy], VariableValues],
        others: Candidates[ValidatingPolicy],
    ) -> Iterable[tuple[Candidate[ValidatingPolicy], VariableValues]]:
        if others:
            found.update(Shared(others, self._facts, self._value, self._deadline)._planned())
        return self._candidates.in_order(found) if found else ()

    def _planned(
        self: Shared[ValidatingPolicy],
    ) -> Iterable[tuple[Candidate[ValidatingPolicy], VariableValues]]:
        """The same, step by step."""
        candidates = self._candidates
        plan = candidates.plan(tuple([self._all_met(conditions) for conditions in candidates.conditions]))
        activation = self._facts.validation(self._match, self._value, None)
        found = _not_admitting(plan, activation, self._budget)
        remaining = self._budget.remaining
        if remaining < candidates.required_budget:
            left = {*found, *plan.undecided}
            return ((each, None) for each in candidates if each in left or remaining < each.required_budget)
        if not plan.undecided:
            return found.items()
        found |= dict.fromkeys(plan.undecided)
        return ((each, found[each]) for each in candidates if each in found)

    def _all_met(self, conditions: SharedConditions) -> bool | None:
        """Whether conditions hold: where one is false, it does not matter that another has no value."""
        met, told = True, True
        values = self._conditions
        for slot, evaluate, decides in conditions:
            value = values[slot]
            if value is NOT_EVALUATED:
                value = values[slot] = self._condition(evaluate)
            if value is False:
                if decides:
                    return False
                met = False
            elif value is not True:
                told = False
        return met if told or not met else None

    def _condition(self, evaluate: Evaluate) -> object:
        if not self._activation:
            self._activation = self._facts.condition(self._match, self._value, None)
        return _value(evaluate, self._activation, self._budget)

    @property
    def _match(self) -> Match:
        return Match(self._facts.request.kind, self._facts.request.resource)


class _NoValue:
    """Stands where an expression has no value."""

    __slots__ = ()


NOT_EVALUATED, FAILED = _NoValue(), _NoValue()


def _value(evaluate: Evaluate, activation: Mapping[str, object], budget: Budget) -> object:
    """What an expression gives, or `FAILED`; a request out of time has no decision."""
    try:
        return evaluate(activation, budget)
    except DeadlineExceeded:
        raise
    except EvaluationError:
        return FAILED


def _not_admitting(
    plan: Plan, activation: dict[str, object], budget: Budget
) -> dict[Candidate[ValidatingPolicy], VariableValues]:
    """The planned policies that have a validation which is not true, and their variables."""
    values: list[object] = [NOT_EVALUATED] * plan.slots
    variables = activation["variables"] = _Variables(values, activation, budget)
    found: dict[Candidate[ValidatingPolicy], VariableValues] = {}
    next_check = budget.remaining
    for planned in plan.policies:
        if budget.remaining <= next_check:
            budget.check_deadline()
            next_check = budget.remaining - STRIDE
        try:
            admits = variables.satisfy(planned)
        except DeadlineExceeded:
            raise
        except EvaluationError:
            variables.settle(planned)
            admits = False
        if not admits:
            found[planned.candidate] = variables.known_to(planned.candidate)
    del activation["variables"]  # which knows the activation: nothing of a review waits for the collector
    return found


class _Variables(ComputedMap):
    """`variables`, those of each policy in turn; an expression that reads one without a value fails too."""

    __slots__ = ("_activation", "_budget", "_perhaps", "_values")

    def __init__(self, values: list[object], activation: Mapping[str, object], budget: Budget) -> None:
        super().__init__()
        self._values = values
        self._activation = activation
        self._budget = budget
        self._perhaps: Mapping[str, tuple[int, Evaluate]] = {}
        """Variables of the policy that are evaluated when they are read."""

    def satisfy(self, planned: PlannedPolicy) -> bool:
        """Whether all validations of the next policy are true; raise `EvaluationError`.

        What they surely read is evaluated before them, which is quicker than from inside them.
        """
        values, activation, budget = self._values, self._activation, self._budget
        self._perhaps = planned.perhaps
        for name in planned.forgotten:
            self.pop(name, None)
        for name, slot, evaluate in planned.variables:
            value = values[slot]
            if value is NOT_EVALUATED:
                value = values[slot] = evaluate(activation, budget)
            elif value is FAILED:
                raise EvaluationError(name)
            self[name] = value
        for evaluate in planned.validations:
            if evaluate(activation, budget) is not True:
                return False
        for slot, evaluate in planned.to_be_paid:
            if values[slot] is NOT_EVALUATED:
                values[slot] = _value(evaluate, activation, budget)
        return True

    def settle(self, planned: PlannedPolicy) -> None:
        """Drop what another policy left under a name whose own value could not be had."""
        for name, slot, _ in planned.variables:
            if dict.get(self, name, FAILED) is not self._values[slot]:
                self.pop(name, None)

    def known_to(self, candidate: Candidate[ValidatingPolicy]) -> VariableValues:
        """The values that a policy's validations have read, unless its messages may not read them."""
        if candidate.uses_authorizer:
            return None
        has_value = super().__contains__
        return {name: self[name] for name, _ in candidate.variables if has_value(name)}

    def __contains__(self, name: object) -> bool:
        """Whether there is such a variable; an expression that asks fails when the variable does."""
        if not super().__contains__(name):
            _ = self[str(name)]
        return True

    def __missing__(self, name: str) -> object:
        """Evaluate a variable that nothing has read before, for whichever policy."""
        if name not in self._perhaps:
            raise EvaluationError(f"variables.{name}")
        slot, evaluate = self._perhaps[name]
        value = self._values[slot]
        if value is NOT_EVALUATED:
            value = self._values[slot] = _value(evaluate, self._activation, self._budget)
        if value is FAILED:
            raise EvaluationError(f"variables.{name}")
        self[name] = value
        return value


def _namespace_known(facts: Facts) -> bool:
    """Whether the request's namespace is known, so that no namespaceSelector can fail."""
    request = facts.request
    if not request.namespace and request.resource != NAMESPACES:
        return True
    return facts.there is not None
