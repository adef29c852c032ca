"""One thing that is wrong, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper_py.authoring.lint.codes import CODES, Severity
from gatekeeper_py.manifests.manifest import Problem

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A problem with its code; they are sorted by place."""

    problem: Problem
    code: str

    @property
    def severity(self) -> Severity:
        """`error` or `warning`."""
        return CODES[self.code].severity

    def __str__(self) -> str:
        """`path:line:column: GK101 error: what. remedy`."""
        problem = self.problem
        place = f"{problem.path}:{problem.line}:{problem.column}" if problem.line else problem.path
        told = str(problem).removeprefix(place + ": ")
        return f"{place}: {self.code} {self.severity}: {told}"
