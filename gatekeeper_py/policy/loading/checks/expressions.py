"""Expressions of policies: compiled here, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatekeeper_py.cel import CompileError, InstantiationError
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.policy.evaluation.compilation import Compiler, ExpressionKind, InvalidExpression
from gatekeeper_py.policy.loading.checks.parts import Faults
from gatekeeper_py.policy.loading.checks.remedies import remedy_of
from gatekeeper_py.policy.loading.faults import Fault, internal, invalid, required
from gatekeeper_py.policy.model import Expression

__all__ = ["Written", "compile_expression", "compile_variable"]


@dataclass(frozen=True, slots=True)
class Written:
    """An expression in a document, and how the API server treats one that stands there."""

    field: FieldPath
    text: str
    trimmed: bool = False
    """It is checked without the white space around it; what runs, and errors quote, has it all the same."""
    quoted_whole: bool = False
    """Its faults quote it as it is written, though it is trimmed."""
    missing: str = ""
    """What is said when there is none."""

    @property
    def checked(self) -> str:
        """The text that must compile."""
        return self.text.strip() if self.trimmed else self.text

    def offset(self, error: BaseException | None) -> int:
        """Where in the text as written the first issue is."""
        lead = len(self.text) - len(self.text.lstrip()) if self.trimmed else 0
        if not isinstance(error, CompileError) or error.issues[0].line < 1:
            return lead
        issue = error.issues[0]
        before = self.checked.split("\n")[: issue.line - 1]
        return lead + sum(len(line) + 1 for line in before) + max(issue.column - 1, 0)


def compile_expression(
    faults: Faults, compiler: Compiler, kind: ExpressionKind, written: Written
) -> Expression | None:
    """The expression compiled, or None after its fault is told."""
    return _compiled(faults, written, kind, lambda text: compiler.compile(kind, text))


def compile_variable(faults: Faults, compiler: Compiler, name: str, written: Written) -> Expression | None:
    """The expression of a variable, which is declared for what comes after."""
    return _compiled(faults, written, ExpressionKind.VARIABLE, lambda text: compiler.variable(name, text))


def _compiled(
    faults: Faults, written: Written, kind: ExpressionKind, compile_text: Callable[[str], Expression]
) -> Expression | None:
    if not written.text.strip():
        faults.add(required(written.field, written.missing))
        return None
    try:
        return compile_text(written.text)
    except InvalidExpression as error:
        told = _of_checked(written, compile_text) if written.trimmed else None
        faults.add(_fault(written, kind, told or error))
        return None


def _of_checked(written: Written, compile_text: Callable[[str], Expression]) -> InvalidExpression | None:
    """What is wrong with the text that must compile: its lines and columns may be others."""
    try:
        compile_text(written.checked)
    except InvalidExpression as error:
        return error
    return None


def _fault(written: Written, kind: ExpressionKind, error: InvalidExpression) -> Fault:
    offset, remedy = written.offset(error.__cause__), remedy_of(error, kind)
    if isinstance(error.__cause__, InstantiationError):
        return internal(written.field, str(error), remedy=remedy, offset=offset)
    quoted = written.text if written.quoted_whole else written.checked
    return invalid(written.field, quoted, str(error), remedy=remedy, offset=offset)
