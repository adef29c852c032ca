"""What all rules of code generation share: the checked tree, names and blocks, costs, errors that are kept.

`generator` decides for each node what becomes of it; `inlining` and `loops` write the code of some nodes
and come back through `Writer.visit` for the nodes below.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.names import Reference
from gatekeeper_py.cel.checking.types import BOOL, DYN, Kind, Type
from gatekeeper_py.cel.compiling import python
from gatekeeper_py.cel.compiling.code import (
    Block,
    assign,
    call,
    charge_for,
    compare,
    constant,
    load,
    method,
    name_of,
)
from gatekeeper_py.cel.compiling.constants import VARIABLE, Constants
from gatekeeper_py.cel.syntax.tree import Call, Comprehension, Identifier, Literal, Node, Select

__all__ = ["Writer"]

_INDEXING = frozenset({"_[_]", "_[?_]"})
_UNCERTAIN = frozenset({"_?_:_", "_[_]", "value", "orValue", "dyn", "min", "max"})
"""Functions that give on what their arguments hold, whatever the checker took it for."""


class Writer(ABC):
    """Collects the statements of one expression's function."""

    exact = True
    """Whether its cost is what Kubernetes' model says, or may be more where that is quicker to tell."""

    def __init__(self, checked: Checked, *, quick: bool) -> None:
        self.quick = quick
        self.constants = Constants(checked)
        self.block = Block()
        self.namespace: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        """Under which names objects are in the namespace, by their identity."""
        self._checked = checked
        self._count = 0
        self._depth = 0
        self._locals: dict[str, str] = {}
        self._ready: dict[Node, ast.expr] = {}
        self._lists: set[str] = set()
        """The variables that hold a list, whatever the data are."""

    @abstractmethod
    def visit(self, node: Node) -> ast.expr:
        """The code of a node: an expression to be evaluated once, after the statements it emitted."""

    # What is known of a node

    def type_of(self, node: Node) -> Type:
        """The static type of a node; dyn when the expression is not checked.

        `x.orValue(1)` is an int to the checker, but x where that is no optional.
        """
        types = self._checked.types
        if isinstance(node, Call) and node.function == "orValue" and node.target is not None:
            return types.get(node, DYN) if types.get(node.target, DYN).kind is Kind.OPTIONAL else DYN
        return types.get(node, DYN)

    def reference(self, node: Node) -> Reference | None:
        """What the checker resolved a node to."""
        return self._checked.references.get(node)

    def is_ready(self, node: Node) -> bool:
        """Whether the value of a node is in a variable already."""
        return node in self._ready

    def is_attribute(self, node: Node) -> bool:
        """Whether cel-go takes a node for an attribute: a variable with the fields and indices after it."""
        if self.constants.value(node) is not VARIABLE:
            return False
        if isinstance(node, (Identifier, Select)):
            return True
        return isinstance(node, Call) and (node.function in _INDEXING or node.function == "_?_:_")

    def qualifier_cost(self, operand: Node) -> int:
        """What selecting from a node costs, besides the node."""
        return 1 if self.is_attribute(operand) else 2

    # Statements

    def emit(self, *statements: ast.stmt) -> None:
        """Append statements to the block."""
        self.block.body.extend(statements)

    @contextmanager
    def nested(self) -> Iterator[Block]:
        """A block of its own, for a branch or the body of a loop."""
        outer, self.block = self.block, Block()
        try:
            yield self.block
        finally:
            self.block = outer

    def fresh(self, stem: str = "v") -> str:
        """A name nothing else has."""
        self._count += 1
        return f"{stem}{self._count}"

    def keep(self, value: ast.expr, stem: str = "v") -> str:
        """The name of a variable that holds `value`; evaluated here."""
        known = name_of(value)
        if known is not None:
            return known
        name = self.fresh(stem)
        self.emit(assign(name, value))
        return name

    def keep_list(self, value: ast.expr) -> str:
        """The same of what is surely a list."""
        name = self.keep(value)
        self._lists.add(name)
        return name

    def is_list(self, value: ast.expr) -> bool:
        """Whether it is known here that a value is a list."""
        if isinstance(value, ast.Name):
            return value.id in self._lists or type(self.namespace.get(value.id)) is list
        return isinstance(value, ast.List)

    def share(self, value: Any, stem: str = "k") -> ast.expr:
        """A name by which the code reaches an object."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"{stem}_{len(self.namespace)}"
            self.namespace[name] = value
        return load(name)

    @contextmanager
    def writing(self, checked: Checked) -> Iterator[None]:
        """Generate nodes of another expression."""
        outer = self._checked, self.constants, self._locals, self._ready
        self._checked, self.constants, self._locals, self._ready = checked, Constants(checked), {}, {}
        try:
            yield
        finally:
            self._checked, self.constants, self._locals, self._ready = outer

    @contextmanager
    def bound(self, names: Mapping[str, str]) -> Iterator[None]:
        """Generate where these local variables stand for these names of the code."""
        outer = self._locals
        self._locals = {**outer, **names}
        try:
            yield
        finally:
            self._locals = outer

    @contextmanager
    def deeper(self, levels: int) -> Iterator[None]:
        """Generate within so many more loops and try statements."""
        self._depth += levels
        try:
            yield
        finally:
            self._depth -= levels

    # Costs

    def charge(self, units: int) -> None:
        """Let the block cost `units` more."""
        self.block.cost += units

    def charge_here(self, units: int) -> None:
        """Charge for what runs only if nothing before has failed."""
        if self.quick:
            self.charge(units)
        else:
            self.emit(charge_for(constant(units)))

    def check_cost(self) -> None:
        """Stop here when the expression has spent too much."""
        self.emit(python.If(compare(load("cost"), ast.Gt(), load("checkpoint")), [self.checkpoint()], []))

    def checkpoint(self) -> ast.stmt:
        """Let the budget check what was spent and the time; it says at which cost to check again."""
        return assign("checkpoint", method(load("budget"), "checkpoint", load("cost")))

    # Nodes below

    def visit_all(self, nodes: Iterable[Node]) -> list[ast.expr]:
        """The code of nodes that are evaluated from left to right."""
        result: list[ast.expr] = []
        for node in nodes:
            with self.nested() as block:
                value = self.visit(node)
            self.charge(block.cost)
            if block.body:
                result = [
                    each if isinstance(each, (ast.Constant, ast.Name)) else load(self.keep(each))
                    for each in result
                ]
                self.emit(*block.body)
            result.append(value)
        return result

    def visit_bool(self, node: Node) -> ast.expr:
        """The code of a node that must be a bool; raises when it is not."""
        value = self.visit(node)
        if self.type_of(node) == BOOL and _certain(node):
            return value
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            return value
        if not self.quick:
            return call("truth", value)
        name = self.keep(value)
        is_false = compare(load(name), ast.IsNot(), constant(False))
        certain = python.BoolOp(ast.And(), [is_false, call("abandon")])
        return python.BoolOp(ast.Or(), [compare(load(name), ast.Is(), constant(True)), certain])

    def branch(self, node: Node, result: str) -> Block:
        """A block that computes a node into a variable."""
        with self.nested() as block:
            block.body.append(assign(result, self.visit(node)))
        return block

    # Errors that may be absorbed

    def absorbs(self, _: Node) -> bool:
        """Whether quick code keeps the error of a term until it is known that no other term decides."""
        return True

    def absorb(self, block: Block, failure: str, *, otherwise: Sequence[ast.stmt] = ()) -> ast.stmt:
        """Run a block; keep its error, the first one unless there is something to do `otherwise`."""
        kept = assign(failure, constant(True) if self.quick else call("failed", load("error")))
        first = python.If(compare(load(failure), ast.Is(), constant(None)), [kept], [])
        handlers = [
            python.ExceptHandler(load("FATAL"), None, [python.Raise()]),
            python.ExceptHandler(
                load("Exception"),
                None if self.quick else "error",
                [kept, *otherwise] if otherwise else [first],
            ),
        ]
        return python.Try(block.statements(), handlers, [], [])

    def raise_kept(self, failure: str) -> ast.stmt:
        """Raise the error that was kept, if any."""
        kept = compare(load(failure), ast.IsNot(), constant(None))
        if self.quick:
            return python.If(kept, [python.Raise(load("Abandon"))], [])
        # A frame that keeps an error whose traceback keeps the frame would wait for the garbage collector.
        thrown = python.Try([python.Raise(load(failure))], [], [], [assign(failure, constant(None))])
        return python.If(kept, [thrown], [])


def _certain(node: Node) -> bool:
    """Whether the code of a node whose static type is bool gives nothing but bools, whatever the data."""
    if isinstance(node, Comprehension):
        return True
    if isinstance(node, Select):
        return node.test
    if isinstance(node, Call):
        return node.function not in _UNCERTAIN
    return isinstance(node, Literal)
