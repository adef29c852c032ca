"""Which variables an expression reads whatever the data say, and which only perhaps.

What stands behind `&&`, `||`, `?` and `orValue`, or is computed for each element of a list, may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.cel import tree
from gatekeeper_py.policy.model import Expression

__all__ = ["surely_read"]

CHOOSING = frozenset({"_&&_", "_||_", "_?_:_"})
"""Operators of which only the first operand is evaluated in any case."""
FALLING_BACK = frozenset({"or", "orValue"})
"""Methods of an optional whose argument is evaluated only when it is empty (cel-go cel/library.go)."""
VARIABLES = "variables"


def surely_read(expression: Expression) -> frozenset[str]:
    """The names of the variables that are read before the expression can have a value."""
    return frozenset(_read(expression.program.tree)) if expression.reads else frozenset()


def _read(root: tree.Node) -> Iterator[str]:
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, tree.Select) and isinstance(node.operand, tree.Identifier):
            if node.operand.name == VARIABLES:
                yield node.field
        else:
            pending.extend(_evaluated_in_any_case(node))


def _evaluated_in_any_case(node: tree.Node) -> tuple[tree.Node, ...]:
    if isinstance(node, tree.Comprehension):
        return (node.range,)
    if isinstance(node, tree.Call):
        if node.function in CHOOSING:
            return node.arguments[:1]
        if node.target is not None and node.function in FALLING_BACK:
            return (node.target,)
    return tree.children(node)
