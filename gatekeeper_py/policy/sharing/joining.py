"""The policies about one operation on one resource as one function.

What `plan` and `shared` do step by step, the function does at once (`gatekeeper_py.cel.join`): match
conditions, the variables that validations read, validations, each once. Writing it costs as much as a
thousand reviews, so it is written only for what is asked often, and once for the same expressions: a load
after an edit finds most functions written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic, TypeAlias, TypeVar

from gatekeeper_py.cel import (
    EXPRESSION_LIMIT,
    STRIDE,
    Budget,
    CostExceeded,
    Found,
    JointRule,
    Known,
    Part,
    is_joinable,
    join,
)
from gatekeeper_py.policy.evaluation.expression import CONDITIONS_BUDGET
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate

__all__ = ["Allowance", "Drafts", "Function", "Joined", "join_policies", "joint_function"]

CONTAINER = "variables"
NAMESPACE = "namespaceObject"
"""Null for match conditions, but not for validations."""

MOST_EXPRESSIONS = 500
"""In one function: what is shipped has some two hundred for a pod. Further policies are not joined."""

MOST_FUNCTIONS = 128
"""Kept from one load to the next, of mutating and of validating policies; that of a pod takes less than a
megabyte."""

MOST_PARTS = 10_000
"""Kept with them: as many as there are compiled expressions kept (`Environments`)."""

SPENDING_LIMIT = CONDITIONS_BUDGET // 10
"""Units a function may spend: what ordinary objects cost a hundred times over."""

CHAIN_LENGTH = 3
"""Match conditions of a policy of which the first that is false decides: those after it could not exhaust
the budget of match conditions, even if `SPENDING_LIMIT` was spent before."""
assert (CHAIN_LENGTH - 1) * EXPRESSION_LIMIT + SPENDING_LIMIT <= CONDITIONS_BUDGET

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)
_Candidate: TypeAlias = Candidate[ValidatingPolicy]
Function: TypeAlias = Callable[[Mapping[str, object], Budget], Found]


@dataclass(frozen=True, slots=True)
class Joined:
    """Policies as one function, and those that it knows nothing of."""

    members: tuple[_Candidate, ...]
    others: tuple[_Candidate, ...]
    limit: int
    """Units the function may spend, so that none of the members could have exhausted a budget of its own."""
    function: Function

    def undecided(
        self, activation: Mapping[str, object], deadline: float | None
    ) -> dict[_Candidate, Mapping[str, object] | None] | None:
        """The members that may have something to say, with what is known of their variables.

        None when that would cost too much to say.
        """
        try:
            found = self.function(activation, Allowance(self.limit, deadline))
        except CostExceeded:
            return None
        return {self.members[index]: found[index] for index in found}


class Allowance(Budget):
    """A budget whose limit is one for all expressions together."""

    __slots__ = ("_limit",)

    def __init__(self, limit: int, deadline: float | None) -> None:
        super().__init__(limit, deadline)
        self._limit = limit

    def checkpoint(self, cost: int) -> int:
        """As a budget's, with another limit."""
        if cost > self._limit:
            raise CostExceeded("together they cost too much")
        self.check_deadline()
        return min(cost + STRIDE, self._limit)


def join_policies(candidates: Iterable[_Candidate], known: Known) -> Joined | None:
    """The policies as one function for requests of which the `known` values hold; None when none can be."""
    drafts = _Drafts()
    others = tuple([each for each in candidates if not drafts.take(each)])
    if not drafts.members:
        return None
    try:
        function = joint_function(drafts.rules, known)
    except RecursionError:
        return None
    return Joined(tuple(drafts.members), others, drafts.limit, function)


def joint_function(rules: Iterable[JointRule], known: Known) -> Function:
    """The function of these rules. Raises `RecursionError` when their expressions are nested too deep."""
    return _function(tuple(rules), frozenset(known.items()))


@lru_cache(maxsize=MOST_FUNCTIONS)
def _function(rules: tuple[JointRule, ...], known: frozenset[tuple[tuple[str, ...], object]]) -> Function:
    return join(rules, dict(known), CONTAINER)


@lru_cache(maxsize=MOST_PARTS)
def _part(expression: Expression, fields: tuple[tuple[str, Part], ...]) -> Part:
    return Part(expression.program.checked, dict(fields))


class Drafts(Generic[P]):
    """The rules of the policies taken so far."""

    def __init__(self) -> None:
        self.members: list[Candidate[P]] = []
        self.rules: list[JointRule] = []
        self.limit = SPENDING_LIMIT
        self._parts: dict[Expression, Part] = {}

    def take(self, candidate: Candidate[P]) -> bool:
        """Whether a policy can be one of the function's."""
        limit = min(self.limit, CONDITIONS_BUDGET - candidate.required_budget)
        if not candidate.shareable or limit < STRIDE or len(self._parts) > MOST_EXPRESSIONS:
            return False
        rules = self.rules_of(candidate)
        if not all(is_joinable(part, CONTAINER) for rule in rules for part in _parts_of(rule)):
            return False
        if any(NAMESPACE in each.program.variables for each in candidate.conditions):
            return False
        self.limit = limit
        self.members.append(candidate)
        self.rules.extend(rules)
        return True

    def rules_of(self, candidate: Candidate[P]) -> tuple[JointRule, ...]:
        """What is asked of one policy: the same number of rules for each."""
        raise NotImplementedError

    def applies(self, candidate: Candidate[P]) -> JointRule:
        """The rule that is never met when a policy applies."""
        variables = candidate.policy.declared
        conditions = tuple(self.part(each, variables) for each in candidate.conditions)
        return JointRule(conditions, len(conditions) <= CHAIN_LENGTH)

    def part(self, expression: Expression, variables: Mapping[str, Expression]) -> Part:
        """An expression of a policy with these variables."""
        part = self._parts.get(expression)
        if part is None:
            fields = tuple((name, self.part(variables[name], variables)) for name in expression.reads)
            part = self._parts[expression] = _part(expression, fields)
        return part


class _Drafts(Drafts[ValidatingPolicy]):
    """Those of validating policies: one each, of which the validations are the tests."""

    def rules_of(self, candidate: _Candidate) -> tuple[JointRule, ...]:
        """As every policy's."""
        return (self._rule(candidate),)

    def _rule(self, candidate: _Candidate) -> JointRule:
        applies, variables = self.applies(candidate), candidate.policy.declared
        if not candidate.admits_silently:
            return applies
        surely, _ = candidate.surely_and_perhaps_read
        shown = tuple((name, self.part(each, variables)) for name, each in surely)
        return replace(
            applies,
            needed=tuple(part for _, part in shown),
            tests=tuple(self.part(each, variables) for each in candidate.validations),
            paid=tuple(self.part(each, variables) for _, each in candidate.to_be_paid),
            shown=None if candidate.uses_authorizer else shown,
        )


def _parts_of(rule: JointRule) -> Iterable[Part]:
    return (*rule.conditions, *rule.needed, *(rule.tests or ()), *rule.paid)
