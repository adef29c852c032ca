"""Whether the kinds that a suite writes exist: a case about a misspelt one shows nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from gatekeeper_py.authoring.suite import Suite
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Rule
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = ["unknown_kinds"]

ALIKE = 0.7
"""How alike two kinds are when one may be meant by the other."""


def unknown_kinds(suite: Suite, policies: PolicySet, kinds: Kinds) -> Iterator[Problem]:
    """The objects of a suite whose kind nothing serves.

    A custom kind is known by its definition, or because a policy of the suite names its group: then the rules
    decide whether the policy is about it, and a case that none matches fails.
    """
    every = (*policies.validating, *policies.mutating)
    rules = [rule for policy in every for rule in policy.match.rules]
    for manifest in suite.written:
        kind = manifest.kind
        if is_tenancy_document(manifest):
            continue
        if not _served(kind, kinds) and not any(_names(rule, kind) for rule in rules):
            yield unknown_kind(manifest, kinds)


def _names(rule: Rule, kind: GroupVersionKind) -> bool:
    """Whether a rule names a custom kind's group, or a resource of Kubernetes that is off by default."""
    if kind.group not in rule.groups:
        return False
    own = {each.served.resource.resource for each in Kinds.builtin() if each.served.kind.group == kind.group}
    stem = kind.kind.lower()[:-1]
    named = {name.partition("/")[0] for name in rule.resources}
    return not own or any(name.startswith(stem) for name in named - own)


def _served(kind: GroupVersionKind, kinds: Kinds) -> bool:
    return kinds.served(kind) is not None or any(kind in resource.subresources.values() for resource in kinds)


def unknown_kind(manifest: Manifest, kinds: Kinds) -> Problem:
    """What is told of a kind that nothing serves."""
    kind = manifest.kind
    alike = {each.served.kind.kind.lower(): each.served.kind for each in kinds}
    near = difflib.get_close_matches(kind.kind.lower(), alike, 1, ALIKE)
    remedy = "Add its CustomResourceDefinition to cluster"
    if near:
        meant = alike[near[0]]
        remedy = f"Did you mean {meant.kind} of {meant.api_version}? Otherwise a{remedy[1:]}"
    return manifest.source.problem(
        ("kind",), f'nothing serves kind "{kind.kind}" of "{kind.api_version}"', remedy
    )
