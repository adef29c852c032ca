"""One ValidatingAdmissionPolicy over one request with one param (policy/validating/validator.go)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper_py.cel import EXPRESSION_LIMIT, Budget, type_name
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.conditions import (
    PASS_BUDGET,
    ConditionError,
    ExpressionError,
    OutOfBudget,
    applies,
    evaluate,
)
from gatekeeper_py.policy.evaluation.variables import NONE_KNOWN, Variables
from gatekeeper_py.policy.matching.match import Match
from gatekeeper_py.policy.model import Expression, ValidatingPolicy, Validation

__all__ = ["MESSAGE_LIMIT", "Failure", "Invocation", "Outcome"]

MESSAGE_LIMIT = 5 * 1024
"""Bytes a message from an expression may have (MaxEvaluatedMessageExpressionSizeBytes)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One validation that does not admit the request."""

    index: int
    """Which validation it was."""
    message: str
    reason: str = ""
    """Empty for an error."""
    expression: str = ""
    error: bool = False
    """It could not be evaluated, rather than being false."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy says about a request."""

    failures: tuple[Failure, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    annotation_errors: tuple[str, ...] = ()
    """They deny whatever the binding's actions."""


NOTHING = Outcome()


class Invocation:
    """A policy, matched, with one param."""

    def __init__(
        self,
        policy: ValidatingPolicy,
        match: Match,
        facts: Facts,
        value: Object | None,
        params: Object | None,
        deadline: float | None,
        known: Mapping[str, object] | None = None,
    ) -> None:
        """`known`: the match conditions hold, and these variables have these values."""
        self._policy = policy
        self._match = match
        self._facts = facts
        self._value = value
        self._params = params
        self._deadline = deadline
        self._forgives = policy.failure_policy == "Ignore"
        self._declared = policy.declared
        self._known = known

    def run(self) -> Outcome:
        """Evaluate everything, in the API server's order."""
        try:
            if not self._applies():
                return NOTHING
            failures = self._validations()
            annotations, errors = self._annotations()
        except (ConditionError, OutOfBudget) as error:
            return NOTHING if self._forgives else Outcome((Failure(0, str(error), error=True),))
        return Outcome(failures, annotations, errors)

    def _applies(self) -> bool:
        if self._known is not None:
            return True
        return applies(self._policy, self._facts, self._match, self._value, self._params, self._deadline)

    def _activation(self, words: Callable[..., dict[str, object]], budget: Budget) -> Mapping[str, object]:
        """The words of one pass, its variables evaluated anew."""
        activation = words(self._match, self._value, self._params)
        activation["variables"] = Variables(self._declared, activation, budget, self._known or NONE_KNOWN)
        return activation

    # --- validations ---

    def _validations(self) -> tuple[Failure, ...]:
        validations = self._policy.validations
        if not validations:
            return ()
        budget = Budget(PASS_BUDGET, self._deadline)
        activation = self._activation(self._facts.validation, budget)
        results = [self._result(validation.expression, activation, budget) for validation in validations]
        if all(result is True for result in results) and self._affordable(budget):
            return ()
        texts, shortage = self._texts(results, budget)
        made = (
            self._failure(index, validation, results[index], texts.get(index, ""), shortage)
            for index, validation in enumerate(validations)
        )
        return tuple(failure for failure in made if failure is not None)

    @staticmethod
    def _result(
        expression: Expression, activation: Mapping[str, object], budget: Budget
    ) -> object | ExpressionError:
        try:
            return evaluate(expression, activation, budget)
        except ExpressionError as error:
            return error

    def _failure(
        self, index: int, validation: Validation, result: object, text: str, shortage: str
    ) -> Failure | None:
        if isinstance(result, ExpressionError) or shortage:
            message = str(result) if isinstance(result, ExpressionError) else shortage
            error = Failure(index, message, expression=validation.expression.text, error=True)
            return None if self._forgives else error
        if result is True:
            return None
        message = text or validation.message.strip() or messages.failed_expression(validation.expression.text)
        return Failure(index, message, validation.reason or "Invalid", validation.expression.text)

    # --- messages ---

    def _affordable(self, budget: Budget) -> bool:
        """Whether all message expressions together cannot exhaust the budget, so that none need be evaluated.

        The API server evaluates those of passing validations too; an exhausted budget changes the verdict.
        """
        expressions = sum(
            validation.message_expression is not None for validation in self._policy.validations
        )
        if not expressions:
            return True
        return budget.remaining >= (expressions + len(self._policy.variables)) * EXPRESSION_LIMIT

    def _texts(self, results: Sequence[object], budget: Budget) -> tuple[dict[int, str], str]:
        """The messages expressions give, by validation, and what is wrong when they cannot be afforded."""
        every = not self._affordable(budget)
        activation = self._activation(self._facts.message, budget)
        texts: dict[int, str] = {}
        try:
            for index, validation in enumerate(self._policy.validations):
                if validation.message_expression is not None and (every or results[index] is not True):
                    texts[index] = self._text(validation.message_expression, activation, budget)
        except OutOfBudget as error:
            return {}, messages.failed_message_expression(error)
        return texts, ""

    @staticmethod
    def _text(expression: Expression, activation: Mapping[str, object], budget: Budget) -> str:
        """A message, empty when it has none that can be shown."""
        try:
            value = evaluate(expression, activation, budget)
        except ExpressionError:
            return ""
        text = value.strip() if isinstance(value, str) else ""
        too_long = len(text.encode("utf-8", "surrogatepass")) > MESSAGE_LIMIT
        return "" if too_long or "\n" in text else text

    # --- audit annotations ---

    def _annotations(self) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        if not self._policy.audit_annotations:
            return (), ()
        budget = Budget(PASS_BUDGET, self._deadline)
        activation = self._activation(self._facts.annotation, budget)
        values: list[tuple[str, str]] = []
        errors: list[str] = []
        for annotation in self._policy.audit_annotations:
            result = self._result(annotation.value, activation, budget)
            if isinstance(result, ExpressionError):
                if not self._forgives:
                    errors.append(str(result))
            elif isinstance(result, str):
                values.extend([(annotation.key, result.strip())] if result.strip() else [])
            elif result is not None:
                errors.append(messages.annotation_type(annotation.value.text, type_name(result)))
        return tuple(values), tuple(errors)
