"""Policies directories: from manifests to the set of policies that is in force.

A set is loaded whole or not at all. Everything that is wrong with it is reported at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from gatekeeper_py.manifests import manifest as manifests_of
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import builtin_schema
from gatekeeper_py.policy.evaluation.compilation import Environments
from gatekeeper_py.policy.evaluation.extension import Extension
from gatekeeper_py.policy.loading.checks import check_binding, check_policy
from gatekeeper_py.policy.loading.shape import GROUP, KINDS, VERSIONS, shape_problems
from gatekeeper_py.policy.matching.match import NAMESPACE
from gatekeeper_py.policy.matching.parameters import Parameters
from gatekeeper_py.policy.model import (
    Binding,
    MutatingBinding,
    MutatingPolicy,
    Policy,
    ValidatingBinding,
    ValidatingPolicy,
)
from gatekeeper_py.policy.sharing.index import PolicyIndex

__all__ = ["KUSTOMIZATIONS", "LoadError", "PolicySet", "is_test", "load", "read"]

INVALID = " is invalid: "
"""What stands between an object's name and its faults."""

LARGEST_FILE = 16 << 20
"""Bytes of one file of policies: ten times what a ConfigMap or an object in etcd may hold."""

TEST_SUFFIXES = ("_test.yaml", "_test.yml")

KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml"})
"""What tells kustomize which files there are."""


class LoadError(ManifestError):
    """Policies that cannot be loaded, with every problem found."""


