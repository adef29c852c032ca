"""What can go wrong with an expression: everything the language raises is a `CelError`.

CelError
 |- CompileError            the text is no expression of its environment; lists every issue with its place
 |- EvaluationError         the expression has no value for these data; `&&`, `||`, `all`, `exists` may absorb it
     |- CostExceeded        it spent more than its budget allows; nothing absorbs it
     |- DeadlineExceeded    its time is over; nothing absorbs it
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CelError", "CompileError", "CostExceeded", "DeadlineExceeded", "EvaluationError", "Issue"]


class CelError(Exception):
    """Anything the language refuses."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason why a text does not compile, at a place in it."""

    message: str
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1, in code points, as cel-go prints it."""
    source_line: str = ""

    def __str__(self) -> str:
        """The issue as cel-go prints it: place, message, source line, caret."""
        dots = "." * (self.column - 1)
        return f"ERROR: <input>:{self.line}:{self.column}: {self.message}\n | {self.source_line}\n | {dots}^"


class CompileError(CelError):
    """The text is not an expression of its environment."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        self.issues = issues
        super().__init__("\n".join(map(str, issues)))


class EvaluationError(CelError):
    """The expression has no value for these data."""


class CostExceeded(EvaluationError):
    """The expression spent more than its budget allows. Never absorbed."""


class DeadlineExceeded(EvaluationError):
    """The time allowed for the request is over. Never absorbed."""
