"""`variables`: evaluated when first read, once a pass, errors too (plugin/cel/composition.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

from gatekeeper_py.cel import Budget, ComputedMap, CostExceeded, DeadlineExceeded, EvaluationError
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.activation import Names
from gatekeeper_py.policy.model import Expression

__all__ = ["Variables"]

NONE: Mapping[str, object] = {}


class Variables(ComputedMap):
    """The variables of one policy in one pass over its expressions.

    What a variable costs comes out of the pass's budget; an expression that reads it pays nothing more.
    """

    __slots__ = ("_activation", "_budget", "_declared", "_errors")

    def __init__(
        self,
        declared: Mapping[str, Expression],
        activation: Names,
        budget: Budget,
        known: Mapping[str, object] = NONE,
    ) -> None:
        """`known` are values that were evaluated, and paid for, before this pass."""
        super().__init__(known)
        self._declared = declared
        self._activation = ref(activation)
        """They are among its names themselves, and it is there for as long as an expression reads them."""
        self._budget = budget
        self._errors: dict[str, str] = {}

    def __contains__(self, name: object) -> bool:
        """Whether there is such a variable; `has(variables.x)` fails when its variable does."""
        if name not in self._declared:
            return False
        _ = self[str(name)]
        return True

    def __missing__(self, name: str) -> Any:
        """Evaluate a variable that nothing has read before."""
        if name in self._errors:
            raise EvaluationError(self._errors[name])
        value = self[name] = self._evaluate(name, self._declared[name])
        return value

    def _evaluate(self, name: str, expression: Expression) -> Any:
        activation = self._activation()
        assert activation is not None
        try:
            return expression.program.evaluate(activation, self._budget)
        except DeadlineExceeded:
            raise
        except EvaluationError as error:
            if isinstance(error, CostExceeded) and self._budget.remaining < 0:
                raise
            self._errors[name] = messages.composited_variable(name, error)
            raise EvaluationError(self._errors[name]) from error
