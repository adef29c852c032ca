"""A table for people: by tenant and policy, worst first, with the objects below each."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.result import RANK, Result
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.text import printable

__all__ = ["report", "summary"]

WIDTH = 160
"""Columns when nobody says how many there are."""

SHOWN = 20
"""Objects of one group; the rest are counted."""

STYLE = {
    "deny": "bold red",
    "observed": "magenta",
    "waived": "bright_blue",
    "warn": "yellow",
    "audit": "cyan",
    "platform": "blue",
    "drift": "green",
}


def report(outcome: Outcome, width: int | None = None) -> str:
    """The table, what was not audited, and a line that sums it up; `width` None takes WIDTH."""
    output = io.StringIO()
    console = Console(file=output, width=width or WIDTH, force_terminal=width is not None)
    if outcome.results:
        console.print(_table(outcome))
    if outcome.not_audited:
        console.print(Text("Not audited:", "bold red"))
    for problem in outcome.not_audited:
        console.print(_text(f"  {problem}"), soft_wrap=True)
    if outcome.undefined:
        console.print(Text("Kinds without a definition:", "bold"))
    for each in outcome.undefined:
        console.print(_text(f"  {each}"), soft_wrap=True)
    console.print(summary(outcome), highlight=False)
    return output.getvalue()


def summary(outcome: Outcome) -> str:
    """`3 objects, 1 violating`, and what else there is to know."""
    parts = [f"{outcome.objects} objects", f"{outcome.violating} violating"]
    if outcome.observed:
        parts.append(f"{outcome.observed} observed")
    if outcome.waived:
        parts.append(f"{outcome.waived} waived")
    if outcome.not_audited:
        parts.append(f"{len(outcome.not_audited)} not audited")
    if unread := len(outcome.undefined):
        parts.append(f"{unread} {'kind' if unread == 1 else 'kinds'} without a definition")
    if outcome.baseline is not None:
        new = sum(map(outcome.is_new, outcome.results))
        parts += [f"{new} new", f"{len(outcome.results) - new} unchanged", f"{len(outcome.fixed)} fixed"]
    return ", ".join(parts)


def _table(outcome: Outcome) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("Tenant", "Policy", "Action", "Severity", "Objects"):
        table.add_column(name, overflow="fold")
    for group in _groups(outcome.results):
        first = group[0]
        action = Text(first.level, STYLE[first.level])
        objects = _text("\n".join(_lines(outcome, group)))
        table.add_row(_text(first.tenant), _text(first.policy), action, _text(first.severity), objects)
    return table


def _lines(outcome: Outcome, group: Sequence[Result]) -> Iterator[str]:
    for result in group[:SHOWN]:
        new = "new: " if outcome.baseline is not None and outcome.is_new(result) else ""
        yield f"{new}{result.subject}{_where(result.place)}: {result.message}"
    if len(group) > SHOWN:
        yield f"and {len(group) - SHOWN} more"


def _where(place: Problem) -> str:
    """Where an object stands in a file."""
    return f" ({place.path}:{place.line})" if place.line else ""


def _groups(found: Iterable[Result]) -> list[list[Result]]:
    """What one policy says in one tenant: tenants by name, the worst of each first."""

    def key(result: Result) -> tuple[str, int, int, str]:
        severity, _ = result.rank
        return result.tenant, RANK[result.level], severity, result.policy

    return [list(group) for _, group in groupby(sorted(found, key=key), key)]


def _text(value: str) -> Text:
    """As it stands, whatever markup it may hold: names and messages may come from a hostile tenant."""
    return Text(printable(value))
