"""What the expressions of many policies say of one request, each evaluated once.

Policies repeat each other: the same match conditions, the same variables. Expressions are pure, so one that
means the same everywhere (`Expression` is then the same object) needs one evaluation for one object. Only the
common outcome is settled here: a policy that does not apply, or admits. Whatever else may come of a policy (a
denial, an error, a budget that could run out) is left to its own evaluation, which follows the API server.

All policies share one purse here. As long as what they spent together, times the number of a policy's
expressions, is within that policy's budgets, it could not have run out of any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatekeeper_py.cel import Budget, DeadlineExceeded, EvaluationError
from gatekeeper_py.cel.budget import EXPRESSION_LIMIT
from gatekeeper_py.cluster.view import Object
from gatekeeper_py.policy.activation import Facts
from gatekeeper_py.policy.conditions import CONDITIONS_BUDGET
from gatekeeper_py.policy.index import UNSEEN_LIMIT, Candidate
from gatekeeper_py.policy.matching import NAMESPACE, NAMESPACES, Match
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy

__all__ = ["Shared"]


class Shared:
    """The expressions of all policies over one object, for the kind and resource the request names."""

    def __init__(self, facts: Facts, value: Object | None, deadline: float | None) -> None:
        self._facts = facts
        self._value = value
        self._usable = _namespace_known(facts)
        self._purse = Budget(CONDITIONS_BUDGET, deadline)
        self._conditions: _Values | None = None
        self._validations: _Values | None = None
        self._held: dict[tuple[Expression, ...], bool | None] = {}

    def unsettled(
        self, candidates: Iterable[Candidate[ValidatingPolicy]]
    ) -> Iterator[Candidate[ValidatingPolicy]]:
        """The policies that may have something to say: all but those that do not apply, or admit."""
        for candidate in candidates:
            held = self.holds(candidate)
            if held is None or (held and not self._admits(candidate)):
                yield candidate

    def holds(self, candidate: Candidate[ValidatingPolicy] | Candidate[MutatingPolicy]) -> bool | None:
        """Whether a policy's match conditions hold for the object; None when it cannot be told here."""
        if not (candidate.simple and self._usable):
            return None
        conditions = candidate.conditions
        if conditions not in self._held:
            self._held[conditions] = self._hold(conditions)
        return self._held[conditions] if self._purse.remaining >= candidate.floor else None

    def _hold(self, conditions: Sequence[Expression]) -> bool | None:
        values = self._conditions
        if values is None:
            words = self._facts.condition(self._match, self._value, None)
            values = self._conditions = _Values(words, self._purse)
        met = True
        for left, condition in zip(range(len(conditions) - 1, -1, -1), conditions, strict=True):
            value = values[condition]
            if value is not True and value is not False:
                return None
            met &= value
            if not met and left * EXPRESSION_LIMIT <= CONDITIONS_BUDGET // 2:
                return False
        return met

    def _admits(self, candidate: Candidate[ValidatingPolicy]) -> bool:
        """Whether all validations of a policy hold, and it has no audit annotations to write."""
        values = self._validations
        if values is None:
            words = self._facts.validation(self._match, self._value, None)
            values = self._validations = _Values(words, self._purse)
        values.words["variables"] = self._variables(candidate, values)
        for expression in candidate.validations:
            if values[expression] is not True:
                return False
        return (
            self._purse.remaining >= candidate.floor
            and not candidate.policy.audit_annotations
            and (candidate.affordable or _affordable(candidate, values))
        )

    def _variables(self, candidate: Candidate[ValidatingPolicy], values: _Values) -> dict[str, object]:
        """The variables that validations read, evaluated beforehand: that is quicker than one inside another.

        If one has no value, it may be one that no validation reads in the end; then each waits to be read.
        """
        variables: dict[str, object] = {}
        values.words["variables"] = variables
        for name, expression in candidate.read:
            value = values[expression] if expression in values else values.evaluate(expression)
            if value is UNKNOWN:
                return _Variables(candidate.variables, values)
            variables[name] = value
        return variables

    @property
    def _match(self) -> Match:
        return Match(self._facts.request.kind, self._facts.request.resource)


def _affordable(candidate: Candidate[ValidatingPolicy], values: _Values) -> bool:
    """Whether a policy's messages can be paid for, where the variables are known that nothing has read."""
    unread = sum(variable not in values for variable in candidate.variables.values())
    return candidate.messages + unread <= UNSEEN_LIMIT


class _Unknown:
    """Stands for the value of an expression that has none."""

    __slots__ = ()


UNKNOWN = _Unknown()


class _Values(dict[Expression, object]):
    """The values of expressions, evaluated when first asked for."""

    __slots__ = ("purse", "words")

    def __init__(self, words: dict[str, object], purse: Budget) -> None:
        self.words = words
        self.purse = purse

    def __missing__(self, expression: Expression) -> object:
        return self.evaluate(expression)

    def evaluate(self, expression: Expression) -> object:
        """The value of an expression that is not here yet; `UNKNOWN` when it has none."""
        value: object = UNKNOWN
        try:
            value = expression.program.evaluate(self.words, self.purse)
        except DeadlineExceeded:
            raise
        except EvaluationError:
            pass
        self[expression] = value
        return value


class _Variables(dict[str, object]):
    """`variables` of one policy."""

    __slots__ = ("_declared", "_values")

    def __init__(self, declared: Mapping[str, Expression], values: _Values) -> None:
        self._declared = declared
        self._values = values

    def __contains__(self, name: object) -> bool:
        if name not in self._declared:
            return False
        _ = self[str(name)]
        return True

    def __missing__(self, name: str) -> object:
        value = self._values[self._declared[name]]
        if value is UNKNOWN:
            raise EvaluationError(f"variables.{name}")
        self[name] = value
        return value


def _namespace_known(facts: Facts) -> bool:
    """Whether every namespaceSelector can be told, so that one that is not looked at has no error."""
    request = facts.request
    if not request.namespace and request.resource != NAMESPACES:
        return True
    return facts.cluster.get(NAMESPACE, "", request.namespace) is not None
