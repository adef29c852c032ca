"""`gatekeeper test`: do the policies do what their suites say?"""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.authoring.runner import Outcome, run, tenancy_documents
from gatekeeper_py.authoring.suite import find_suites, read_suite
from gatekeeper_py.cli.exits import DENIED
from gatekeeper_py.cli.sources import input_errors
from gatekeeper_py.policy.admission.text import printable

__all__ = ["command"]


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path(path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="Name every case, not only those that fail.")
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...], verbose: bool) -> None:
    """Run the suites (*_test.yaml) among files and folders of policies.

    Exit code 0: all cases pass, 1: some fail, 2: a suite or its policies cannot be read.
    """
    with input_errors():
        tenancy = tenancy_documents(path for path in paths if path.is_dir())
        suites = [read_suite(path) for path in find_suites(list(paths))]
        outcomes = [(suite, run(suite, tenancy)) for suite in suites]
    for suite, cases in outcomes:
        for outcome in cases:
            _print(suite.path, outcome, verbose)
    every = [outcome for _, cases in outcomes for outcome in cases]
    failed = sum(not outcome.passed for outcome in every)
    click.echo(f"{len(suites)} suites, {len(every)} cases, {failed} failed")
    context.exit(DENIED if failed else 0)


def _print(path: Path, outcome: Outcome, verbose: bool) -> None:
    case = outcome.case
    if outcome.passed:
        if verbose:
            click.echo(printable(f"ok    {path}: {case.name}"))
        return
    click.echo(printable(f"FAIL  {path}:{case.source.line}:{case.source.column}: {case.name}"))
    for fault in outcome.faults:
        click.echo(printable("      " + fault.replace("\n", "\n      ")))
