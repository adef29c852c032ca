"""What is left of an expression when some of its names have known values.

Only what decides is rewritten: the terms of `&&` and `||`, the condition of `?:`, and the whole. So nothing
becomes a constant where a constant would be priced otherwise. What was dropped but would have been evaluated
is paid for nevertheless, by a price that is never too low.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.names import Reference, ReferenceKind
from gatekeeper_py.cel.checking.types import BOOL, Type
from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.evaluation.values import NOTHING
from gatekeeper_py.cel.syntax.tree import (
    Binding,
    Call,
    Comprehension,
    ComprehensionKind,
    Entry,
    Field,
    Identifier,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
    children,
)

__all__ = ["Known", "Specialized", "specialize"]

Known: TypeAlias = Mapping[tuple[str, ...], object]
"""Values of names and of fields below them, as `("request", "operation")`; `NOTHING` of an absent field."""

NODE_PRICE: Final = 3
"""Units that an operator, a name or a selection costs at most, but for the strings it compares."""
LIST_PRICE: Final = 10

_UNKNOWN: Final = object()


@dataclass(frozen=True, slots=True)
class Specialized:
    """An expression that gives what another gives wherever the known values are what they are."""

    checked: Checked
    units: int
    """What the parts that were left out cost at most."""
    value: object
    """The value of the whole; `NOTHING` where that is not known."""


def specialize(checked: Checked, known: Known) -> Specialized:
    """The expression without what is known. Raises `RecursionError` on one nested too deep."""
    specializer = _Specializer(checked, known)
    node = specializer.whole(checked.node)
    value = node.value if isinstance(node, Literal) else NOTHING
    result = Checked(node, checked.result, specializer.types, specializer.references)
    return Specialized(result, specializer.units, value)


class _Specializer:
    """Rewrites one tree; nodes in which nothing changes stay the same."""

    def __init__(self, checked: Checked, known: Known) -> None:
        self.types: dict[Node, Type] = dict(checked.types)
        self.references: dict[Node, Reference] = dict(checked.references)
        self.units = 0
        self._known = known

    def whole(self, node: Node) -> Node:
        """What is left of a node that decides something: perhaps only its value."""
        value = self._value(node)
        if value is _UNKNOWN:
            return self._within(node)
        self.units += self._price(node)
        return self._literal(node, value)

    def _literal(self, node: Node, value: object) -> Node:
        if isinstance(node, Literal):
            return node
        literal = Literal(node.span, node.position, value)
        self.types[literal] = self.types[node]
        return literal

    def _within(self, node: Node) -> Node:
        """What is left of a node whose value is not known, or must not become a constant."""
        if isinstance(node, Call):
            if node.function == "_?_:_":
                return self._conditional(node)
            if node.function in _LOGIC:
                return self._logic(node)
        return self._rebuilt(node)

    def _conditional(self, node: Call) -> Node:
        condition, *branches = node.arguments
        decided = self._value(condition)
        if type(decided) is not bool:
            condition = self._within(condition)
            return self._with_arguments(node, [condition, *map(self._within, branches)])
        self.units += self._price(condition)
        return self._within(branches[0 if decided else 1])

    def _logic(self, node: Call) -> Node:
        """A chain of two terms; a first one that does not decide goes, if the other is sure to be a bool."""
        first, second = map(self.whole, node.arguments)
        neutral = node.function == "_&&_"
        if isinstance(first, Literal) and first.value is neutral and self._is_bool(second):
            return second
        if isinstance(second, Literal) and second.value is neutral and self._is_bool(first):
            return first
        return self._with_arguments(node, [first, second])

    def _is_bool(self, node: Node) -> bool:
        """Whether a node gives a bool or an error, whatever the data."""
        if isinstance(node, Call):
            return self.types.get(node) == BOOL and node.function in _BOOLEAN
        if isinstance(node, Select):
            return node.test
        return isinstance(node, Comprehension) and node.kind in _QUANTIFIERS

    def _with_arguments(self, node: Call, arguments: Sequence[Node]) -> Node:
        if all(new is old for new, old in zip(arguments, node.arguments, strict=True)):
            return node
        return self._same(node, replace(node, arguments=tuple(arguments)))

    def _same(self, node: Node, rebuilt: Node) -> Node:
        """The rebuilt node with what the checker knew of the old one."""
        if node in self.types:
            self.types[rebuilt] = self.types[node]
        if node in self.references:
            self.references[rebuilt] = self.references[node]
        return rebuilt

    def _rebuilt(self, node: Node) -> Node:
        """The same node over what is left of the nodes below."""
        if node in self.references and not isinstance(node, (Call, Message)):
            return node
        changed = _changed(node, self._within)
        return node if changed is node else self._same(node, changed)

    # What is known

    def _value(self, node: Node) -> Any:
        """The value that a node surely has, `_UNKNOWN` otherwise."""
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Call):
            rule = _RULES.get(node.function)
            return _UNKNOWN if rule is None else rule(self, node)
        if isinstance(node, Select) and node.test:
            found = self._found(node)
            return _UNKNOWN if found is _UNKNOWN else found is not NOTHING
        found = self._found(node)
        return _UNKNOWN if found is NOTHING else found

    def _found(self, node: Node) -> Any:
        path = self._path(node)
        return _UNKNOWN if path is None else self._known.get(path, _UNKNOWN)

    def _path(self, node: Node) -> tuple[str, ...] | None:
        """A declared name with the fields after it."""
        fields: list[str] = []
        while isinstance(node, Select) and node not in self.references and not node.optional:
            fields.append(node.field)
            node = node.operand
        reference = self.references.get(node)
        if not isinstance(node, Identifier) or reference is None:
            return None
        if reference.kind is not ReferenceKind.VARIABLE:
            return None
        return (reference.name, *reversed(fields))

    def _price(self, node: Node) -> int:
        """Units that a node whose value is known costs at most."""
        value = self._value(node)
        text = len(value) // 10 + 1 if isinstance(value, str) else 0
        own = LIST_PRICE if isinstance(node, ListLiteral) else NODE_PRICE
        return own + text + sum(map(self._price, children(node)))

    def _equality(self, node: Call) -> Any:
        left, right = map(self._value, node.arguments)
        if not _is_scalar(left) or not _is_scalar(right):
            return _UNKNOWN
        return values.equal(left, right) is (node.function == "_==_")

    def _membership(self, node: Call) -> Any:
        value, container = self._value(node.arguments[0]), node.arguments[1]
        if not _is_scalar(value) or not isinstance(container, ListLiteral) or container.optional:
            return _UNKNOWN
        held = [self._value(element) for element in container.elements]
        if not all(map(_is_scalar, held)):
            return _UNKNOWN
        return any(values.equal(value, each) for each in held)

    def _negation(self, node: Call) -> Any:
        value = self._value(node.arguments[0])
        return not value if type(value) is bool else _UNKNOWN

    def _junction(self, node: Call) -> Any:
        """A first term that decides does so whatever the other is; else both count."""
        decisive = node.function == "_||_"
        first = self._value(node.arguments[0])
        if first is decisive:
            return decisive
        second = self._value(node.arguments[1])
        if type(first) is bool and type(second) is bool:
            return second
        return _UNKNOWN

    def _choice(self, node: Call) -> Any:
        condition, then, otherwise = node.arguments
        decided = self._value(condition)
        if type(decided) is not bool:
            return _UNKNOWN
        return self._value(then if decided else otherwise)

    def _prefix(self, node: Call) -> Any:
        if node.target is None:
            return _UNKNOWN
        text, part = self._value(node.target), self._value(node.arguments[0])
        return text.startswith(part) if isinstance(text, str) and isinstance(part, str) else _UNKNOWN


_LOGIC = frozenset({"_&&_", "_||_"})
_BOOLEAN = frozenset({*_LOGIC, "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})
"""Operators that give nothing but bools."""
_QUANTIFIERS = (ComprehensionKind.ALL, ComprehensionKind.EXISTS, ComprehensionKind.EXISTS_ONE)

_RULES = {
    "_==_": _Specializer._equality,
    "_!=_": _Specializer._equality,
    "@in": _Specializer._membership,
    "!_": _Specializer._negation,
    "_&&_": _Specializer._junction,
    "_||_": _Specializer._junction,
    "_?_:_": _Specializer._choice,
    "startsWith": _Specializer._prefix,
}


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (bool, int, str)


def _changed(node: Node, change: Callable[[Node], Node]) -> Node:
    """A node over changed nodes; the same when none has changed."""
    before = children(node)
    after = tuple(map(change, before))
    if all(new is old for new, old in zip(after, before, strict=True)):
        return node
    left = iter(after)
    match node:
        case Select():
            return replace(node, operand=next(left))
        case Call():
            target = None if node.target is None else next(left)
            return replace(node, target=target, arguments=tuple(left))
        case ListLiteral():
            return replace(node, elements=after)
        case MapLiteral():
            return replace(node, entries=tuple(_entry(entry, left) for entry in node.entries))
        case Message():
            return replace(node, fields=tuple(_field(field, left) for field in node.fields))
        case Comprehension():
            return _comprehension(node, left)
        case Binding():
            return replace(node, value=next(left), body=next(left))
    return node


def _entry(entry: Entry, left: Iterator[Node]) -> Entry:
    return replace(entry, key=next(left), value=next(left))


def _field(field: Field, left: Iterator[Node]) -> Field:
    return replace(field, value=next(left))


def _comprehension(node: Comprehension, left: Iterator[Node]) -> Comprehension:
    walked = next(left)
    condition = None if node.condition is None else next(left)
    result = None if node.result is None else next(left)
    return replace(node, range=walked, condition=condition, result=result)
