"""Annotations of GitHub Actions: workflow commands on stdout, shown at the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.table import summary
from gatekeeper_py.audit.result import Result
from gatekeeper_py.manifests.place import Problem

__all__ = ["pieces", "report"]

LEVELS = {"deny": "error", "warn": "warning"}
"""All else is a notice."""

ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY_ESCAPES = {**ESCAPES, ":": "%3A", ",": "%2C"}
"""What would end a message or a property (actions/toolkit packages/core/src/command.ts)."""


def report(outcome: Outcome) -> str:
    """A command for each finding, the worst first, and one that sums it up."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, a command at a time."""
    return (f"{line}\n" for line in _lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    for problem in outcome.not_audited:
        yield _command("error", problem, "not audited", _said(problem))
    for each in outcome.undefined:
        yield _command("notice", each.problem, "no definition", _said(each.problem))
    for result in outcome.results:
        yield _command(_level(outcome, result), result.place, _title(result), _message(result))
    yield f"::notice title=gatekeeper audit::{_escaped(summary(outcome), ESCAPES)}"


def _said(problem: Problem) -> str:
    return f"{problem.what}. {problem.remedy}" if problem.remedy else problem.what


def _level(outcome: Outcome, result: Result) -> str:
    """What an earlier report had is no error of this change."""
    return LEVELS.get(result.level, "notice") if outcome.is_new(result) else "notice"


def _title(result: Result) -> str:
    return f"{result.policy} ({result.severity})" if result.severity else result.policy


def _message(result: Result) -> str:
    return f"{result.subject}: {result.message}"


def _command(level: str, place: Problem, title: str, message: str) -> str:
    where = {"file": place.path, "line": str(place.line), "col": str(place.column)} if place.line else {}
    named = {**where, "title": title if place.line else f"{title}, {place.path}"}
    properties = ",".join(f"{name}={_escaped(value, PROPERTY_ESCAPES)}" for name, value in named.items())
    return f"::{level} {properties}::{_escaped(message, ESCAPES)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
