"""`gatekeeper lint`: what is wrong with policies, tenants and suites, before anybody applies them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gatekeeper_py.cli import collector_paused
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.options import output_option
from gatekeeper_py.cli.pathname import Pathname

if TYPE_CHECKING:
    from gatekeeper_py.authoring.lint.finding import Finding

__all__ = ["command"]

FORMS: Final = ("text", "json", "sarif", "github")


@click.command("lint")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=Pathname(path_type=Path))
@click.option("--fix", is_flag=True, help="Mend misspelt names where it is sure what is meant.")
@output_option(*FORMS)
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...], *, fix: bool, output: str) -> None:
    """Say everything that is wrong with policies, tenants and suites.

    docs/lint.md explains each code. Exit code 0: nothing, 1: something, 2: there is nothing to read.
    """
    with collector_paused():
        from gatekeeper_py.authoring.lint import report
        from gatekeeper_py.authoring.lint.linting import lint
        from gatekeeper_py.cli.sources import input_errors
        from gatekeeper_py.policy.admission.text import printable

    with input_errors():
        _demand_files(paths)
        findings: Sequence[Finding] = lint(paths)
        if fix:
            findings = _after_mending(findings, paths)
    told = report.FORMS[output](findings)
    if told:
        click.echo(printable(told))
    context.exit(DENIED if findings else 0)


def _demand_files(paths: Sequence[Path]) -> None:
    from gatekeeper_py.manifests.manifest import files
    from gatekeeper_py.policy.loading.idle import nothing_in

    empty = [path for path in paths if not any(files(path))]
    if empty:
        raise InputError("\n".join(str(nothing_in(path)) for path in empty))


def _after_mending(findings: Sequence[Finding], paths: Sequence[Path]) -> Sequence[Finding]:
    """What is left: a name that is mended may show what it hid."""
    from gatekeeper_py.authoring.lint.linting import lint
    from gatekeeper_py.authoring.lint.repair import mended
    from gatekeeper_py.policy.admission.text import printable

    try:
        while done := mended(findings):
            for finding in done:
                click.echo(printable(f"mended: {finding}"), err=True)
            findings = lint(paths)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written: {error.strerror}") from error
    return findings
