"""Markdown for a pull request or a wiki: what was not audited, then a table of findings, the worst first."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.table import summary
from gatekeeper_py.audit.result import Result
from gatekeeper_py.policy.admission.text import printable

__all__ = ["report"]

SHOWN = 500
"""Rows: a comment of GitHub holds 65,536 characters."""

MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~])")
"""What Markdown obeys within a line; names and messages may come from a hostile tenant."""

HEAD = (
    "| Severity | Action | Tenant | Object | Policy | Message | Place |",
    "|---|---|---|---|---|---|---|",
)


def report(outcome: Outcome) -> str:
    """A heading, a line that sums it up, and the tables."""
    aside = (
        *_aside("Not audited", outcome.not_audited),
        *_aside("Kinds without a definition", outcome.undefined),
    )
    return "\n".join((*_head(outcome), *aside, *_findings(outcome), ""))


def _head(outcome: Outcome) -> Iterator[str]:
    yield from ("# Audit", "", f"{summary(outcome)}.")


def _aside(title: str, told: Sequence[object]) -> Iterator[str]:
    """What is no finding and has to be known of the report."""
    if told:
        yield from ("", f"## {title}", "")
    for each in told[:SHOWN]:
        yield f"- {_text(str(each))}"
    if len(told) > SHOWN:
        yield f"- and {len(told) - SHOWN} more"


def _findings(outcome: Outcome) -> Iterator[str]:
    if outcome.results:
        yield from ("", "## Findings", "", *HEAD)
    for result in outcome.results[:SHOWN]:
        yield _row(result, marked=outcome.baseline is not None and outcome.is_new(result))
    if len(outcome.results) > SHOWN:
        yield from ("", f"And {len(outcome.results) - SHOWN} more.")


def _row(result: Result, *, marked: bool) -> str:
    place = result.place
    where = f"{place.path}:{place.line}" if place.line else place.path
    cells = (
        result.severity,
        f"{result.level} (new)" if marked else result.level,
        result.tenant,
        result.subject,
        result.policy,
        result.message,
        where,
    )
    return f"| {' | '.join(map(_text, cells))} |"


def _text(value: str) -> str:
    """As it stands, whatever markup it may hold, on one line."""
    line = " ".join(printable(value).split())
    return MARKUP.sub(r"\\\1", html.escape(line, quote=False))
