"""What the expressions of many policies say of one object, each evaluated once.

Only the common outcome is settled here: a policy that does not apply, or admits. Whatever else may come of a
policy (a denial, an error, a budget that could run out) is left to its own evaluation, which follows the API
server.

All policies share one purse here. As long as what they spent together, times the number of a policy's
expressions, is within that policy's budgets, it could not have run out of any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeAlias, TypeVar

from gatekeeper_py.cel import STRIDE, Budget, DeadlineExceeded, EvaluationError
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.conditions import CONDITIONS_BUDGET
from gatekeeper_py.policy.matching.match import NAMESPACE, NAMESPACES, Match
from gatekeeper_py.policy.model import MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.index import Candidates, Gate
from gatekeeper_py.policy.sharing.plan import Evaluate, Plan

__all__ = ["Known", "Shared"]

Known: TypeAlias = Mapping[str, object] | None
"""Values of a policy's variables; that there are any says that its match conditions hold. None: nothing."""

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)


class Shared(Generic[P]):
    """The expressions of all policies over one object, for the kind and resource the request names."""

    def __init__(
        self, candidates: Candidates[P], facts: Facts, value: Object | None, deadline: float | None
    ) -> None:
        self._candidates = candidates
        self._facts = facts
        self._value = value
        self._usable = _namespace_known(facts)
        self._purse = Budget(CONDITIONS_BUDGET, deadline)
        self._words: dict[str, object] = {}
        self._conditions: list[object] = [UNSEEN] * candidates.size

    def holds(self, candidate: Candidate[P]) -> bool | None:
        """Whether a policy's match conditions hold for the object; None when it cannot be told here."""
        if not (candidate.simple and self._usable):
            return None
        held = self._held(self._candidates.gate(candidate))
        return held if self._purse.remaining >= candidate.floor else None

    def unsettled(
        self: Shared[ValidatingPolicy],
    ) -> Iterable[tuple[Candidate[ValidatingPolicy], Known]]:
        """The policies that may have something to say: all but those that do not apply, or admit.

        With each what is known of its variables.
        """
        candidates = self._candidates
        if not self._usable:
            return ((each, None) for each in candidates)
        plan = candidates.plan(tuple([self._held(gate) for gate in candidates.gates]))
        words = self._facts.validation(self._match, self._value, None)
        found = _not_admitting(plan, words, self._purse)
        remaining = self._purse.remaining
        if remaining < candidates.floor:
            left = {*found, *plan.unclear}
            return ((each, None) for each in candidates if each in left or remaining < each.floor)
        if not plan.unclear:
            return found.items()
        found |= dict.fromkeys(plan.unclear)
        return ((each, found[each]) for each in candidates if each in found)

    def _held(self, gate: Gate) -> bool | None:
        met = True
        conditions = self._conditions
        for place, evaluate, decides in gate:
            value = conditions[place]
            if value is UNSEEN:
                value = conditions[place] = self._condition(evaluate)
            if value is False:
                if decides:
                    return False
                met = False
            elif value is not True:
                return None
        return met

    def _condition(self, evaluate: Evaluate) -> object:
        if not self._words:
            self._words = self._facts.condition(self._match, self._value, None)
        return _value(evaluate, self._words, self._purse)

    @property
    def _match(self) -> Match:
        return Match(self._facts.request.kind, self._facts.request.resource)


class _Missing:
    """Stands where there is no value."""

    __slots__ = ()


UNSEEN, UNKNOWN = _Missing(), _Missing()
"""The value of an expression that nothing has asked for yet, and of one that failed."""


def _value(evaluate: Evaluate, words: Mapping[str, object], purse: Budget) -> object:
    """What an expression gives, `UNKNOWN` when it fails; a request out of time has no decision."""
    try:
        return evaluate(words, purse)
    except DeadlineExceeded:
        raise
    except EvaluationError:
        return UNKNOWN


def _not_admitting(
    plan: Plan, words: dict[str, object], purse: Budget
) -> dict[Candidate[ValidatingPolicy], Known]:
    """The policies of a plan that have a validation which is not true, and their variables.

    Variables are evaluated before validations: that is quicker than one inside another. One that fails may be
    one that nothing reads in the end.
    """
    values: list[object] = [UNKNOWN] * plan.size
    variables = words["variables"] = _Variables()
    found: dict[Candidate[ValidatingPolicy], Known] = {}
    look = purse.remaining
    for step in plan.steps:
        if purse.remaining <= look:
            purse.look()
            look = purse.remaining - STRIDE
        for name, place, evaluate in step.variables:
            if evaluate is not None:
                values[place] = _value(evaluate, words, purse)
            if values[place] is UNKNOWN:
                variables.pop(name, None)
            else:
                variables[name] = values[place]
        for evaluate in step.validations:
            if _value(evaluate, words, purse) is not True:
                found[step.candidate] = variables.known_to(step.candidate)
                break
    return found


class _Variables(dict[str, object]):
    """`variables`, those of all policies in turn; who reads one that has no value fails, too."""

    __slots__ = ()

    def known_to(self, candidate: Candidate[ValidatingPolicy]) -> Known:
        """Those that a policy has read, where it may read them again in its messages."""
        if candidate.asks:
            return None
        return {name: self[name] for name, _ in candidate.read if super(_Variables, self).__contains__(name)}

    def __contains__(self, name: object) -> bool:
        if not super().__contains__(name):
            raise EvaluationError(f"variables.{name}")
        return True

    def __missing__(self, name: str) -> object:
        raise EvaluationError(f"variables.{name}")


def _namespace_known(facts: Facts) -> bool:
    """Whether every namespaceSelector can be told, so that one that is not looked at has no error."""
    request = facts.request
    if not request.namespace and request.resource != NAMESPACES:
        return True
    return facts.cluster.get(NAMESPACE, "", request.namespace) is not None
