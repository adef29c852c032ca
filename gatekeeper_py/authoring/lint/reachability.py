"""Conditions that are false, and validations that are true, whatever request the rules let through (GK504).

What a request may be is known of its operation and its kind; by that alone an expression may have a value
before there is a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import kinds_of
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.matching.match import ANY
from gatekeeper_py.policy.model import Policy

__all__ = ["reachability"]

OPERATIONS: Final = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
WITHOUT_OBJECT: Final = frozenset({"DELETE"})
WITHOUT_OLD_OBJECT: Final = frozenset({"CREATE", "CONNECT"})


def reachability(subject: Subject) -> Iterator[Finding]:
    """What no request that the rules let through gets to."""
    for policy in subject.every:
        known = _known(policy, subject.kinds)
        for statement in statements(policy):
            root = statement.expression.program.tree
            value = _value(root, known)
            if value is None or not _reads(root):
                continue
            if statement.condition and not value:
                yield _told(statement, "no request that the rules let through meets this condition", APPLIES)
            elif statement.path[1] == "validations" and statement.path[-1] == "expression" and value:
                yield _told(statement, "every request that the rules let through passes this", REFUSES)


APPLIES: Final = "The policy never applies: correct the condition, or the rules"
REFUSES: Final = "It refuses nothing: correct it, or the rules"


def _told(statement: Statement, what: str, remedy: str) -> Finding:
    return Finding(statement.problem(statement.expression.program.tree, what, remedy), "GK504")


def _reads(node: tree.Node) -> bool:
    """Whether there is a variable in it; what has none is GK502's."""
    return any(isinstance(each, tree.Identifier) for each in tree.nodes(node))


@dataclass(frozen=True, slots=True)
class _Known:
    """What requests may be, by the text that reads it; what is not there may be anything."""

    texts: Mapping[str, frozenset[str]]
    nulls: Mapping[str, bool]
    """Whether `object` and `oldObject` are always null, or never."""


def _known(policy: Policy, kinds: Kinds) -> _Known:
    operations = _operations(policy)
    texts: dict[str, frozenset[str]] = {"request.operation": operations}
    texts |= _named(policy, kinds)
    found = _kinds(policy, kinds)
    if found:
        texts |= {"request.kind.kind": found}
        if not operations & WITHOUT_OBJECT:
            texts["object.kind"] = found
    nulls: dict[str, bool] = {}
    for name, without in (("object", WITHOUT_OBJECT), ("oldObject", WITHOUT_OLD_OBJECT)):
        if operations <= without or not operations & without:
            nulls[name] = operations <= without
    return _Known(texts, nulls)


def _named(policy: Policy, kinds: Kinds) -> dict[str, frozenset[str]]:
    """Groups, versions, resources and subresources, where rules name each and all of them are known."""
    rules = policy.match.rules
    groups = {group for rule in rules for group in rule.groups}
    if ANY in groups or not {resource.served.kind.group for resource in kinds}.issuperset(groups):
        return {}
    resources = {name.partition("/")[0] for rule in rules for name in rule.resources}
    subresources = {name.partition("/")[2] for rule in rules for name in rule.resources}
    versions = {version for rule in rules for version in rule.versions}
    texts = {"request.resource.group": frozenset(groups)}
    if ANY not in versions:
        texts["request.resource.version"] = frozenset(versions)
    if ANY not in resources:
        texts["request.resource.resource"] = frozenset(resources)
    if subresources == {""}:
        kinds_reached = [
            kind for rule in rules for name in rule.resources for kind in kinds_of(rule, name, kinds)
        ]
        texts["request.subResource"] = frozenset({""})
        texts["request.kind.group"] = frozenset(groups)
        if ANY not in versions and kinds_reached:
            texts["request.kind.version"] = frozenset(versions)
            if not _operations(policy) & WITHOUT_OBJECT and policy.match.match_policy == "Exact":
                texts["object.apiVersion"] = frozenset(kind.api_version for kind in kinds_reached)
    return texts


def _operations(policy: Policy) -> frozenset[str]:
    named = {operation for rule in policy.match.rules for operation in rule.operations}
    return OPERATIONS if ANY in named else frozenset(named)


def _kinds(policy: Policy, kinds: Kinds) -> frozenset[str]:
    """The kinds that rules select; none when it cannot be told, as of a resource that is off by default."""
    found: set[str] = set()
    for rule in policy.match.rules:
        if not {resource.served.kind.group for resource in kinds}.issuperset(rule.groups):
            return frozenset()
        for named in rule.resources:
            selected = {kind.kind for kind in kinds_of(rule, named, kinds)}
            if not selected:
                return frozenset()
            found |= selected
    return frozenset(found)


def _value(node: tree.Node, known: _Known) -> bool | None:
    """What an expression comes to whatever the request is; None when that depends on it."""
    if isinstance(node, tree.Literal):
        return node.value if isinstance(node.value, bool) else None
    if not isinstance(node, tree.Call):
        return None
    values = [_value(argument, known) for argument in node.arguments]
    match node.function:
        case "_&&_":
            return False if False in values else True if values == [True, True] else None
        case "_||_":
            return True if True in values else False if values == [False, False] else None
        case "!_":
            return None if values[0] is None else not values[0]
        case "_?_:_":
            return _chosen(values)
        case "_==_":
            return _equal(node, known)
        case "_!=_":
            equal = _equal(node, known)
            return None if equal is None else not equal
        case "@in":
            return _among(node, known)
    return None


def _chosen(values: list[bool | None]) -> bool | None:
    condition, chosen, other = values
    if condition is None:
        return chosen if chosen == other else None
    return chosen if condition else other


def _equal(node: tree.Call, known: _Known) -> bool | None:
    for one, other in (node.arguments, node.arguments[::-1]):
        if isinstance(other, tree.Literal):
            if other.value is None and isinstance(one, tree.Identifier):
                return known.nulls.get(one.name)
            return _is_one_of(one, frozenset({other.value}), known)
    return None


def _among(node: tree.Call, known: _Known) -> bool | None:
    value, container = node.arguments
    if isinstance(container, tree.ListLiteral) and all(
        isinstance(each, tree.Literal) for each in container.elements
    ):
        literals = frozenset(each.value for each in container.elements if isinstance(each, tree.Literal))
        return _is_one_of(value, literals, known)
    return None


def _is_one_of(node: tree.Node, literals: frozenset[object], known: _Known) -> bool | None:
    possible = known.texts.get(_path(node))
    if possible is None:
        return None
    if not possible & literals:
        return False
    return True if possible <= literals else None


def _path(node: tree.Node) -> str:
    """`request.kind.kind`; empty for what is no chain of fields."""
    if isinstance(node, tree.Identifier):
        return node.name
    if isinstance(node, tree.Select) and not node.optional and not node.test:
        before = _path(node.operand)
        return f"{before}.{node.field}" if before else ""
    return ""
