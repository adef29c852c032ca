"""What commands that report do alike: print an outcome in a form, compare it, and end as it says."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from gatekeeper_py.audit.outcome import Outcome, Scope
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
from gatekeeper_py.audit.result import SEVERITIES
from gatekeeper_py.cli.exits import BAD_INPUT, DENIED, InputError
from gatekeeper_py.cli.options import F, output_option
from gatekeeper_py.policy.admission.text import printable

__all__ = ["NO_FAIL", "REPORTS", "conclude", "read_report", "report_options", "scope_options"]

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
    "sarif": _whole(sarif.report),
    "junit": _whole(junit.report),
    "policyreport": _whole(policyreport.report),
    "openreports": _whole(openreports.report),
    "github": _whole(github.report),
    "html": _whole(html.report),
}

NO_FAIL = click.option(
    "--no-fail",
    is_flag=True,
    help="Exit code 0 whatever is found, for who reads the report and not the code.",
)

OPTIONS = (
    output_option(*REPORTS),
    click.option(
        "--fail-on",
        type=click.Choice(SEVERITIES),
        help="Exit code 1 for any finding as severe as this. [default: for what would be denied]",
    ),
    click.option(
        "--baseline",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="An earlier report (-o json): tell what is new, unchanged and fixed, and fail on what is new.",
    ),
    click.option("--allow-not-audited", is_flag=True, help="Exit code 2 no more for what cannot be audited."),
)


def _named(option: str, name: str, text: str) -> Callable[[Any], Any]:
    """An option that narrows the report, repeatable."""
    return click.option(option, name, multiple=True, metavar="NAME", help=f"{text} May be repeated.")


NARROWING = (
    _named("--tenant", "tenants", "Report only objects of this tenant."),
    _named("--namespace", "namespaces", "Report only objects in this namespace."),
    _named("--kind", "kinds", "Report only objects of this kind."),
    _named("--policy", "names", "Report only findings of this policy."),
    click.option(
        "--severity",
        type=click.Choice(SEVERITIES),
        default=SEVERITIES[-1],
        help="Report only findings as severe as this, and those of no severity.",
    ),
)


def scope_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that narrow a report and passes what they say as `scope`."""

    @functools.wraps(function)
    def with_scope(
        *arguments: Any,
        tenants: tuple[str, ...],
        namespaces: tuple[str, ...],
        kinds: tuple[str, ...],
        names: tuple[str, ...],
        severity: str,
        **rest: Any,
    ) -> None:
        lowered = frozenset(kind.lower() for kind in kinds)
        scope = Scope(frozenset(tenants), frozenset(namespaces), lowered, frozenset(names), severity)
        function(*arguments, scope=scope, **rest)

    wrapped: Callable[..., None] = with_scope
    for option in reversed(NARROWING):
        wrapped = option(wrapped)
    return wrapped


def report_options(function: F) -> F:
    """`-o`, `--fail-on`, `--baseline` and `--allow-not-audited`: what `conclude` takes."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def conclude(
    context: click.Context,
    outcome: Outcome,
    output: str,
    fail_on: str | None,
    baseline: Path | None,
    *,
    allow_not_audited: bool,
    no_fail: bool = False,
) -> None:
    """Print a report and end the command: 0 clean, 1 something fails, 2 something was not looked at."""
    if baseline is not None:
        outcome = replace(outcome, baseline=_baseline(baseline))
    for problem in outcome.not_audited:
        click.echo(printable(str(problem)), err=True)
    for piece in REPORTS[output](outcome):
        click.echo(piece, nl=False)
    if outcome.not_audited and not allow_not_audited:
        context.exit(BAD_INPUT)
    context.exit(DENIED if not no_fail and outcome.fails(fail_on) else 0)


def _baseline(path: Path) -> Mapping[str, Any]:
    return _reading(f"--baseline {path}", path, json.baseline)


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
