"""Fields that no matched kind has (GK2xx), found by walking typed trees beside the kinds' schemas.

What is not certain passes: a field is told when every kind that the rules reach is known, and none has it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gatekeeper_py.authoring.lint.applied import written
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import Shapes, did_you_mean, fields_of, items_of, matched, params_of
from gatekeeper_py.authoring.lint.subject import Statement, Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.schema import Form, Schema
from gatekeeper_py.policy.model import MutatingPolicy, Policy

__all__ = ["Walk", "meant", "structure"]

OBJECTS: Final = ("object", "oldObject")
PARAMS: Final = "params"
SAME: Final = frozenset({"filter", "or", "orValue", "value", "sort", "reverse", "distinct", "optional.of"})
"""Methods whose result is like their receiver, or like their argument."""


def structure(subject: Subject) -> Iterator[Finding]:
    """Every field of `object`, `oldObject` and `params` that cannot be there, read or written."""
    for policy in subject.every:
        shapes = matched(policy, subject)
        yield from _policy(policy, {**dict.fromkeys(OBJECTS, shapes), PARAMS: params_of(policy, subject)})
        if isinstance(policy, MutatingPolicy) and shapes is not None:
            yield from written(policy, shapes)


def _policy(policy: Policy, names: Mapping[str, Shapes]) -> Iterator[Finding]:
    variables: dict[str, Shapes] = {}
    for statement in statements(policy):
        walk = Walk(statement, variables)
        shape = walk.shapes(statement.expression.program.tree, names)
        if statement.path[1] == "variables":
            variables[policy.variables[int(statement.path[2])].name] = shape
        yield from walk.findings


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
        found = fields_of(shapes, node.field)
        if not found:
            self.findings.append(Finding(self._unknown(node, shapes), "GK201"))
            return None
        return None if any(shape.form is Form.ANY for shape in found) else found

    def _unknown(self, node: tree.Select, shapes: tuple[Schema, ...]) -> Problem:
        remedy = did_you_mean(node.field, shapes, "Correct it, or the rules of the policy")
        whose = "the params have no" if _root(node) == PARAMS else "no kind that the policy matches has a"
        text = self.statement.expression.text
        start = max(text.find(node.field, node.operand.span.end), node.span.start)
        place = replace(node, span=tree.Span(start, start + len(node.field)))
        return self.statement.problem(place, f'{whose} field "{node.field}" here', remedy)

    def _call(self, node: tree.Call, names: Mapping[str, Shapes]) -> Shapes:
        target = None if node.target is None else self.shapes(node.target, names)
        arguments = [self.shapes(argument, names) for argument in node.arguments]
        self._compare(node, target, arguments)
        if node.function == "_?_:_":
            return _either(arguments[1], arguments[2])
        if node.function in ("_[_]", "_[?_]"):
            return items_of(arguments[0])
        if node.function == "_+_":
            self._added(node, arguments)
            return _either(*arguments)
        if node.function in ("or", "orValue"):
            return target if _tells_nothing(node.arguments[0]) else _either(target, arguments[0])
        if node.function in SAME:
            return target if node.target is not None else arguments[0]
        return None

    def _compare(self, node: tree.Call, target: Shapes, arguments: list[Shapes]) -> None:
        """Tell of values that are compared with, or stood in for by, what they cannot be."""
        match node.function:
            case "_==_" | "_!=_":
                self._compared(arguments[0], node.arguments[1])
                self._compared(arguments[1], node.arguments[0])
            case "orValue":
                self._compared(target, node.arguments[0])
            case "@in":
                self._among(arguments, *node.arguments)
            case "startsWith" | "endsWith" | "contains":
                self._part(node.function, target, node.arguments[0])

    def _compared(self, shapes: Shapes, other: tree.Node) -> None:
        if not isinstance(other, tree.Literal) or not shapes:
            return
        types = _scalars(shapes)
        if types and not isinstance(other.value, LIKE[types]):
            what = f"the field is of type {types}, and this is another"
            self.findings.append(Finding(self.statement.problem(other, what, TYPE_REMEDY), "GK205"))
        elif not types and other.value is not None and all(shape.form in HOLDING for shape in shapes):
            what = f"the field is a {shapes[0].form}, and this is another"
            self.findings.append(Finding(self.statement.problem(other, what, TYPE_REMEDY), "GK205"))
        elif other.value != "":  # what Go writes of a text that is absent
            self._chosen(_choices(shapes), other)

    def _added(self, node: tree.Call, arguments: list[Shapes]) -> None:
        """A number or a boolean behind a text, which CEL joins to none."""
        for shapes, other in ((arguments[1], node.arguments[0]), (arguments[0], node.arguments[1])):
            if _scalars(shapes) in ("integer", "number", "boolean") and _is_text(other):
                what = f"the field is of type {_scalars(shapes)}, and cannot be added to a text"
                self.findings.append(
                    Finding(self.statement.problem(node, what, "Write string(...)"), "GK205")
                )

    def _among(self, arguments: list[Shapes], value: tree.Node, holder: tree.Node) -> None:
        """`type in ['A', 'B']`, and `'A' in types`."""
        for each in holder.elements if isinstance(holder, tree.ListLiteral) else ():
            self._compared(arguments[0], each)
        lists = arguments[1]
        if lists and all(shape.form is Form.LIST for shape in lists):
            self._compared(items_of(lists), value)

    def _chosen(self, choices: tuple[str, ...], other: tree.Literal) -> None:
        """A text that is none of those there are."""
        if choices and isinstance(other.value, str) and other.value not in choices:
            what = f'the field is never "{other.value}"'
            self.findings.append(
                Finding(self.statement.problem(other, what, meant(other.value, choices)), "GK207")
            )

    def _part(self, function: str, shapes: Shapes, part: tree.Node) -> None:
        """A part of a text that none of those there are has."""
        choices = _choices(shapes)
        if choices and isinstance(part, tree.Literal) and isinstance(part.value, str):
            has = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[
                function
            ]
            if not any(has(choice, part.value) for choice in choices):
                what = f'none of the values of the field has "{part.value}" there'
                problem = self.statement.problem(part, what, f"They are {', '.join(choices)}")
                self.findings.append(Finding(problem, "GK207"))

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


LIKE: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str, type(None)),
    "integer": (int, float, type(None)),
    "number": (int, float, type(None)),
    "boolean": (bool, type(None)),
}
"""The constants that a value of a type may be like; whether it is null is another question."""
TYPE_REMEDY: Final = "Write a value of that type"


def _scalars(shapes: Shapes) -> str:
    """The type of what is a scalar in all kinds, of the same type; empty otherwise."""
    types = {shape.scalar if shape.form is Form.SCALAR else "" for shape in shapes or ()}
    return types.pop() if len(types) == 1 and types <= LIKE.keys() else ""


def _is_text(node: tree.Node) -> bool:
    while isinstance(node, tree.Call) and node.function == "_+_":
        node = node.arguments[-1]
    return isinstance(node, tree.Literal) and isinstance(node.value, str)


HOLDING: Final = frozenset({Form.LIST, Form.MAP})


def _choices(shapes: Shapes) -> tuple[str, ...]:
    """All texts that a scalar may be in some kind; none where in one it may be any."""
    if not shapes or not all(shape.choices for shape in shapes):
        return ()
    return tuple(sorted({choice for shape in shapes for choice in shape.choices if choice}))


def meant(text: str, choices: tuple[str, ...]) -> str:
    """Which of the values a text is a slip of, or all of them."""
    same = [choice for choice in choices if choice.lower() == text.lower()]
    near = same or difflib.get_close_matches(text, choices, 1)
    return f"Did you mean {near[0]}?" if near else f"It is one of {', '.join(choices)}"


def _elements(shapes: Shapes, variables: int) -> Shapes:
    """What a macro's last variable goes through: of a map with one variable, the keys."""
    if shapes is None or (variables == 1 and any(shape.form is not Form.LIST for shape in shapes)):
        return None
    return items_of(shapes)


def _root(node: tree.Node) -> str:
    """The name that fields are read of."""
    while isinstance(node, tree.Select):
        node = node.operand
    return node.name if isinstance(node, tree.Identifier) else ""


def _either(one: Shapes, other: Shapes) -> Shapes:
    return None if one is None or other is None else tuple(dict.fromkeys((*one, *other)))


def _tells_nothing(node: tree.Node) -> bool:
    """Whether a node is a constant, an empty list or an empty map, which say nothing of the other value."""
    if isinstance(node, tree.Literal):
        return True
    return isinstance(node, tree.ListLiteral | tree.MapLiteral) and not tree.children(node)
