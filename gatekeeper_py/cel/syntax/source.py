"""The text of an expression, and the issues found in it with their places."""

from __future__ import annotations

from gatekeeper_py.cel.errors import CompileError, Issue

__all__ = ["Issues"]

REPORT_LIMIT = 100
"""Issues cel-go reports of one text (common/errors.go); a text this wrong is no expression at all."""


class Issues:
    """What is wrong with a text, gathered while it is read."""

    __slots__ = ("_found", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: list[Issue] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, offset: int, message: str) -> None:
        """Record `message` about the code point at `offset`."""
        if len(self._found) == REPORT_LIMIT:
            return
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", start)
        source_line = self.text[start:] if end < 0 else self.text[start:end]
        line = self.text.count("\n", 0, offset) + 1
        column = offset - start + 1 if self.text else 0
        self._record(Issue(message, line, column, source_line))

    def add_once(self, offset: int, message: str) -> None:
        """Record `message` about the code point at `offset`, unless that is done."""
        mark = len(self)
        self.add(offset, message)
        if self._found[mark:] and self._found[mark] in self._found[:mark]:
            del self._found[mark:]

    def repeat(self, mark: int) -> None:
        """Record again what was recorded since there were `mark` issues."""
        for issue in self._found[mark:]:
            self._record(issue)

    def add_general(self, message: str) -> None:
        """Record `message` about the text as a whole; cel-go prints no line then."""
        self._record(Issue(message, -1, 0))

    def _record(self, issue: Issue) -> None:
        if len(self._found) < REPORT_LIMIT:
            self._found.append(issue)

    def error(self) -> CompileError:
        """The error that lists all issues, in the order of their places."""
        return CompileError(tuple(sorted(self._found, key=lambda issue: (issue.line, issue.column))))

    def raise_any(self) -> None:
        """Raise `error()` if there is any issue."""
        if self._found:
            raise self.error()
