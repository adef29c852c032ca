"""Breaks every shipped policy in small ways, one at a time, and says which of them its own suite does not see.

    python -m tests.policies.mutants [--list] [policies/host-access/host-ports_test.yaml ...]

A mutant that survives shows a part of a policy that may be lost unnoticed: its suite lacks a case. Those that
no case can kill stand in `surviving_mutants.yaml`, each with its reason. Exit code 0: just these survive.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.authoring.runner import documents_of, faults_of, request_of, tenancy_documents
from gatekeeper_py.authoring.suite import Case, Suite, find_suites, read_suite
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import read
from tests.shipped import POLICIES, SHIPPED

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("surviving_mutants.yaml")

NOTHING = "nothing"
"""A resource that no cluster has: a rule about it alone is no rule."""
UNQUOTED = {"message": "broken", "messageExpression": "'broken'"}
"""A message that no suite quotes."""
UNCHANGING = {
    "patchType": "ApplyConfiguration",
    "applyConfiguration": {"expression": "Object{}"},
    "jsonPatch": None,
}
"""A mutation that changes nothing: a policy may not be without one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A policy that is broken in one way."""

    change: str
    """Which way, in words; no other mutant of the policy has the same."""
    policy: Manifest


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the mutants of one policy, by their names."""

    mutants: tuple[str, ...]
    survivors: tuple[str, ...]
    faults: tuple[str, ...] = ()
    """How the suite fails on the policy as it is; no mutant is tried then."""


# --- the ways of breaking a policy


def mutants_of(policy: Manifest) -> Iterator[Mutant]:
    """Every mutant of a policy."""
    for change, broken in _changes(policy.object["spec"]):
        body = copy.deepcopy(policy.object)
        broken(body["spec"])
        yield Mutant(change, replace(policy, object=body))


_Change = tuple[str, Callable[[Any], object]]


def _changes(spec: Object) -> Iterator[_Change]:
    yield from _validation_changes(spec.get("validations", ()))
    yield from _rule_changes(spec["matchConstraints"]["resourceRules"])
    yield from _condition_changes(spec.get("matchConditions", ()))
    for at in range(len(spec.get("mutations", ()))):
        yield f"mutation {at + 1} dropped", _setting("mutations", at, **UNCHANGING)


def _validation_changes(validations: Sequence[Object]) -> Iterator[_Change]:
    for at in range(len(validations)):
        yield f"validation {at + 1} replaced by true", _setting("validations", at, expression="true")
        yield f"message of validation {at + 1} replaced", _setting("validations", at, **UNQUOTED)


def _rule_changes(rules: Sequence[Object]) -> Iterator[_Change]:
    for at, rule in enumerate(rules):
        for resource in rule["resources"]:
            rest = [other for other in rule["resources"] if other != resource] or [NOTHING]
            yield f'resource "{resource}" of rule {at + 1} dropped', _ruling(at, resources=rest)
        for operation in rule["operations"]:
            rest = [other for other in rule["operations"] if other != operation]
            change = _ruling(at, operations=rest) if rest else _ruling(at, resources=[NOTHING])
            yield f"operation {operation} of rule {at + 1} dropped", change


def _condition_changes(conditions: Sequence[Object]) -> Iterator[_Change]:
    for at, condition in enumerate(conditions):
        change = _setting("matchConditions", at, expression="true")
        yield f'match condition "{condition["name"]}" replaced by true', change


def _setting(field: str, at: int, **values: Any) -> Callable[[Any], object]:
    return lambda spec: spec[field][at].update(values)


def _ruling(at: int, **values: Any) -> Callable[[Any], object]:
    return lambda spec: spec["matchConstraints"]["resourceRules"][at].update(values)


# --- trying them


