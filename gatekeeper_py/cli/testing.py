"""What `gatekeeper test` does: read suites, try their cases, tell how they went, once or at each edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import click

from gatekeeper_py.authoring.evidence import Coverage
from gatekeeper_py.authoring.runner import Outcome, engine_for, tenancy_documents, try_on
from gatekeeper_py.authoring.suite import Suite, find_suites, read_suite
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.sources import input_errors, warn
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, files
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.policy.loading.idle import idle
from gatekeeper_py.policy.loading.load import is_test, read

__all__ = ["Choice", "follow", "test", "touches", "watch"]

REMEMBERED = 4096
"""Files; many more than the folders of policies have."""
DEBOUNCE = 50
"""Milliseconds in which edits count as one: editors write a file in several steps."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of the command."""

    verbose: bool
    chosen: str
    allow_no_suites: bool
    report: Path | None
    covers: bool
    least: float | None


def test(paths: Sequence[Path], choice: Choice) -> int:
    """Run the suites of paths, and give the exit code."""
    with input_errors():
        suites = _suites(paths, choice)
        engines = _engines(paths, suites)
        coverage = _coverage(paths, suites, engines) if choice.covers or choice.least is not None else None
    idling = (problem for e in engines for problem in idle(e.policies, Kinds.builtin()))
    warn(dict.fromkeys(idling))
    tried = [(suite, _tried(engine, suite, coverage)) for suite, engine in zip(suites, engines, strict=True)]
    failed = _told(tried, verbose=choice.verbose)
    if choice.report is not None:
        from gatekeeper_py.authoring.testcases import junit

        _write(choice.report, junit(tried))
    short = coverage is not None and _covered_too_little(coverage, choice.least)
    return DENIED if failed or short else 0


def watch(paths: Sequence[Path], choice: Choice) -> None:
    """Run the suites of paths, and at each edit those that it touches; until it is interrupted."""
    from watchfiles import watch as edits

    follow(paths, choice, ({Path(path) for _, path in each} for each in edits(*paths, debounce=DEBOUNCE)))


def follow(paths: Sequence[Path], choice: Choice, edits: Iterable[set[Path]]) -> None:
    """Run all suites, then for each set of files that were edited the suites that these touch."""
    _again(paths, choice, None)
    for edited in edits:
        _again(paths, choice, edited)


def _again(paths: Sequence[Path], choice: Choice, edited: set[Path] | None) -> None:
    """Run what edits touch, or everything; what is wrong is told, and mended by the next edit."""
    try:
        with input_errors():
            suites = [each for each in _suites(paths, choice) if edited is None or touches(edited, each)]
            engines = _engines(paths, suites)
    except InputError as error:
        error.show()
        return
    if suites:
        _told(
            [(suite, try_on(engine, suite)) for suite, engine in zip(suites, engines, strict=True)],
            verbose=choice.verbose,
        )


def touches(edited: Iterable[Path], suite: Suite) -> bool:
    """Whether a suite may go otherwise after edits: of itself, of its policies, or of tenants beside them.

    What is no policy of any suite may hold tenants and definitions; it touches those that bring none.
    """
    own = {each.resolve() for each in (suite.path, *suite.policies)}
    for path in map(Path.resolve, edited):
        if path in own or any(folder in path.parents for folder in own):
            return True
        if not is_test(path) and not suite.named and not _has_suite(path):
            return True
    return False


def _has_suite(path: Path) -> bool:
    return path.with_name(f"{path.stem}_test{path.suffix}").exists()


def _suites(paths: Sequence[Path], choice: Choice) -> list[Suite]:
    found = {path: find_suites([path]) for path in paths}
    _demand_suites(found, allow_none=choice.allow_no_suites)
    return _chosen(_read_all(dict.fromkeys(each for path in found for each in found[path])), choice.chosen)


def _engines(paths: Sequence[Path], suites: Sequence[Suite]) -> list[Engine]:
    folders = (path for path in paths if path.is_dir())
    found = (file for folder in folders for file in files(folder) if not is_test(file))
    tenancy = [document for file in found for document in _tenancy(file, _stamp(file))]
    return [engine_for(suite, tenancy) for suite in suites]


_Stamp: TypeAlias = tuple[int, int]
"""When a file was written, and its size: what is the same need not be read again when others are edited."""


def _stamp(path: Path) -> _Stamp:
    try:
        told = path.stat()
    except OSError:
        return (0, 0)  # reading it says why
    return told.st_mtime_ns, told.st_size


@lru_cache(maxsize=REMEMBERED)
def _suite(path: Path, _: _Stamp) -> Suite:
    return read_suite(path)


@lru_cache(maxsize=REMEMBERED)
def _tenancy(path: Path, _: _Stamp) -> tuple[Manifest, ...]:
    return tenancy_documents([path])


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
            suites.append(_suite(path, _stamp(path)))
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
        for line in fault.split("\n"):
            click.secho(f"      {printable(line)}", fg=COLOURS.get(line[:2]))


COLOURS = {"- ": "red", "+ ": "green"}
"""Of what is expected and not there, and of what is there instead."""


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
