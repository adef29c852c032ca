"""What expressions come to: refusals without a message, and values that never change (GK5xx)."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import Budget, EvaluationError
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.policy.evaluation.expression import PASS_BUDGET
from gatekeeper_py.policy.model import ValidatingPolicy

__all__ = ["outcomes"]


def outcomes(subject: Subject) -> Iterator[Finding]:
    """Validations that say nothing, and what is always so."""
    for policy in subject.every:
        if isinstance(policy, ValidatingPolicy):
            yield from (Finding(problem, "GK501") for problem in _silent(policy))
        for statement in statements(policy):
            yield from _constant(statement)


def _silent(policy: ValidatingPolicy) -> Iterator[Problem]:
    for index, validation in enumerate(policy.validations):
        if not validation.message and validation.message_expression is None:
            path = ("spec", "validations", index)
            what = "a refusal would quote the expression, and not say what to do"
            yield policy.source.problem(path, what, "Add message, or messageExpression")


def _constant(statement: Statement) -> Iterator[Finding]:
    value = _value(statement)
    root = statement.expression.program.tree
    if statement.condition and isinstance(value, bool):
        what = f"this condition is always {str(value).lower()}"
        remedy = "Remove it" if value else "The policy never applies: correct it, or remove the policy"
        yield Finding(statement.problem(root, what, remedy), "GK502")
    elif statement.path[1] == "validations" and value is True:
        what = "this validation is always true, so it refuses nothing"
        yield Finding(statement.problem(root, what, "Correct it, or remove it"), "GK503")


def _value(statement: Statement) -> object:
    """What an expression without variables gives; None when it has some, or no value."""
    program = statement.expression.program
    if program.variables:
        return None
    try:
        return program.evaluate({}, Budget(PASS_BUDGET))
    except (EvaluationError, LookupError):
        return None
