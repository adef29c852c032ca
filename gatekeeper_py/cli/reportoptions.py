"""Options of commands that report. They are spelt out here: `--help` imports no report and no engine."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from gatekeeper_py.cli.options import F, output_option
from gatekeeper_py.cli.pathname import Pathname

__all__ = ["FORMS", "NO_FAIL", "SEVERITIES", "TREND", "report_options", "scope_options"]

FORMS: Final = (
    "table",
    "json",
    "csv",
    "markdown",
    "sarif",
    "junit",
    "policyreport",
    "openreports",
    "github",
    "html",
)
SEVERITIES: Final = ("critical", "high", "medium", "low")
"""Those of findings, the worst first."""

NO_FAIL = click.option(
    "--no-fail",
    is_flag=True,
    help="Exit code 0 whatever is found, for who reads the report and not the code.",
)

TREND = click.option(
    "--trend",
    multiple=True,
    type=Pathname(path_type=Path),
    metavar="FILE",
    help="An earlier report (-o json): -o html draws how it went on since. May be repeated.",
)

OPTIONS = (
    output_option(*FORMS),
    click.option(
        "--fail-on",
        type=click.Choice(SEVERITIES),
        help="Exit code 1 for any finding as severe as this. [default: for what would be denied]",
    ),
    click.option(
        "--baseline",
        type=Pathname(path_type=Path),
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
        from gatekeeper_py.audit.outcome import Scope

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
