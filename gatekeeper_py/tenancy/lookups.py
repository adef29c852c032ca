"""Which kinds loaded policies look up: what is watched in a live cluster, and what RBAC must allow."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.cel import tree
from gatekeeper_py.cluster.resource import GroupVersionKind
from gatekeeper_py.policy.loading import PolicySet
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy

__all__ = ["looked_up"]

METHODS = frozenset({"get", "list"})
"""Of the variable `cluster`; the first two arguments are apiVersion and kind."""


def looked_up(policies: PolicySet) -> frozenset[GroupVersionKind]:
    """Kinds that policies name literally in cluster.get and cluster.list, and the kinds of their params."""
    kinds: set[GroupVersionKind] = set()
    every: tuple[ValidatingPolicy | MutatingPolicy, ...] = (*policies.validating, *policies.mutating)
    for policy in every:
        if policy.param_kind is not None:
            kinds.add(policy.param_kind)
        for expression in _expressions(policy):
            kinds.update(_named(expression.program.tree))
    return frozenset(kinds)


def _expressions(policy: ValidatingPolicy | MutatingPolicy) -> Iterator[Expression]:
    yield from (condition.expression for condition in policy.match_conditions)
    yield from (variable.expression for variable in policy.variables)
    if isinstance(policy, MutatingPolicy):
        yield from (mutation.expression for mutation in policy.mutations)
        return
    for validation in policy.validations:
        yield validation.expression
        if validation.message_expression is not None:
            yield validation.message_expression
    yield from (annotation.value for annotation in policy.audit_annotations)


def _named(node: tree.Node) -> Iterator[GroupVersionKind]:
    if isinstance(node, tree.Call) and node.function in METHODS and len(node.arguments) >= 2:
        target, (version, kind, *_) = node.target, node.arguments
        on_cluster = isinstance(target, tree.Identifier) and target.name == "cluster"
        if on_cluster and isinstance(version, tree.Literal) and isinstance(kind, tree.Literal):
            yield GroupVersionKind.parse(str(version.value), str(kind.value))
    for child in tree.children(node):
        yield from _named(child)
