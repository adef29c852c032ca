"""`gatekeeper test`: do the policies do what their suites say?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from gatekeeper_py.authoring.evidence import Coverage
from gatekeeper_py.authoring.runner import Outcome, engine_for, tenancy_documents, try_on
from gatekeeper_py.authoring.suite import Suite, find_suites, read_suite
from gatekeeper_py.authoring.testcases import junit
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.sources import input_errors, warn
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import ManifestError, Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.policy.loading.idle import idle
from gatekeeper_py.policy.loading.load import read

__all__ = ["command"]


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path(path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="Name every case, not only those that fail.")
@click.option("-k", "chosen", default="", metavar="TEXT", help="Try only cases with this in path or name.")
@click.option("--allow-no-suites", is_flag=True, help="Go on when a path holds no suite.")
@click.option(
    "--junit",
    "report",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write how every case went as JUnit's XML.",
)
@click.option("--coverage", "covers", is_flag=True, help="Say which parts of the policies no case shows.")
@click.option(
    "--min-coverage",
    "least",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    help="Fail when less of the policies is shown.",
)
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    *,
    verbose: bool,
    chosen: str,
    allow_no_suites: bool,
    report: Path | None,
    covers: bool,
    least: float | None,
) -> None:
    """Run the suites (*_test.yaml) among files and folders of policies.

    Exit code 0: all cases pass, 1: some fail or too little is covered, 2: a suite or its policies cannot be
    read.
    """
    with input_errors():
        tenancy = tenancy_documents(path for path in paths if path.is_dir())
        found = {path: find_suites([path]) for path in paths}
        _demand_suites(found, allow_none=allow_no_suites)
        suites = _chosen(_read_all(dict.fromkeys(each for path in found for each in found[path])), chosen)
        engines = [engine_for(suite, tenancy) for suite in suites]
        coverage = _coverage(paths, suites, engines) if covers or least is not None else None
    idling = (problem for e in engines for problem in idle(e.policies, Kinds.builtin()))
    warn(dict.fromkeys(idling))
    tried = [(suite, _tried(engine, suite, coverage)) for suite, engine in zip(suites, engines, strict=True)]
    failed = _told(tried, verbose=verbose)
    if report is not None:
        _write(report, junit(tried))
    short = coverage is not None and _covered_too_little(coverage, least)
    context.exit(DENIED if failed or short else 0)


def _demand_suites(found: Mapping[Path, Sequence[Path]], *, allow_none: bool) -> None:
    empty = [path for path, suites in found.items() if not suites]
    if empty and not allow_none:
        raise InputError(
            "\n".join(f"{path}: holds no suite (*_test.yaml); {ALLOW_NO_SUITES}" for path in empty)
        )


ALLOW_NO_SUITES = "--allow-no-suites would go on without"


def _read_all(paths: Iterable[Path]) -> list[Suite]:
    """Every suite; raise `ManifestError` with every problem of all of them."""
    suites: list[Suite] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            suites.append(read_suite(path))
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return suites


def _chosen(suites: Sequence[Suite], text: str) -> list[Suite]:
    """The suites with the cases that are asked for."""
    if not text:
        return list(suites)
    found = [
        replace(suite, cases=cases)
        for suite in suites
        if (cases := tuple(case for case in suite.cases if text in f"{suite.path}: {case.name}"))
    ]
    if not found:
        raise InputError(f"-k {text}: no case has this in its suite's path or its name")
    return found


def _coverage(paths: Sequence[Path], suites: Sequence[Suite], engines: Sequence[Engine]) -> Coverage:
    """What should be shown: the policies of the suites, and those of the folders that have none."""
    coverage = Coverage()
    for suite, engine in zip(suites, engines, strict=True):
        coverage.expect(engine.policies, map(str, suite.policies))
    manifests = read(path for path in paths if path.is_dir())
    if manifests:
        coverage.expect(load_policies(manifests), {manifest.source.path for manifest in manifests})
    return coverage


def _tried(engine: Engine, suite: Suite, coverage: Coverage | None) -> list[Outcome]:
    if coverage is None:
        return try_on(engine, suite)
    return try_on(coverage.watched(engine), suite, coverage.matched)


def _told(tried: Sequence[tuple[Suite, Sequence[Outcome]]], *, verbose: bool) -> int:
    """Say how all went, and give how many failed."""
    for suite, outcomes in tried:
        for outcome in outcomes:
            _print(suite.path, outcome, verbose)
    every = [outcome for _, outcomes in tried for outcome in outcomes]
    failed = sum(not outcome.passed for outcome in every)
    click.echo(f"{len(tried)} suites, {len(every)} cases, {failed} failed")
    return failed


def _print(path: Path, outcome: Outcome, verbose: bool) -> None:
    case = outcome.case
    if outcome.passed:
        if verbose:
            click.echo(printable(f"ok    {path}: {case.name}"))
        return
    click.echo(printable(f"FAIL  {path}:{case.source.line}:{case.source.column}: {case.name}"))
    for fault in outcome.faults:
        click.echo(printable("      " + fault.replace("\n", "\n      ")))


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _covered_too_little(coverage: Coverage, least: float | None) -> bool:
    """Say what no case shows, and whether that is too much."""
    for gap in coverage.gaps():
        click.echo(printable(str(gap)))
    click.echo(f"coverage {coverage.percentage:.1f} %")
    return least is not None and coverage.percentage < least
