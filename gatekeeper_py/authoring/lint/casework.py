"""Cases that show nothing of what they were written for: who asks, where, what they expect (GK60x)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.identities import doubted_group
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.authoring.suite import Case, Suite
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.policy.model import MutatingPolicy, Policy
from gatekeeper_py.tenancy.patterns import glob_matches
from gatekeeper_py.tenancy.reading import is_tenancy_document, is_tenant

__all__ = ["casework"]

ALIKE: Final = 0.72
"""How alike two users are of which one is a slip of the other: alicia and alice."""
NEARLY: Final = 0.85
"""And two namespaces, of which there are more: operators is not operations."""
SLIPS: Final = 1024
"""Names of which it is kept what they were meant to be: an editor's server lints for weeks."""
CLUSTERS_OWN: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def casework(subject: Subject) -> Iterator[Finding]:
    """What is wrong with suites that can be run."""
    placed = [(policy, Path(policy.source.path).resolve()) for policy in subject.every]
    for suite in subject.suites:
        tenants = [each for each in suite.tenants or subject.manifests if is_tenancy_document(each)]
        policies = [policy for policy, file in placed if _is_of(file, suite)]
        for code, problems in (
            ("GK604", _strangers(suite, list(filter(is_tenant, tenants)))),
            ("GK605", _nameless(suite)),
            ("GK606", (*suite.idle, *_unshown(suite, policies))),
        ):
            yield from (Finding(problem, code) for problem in dict.fromkeys(problems))


def _is_of(file: Path, suite: Suite) -> bool:
    return any(
        path.name in (file.name, file.parent.name) or path.is_dir() for path in suite.policies
    ) and any(path.resolve() in (file, *file.parents) for path in suite.policies)


def _at(case: Case, what: str, remedy: str) -> Problem:
    return Problem(case.source.path, case.source.line, case.source.column, what, remedy)


def _strangers(suite: Suite, tenants: list[Manifest]) -> Iterator[Problem]:
    """Users, groups and namespaces that are nobody's, where it may be told."""
    specs = [spec for each in tenants if isinstance(spec := each.object.get("spec"), dict)]
    users = {
        str(owner.get("name")) for spec in specs for owner in spec.get("owners") or () if _is_user(owner)
    }
    names, patterns = _claims(specs)
    names |= CLUSTERS_OWN | _namespaces(suite)
    for case in suite.cases:
        if (
            users
            and (near := _slip(case.user, frozenset(users), ALIKE))
            and not case.user.startswith("system:")
        ):
            yield _at(case, f'nobody is called "{case.user}", who owns no tenant', f"Did you mean {near}?")
        space = _namespace(case)
        claimed = any(glob_matches(pattern, space) for pattern in patterns)
        if tenants and not claimed and (near := _slip(space, frozenset(names), NEARLY)):
            yield _at(case, f'no tenant owns the namespace "{space}"', f"Did you mean {near}?")
        for doubt in filter(None, map(doubted_group, case.groups)):
            yield _at(case, *doubt)
    yield from _all_strangers(suite, users, names, patterns) if tenants else ()


def _all_strangers(
    suite: Suite, users: Set[str], names: Set[str], patterns: Iterable[str]
) -> Iterator[Problem]:
    """That not one of several is anybody's."""
    first = suite.cases[0]
    asking = {case.user for case in suite.cases}
    theirs = any(case.groups or not case.user or case.user.startswith("system:") for case in suite.cases)
    if users and not theirs and not asking & users:
        what = f"nobody who asks owns a tenant: {', '.join(sorted(asking))}"
        yield _at(first, what, f"Write one of {', '.join(sorted(users))}")
    spaces = set(filter(None, map(_namespace, suite.cases)))
    if spaces and not any(
        space in names or any(glob_matches(each, space) for each in patterns) for space in spaces
    ):
        what = f"no case is in a namespace that a tenant owns: {', '.join(sorted(spaces))}"
        yield _at(first, what, "Write one of a tenant's")


def _is_user(owner: Any) -> bool:
    return isinstance(owner, dict) and owner.get("kind") == "User"


def _claims(specs: list[dict[str, Any]]) -> tuple[set[str], list[str]]:
    claims = [claim for spec in specs if isinstance(claim := spec.get("namespaces"), dict)]
    names = {str(name) for claim in claims for name in claim.get("names") or ()}
    return names, [str(each) for claim in claims for each in claim.get("patterns") or ()]


def _namespaces(suite: Suite) -> set[str]:
    """Those that exist in the suite."""
    return {
        str((each.get("metadata") or {}).get("name"))
        for each in suite.cluster
        if each.get("kind") == "Namespace"
    }


def _namespace(case: Case) -> str:
    return str((case.object.get("metadata") or {}).get("namespace") or case.namespace)


@lru_cache(SLIPS)
def _slip(name: str, known: frozenset[str], alike: float) -> str:
    """The known name of which another is a slip; empty when it is known itself, or like none."""
    if not name or name in known:
        return ""
    return next(iter(difflib.get_close_matches(name, known, 1, alike)), "")


def _nameless(suite: Suite) -> Iterator[Problem]:
    """Objects of the cluster that no look-up finds."""
    for manifest in suite.written:
        if manifest.source.prefix[:1] == ("cluster",) and not (manifest.object.get("metadata") or {}).get(
            "name"
        ):
            yield manifest.source.problem((), "an object of the cluster has a name", "Write metadata.name")


def _unshown(suite: Suite, policies: list[Policy]) -> Iterator[Problem]:
    """What no policy of a suite does."""
    if not policies:
        return
    mutates = any(isinstance(policy, MutatingPolicy) for policy in policies)
    for case in suite.cases:
        if case.patched and not mutates:
            yield _at(
                case, "no policy of this suite changes an object, so patched shows nothing", "Remove it"
            )
    known = {policy.name for policy in policies}
    for waiver in suite.waivers:
        named = (waiver.object.get("spec") or {}).get("policies") or ()
        if not known & set(map(str, named)):
            yield waiver.source.problem(
                ("spec", "policies"), "no policy of this suite is waived", "Name one that is"
            )
