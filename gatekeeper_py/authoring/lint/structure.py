"""Fields that no matched kind has (GK2xx), found by walking typed trees beside the kinds' schemas.

What is not certain passes: a field is told when every kind that the rules reach is known, and none has it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import ANY, Form, Schema, builtin_schema
from gatekeeper_py.policy.matching.match import selects
from gatekeeper_py.policy.model import Policy, Rule

__all__ = ["Shapes", "Walk", "reached", "structure"]

Shapes: TypeAlias = tuple[Schema, ...] | None
"""What a value may be like; None when that cannot be told."""

OBJECTS: Final = ("object", "oldObject")
SAME: Final = frozenset({"filter", "or", "orValue", "value", "sort", "reverse", "distinct", "optional.of"})
"""Methods whose result is like their receiver, or like their argument."""


def structure(subject: Subject) -> Iterator[Finding]:
    """Every field of `object` and `oldObject` that cannot be there."""
    for policy in subject.every:
        shapes = reached(policy.match.rules, subject.kinds)
        if shapes is not None:
            yield from _policy(policy, dict.fromkeys(OBJECTS, shapes))


def _policy(policy: Policy, names: Mapping[str, Shapes]) -> Iterator[Finding]:
    variables: dict[str, Shapes] = {}
    for statement in statements(policy):
        walk = Walk(statement, variables)
        shape = walk.shapes(statement.expression.program.tree, names)
        if statement.path[1] == "variables":
            variables[policy.variables[int(statement.path[2])].name] = shape
        yield from walk.findings


def reached(rules: Iterable[Rule], kinds: Kinds) -> Shapes:
    """The schemas of the kinds that rules are about; None when one is not known."""
    found: dict[str, Schema] = {}
    groups = {resource.served.kind.group for resource in Kinds.builtin()}
    for rule in rules:
        if not groups.issuperset(rule.groups):
            return None
        for named in rule.resources:
            schemas = {str(kind): builtin_schema(kind) for kind in set(_reached(rule, named, kinds))}
            if not schemas or None in schemas.values():
                return None
            found |= {kind: schema for kind, schema in schemas.items() if schema is not None}
    return tuple(found.values()) or None


def _reached(rule: Rule, named: str, kinds: Kinds) -> Iterator[GroupVersionKind]:
    """The kinds that one of a rule's resources sends."""
    for resource in kinds:
        for subresource in ("", *resource.subresources):
            kind = resource.kind(subresource)
            if kind is not None and selects(rule, named, resource.served, subresource):
                yield kind


@dataclass
class Walk:
    """One expression."""

    statement: Statement
    variables: Mapping[str, Shapes]
    findings: list[Finding] = field(default_factory=list)
    seen: dict[tree.Node, Shapes] = field(default_factory=dict)
    """What each node's value is like."""

    def shapes(self, node: tree.Node, names: Mapping[str, Shapes]) -> Shapes:
        """What a node's value is like; the fields that cannot be there are found on the way."""
        found = self.seen[node] = self._shapes(node, names)
        return found

    def _shapes(self, node: tree.Node, names: Mapping[str, Shapes]) -> Shapes:
        match node:
            case tree.Identifier():
                return names.get(node.name)
            case tree.Select():
                return self._select(node, names)
            case tree.Call():
                return self._call(node, names)
            case tree.Comprehension():
                return self._comprehension(node, names)
            case tree.Binding():
                value = self.shapes(node.value, names)
                return self.shapes(node.body, {**names, node.variable: value})
        for child in tree.children(node):
            self.shapes(child, names)
        return None

    def _select(self, node: tree.Select, names: Mapping[str, Shapes]) -> Shapes:
        operand = node.operand
        if isinstance(operand, tree.Identifier) and operand.name == "variables":
            return self.variables.get(node.field)
        shapes = self.shapes(operand, names)
        if shapes is None:
            return None
        found = tuple(inner for shape in shapes if (inner := _field(shape, node.field)) is not None)
        if not found:
            self.findings.append(Finding(self._unknown(node, shapes), "GK201"))
            return None
        return None if any(shape.form is Form.ANY for shape in found) else found

    def _unknown(self, node: tree.Select, shapes: tuple[Schema, ...]) -> Problem:
        known = {name for shape in shapes for name in shape.fields}
        near = difflib.get_close_matches(node.field, known, 1)
        remedy = f"Did you mean {near[0]}?" if near else "Correct it, or the rules of the policy"
        what = f'no kind that the policy matches has a field "{node.field}" here'
        text = self.statement.expression.text
        start = max(text.find(node.field, node.operand.span.end), node.span.start)
        place = replace(node, span=tree.Span(start, start + len(node.field)))
        return self.statement.problem(place, what, remedy)

    def _call(self, node: tree.Call, names: Mapping[str, Shapes]) -> Shapes:
        target = None if node.target is None else self.shapes(node.target, names)
        arguments = [self.shapes(argument, names) for argument in node.arguments]
        if node.function == "_?_:_":
            return _either(arguments[1], arguments[2])
        if node.function in ("_[_]", "_[?_]"):
            return _items(arguments[0])
        if node.function == "_+_":
            return _either(*arguments)
        if node.function in ("or", "orValue"):
            return target if _empty(node.arguments[0]) else _either(target, arguments[0])
        if node.function in SAME:
            return target if node.target is not None else arguments[0]
        return None

    def _comprehension(self, node: tree.Comprehension, names: Mapping[str, Shapes]) -> Shapes:
        walked = self.shapes(node.range, names)
        inner = {**names, **dict.fromkeys(node.variables)}
        inner[node.variables[-1]] = _elements(walked, len(node.variables))
        if node.condition is not None:
            self.shapes(node.condition, inner)
        made = None if node.result is None else self.shapes(node.result, inner)
        if node.kind is tree.ComprehensionKind.FILTER:
            return walked
        if node.kind is tree.ComprehensionKind.MAP and made is not None:
            return tuple(Schema(Form.LIST, items=shape) for shape in made)
        return None


def _field(shape: Schema, name: str) -> Schema | None:
    """A field's schema; a scalar or a list has none."""
    if shape.form is Form.ANY:
        return ANY
    return shape.field(name) if shape.form is Form.MAP else None


def _items(shapes: Shapes) -> Shapes:
    """What stands in a list, or in a map whose fields are not declared."""
    if shapes is None:
        return None
    found = [shape.items if shape.form is Form.LIST else shape.values for shape in shapes]
    known = tuple(each for each in found if each is not None and each.form is not Form.ANY)
    return known if known and len(known) == len(found) else None


def _elements(shapes: Shapes, variables: int) -> Shapes:
    """What a macro's last variable goes through: of a map with one variable, the keys."""
    if shapes is None or (variables == 1 and any(shape.form is not Form.LIST for shape in shapes)):
        return None
    return _items(shapes)


def _either(one: Shapes, other: Shapes) -> Shapes:
    return None if one is None or other is None else tuple(dict.fromkeys((*one, *other)))


def _empty(node: tree.Node) -> bool:
    """Whether a node is an empty list, an empty map or null, which say nothing of the other value."""
    if isinstance(node, tree.Literal):
        return node.value is None
    return isinstance(node, tree.ListLiteral | tree.MapLiteral) and not tree.children(node)