class Trial:
    """One policy's suite, ready to be run again and again."""

    def __init__(self, path: Path, tenancy: Sequence[Manifest]) -> None:
        self._suite = read_suite(path)
        self._policy = policy_of(path)
        self._documents = documents_of(self._suite, tenancy)
        self._cluster = Snapshot(self._suite.cluster)
        self._requests = list(_requests(self._suite, self._cluster))

    def run(self) -> Tried:
        """Break the policy in every way."""
        faults = [f"{case.name}: {fault}" for case, fault in self._faults(self._documents)]
        mutants = [(policy, each) for policy in self._policies() for each in mutants_of(policy)]
        names = tuple(name_of(self._policy, mutant) for _, mutant in mutants)
        if faults:
            return Tried(names, (), tuple(f"{self._suite.path}: {fault}" for fault in faults))
        survivors = (
            name_of(self._policy, mutant) for policy, mutant in mutants if self._survives(policy, mutant)
        )
        return Tried(names, tuple(survivors))

    def _policies(self) -> list[Manifest]:
        return [manifest for manifest in self._documents if _is_policy_of(manifest, self._policy)]

    def _survives(self, policy: Manifest, mutant: Mutant) -> bool:
        documents = [mutant.policy if manifest is policy else manifest for manifest in self._documents]
        return next(self._faults(documents), None) is None

    def _faults(self, documents: Sequence[Manifest]) -> Iterator[tuple[Case, str]]:
        engine = Engine.load(documents, self._cluster, whole=False)
        for case, request in self._requests:
            for fault in faults_of(engine, case, request):
                yield case, fault


def _requests(suite: Suite, cluster: Snapshot) -> Iterator[tuple[Case, AdmissionRequest]]:
    """They are the same for every mutant."""
    for case in suite.cases:
        yield case, request_of(case, cluster)


def _is_policy_of(manifest: Manifest, path: Path) -> bool:
    return manifest.object["kind"].endswith("AdmissionPolicy") and Path(manifest.source.path) == path


def policy_of(suite: Path) -> Path:
    """The policy a suite stands beside."""
    return suite.with_name(suite.name.replace("_test.", "."))


def name_of(policy: Path, mutant: Mutant) -> str:
    """How a mutant is called, here and in the list of survivors."""
    return f"{shown(policy)}: {mutant.change}"


def shown(path: Path) -> str:
    """A path as seen from the project's folder."""
    path = path.resolve()
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


_tenancy: tuple[Manifest, ...] = ()
"""Of the shipped policies, read once: the processes that try mutants inherit it."""


def _try(path: Path) -> Tried:
    try:
        return Trial(path, _tenancy).run()
    except ManifestError as error:
        return Tried((), (), (str(error),))


def try_all(suites: Sequence[Path], tenancy: Sequence[Manifest]) -> list[Tried]:
    """Try the mutants of each suite's policy, on every core."""
    global _tenancy
    _tenancy = tuple(tenancy)
    if len(suites) < 2:
        return [_try(path) for path in suites]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        return pool.map(_try, suites, chunksize=1)


# --- what is told


def listed(path: Path = SURVIVORS) -> dict[str, str]:
    """The mutants that are known to survive, and why."""
    return {each["mutant"]: each["reason"] for each in yaml.safe_load(path.read_text()) or ()}


def complaints(tried: Sequence[Tried], known: Sequence[str]) -> Iterator[str]:
    """What must be put right, a line each. `known` are the listed ones of the policies that were tried."""
    survivors = {name for each in tried for name in each.survivors}
    mutants = Counter(name for each in tried for name in each.mutants)
    yield from (f"{fault} (before anything is broken)" for each in tried for fault in each.faults)
    yield from (name for each in tried for name in each.survivors if name not in known)
    for name in known:
        if name not in mutants:
            yield f"{name}: listed, but there is no such mutant"
        elif name not in survivors:
            yield f"{name}: listed, but killed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants of all policies, or of those whose suites are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.policies.mutants")
    parser.add_argument("paths", nargs="*", type=Path, help="suites, or folders of them; all when absent")
    parser.add_argument("--list", action="store_true", help="name the mutants and try none")
    options = parser.parse_args(arguments)
    suites = find_suites(options.paths or [POLICIES])
    if not suites:
        parser.error("no suite is there")
    if options.list:
        return _print_names(suites)
    return _report(suites, try_all(suites, tenancy_documents(SHIPPED)))


def _print_names(suites: Sequence[Path]) -> int:
    for suite in suites:
        policy = policy_of(suite)
        for manifest in read([policy]):
            if _is_policy_of(manifest, policy):
                print(*(name_of(policy, mutant) for mutant in mutants_of(manifest)), sep="\n")
    return 0


def _report(suites: Sequence[Path], tried: Sequence[Tried]) -> int:
    policies = tuple(f"{shown(policy_of(suite))}: " for suite in suites)
    known = [name for name in listed() if name.startswith(policies)]
    wrong = list(complaints(tried, known))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    count = sum(len(each.mutants) for each in tried)
    survivors = sum(len(each.survivors) for each in tried)
    print(f"{count} mutants of {len(suites)} policies, {survivors} survive, {len(known)} of them listed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
