"""Which kinds loaded policies look up: what is watched in a live cluster, and what RBAC must allow."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Set

from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy
from gatekeeper_py.tenancy.budgets import BUDGET
from gatekeeper_py.tenancy.ceiling import POD
from gatekeeper_py.tenancy.protection import CHAIN
from gatekeeper_py.tenancy.reach import LOOKED_UP, MAY_REACH

__all__ = [
    "asks_about_tenants",
    "expressions",
    "found_look_ups",
    "look_up",
    "looked_up",
    "looks_up",
    "meant",
    "mistaken",
    "says",
    "stated",
    "steered",
    "words",
]

CLUSTER = "cluster"

REQUESTER = "requester"

METHODS = frozenset({"get", "isTaken", "list"})
"""Of the variable `cluster`; the first two arguments are apiVersion and kind."""


BY_WORD: Mapping[str, frozenset[GroupVersionKind]] = {
    "ceilingExcess": frozenset((POD,)),
    "holdingBudgets": frozenset((BUDGET, *CHAIN)),
    "isProtected": frozenset(CHAIN),
    "isProtectedOwner": frozenset(CHAIN),
    "platform": frozenset(CHAIN),
    "reached": LOOKED_UP,
    "reaching": frozenset(MAY_REACH),
}
"""What words of tenancy look up by themselves: functions, and `platform` of the requester."""


def looked_up(policies: PolicySet) -> frozenset[GroupVersionKind]:
    """Kinds that policies look up: by a method of `cluster`, by a word of tenancy, or as params."""
    kinds: set[GroupVersionKind] = set()
    for policy in _every(policies):
        if policy.param_kind is not None:
            kinds.add(policy.param_kind)
        for expression in expressions(policy):
            kinds.update(_named(expression.program.tree))
    return frozenset(kinds)


def looks_up(expression: Expression) -> bool:
    """Whether an expression looks up anything, or may."""
    node = expression.program.tree
    return _is_steered(node) or any(_named(node))


def steered(policies: PolicySet) -> list[Problem]:
    """Policies that use `cluster` otherwise than to look up a kind they name literally, one problem each.

    Such a look-up could be steered by the object under review, and nobody could say what must be watched.
    """
    return [
        policy.source.problem(("spec",), f"policy {policy.name} looks up a kind it does not name", REMEDY)
        for policy in _every(policies)
        if any(_is_steered(expression.program.tree) for expression in expressions(policy))
    ]


REMEDY = "Write apiVersion and kind as text: cluster.get('v1', 'ConfigMap', namespace, name)"


TENANCY_WORDS = frozenset({"tenant", "tenants", "requester"})
"""Variables whose value depends on tenancy documents."""


def asks_about_tenants(policies: PolicySet) -> bool:
    """Whether some policy's answer depends on tenancy documents."""
    return any(
        _uses(expression.program.tree, TENANCY_WORDS)
        for policy in _every(policies)
        for expression in expressions(policy)
    )


def says(policies: PolicySet, words: Set[str]) -> bool:
    """Whether some policy has one of these words as a variable, a function or a method."""
    return any(
        (node.name if isinstance(node, tree.Identifier) else getattr(node, "function", None)) in words
        for policy in _every(policies)
        for expression in expressions(policy)
        for node in tree.nodes(expression.program.tree)
    )


def _uses(node: tree.Node, words: frozenset[str]) -> bool:
    """Whether a node reads one of these variables; what a macro calls so is another."""
    if isinstance(node, tree.Identifier):
        return node.name in words
    inside, outer = words - frozenset(_variables(node)), _outer(node)
    return any(_uses(child, words if child is outer else inside) for child in tree.children(node))


def _every(policies: PolicySet) -> tuple[ValidatingPolicy | MutatingPolicy, ...]:
    return (*policies.validating, *policies.mutating)


def _is_steered(node: tree.Node, hidden: bool = False) -> bool:
    """Whether a node uses `cluster` otherwise; `hidden` where a macro's variable has taken the name."""
    if isinstance(node, tree.Identifier):
        return node.name == CLUSTER and (node.absolute or not hidden)
    if isinstance(node, tree.Call) and not hidden and look_up(node) is not None:
        return any(map(_is_steered, node.arguments))
    inside = hidden or CLUSTER in _variables(node)
    outer = _outer(node)
    return any(_is_steered(child, hidden if child is outer else inside) for child in tree.children(node))


def _variables(node: tree.Node) -> tuple[str, ...]:
    """The variables a node gives to what is in it."""
    if isinstance(node, tree.Comprehension):
        return node.variables
    return (node.variable,) if isinstance(node, tree.Binding) else ()


def _outer(node: tree.Node) -> tree.Node | None:
    """What in a node does not see the node's variables."""
    if isinstance(node, tree.Comprehension):
        return node.range
    return node.value if isinstance(node, tree.Binding) else None


