"""One ValidatingAdmissionPolicy over one request with one param (policy/validating/validator.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatekeeper_py.cel import EXPRESSION_LIMIT, Budget, type_name
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.conditions import ConditionError, applies
from gatekeeper_py.policy.evaluation.expression import (
    PASS_BUDGET,
    ExpressionError,
    OutOfBudget,
    value_or_error,
)
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.model import Expression, ValidatingPolicy, Validation

__all__ = ["MESSAGE_LIMIT", "Failure", "ValidationResult", "run_validations"]

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
class ValidationResult:
    """What a policy says about a request (ValidateResult)."""

    failures: tuple[Failure, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    annotation_errors: tuple[str, ...] = ()
    """They deny whatever the binding's actions."""


NOTHING = ValidationResult()


def run_validations(invocation: Invocation[ValidatingPolicy]) -> ValidationResult:
    """Evaluate everything, in the API server's order."""
    try:
        if not applies(invocation):
            return NOTHING
        failures = _failures(invocation)
        annotations, errors = _annotations(invocation)
    except (ConditionError, OutOfBudget) as error:
        failure = Failure(0, str(error), error=True)
        return NOTHING if invocation.policy.ignores_errors else ValidationResult((failure,))
    return ValidationResult(failures, annotations, errors)


# --- validations --------------------------------------------------------------------------------------


def _failures(invocation: Invocation[ValidatingPolicy]) -> tuple[Failure, ...]:
    policy = invocation.policy
    if not policy.validations:
        return ()
    budget = Budget(PASS_BUDGET, invocation.deadline)
    activation = invocation.activation(invocation.facts.validation, budget)
    results = [value_or_error(each.expression, activation, budget) for each in policy.validations]
    if all(result is True for result in results) and _affordable(policy, budget):
        return ()
    texts, shortage = _texts(invocation, results, budget)
    made = (
        _error(index, validation, results[index], shortage)
        or _failure(index, validation, results[index], texts.get(index, ""))
        for index, validation in enumerate(policy.validations)
    )
    return tuple(
        failure for failure in made if failure is not None and not (failure.error and policy.ignores_errors)
    )


def _error(index: int, validation: Validation, result: object, shortage: str) -> Failure | None:
    """A validation that has no value, or whose message could not be paid for."""
    message = str(result) if isinstance(result, ExpressionError) else shortage
    if not message:
        return None
    return Failure(index, message, expression=validation.expression.text, error=True)


def _failure(index: int, validation: Validation, result: object, text: str) -> Failure | None:
    """A validation that is not true."""
    if result is True:
        return None
    message = text or validation.message.strip() or messages.failed_expression(validation.expression.text)
    return Failure(index, message, validation.reason or "Invalid", validation.expression.text)


# --- messages -----------------------------------------------------------------------------------------


def _affordable(policy: ValidatingPolicy, budget: Budget) -> bool:
    """Whether all message expressions together cannot exhaust the budget, so that none need be evaluated.

    The API server evaluates those of passing validations too; an exhausted budget changes the verdict.
    """
    expressions = sum(validation.message_expression is not None for validation in policy.validations)
    if not expressions:
        return True
    return budget.remaining >= (expressions + len(policy.variables)) * EXPRESSION_LIMIT


def _texts(
    invocation: Invocation[ValidatingPolicy], results: Sequence[object], budget: Budget
) -> tuple[dict[int, str], str]:
    """The messages expressions give, by validation, and what is wrong when they cannot be afforded."""
    every = not _affordable(invocation.policy, budget)
    activation = invocation.activation(invocation.facts.message, budget)
    texts: dict[int, str] = {}
    try:
        for index, validation in enumerate(invocation.policy.validations):
            if validation.message_expression is not None and (every or results[index] is not True):
                texts[index] = _text(validation.message_expression, activation, budget)
    except OutOfBudget as error:
        return {}, messages.failed_message_expression(error)
    return texts, ""


def _text(expression: Expression, activation: Mapping[str, object], budget: Budget) -> str:
    """A message, empty when it has none that can be shown."""
    value = value_or_error(expression, activation, budget)
    text = value.strip() if isinstance(value, str) else ""
    too_long = len(text.encode("utf-8", "surrogatepass")) > MESSAGE_LIMIT
    return "" if too_long or "\n" in text else text


# --- audit annotations --------------------------------------------------------------------------------


def _annotations(
    invocation: Invocation[ValidatingPolicy],
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    policy = invocation.policy
    if not policy.audit_annotations:
        return (), ()
    budget = Budget(PASS_BUDGET, invocation.deadline)
    activation = invocation.activation(invocation.facts.annotation, budget)
    values: list[tuple[str, str]] = []
    errors: list[str] = []
    for annotation in policy.audit_annotations:
        result = value_or_error(annotation.value, activation, budget)
        if isinstance(result, ExpressionError):
            errors.extend([] if policy.ignores_errors else [str(result)])
        elif isinstance(result, str):
            values.extend([(annotation.key, result.strip())] if result.strip() else [])
        elif result is not None:
            errors.append(messages.annotation_type(annotation.value.text, type_name(result)))
    return tuple(values), tuple(errors)
