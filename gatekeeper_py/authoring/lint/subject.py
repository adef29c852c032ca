"""What is linted: policies that load, what stands beside them, and where their expressions are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper_py.authoring.suite import Suite
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Expression, Policy
from gatekeeper_py.tenancy.lookups import stated

__all__ = ["Statement", "Subject", "statements"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One folder, or several, seen as one."""

    manifests: tuple[Manifest, ...]
    """Everything that could be read."""
    policies: PolicySet
    """Those of them that load."""
    kinds: Kinds
    """Kubernetes' own, and those whose definitions stand there."""
    suites: tuple[Suite, ...]
    files: frozenset[str]
    """The files of suites, good or bad."""

    @property
    def every(self) -> tuple[Policy, ...]:
        """All policies."""
        return (*self.policies.validating, *self.policies.mutating)


@dataclass(frozen=True, slots=True)
class Statement:
    """An expression, and where it stands."""

    policy: Policy
    path: FieldPath
    expression: Expression
    condition: bool = False
    """Whether it is a match condition."""

    def problem(self, node: tree.Node, what: str, remedy: str) -> Problem:
        """A problem with a part of it."""
        source = self.policy.source
        return Problem(source.path, *source.locate_in_text(self.path, node.span.start), what, remedy)


def statements(policy: Policy) -> Iterator[Statement]:
    """The expressions of a policy, in the order in which it states them."""
    for path, expression in stated(policy):
        yield Statement(policy, path, expression, condition=path[1] == "matchConditions")
