"""One row a finding, for spreadsheets: what was not audited has rows of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.result import Result
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.text import printable

__all__ = ["COLUMNS", "pieces", "report"]

COLUMNS = (
    "level",
    "severity",
    "tenant",
    "apiVersion",
    "kind",
    "namespace",
    "name",
    "policy",
    "binding",
    "category",
    "message",
    "path",
    "line",
    "column",
    "state",
    "fingerprint",
    "user",
)

NOT_AUDITED = "not audited"
NOTE = "note"

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet computes, at the beginning of a cell: messages may come from a hostile tenant."""


def report(outcome: Outcome) -> str:
    """A line of names, then a line for each finding, the worst first."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, a line at a time."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(outcome):
        writer.writerow([_cell(row.get(column, "")) for column in COLUMNS])
        yield output.getvalue()
        output.seek(0)
        output.truncate()
    yield output.getvalue()


def _rows(outcome: Outcome) -> Iterator[dict[str, object]]:
    yield from (_told(NOT_AUDITED, problem) for problem in outcome.not_audited)
    yield from (_told(NOTE, each.problem) for each in outcome.undefined)
    yield from (_row(outcome, result) for result in outcome.results)
    for fixed in outcome.fixed:
        yield {**fixed, "state": "fixed"}


def _told(level: str, problem: Problem) -> dict[str, object]:
    said = f"{problem.what}. {problem.remedy}" if problem.remedy else problem.what
    return {"level": level, "message": said, **_place(problem)}


def _row(outcome: Outcome, result: Result) -> dict[str, object]:
    state = "" if outcome.baseline is None else "new" if outcome.is_new(result) else "unchanged"
    return {
        "level": result.level,
        "severity": result.severity,
        "tenant": result.tenant,
        "apiVersion": result.kind.api_version,
        "kind": result.kind.kind,
        "namespace": result.namespace,
        "name": result.name,
        "policy": result.policy,
        "binding": result.binding,
        "category": result.category,
        "message": result.message,
        "state": state,
        "fingerprint": result.fingerprint,
        "user": result.user,
        **_place(result.place),
    }


def _place(problem: Problem) -> dict[str, object]:
    return {
        "path": problem.path,
        **({"line": problem.line, "column": problem.column} if problem.line else {}),
    }


def _cell(value: object) -> str:
    text = printable(str(value))
    return f"'{text}" if text.startswith(FORMULA) else text