def expressions(policy: ValidatingPolicy | MutatingPolicy) -> Iterator[Expression]:
    """All expressions of a policy, in the order in which it states them."""
    return (expression for _, expression in stated(policy))


def stated(policy: ValidatingPolicy | MutatingPolicy) -> Iterator[tuple[FieldPath, Expression]]:
    """All expressions of a policy, each with the field it stands in."""
    for index, condition in enumerate(policy.match_conditions):
        yield ("spec", "matchConditions", index, "expression"), condition.expression
    for index, variable in enumerate(policy.variables):
        yield ("spec", "variables", index, "expression"), variable.expression
    yield from _mutations(policy) if isinstance(policy, MutatingPolicy) else _validations(policy)


def _mutations(policy: MutatingPolicy) -> Iterator[tuple[FieldPath, Expression]]:
    for index, mutation in enumerate(policy.mutations):
        yield ("spec", "mutations", index, mutation.field, "expression"), mutation.expression


def _validations(policy: ValidatingPolicy) -> Iterator[tuple[FieldPath, Expression]]:
    for index, validation in enumerate(policy.validations):
        path: FieldPath = ("spec", "validations", index)
        yield (*path, "expression"), validation.expression
        if validation.message_expression is not None:
            yield (*path, "messageExpression"), validation.message_expression
    for index, annotation in enumerate(policy.audit_annotations):
        yield ("spec", "auditAnnotations", index, "valueExpression"), annotation.value


def _named(node: tree.Node) -> Iterator[GroupVersionKind]:
    yield from filter(None, map(look_up, tree.nodes(node)))
    yield from words(node)


def words(node: tree.Node) -> Iterator[GroupVersionKind]:
    """Kinds that a node looks up by a word of tenancy."""
    return (kind for each in tree.nodes(node) for kind in BY_WORD.get(_word(each), ()))


def _word(node: tree.Node) -> str:
    """The word of tenancy a node is, where it may be one."""
    if isinstance(node, tree.Call) and node.target is None:
        return node.function
    if isinstance(node, tree.Select) and isinstance(node.operand, tree.Identifier):
        return node.field if node.operand.name == REQUESTER else ""
    return ""


def found_look_ups(expression: Expression) -> Iterator[tuple[tree.Node, GroupVersionKind]]:
    """Where an expression looks up which kind."""
    for node in tree.nodes(expression.program.tree):
        if (kind := look_up(node)) is not None:
            yield node, kind


def meant(kind: GroupVersionKind, kinds: Kinds) -> str:
    """What to write for a kind that is not served; empty when nothing is like it."""
    named: dict[str, GroupVersionKind] = {}
    groups = {resource.served.kind.group for resource in kinds}
    anywhere = kind.group not in groups and "." not in kind.group
    for served in (resource.served for resource in kinds):
        if anywhere or served.kind.group == kind.group:
            for name in (served.kind.kind, served.resource.resource):
                named.setdefault(name.lower(), served.kind)
    near = difflib.get_close_matches(kind.kind.lower(), named, 1, ALIKE)
    return f"'{named[near[0]].api_version}', '{named[near[0]].kind}'" if near else ""


ALIKE = 0.8
"""How alike two kinds of one group are when one may be meant by the other."""


def mistaken(policies: PolicySet, kinds: Kinds) -> list[Problem]:
    """Look-ups of kinds that are a slip of the pen, one problem each.

    They would find nothing, and a rule that looks for something would admit everything. Nothing is said of
    a kind that may be that of a CustomResourceDefinition which is not among `kinds`.
    """
    return [
        Problem(
            policy.source.path,
            *policy.source.locate_in_text(path, node.span.start),
            no_such_kind(policy.name, kind),
            f"Did you mean {near}?",
        )
        for policy in _every(policies)
        for path, expression in stated(policy)
        for node, kind in found_look_ups(expression)
        if kinds.served(kind) is None and (near := meant(kind, kinds))
    ]


def no_such_kind(name: str, kind: GroupVersionKind) -> str:
    """What is told of a look-up that finds nothing, ever."""
    return f'policy {name} looks up kind "{kind.kind}" of "{kind.api_version}", which does not exist'


def look_up(node: tree.Node) -> GroupVersionKind | None:
    """The kind a node looks up, if it is a look-up of a kind named literally."""
    if not isinstance(node, tree.Call) or node.function not in METHODS or len(node.arguments) < 2:
        return None
    target, (version, kind, *_) = node.target, node.arguments
    on_cluster = isinstance(target, tree.Identifier) and target.name == CLUSTER
    if on_cluster and isinstance(version, tree.Literal) and isinstance(kind, tree.Literal):
        return GroupVersionKind.parse(str(version.value), str(kind.value))
    return None
