"""What commands that report do alike: print an outcome in a form, compare it, and end as it says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from gatekeeper_py.audit.outcome import Outcome, Past
from gatekeeper_py.audit.reports import (
    csv,
    github,
    html,
    json,
    junit,
    lines,
    markdown,
    openreports,
    policyreport,
    sarif,
    table,
)
from gatekeeper_py.cli.exits import BAD_INPUT, DENIED, InputError
from gatekeeper_py.cli.sources import note
from gatekeeper_py.policy.admission.text import printable

__all__ = ["REPORTS", "conclude", "read_report", "read_trend"]

Pieces = Iterable[str]
"""A report, which need not be in memory as a whole."""


def _whole(report: Callable[[Outcome], str]) -> Callable[[Outcome], Pieces]:
    return lambda outcome: (report(outcome),)


def _for_people(outcome: Outcome) -> Pieces:
    """A table on a terminal, plain lines in a pipe."""
    import shutil

    if not sys.stdout.isatty():
        return lines.pieces(outcome)
    return (table.report(outcome, shutil.get_terminal_size().columns),)


REPORTS: Mapping[str, Callable[[Outcome], Pieces]] = {
    "table": _for_people,
    "json": json.pieces,
    "csv": csv.pieces,
    "markdown": _whole(markdown.report),
    "sarif": sarif.pieces,
    "junit": junit.pieces,
    "policyreport": policyreport.pieces,
    "openreports": openreports.pieces,
    "github": github.pieces,
    "html": _whole(html.report),
}


def conclude(
    context: click.Context,
    outcome: Outcome,
    output: str,
    fail_on: str | None,
    baseline: Path | None,
    *,
    allow_not_audited: bool,
    no_fail: bool = False,
    trend: Sequence[Path] = (),
) -> None:
    """Print a report and end the command: 0 clean, 1 something fails, 2 something was not looked at."""
    if baseline is not None:
        outcome = replace(outcome, baseline=_baseline(baseline))
    if trend:
        outcome = replace(outcome, earlier=read_trend(trend))
    for problem in outcome.not_audited:
        click.echo(printable(str(problem)), err=True)
    note(outcome.undefined)
    for piece in REPORTS[output](outcome):
        click.echo(piece, nl=False)
    if outcome.not_audited and not allow_not_audited:
        context.exit(BAD_INPUT)
    context.exit(DENIED if not no_fail and outcome.fails(fail_on) else 0)


def _baseline(path: Path) -> Mapping[str, Any]:
    return _reading(f"--baseline {path}", path, json.baseline)


def read_trend(paths: Iterable[Path]) -> tuple[Past, ...]:
    """How earlier reports count, the oldest first; raise `InputError`."""
    return tuple(sorted(_reading(f"--trend {path}", path, json.past) for path in paths))


def read_report(path: Path) -> Outcome:
    """An earlier report; raise `InputError`."""
    return _reading(str(path), path, json.read)


Read = TypeVar("Read")


def _reading(place: str, path: Path, read: Callable[[bytes], Read]) -> Read:
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise InputError(f"{place}: cannot be read: {(error.strerror or '').lower()}") from error
    except json.NotAReport as error:
        raise InputError(f"{place}: {error}") from error
