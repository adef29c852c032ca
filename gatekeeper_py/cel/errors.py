"""What can go wrong with an expression: everything the language raises is a `CelError`.

CelError
 |- CompileError            the text is no expression of its environment; lists every issue with its place
     |- InstantiationError   a part of it that needs no data has no value: `int("abc")`
     |- ResultError          its result is not of the type that is wanted
 |- EvaluationError         it has no value for these data; `&&`, `||`, `all`, `exists` may absorb that
     |- CostExceeded        it spent more than its budget allows; nothing absorbs it
     |- DeadlineExceeded    its time is over; nothing absorbs it
     |- InternalError       cel-go itself fails; nothing absorbs it
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CelError",
    "CompileError",
    "CostExceeded",
    "DeadlineExceeded",
    "EvaluationError",
    "InstantiationError",
    "InternalError",
    "Issue",
    "ResultError",
]

SNIPPET_LIMIT = 16_384
"""Length of a source line beyond which a message does not repeat it (cel-go, common/error.go)."""


class CelError(Exception):
    """Anything the language refuses."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason why a text does not compile, at a place in it."""

    message: str
    line: int
    """Counted from 1; -1 for the text as a whole."""
    column: int
    """Counted from 1, in code points, as cel-go prints it; 0 when there is no place to show."""
    source_line: str = ""

    def __str__(self) -> str:
        """The issue as cel-go prints it (common/error.go): place, message, source line, caret."""
        head = f"ERROR: <input>:{self.line}:{self.column}: {self.message}"
        if self.column < 1 or len(self.source_line) > SNIPPET_LIMIT:
            return head
        text = self.source_line.replace("\t", " ")
        dots = "".join("." if character < "\x80" else "\uff0e" for character in text[: self.column - 1])
        caret = "\uff3e" if text[self.column - 1 : self.column] >= "\x80" else "^"
        return f"{head}\n | {text}\n | {dots}{caret}"


class CompileError(CelError):
    """The text is not an expression of its environment."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        self.issues = issues
        super().__init__("\n".join(map(str, issues)))


class InstantiationError(CompileError):
    """A part of the expression that needs no data has no value."""

    def __str__(self) -> str:
        return f"program instantiation failed: {self.issues[0].message}"


class ResultError(CompileError):
    """The result of the expression is not of the type that is wanted."""

    def __str__(self) -> str:
        return self.issues[0].message


class EvaluationError(CelError):
    """The expression has no value for these data."""


class CostExceeded(EvaluationError):
    """The expression spent more than its budget allows. Never absorbed."""


class DeadlineExceeded(EvaluationError):
    """The time allowed for the request is over. Never absorbed."""


class InternalError(EvaluationError):
    """cel-go takes a value for what it is not, and gives up the whole expression. Never absorbed."""

    def __init__(self, why: str) -> None:
        super().__init__(f"internal error: {why}")

    @classmethod
    def conversion(cls, found: str, wanted: str) -> InternalError:
        """A value of one Go type where another is taken for granted."""
        return cls(f"interface conversion: {found} is not {wanted}")
