"""What expressions come to: refusals without a message, and values that never change (GK5xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import Budget, EvaluationError, tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.policy.evaluation.expression import PASS_BUDGET
from gatekeeper_py.policy.model import Expression, Policy, ValidatingPolicy

__all__ = ["outcomes"]


def outcomes(subject: Subject) -> Iterator[Finding]:
    """Validations that say nothing, and what is always so."""
    for policy in subject.every:
        if isinstance(policy, ValidatingPolicy):
            yield from (Finding(problem, "GK501") for problem in _silent(policy))
            yield from (Finding(problem, "GK509") for problem in _verbatim(policy))
        said = list(statements(policy))
        yield from (Finding(problem, "GK506") for problem in _unread(policy, said))
        for statement in said:
            yield from _constant(statement)
            yield from _idle(statement)


def _silent(policy: ValidatingPolicy) -> Iterator[Problem]:
    for index, validation in enumerate(policy.validations):
        if not validation.message and validation.message_expression is None:
            path = ("spec", "validations", index)
            what = "a refusal would quote the expression, and not say what to do"
            yield policy.source.problem(path, what, "Add message, or messageExpression")


TEMPLATE: Final = re.compile(
    r"\{\{.*\}\}|\$\{.+\}|'\s*\+\s*\w|\+\s*string\(|\$\((object|params|request|variables)\b"
)
"""How other languages, and CEL, put a value into a text; `message` is told as it stands."""
PATH: Final = re.compile(r"(object|oldObject|params|request|variables)(\.\w+)+")


def _verbatim(policy: ValidatingPolicy) -> Iterator[Problem]:
    """Messages that were meant to be evaluated, and expressions that say nothing."""
    for index, validation in enumerate(policy.validations):
        path: FieldPath = ("spec", "validations", index)
        if TEMPLATE.search(validation.message):
            remedy = "Write a messageExpression in CEL: 'replicas is ' + string(object.spec.replicas)"
            yield policy.source.problem(
                (*path, "message"), "this is told as it stands, with no value in it", remedy
            )
        if validation.message_expression is not None:
            yield from _said(policy, (*path, "messageExpression"), validation.message_expression)


def _said(policy: ValidatingPolicy, path: FieldPath, expression: Expression) -> Iterator[Problem]:
    for node in _branches(expression.program.tree):
        text = node.value if isinstance(node, tree.Literal) and isinstance(node.value, str) else None
        if text is None:
            continue
        place = policy.source.locate_in_text(path, node.span.start)
        if not text.strip():
            what, remedy = "a refusal says nothing then, and quotes the expression instead", "Say what to do"
            yield Problem(policy.source.path, *place, what, remedy)
        elif "\n" in text.strip():
            what = "a message of several lines is not told: a refusal quotes the expression instead"
            yield Problem(policy.source.path, *place, what, "Write one line")
        elif PATH.fullmatch(text):
            what = "this is the text itself, and not what stands there"
            yield Problem(policy.source.path, *place, what, f"Write string({text}), and not between quotes")


def _branches(node: tree.Node) -> Iterator[tree.Node]:
    """What an expression may come to as a whole."""
    if isinstance(node, tree.Call) and node.function == "_?_:_":
        for branch in node.arguments[1:]:
            yield from _branches(branch)
    else:
        yield node


def _unread(policy: Policy, said: list[Statement]) -> Iterator[Problem]:
    """Variables that nothing reads: what they were for is not asked."""
    nodes = [node for each in said for node in tree.nodes(each.expression.program.tree)]
    read = {node.field for node in nodes if isinstance(node, tree.Select) and _is_variables(node.operand)}
    whole = any(
        _is_variables(each)
        for node in nodes
        for each in tree.children(node)
        if not isinstance(node, tree.Select)
    )
    for index, variable in enumerate(policy.variables):
        path = ("spec", "variables", index, "name")
        if variable.name not in read and not whole:
            what = f'nothing reads the variable "{variable.name}"'
            yield policy.source.problem(path, what, "Read it where it was meant, or remove it")
        if variable.name in {other.name for other in policy.variables[:index]}:
            what = f'a variable is called "{variable.name}" already'
            yield policy.source.problem(path, what, "Give it another name")


def _is_variables(node: tree.Node) -> bool:
    return isinstance(node, tree.Identifier) and node.name == "variables"


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


def _idle(statement: Statement) -> Iterator[Finding]:
    """Comparisons whose outcome is the same whatever they compare."""
    root = statement.expression.program.tree
    for node in tree.nodes(root):
        if isinstance(node, tree.Call) and node.function in ORDER and any(map(_is_amount, node.arguments)):
            yield Finding(statement.problem(node, *AS_TEXT), "GK206")
        if isinstance(node, tree.Call) and (outcome := _outcome(node, statement.expression.text)) is not None:
            what = f"this is {str(outcome).lower()} whatever is compared"
            yield Finding(statement.problem(node, what, IDLE_REMEDY), "GK505")


ORDER = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|[KMGTPE]i?)?")
"""A number or a Kubernetes quantity, as text."""
AS_TEXT = (
    'texts are compared letter by letter: "9" is more than "10", and "1Gi" less than "500Mi"',
    "Compare by quantity(a).compareTo(quantity(b)), or by int()",
)


def _is_amount(node: tree.Node) -> bool:
    return (
        isinstance(node, tree.Literal)
        and isinstance(node.value, str)
        and AMOUNT.fullmatch(node.value) is not None
    )


IDLE_REMEDY = (
    "Compare with something else; of several unlike values all are asked by &&, one of several by ||"
)


def _outcome(node: tree.Call, text: str) -> bool | None:
    """True or false where that is certain; None where it depends on the request."""
    if node.function in SAME:
        one, other = (text[each.span.start : each.span.end] for each in node.arguments)
        return (
            SAME[node.function] if one == other and not isinstance(node.arguments[0], tree.Literal) else None
        )
    if node.function == "_||_":
        return True if _differs(node, "_||_", "_!=_", text) else None
    return False if node.function == "_&&_" and _differs(node, "_&&_", "_==_", text) else None


SAME: Mapping[str, bool] = {
    **dict.fromkeys(("_==_", "_<=_", "_>=_"), True),
    **dict.fromkeys(("_!=_", "_<_", "_>_"), False),
}
"""What operators give of two that are the same."""


def _differs(node: tree.Node, joined: str, compared: str, text: str) -> bool:
    """Whether among joined comparisons two compare the same with two different constants."""
    constants: dict[str, object] = {}
    for part in tree.operands(node, joined):
        if isinstance(part, tree.Call) and part.function == compared:
            one, other = part.arguments
            if isinstance(other, tree.Literal) and not isinstance(one, tree.Literal):
                place = text[one.span.start : one.span.end]
                if constants.setdefault(place, other.value) != other.value:
                    return True
    return False


def _value(statement: Statement) -> object:
    """What an expression without variables gives; None when it has some, or no value."""
    program = statement.expression.program
    if program.variables:
        return None
    try:
        return program.evaluate({}, Budget(PASS_BUDGET))
    except (EvaluationError, LookupError):
        return None
