"""What names mean without checking types: how an expression runs that was parsed but not checked.

Every type is dyn, every overload of a function is a candidate, what is undeclared fails only when reached.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.names import Declarations, Reference, ReferenceKind, Scope, qualified_name
from gatekeeper_py.cel.checking.types import DYN, Type
from gatekeeper_py.cel.syntax.tree import (
    Binding,
    Call,
    Comprehension,
    Identifier,
    Message,
    Node,
    Select,
    children,
)

__all__ = ["resolve"]


def resolve(node: Node, declarations: Declarations, container: str = "") -> Checked:
    """The tree with its names resolved and every type dyn."""
    resolver = _Resolver(declarations, container)
    resolver.visit(node)
    return Checked(node, DYN, resolver.types, resolver.references)


class _Resolver:
    def __init__(self, declarations: Declarations, container: str) -> None:
        self.types: dict[Node, Type] = {}
        self.references: dict[Node, Reference] = {}
        self._scope = Scope(declarations, container)

    def visit(self, node: Node) -> None:
        """Resolve the names of `node` and below."""
        self.types[node] = DYN
        match node:
            case Identifier() | Select() if self._named(node):
                return
            case Message():
                found = self._scope.identifier(node.type_name)
                self.references[node] = found[1] if found else Reference(ReferenceKind.TYPE, node.type_name)
            case Call() if self._call(node):
                self._visit_all(node.arguments)
                return
            case Comprehension():
                self.visit(node.range)
                parts = [part for part in (node.condition, node.result) if part is not None]
                self._visit_within(node.variables, parts)
                return
            case Binding():
                self.visit(node.value)
                self._visit_within((node.variable,), (node.body,))
                return
        self._visit_all(children(node))

    def _visit_all(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self.visit(node)

    def _visit_within(self, variables: Iterable[str], nodes: Iterable[Node]) -> None:
        self._scope.enter(dict.fromkeys(variables, DYN))
        self._visit_all(nodes)
        self._scope.leave()

    def _named(self, node: Identifier | Select) -> bool:
        """Whether the node as a whole is the name of something declared, or an identifier of nothing."""
        name = qualified_name(node)
        if name is None or self._scope.shadows(node):
            return False
        found = self._scope.identifier(name)
        if found:
            self.references[node] = found[1]
        elif isinstance(node, Identifier) and self._scope.local(node) is None:
            self.references[node] = Reference(ReferenceKind.VARIABLE, node.name)
        return node in self.references

    def _call(self, node: Call) -> bool:
        """Resolve the function; whether its target is a part of the name."""
        prefix = None if node.target is None else qualified_name(node.target)
        function = self._scope.function(f"{prefix}.{node.function}") if prefix else None
        namespaced = function is not None
        function = function or self._scope.function(node.function)
        member = node.target is not None and not namespaced
        count = len(node.arguments) + member
        overloads = tuple(
            overload
            for overload in (function.overloads if function else ())
            if overload.member is member and len(overload.parameters) == count
        )
        name = function.name if function else node.function
        self.references[node] = Reference(ReferenceKind.FUNCTION, name, overloads, namespaced)
        return namespaced