@dataclass(frozen=True, slots=True)
class PolicySet:
    """What is in force: immutable, shared by all requests."""

    validating: PolicyIndex[ValidatingPolicy] = field(default_factory=PolicyIndex)
    mutating: PolicyIndex[MutatingPolicy] = field(default_factory=PolicyIndex)
    parameters: Parameters = field(default_factory=Parameters)
    extensions: tuple[Extension, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Of all policies, of both sorts."""
        return frozenset(policy.name for policy in (*self.validating, *self.mutating))


def is_test(path: Path) -> bool:
    """Whether a file of a policies directory holds tests and not policies."""
    return path.name.lower().endswith(TEST_SUFFIXES)


def read(paths: Iterable[str | Path]) -> tuple[Manifest, ...]:
    """The manifests of policies directories, tests left out; raise `ManifestError`.

    A file without a character is an error: it is more likely half-written than meant.
    """
    return manifests_of.read(paths, exclude=_is_no_policy, largest=LARGEST_FILE, blank=False)


def _is_no_policy(path: Path) -> bool:
    """Suites, and what tells kustomize which files there are."""
    return is_test(path) or path.name in KUSTOMIZATIONS


def load(
    manifests: Iterable[Manifest],
    extensions: Sequence[Extension] = (),
    *,
    known: Callable[[GroupVersionKind], bool] = lambda _kind: False,
) -> PolicySet:
    """Policies, bindings and params; raise `LoadError` with everything that is wrong.

    `known` says which other kinds may stand there: they belong to somebody else and are passed over.
    """
    loading = _Loading(extensions)
    loading.sort(manifest for manifest in manifests if not is_test(Path(manifest.source.path)))
    loading.check(known)
    if loading.problems:
        raise LoadError(sorted(loading.problems, key=attrgetter("path", "line", "column")))
    return loading.result()


class _Loading:
    """One load."""

    def __init__(self, extensions: Sequence[Extension]) -> None:
        self.extensions = tuple(extensions)
        self.environments = Environments.shared(self.extensions)
        self.problems: list[Problem] = []
        self.policies: list[Manifest] = []
        self.bindings: list[Manifest] = []
        self.others: list[Manifest] = []

    def sort(self, manifests: Iterable[Manifest]) -> None:
        """Put every document in its drawer."""
        for manifest in manifests:
            group, version, kind = manifest.kind
            if group != GROUP or kind not in KINDS:
                self.others.append(manifest)
            elif version not in VERSIONS:
                self.problems.append(unknown_version(manifest))
            else:
                (self.bindings if kind.endswith("Binding") else self.policies).append(manifest)

    def check(self, known: Callable[[GroupVersionKind], bool]) -> None:
        """Check everything; what is good is kept."""
        param_kinds = {kind for manifest in self.policies if (kind := _param_kind(manifest))}
        self.definitions = [other for other in self.others if other.kind == CUSTOM_RESOURCE_DEFINITION]
        self.params = [other for other in self.others if other.kind in param_kinds]
        claimed = {id(other) for other in (*self.definitions, *self.params)}
        self.problems += [
            unknown_document(other)
            for other in self.others
            if id(other) not in claimed and not known(other.kind)
        ]
        self.problems += _repeated(self.policies, _name) + _repeated(self.bindings, _name)
        definitions = [definition.object for definition in self.definitions]
        self.parameters = Parameters((param.object for param in self.params), definitions)
        self.problems += _repeated(self.params, lambda param: self.parameters.identify(param.object))
        self.checked_bindings = [binding for found in self.bindings if (binding := self.binding(found))]
        self.problems += self.orphans()
        self.checked = [policy for found in self.policies if (policy := self.policy(found))]

    def policy(self, manifest: Manifest) -> Policy | None:
        """A policy, if it is good."""
        problems = list(shape_problems(manifest))
        policy = None
        if not problems:
            policy, problems = check_policy(manifest, self.environments)
        self.problems += told_whole(manifest, problems)
        return policy

    def binding(self, manifest: Manifest) -> Binding | None:
        """A binding, if it is good."""
        problems = list(shape_problems(manifest))
        binding = None
        if not problems:
            binding, problems = check_binding(manifest)
        self.problems += told_whole(manifest, problems)
        return binding

    def orphans(self) -> Iterator[Problem]:
        """Bindings that name no policy of this set."""
        for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
            names = {manifest.name for manifest in self.policies if manifest.kind.kind == kind}
            made = ValidatingBinding if kind == "ValidatingAdmissionPolicy" else MutatingBinding
            for binding in self.checked_bindings:
                if isinstance(binding, made) and binding.policy_name not in names:
                    yield no_policy(binding, kind, names)

    def result(self) -> PolicySet:
        """The set, when there were no problems."""
        builtin_schema(NAMESPACE)  # what mutations are read back by: a decision reads no file
        return PolicySet(
            PolicyIndex(
                replace(policy, bindings=self.bound(policy, ValidatingBinding))
                for policy in self.checked
                if isinstance(policy, ValidatingPolicy)
            ),
            PolicyIndex(
                replace(policy, bindings=self.bound(policy, MutatingBinding))
                for policy in self.checked
                if isinstance(policy, MutatingPolicy)
            ),
            self.parameters,
            self.extensions,
        )

    def bound(self, policy: Policy, made: type[Any]) -> tuple[Any, ...]:
        """The bindings of a policy, by name."""
        bindings = (binding for binding in self.checked_bindings if isinstance(binding, made))
        mine = (binding for binding in bindings if binding.policy_name == policy.name)
        return tuple(sorted(mine, key=lambda binding: binding.name))


def _name(manifest: Manifest) -> object:
    return manifest.kind.kind, manifest.name


def _repeated(manifests: Iterable[Manifest], identify: Callable[[Manifest], object]) -> list[Problem]:
    """Documents that say again what another has said."""
    first: dict[object, Manifest] = {}
    problems = []
    for manifest in manifests:
        earlier = first.setdefault(identify(manifest), manifest)
        if earlier is not manifest and manifest.name:
            problems.append(twice(manifest, earlier))
    return problems


def _param_kind(manifest: Manifest) -> GroupVersionKind | None:
    """A policy's paramKind, whatever else may be wrong with it."""
    spec = manifest.object.get("spec")
    found = spec.get("paramKind") if isinstance(spec, dict) else None
    if not isinstance(found, dict):
        return None
    return GroupVersionKind.parse(str(found.get("apiVersion")), str(found.get("kind")))


# --- what users are told -----------------------------------------------------------------------------


def unknown_version(manifest: Manifest) -> Problem:
    """A policy of a version that Kubernetes does not have."""
    kind = manifest.kind
    what = f'no matches for kind "{kind.kind}" in version "{kind.api_version}"'
    return manifest.source.problem(("apiVersion",), what, f"Write {GROUP}/v1")


def unknown_document(manifest: Manifest) -> Problem:
    """A document that nothing here knows what to do with."""
    kind = manifest.kind
    what = f'kind "{kind.kind}" of "{kind.api_version}" is no policy, no binding and no policy\'s paramKind'
    return manifest.source.problem(("kind",), what, "Correct it, or keep it outside of the policies")


def told_whole(manifest: Manifest, problems: list[Problem]) -> list[Problem]:
    """Several faults of one object: the API server's whole answer first, then each at its place."""
    head, mark, _ = problems[0].what.partition(INVALID) if problems else ("", "", "")
    faults = list(dict.fromkeys(problem.what.removeprefix(head + mark) for problem in problems))
    if not mark or len(faults) < 2:
        return problems
    source = manifest.source
    whole = Problem(source.path, source.line, source.column, f"{head}{mark}[{', '.join(faults)}]")
    return [whole, *problems]


def twice(manifest: Manifest, earlier: Manifest) -> Problem:
    """Two documents with one name."""
    place = f"{earlier.source.path}:{earlier.source.line}"
    what = f'{manifest.kind.kind} "{manifest.name}" stands here for the second time, first in {place}'
    return manifest.source.problem(("metadata", "name"), what, "Rename or remove one of them")


def no_policy(binding: Binding, kind: str, names: Iterable[str]) -> Problem:
    """A binding of nothing."""
    near = difflib.get_close_matches(binding.policy_name, names, 1)
    remedy = f"Did you mean {near[0]}?" if near else "Add the policy, or remove the binding"
    what = f'binding "{binding.name}" names {kind} "{binding.policy_name}", which is not here'
    return binding.source.problem(("spec", "policyName"), what, remedy)
