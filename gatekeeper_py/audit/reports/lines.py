"""A line a finding, for a pipe: what an editor jumps to, and grep, sort and cut take apart."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.table import summary
from gatekeeper_py.audit.result import Result
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.text import printable

__all__ = ["pieces", "report"]


def report(outcome: Outcome) -> str:
    """`place: level severity tenant policy: object: message`, after what was not audited; the worst first."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, a line at a time."""
    return (f"{line}\n" for line in _lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    for problem in outcome.not_audited:
        yield _told("not audited", problem)
    for each in outcome.undefined:
        yield _told("note", each.problem)
    for result in outcome.results:
        yield _one_line(_line(result, new=outcome.baseline is not None and outcome.is_new(result)))
    yield summary(outcome)


def _told(word: str, problem: Problem) -> str:
    place = f"{problem.path}:{problem.line}:{problem.column}" if problem.line else problem.path
    said = f"{problem.what}. {problem.remedy}" if problem.remedy else problem.what
    return _one_line(f"{place}: {word}: {said}")


def _line(result: Result, *, new: bool) -> str:
    """Every part is there, whatever is not known as `-`."""
    parts = (result.level, result.severity or "-", result.tenant or "-", result.policy)
    place = result.place
    where = f"{place.path}:{place.line}:{place.column}" if place.line else place.path
    return f"{where}: {'new ' if new else ''}{' '.join(parts)}: {result.subject}: {result.message}"


def _one_line(text: str) -> str:
    return " ".join(printable(text).split("\n"))
