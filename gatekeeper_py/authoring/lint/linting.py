"""From files to findings: everything that can be read is looked at, whatever is wrong beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gatekeeper_py.authoring.lint.aftermath import aftermath
from gatekeeper_py.authoring.lint.casework import casework
from gatekeeper_py.authoring.lint.constancy import outcomes
from gatekeeper_py.authoring.lint.containers import containers
from gatekeeper_py.authoring.lint.entitlements import entitlements
from gatekeeper_py.authoring.lint.evasion import evasion
from gatekeeper_py.authoring.lint.exemptions import exemptions
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.identities import identities
from gatekeeper_py.authoring.lint.lookup import lookups
from gatekeeper_py.authoring.lint.narrowing import narrowing
from gatekeeper_py.authoring.lint.params import params
from gatekeeper_py.authoring.lint.permissions import permissions
from gatekeeper_py.authoring.lint.proof import proof
from gatekeeper_py.authoring.lint.reachability import reachability
from gatekeeper_py.authoring.lint.recipients import recipients
from gatekeeper_py.authoring.lint.repetition import repetition
from gatekeeper_py.authoring.lint.rules import rules
from gatekeeper_py.authoring.lint.structure import structure
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.authoring.lint.suppression import unknown_codes, unsuppressed
from gatekeeper_py.authoring.lint.tautology import tautology
from gatekeeper_py.authoring.lint.trial import fuller_trials, trials
from gatekeeper_py.authoring.lint.words import words
from gatekeeper_py.authoring.runner import engine_for
from gatekeeper_py.authoring.suite import Suite, read_suite
from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, files
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.policy.loading.idle import nothing_in
from gatekeeper_py.policy.loading.load import PolicySet, is_test, read
from gatekeeper_py.tenancy.reading import declares_tenancy

__all__ = ["FAMILIES", "kinds_among", "lint", "loadable", "plainest", "suite_problems"]

FAMILIES = (
    rules,
    params,
    narrowing,
    structure,
    trials,
    fuller_trials,
    aftermath,
    lookups,
    permissions,
    identities,
    words,
    outcomes,
    tautology,
    repetition,
    reachability,
    proof,
    casework,
    recipients,
    entitlements,
    exemptions,
    evasion,
    containers,
)


def lint(paths: Iterable[Path]) -> list[Finding]:
    """What is wrong with the policies, tenants and suites of files and folders, by place.

    Raise `ManifestError` when there is nothing to read.
    """
    paths = list(paths)
    found = list(dict.fromkeys(file for path in paths for file in files(path)))
    manifests, problems = _manifests(file for file in found if not is_test(file))
    policies, more = loadable(manifests)
    suites, failures = _suites([file for file in found if is_test(file)], manifests)
    if not (manifests or problems or suites or failures):
        raise ManifestError([nothing_in(path) for path in paths])
    named = frozenset(str(file) for file in found if is_test(file))
    subject = Subject(manifests, policies, kinds_among(manifests), suites, named)
    told = [Finding(problem, "GK001") for problem in (*problems, *more)]
    told += [Finding(problem, "GK002") for problem in failures if problem not in {*problems, *more}]
    told += [finding for family in FAMILIES for finding in family(subject)]
    told += unknown_codes(map(str, found))
    return sorted(set(unsuppressed(plainest(told))))


def plainest(told: Sequence[Finding]) -> Iterator[Finding]:
    """A field that no kind has is absent, too; that need not be said."""
    unknown = {_place(finding) for finding in told if finding.code == "GK201"}
    return (each for each in told if each.code != "GK202" or _place(each) not in unknown)


def _place(finding: Finding) -> tuple[str, int, int]:
    problem = finding.problem
    return problem.path, problem.line, problem.column


def _manifests(paths: Iterable[Path]) -> tuple[tuple[Manifest, ...], list[Problem]]:
    """What each file holds, and what is wrong with those that cannot be read."""
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            manifests += read([path])
        except ManifestError as error:
            problems += error.problems
    return tuple(manifests), problems


def loadable(manifests: Sequence[Manifest]) -> tuple[PolicySet, list[Problem]]:
    """The policies that load, and everything that loading them all says.

    Files with a problem are left out until the rest loads; what then lacks its other half is no problem of
    its own.
    """
    told: list[Problem] = []
    rest = list(manifests)
    while rest:
        try:
            return load_policies(rest), told
        except ManifestError as error:
            told = told or list(error.problems)
            bad = {problem.path for problem in error.problems}
            kept = [manifest for manifest in rest if manifest.source.path not in bad]
            rest = kept if len(kept) < len(rest) else []
    return PolicySet(), told


def _suites(paths: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[tuple[Suite, ...], list[Problem]]:
    """The suites that can be read, and why others cannot be run."""
    tenancy = list(filter(declares_tenancy, manifests))
    suites: list[Suite] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            suites.append(read_suite(path))
        except ManifestError as error:
            problems += error.problems
        else:
            problems += suite_problems(suites[-1], tenancy)
    return tuple(suites), problems


def suite_problems(suite: Suite, tenancy: Sequence[Manifest]) -> tuple[Problem, ...]:
    """Why a suite cannot be run."""
    try:
        engine_for(suite, tenancy)
    except ManifestError as error:
        return error.problems
    return ()


def kinds_among(manifests: Iterable[Manifest]) -> Kinds:
    """Kubernetes' own kinds, and those whose definitions are among these."""
    return Kinds.builtin().with_definitions(_definitions(manifests))


def _definitions(manifests: Iterable[Manifest]) -> Iterator[dict[str, object]]:
    return (manifest.object for manifest in manifests if manifest.kind == CUSTOM_RESOURCE_DEFINITION)
