"""`gatekeeper test`: do the policies do what their suites say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from gatekeeper_py.authoring.runner import Outcome, engine_for, tenancy_documents, try_on
from gatekeeper_py.authoring.suite import find_suites, read_suite
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.sources import input_errors, warn
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.policy.loading.idle import idle

__all__ = ["command"]


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path(path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="Name every case, not only those that fail.")
@click.option(
    "--tenants",
    multiple=True,
    metavar="DIR|FILE",
    type=click.Path(path_type=Path),
    help="Tenants that the suites are about, besides those among the policies. May be repeated.",
)
@click.option("--allow-no-suites", is_flag=True, help="Go on when a path holds no suite.")
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    tenants: tuple[Path, ...],
    verbose: bool,
    allow_no_suites: bool,
) -> None:
    """Run the suites (*_test.yaml) among files and folders of policies.

    Exit code 0: all cases pass, 1: some fail, 2: a suite or its policies cannot be read.
    """
    with input_errors():
        tenancy = tenancy_documents([*filter(Path.is_dir, paths), *tenants])
        _demand_tenants(tenants)
        found = {path: find_suites([path]) for path in paths}
        _demand_suites(found, allow_none=allow_no_suites)
        suites = [read_suite(suite) for path in found for suite in found[path]]
        engines = [engine_for(suite, tenancy) for suite in suites]
    idling = (problem for e in engines for problem in idle(e.policies, Kinds.builtin()))
    warn(dict.fromkeys(idling))
    outcomes = [(suite, try_on(engine, suite)) for suite, engine in zip(suites, engines, strict=True)]
    for suite, cases in outcomes:
        for outcome in cases:
            _print(suite.path, outcome, verbose)
    every = [outcome for _, cases in outcomes for outcome in cases]
    failed = sum(not outcome.passed for outcome in every)
    click.echo(f"{len(suites)} suites, {len(every)} cases, {failed} failed")
    context.exit(DENIED if failed else 0)


def _demand_tenants(paths: Sequence[Path]) -> None:
    if empty := [path for path in paths if not tenancy_documents([path])]:
        raise InputError("\n".join(f"{path}: holds no Tenant and no TenancySettings" for path in empty))


def _demand_suites(found: Mapping[Path, Sequence[Path]], *, allow_none: bool) -> None:
    empty = [path for path, suites in found.items() if not suites]
    if empty and not allow_none:
        raise InputError(
            "\n".join(f"{path}: holds no suite (*_test.yaml); {ALLOW_NO_SUITES}" for path in empty)
        )


ALLOW_NO_SUITES = "--allow-no-suites would go on without"


def _print(path: Path, outcome: Outcome, verbose: bool) -> None:
    case = outcome.case
    if outcome.passed:
        if verbose:
            click.echo(printable(f"ok    {path}: {case.name}"))
        return
    click.echo(printable(f"FAIL  {path}:{case.source.line}:{case.source.column}: {case.name}"))
    for fault in outcome.faults:
        click.echo(printable("      " + fault.replace("\n", "\n      ")))
