"""Fields that mutations write and no matched kind has, in ApplyConfigurations and JSONPatches (GK203)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import Shapes, did_you_mean, fields_of, items_of
from gatekeeper_py.authoring.lint.subject import Statement, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.objects.schema import Form, Schema
from gatekeeper_py.policy.model import MutatingPolicy

__all__ = ["written"]

OBJECT: Final = "Object"
PATCH: Final = "JSONPatch"
PATHS: Final = frozenset({"path", "from"})
"""Fields of a JSONPatch that are JSON pointers (RFC 6901)."""


def written(policy: MutatingPolicy, shapes: tuple[Schema, ...]) -> Iterator[Finding]:
    """Every field that a policy's mutations would write and that cannot be there."""
    for statement in statements(policy):
        for node in _messages(statement.expression.program.tree):
            if node.type_name == PATCH:
                yield from _incomplete(statement, node)
                yield from _patched(statement, node, shapes)
            elif node.type_name.split(".")[0] == OBJECT:
                yield from _applied(statement, node, shapes)


def _messages(node: tree.Node) -> Iterator[tree.Message]:
    return (each for each in tree.nodes(node) if isinstance(each, tree.Message))


def _applied(statement: Statement, node: tree.Message, shapes: tuple[Schema, ...]) -> Iterator[Finding]:
    """`Object.spec.template{...}`: the fields of what its name says."""
    here: Shapes = shapes
    for name in node.type_name.split(".")[1:]:
        here = _below(here, name)
    for field in node.fields:
        if here is not None and not fields_of(here, field.name):
            text = statement.expression.text
            start = text.rfind(field.name, node.span.start, field.value.span.start)
            yield _unknown(statement, node, start, field.name, here)


def _below(shapes: Shapes, name: str) -> Shapes:
    """What a field is like; of a list what its items are, for `Object` names no item."""
    found = fields_of(shapes or (), name)
    if not found or any(shape.form is Form.ANY for shape in found):
        return None
    lists = [shape for shape in found if shape.form is Form.LIST]
    return items_of(tuple(lists)) if lists else found


def _patched(statement: Statement, node: tree.Message, shapes: tuple[Schema, ...]) -> Iterator[Finding]:
    for field in node.fields:
        literal = _first(field.value)
        if field.name in PATHS and isinstance(literal, tree.Literal) and isinstance(literal.value, str):
            yield from _pointer(statement, literal, literal.value, shapes, whole=literal is field.value)


NEEDED: Final[Mapping[str, str]] = {
    "add": "value",
    "replace": "value",
    "test": "value",
    "move": "from",
    "copy": "from",
    "remove": "path",
}
"""What each operation cannot be without (RFC 6902)."""


def _incomplete(statement: Statement, node: tree.Message) -> Iterator[Finding]:
    """A patch that is none: without what its operation needs, of no operation, with no pointer."""
    given = {field.name: field.value for field in node.fields}
    operation = given.get("op")
    name = operation.value if isinstance(operation, tree.Literal) else None
    if operation is not None and isinstance(name, str) and name not in NEEDED:
        near = difflib.get_close_matches(name.lower(), NEEDED, 1)
        remedy = f"Did you mean {near[0]}?" if near else f"Write one of {', '.join(NEEDED)}"
        yield Finding(statement.problem(operation, f'there is no operation "{name}"', remedy), "GK208")
    elif isinstance(name, str) and NEEDED[name] not in given:
        what = f"{name} has no {NEEDED[name]}"
        yield Finding(statement.problem(node, what, f"Write {NEEDED[name]}"), "GK208")
    for field in PATHS & given.keys():
        pointer = _first(given[field])
        if isinstance(pointer, tree.Literal) and isinstance(pointer.value, str) and pointer.value[:1] != "/":
            what = f'"{pointer.value}" is no path in an object'
            yield Finding(statement.problem(pointer, what, "Begin it with /, and each step below"), "GK208")


def _first(node: tree.Node) -> tree.Node:
    """The text that a sum of texts begins with."""
    while isinstance(node, tree.Call) and node.function == "_+_":
        node = node.arguments[0]
    return node


def _pointer(
    statement: Statement, node: tree.Literal, pointer: str, shapes: tuple[Schema, ...], *, whole: bool
) -> Iterator[Finding]:
    """The steps of a pointer; of one that goes on, those that are finished."""
    steps = pointer.split("/")[1:]
    here: Shapes = shapes
    for index, step in enumerate(steps if whole else steps[:-1]):
        if here is None:
            return
        name = step.replace("~1", "/").replace("~0", "~")
        if all(shape.form is Form.LIST for shape in here):
            here = items_of(here)
            continue
        found = fields_of(here, name)
        if not found:
            offset = 1 + sum(len(each) + 1 for each in steps[:index]) + 1
            yield _unknown(statement, node, node.span.start + offset, name, here)
            return
        here = None if any(shape.form is Form.ANY for shape in found) else found


def _unknown(
    statement: Statement, node: tree.Node, start: int, name: str, shapes: tuple[Schema, ...]
) -> Finding:
    place = replace(node, span=tree.Span(start, start + len(name)))
    what = f'no kind that the policy matches has a field "{name}" to write here'
    within = all(shape.form is Form.SCALAR for shape in shapes)
    remedy = WITHIN_KEY if within else did_you_mean(name, shapes, "Correct it, or the rules of the policy")
    return Finding(statement.problem(place, what, remedy), "GK203")


WITHIN_KEY: Final = "A text has no fields: where a key holds a /, write ~1 for it"
