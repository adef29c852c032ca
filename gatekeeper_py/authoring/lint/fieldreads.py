"""Which fields of `object` expressions read, and which of them they ask for before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gatekeeper_py.authoring.fuller import ITEM
from gatekeeper_py.authoring.lint.subject import statements
from gatekeeper_py.cel import tree
from gatekeeper_py.policy.model import Policy

__all__ = ["FieldReads", "Steps", "reads_of"]

Steps: TypeAlias = tuple[str, ...]
"""`("spec", "containers", ITEM, "image")`."""
Places: TypeAlias = frozenset[Steps]
"""Where in the object a value may stand; none when it comes from elsewhere."""

NOWHERE: Final[Places] = frozenset()
SAME: Final = frozenset({"filter", "sort", "reverse", "distinct", "value", "optional.of"})
"""Methods whose result stands where their receiver, or their argument, does."""


@dataclass(slots=True)
class FieldReads:
    """What the expressions of a policy read of the object."""

    plain: dict[Steps, None] = field(default_factory=dict)
    """Reads that are an error where there is nothing, in the order of the text."""
    asked: dict[Steps, None] = field(default_factory=dict)
    """What `has()`, `.?` and `in` ask for."""

    @property
    def unasked(self) -> tuple[Steps, ...]:
        """Plain reads of what nothing asks for."""
        return tuple(steps for steps in self.plain if steps not in self.asked)


def reads_of(policy: Policy) -> FieldReads:
    """What a policy reads; variables are followed."""
    found = FieldReads()
    variables: dict[str, Places] = {}
    for statement in statements(policy):
        places = _Reader(found, variables).places(statement.expression.program.tree, OBJECT)
        if statement.path[1] == "variables":
            variables[policy.variables[int(statement.path[2])].name] = places
    return found


OBJECT: Final[Mapping[str, Places]] = {"object": frozenset({()})}


@dataclass(frozen=True, slots=True)
class _Reader:
    found: FieldReads
    variables: Mapping[str, Places]

    def places(self, node: tree.Node, names: Mapping[str, Places]) -> Places:
        """Where the value of a node may stand; what it reads on the way is noted."""
        match node:
            case tree.Identifier():
                return names.get(node.name, NOWHERE)
            case tree.Select(operand=tree.Identifier(name="variables")):
                return self.variables.get(node.field, NOWHERE)
            case tree.Select():
                holders = self.places(node.operand, names)
                return self._read(holders, node.field, asked=node.test or node.optional)
            case tree.Call():
                return self._call(node, names)
            case tree.Comprehension():
                return self._comprehension(node, names)
            case tree.Binding():
                value = self.places(node.value, names)
                return self.places(node.body, {**names, node.variable: value})
        for child in tree.children(node):
            self.places(child, names)
        return NOWHERE

    def _read(self, holders: Places, name: str, *, asked: bool) -> Places:
        found = frozenset((*steps, name) for steps in holders)
        (self.found.asked if asked else self.found.plain).update(dict.fromkeys(sorted(found)))
        return found

    def _call(self, node: tree.Call, names: Mapping[str, Places]) -> Places:
        target = NOWHERE if node.target is None else self.places(node.target, names)
        arguments = [self.places(argument, names) for argument in node.arguments]
        match node.function:
            case "_[_]" | "_[?_]":
                return self._index(node, arguments[0])
            case "@in":
                key = node.arguments[0]
                if isinstance(key, tree.Literal) and isinstance(key.value, str):
                    self._read(arguments[1], key.value, asked=True)
                return NOWHERE
            case "_?_:_":
                return arguments[1] | arguments[2]
            case "_+_" | "or" | "orValue":
                return target.union(*arguments)
        if node.function in SAME:
            return target if node.target is not None else arguments[0]
        return NOWHERE

    def _index(self, node: tree.Call, holders: Places) -> Places:
        key = node.arguments[1]
        if isinstance(key, tree.Literal) and isinstance(key.value, str):
            return self._read(holders, key.value, asked=node.function == "_[?_]")
        return frozenset((*steps, ITEM) for steps in holders)

    def _comprehension(self, node: tree.Comprehension, names: Mapping[str, Places]) -> Places:
        walked = self.places(node.range, names)
        inner = {**names, **dict.fromkeys(node.variables, NOWHERE)}
        inner[node.variables[-1]] = frozenset((*steps, ITEM) for steps in walked)
        for part in (node.condition, node.result):
            if part is not None:
                self.places(part, inner)
        return walked if node.kind is tree.ComprehensionKind.FILTER else NOWHERE
