"""Which parts of an expression are the same whatever the data: cel-go computes them while it compiles.

They then cost nothing (cel-go interpreter/decorators.go, decOptimize).
"""

from __future__ import annotations

from typing import Any, Final

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.names import ReferenceKind
from gatekeeper_py.cel.compiling.dispatch import Dispatcher
from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.cel.evaluation.values import TypeValue
from gatekeeper_py.cel.library.conversions import CONVERSIONS
from gatekeeper_py.cel.syntax.tree import Call, Identifier, ListLiteral, Literal, MapLiteral, Node, Select

__all__ = ["VARIABLE", "Constants"]

VARIABLE: Final = object()
"""What `Constants.value` gives for a node that is no constant."""


class Constants:
    """The constants of one checked expression."""

    def __init__(self, checked: Checked) -> None:
        self._references = checked.references
        self._known: dict[Node, Any] = {}

    def value(self, node: Node) -> Any:
        """The constant `node` is, or `VARIABLE`. Raises `EvaluationError` when a conversion must fail."""
        if node not in self._known:
            self._known[node] = self._compute(node)
        return self._known[node]

    def _compute(self, node: Node) -> Any:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, ListLiteral) and not node.optional:
            return self._list(node)
        if isinstance(node, MapLiteral):
            return self._map(node)
        if isinstance(node, Call):
            return self._conversion(node)
        if isinstance(node, (Identifier, Select)):
            return self._name(node)
        return VARIABLE

    def _name(self, node: Node) -> Any:
        reference = self._references.get(node)
        if reference is None or reference.kind is ReferenceKind.VARIABLE:
            return VARIABLE
        return reference.value if reference.kind is ReferenceKind.CONSTANT else TypeValue(reference.name)

    def _list(self, node: ListLiteral) -> Any:
        parts = [self.value(element) for element in node.elements]
        return VARIABLE if any(part is VARIABLE for part in parts) else parts

    def _map(self, node: MapLiteral) -> Any:
        pairs = []
        for entry in node.entries:
            key, value = self.value(entry.key), self.value(entry.value)
            if entry.optional or key is VARIABLE or value is VARIABLE:
                return VARIABLE
            pairs.append((key, value))
        return values.from_pairs(pairs)

    def _conversion(self, node: Call) -> Any:
        reference = self._references.get(node)
        if reference is None or node.target is not None or len(node.arguments) != 1:
            return VARIABLE
        argument = self.value(node.arguments[0])
        if argument is VARIABLE or reference.name not in CONVERSIONS:
            return VARIABLE
        overload, _ = Dispatcher(reference.name, reference.overloads, resolved=reference.resolved).prepare(
            Budget(0), argument
        )
        return overload.implementation(argument)
