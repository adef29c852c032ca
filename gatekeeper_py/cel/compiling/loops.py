"""Code for comprehensions: `all`, `exists`, `exists_one`, `map`, `filter`, `transform...`.

cel-go folds an accumulator over the elements; the units charged here are those of its fold
(parser/macro.go and ext/comprehensions.go say what each macro folds).
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from gatekeeper_py.cel.compiling import python
from gatekeeper_py.cel.compiling.code import (
    Block,
    assign,
    call,
    charge_for,
    choose,
    compare,
    constant,
    list_of,
    load,
    method,
    negate,
    store,
    tuple_of,
)
from gatekeeper_py.cel.compiling.constants import VARIABLE
from gatekeeper_py.cel.compiling.python import STORE
from gatekeeper_py.cel.compiling.writer import Writer
from gatekeeper_py.cel.syntax.tree import Comprehension, ComprehensionKind, Node

__all__ = ["Loop"]

_QUANTIFIERS = (ComprehensionKind.ALL, ComprehensionKind.EXISTS)


class Loop:
    """Writes one comprehension."""

    def __init__(self, writer: Writer, node: Comprehension) -> None:
        self._writer = writer
        self._node = node
        self._quantifies = node.kind in _QUANTIFIERS
        self._result = writer.fresh("r")
        self._failure = writer.fresh("e")
        self._iterator = writer.fresh("i")
        self._names = {variable: writer.fresh("x") for variable in node.variables}

    def write(self) -> ast.expr:
        """The code of the whole comprehension."""
        writer = self._writer
        source = self._source()
        if self._quantifies:
            writer.emit(assign(self._iterator, call("iter", source)))
            source = load(self._iterator)
        start, finish = self._frame()
        writer.emit(start)
        if self._absorbs:
            writer.emit(assign(self._failure, constant(None)))
        writer.emit(python.For(self._target(), source, self._body().statements(), []))
        writer.charge_here(2 if self._node.kind is ComprehensionKind.EXISTS_ONE else 1)
        return finish()

    @property
    def _absorbs(self) -> bool:
        """Whether the loop goes on after an error. All do in cel-go; where the error shows in the end in any
        case, or none is to be expected, quick code need not."""
        if not self._writer.quick:
            return True
        condition = self._node.condition
        return self._quantifies and condition is not None and self._writer.absorbs(condition)

    def _body(self) -> Block:
        writer = self._writer
        with writer.deeper(1 + self._absorbs), writer.nested() as body:
            with writer.nested() as step, writer.bound(self._names):
                self._step()
            writer.charge(step.cost)
            if self._quantifies:
                writer.charge(3 if self._node.kind is ComprehensionKind.ALL else 4)
            step.cost = 0
            writer.check_cost()
            if self._quantifies and self._absorbs:
                writer.emit(writer.absorb(step, self._failure))
            else:
                writer.emit(*step.statements(empty=True))
        return body

    def _source(self) -> ast.expr:
        value = self._writer.visit(self._node.range)
        if len(self._node.variables) == 2:
            return call("entries", value)
        if not self._writer.quick:
            return call("elements", value)
        if self._writer.is_list(value):
            return value
        name = self._writer.keep(value)
        is_list = compare(call("type", load(name)), ast.Is(), load("list"))
        return choose(is_list, load(name), call("elements", load(name)))

    def _target(self) -> ast.expr:
        targets: list[ast.expr] = [store(self._names[variable]) for variable in self._node.variables]
        return targets[0] if len(targets) == 1 else python.Tuple(targets, STORE)

    def _frame(self) -> tuple[ast.stmt, Callable[[], ast.expr]]:
        """How the result begins, and what it is in the end."""
        kind = self._node.kind
        if self._quantifies:
            return assign(self._result, constant(kind is ComprehensionKind.ALL)), self._decided
        if kind is ComprehensionKind.EXISTS_ONE:
            one = compare(load(self._result), ast.Eq(), constant(1))
            return assign(self._result, constant(0)), lambda: self._collected(one)
        conversion = _CONVERSIONS.get(kind)
        kept = load(self._writer.keep_list(load(self._result)))
        whole = call(conversion, kept) if conversion else kept
        return assign(self._result, list_of([])), lambda: self._collected(whole)

    def _decided(self) -> ast.expr:
        """The answer of a quantifier; the error that was kept, if none of the others decided."""
        is_all = self._node.kind is ComprehensionKind.ALL
        undecided = load(self._result) if is_all else negate(load(self._result))
        if self._absorbs:
            self._writer.emit(python.If(undecided, [self._writer.raise_kept(self._failure)], []))
        return load(self._result)

    def _collected(self, value: ast.expr) -> ast.expr:
        if self._absorbs:
            self._writer.emit(self._writer.raise_kept(self._failure))
        return value

    def _step(self) -> None:
        if self._quantifies:
            self._quantify()
        elif self._node.condition is None:
            self._emit_collecting()
        else:
            self._collect_if(self._node.condition)

    def _quantify(self) -> None:
        writer = self._writer
        decisive = self._node.kind is ComprehensionKind.EXISTS
        assert self._node.condition is not None
        value = writer.visit_bool(self._node.condition)
        more = method(load(self._iterator), "__length_hint__")
        leave: list[ast.stmt] = [
            python.If(more, [charge_for(constant(3 if decisive else 2))], []),
            assign(self._result, constant(decisive)),
            python.Break(),
        ]
        writer.emit(python.If(value if decisive else negate(value), leave, []))

    def _collect_if(self, condition: Node) -> None:
        writer = self._writer
        holds = writer.fresh("h")
        with writer.nested() as test:
            writer.emit(assign(holds, writer.visit_bool(condition)))
        if self._absorbs:
            # The error of a condition takes the place of an earlier one.
            writer.emit(writer.absorb(test, self._failure, otherwise=[python.Continue()]))
        else:
            writer.emit(*test.statements())
        with writer.nested() as block:
            self._emit_collecting()
        writer.emit(python.If(load(holds), block.statements(), []))

    def _emit_collecting(self) -> None:
        with self._writer.nested() as block:
            self._collect()
        if self._absorbs:
            self._writer.emit(self._writer.absorb(block, self._failure))
        else:
            self._writer.charge(block.cost)
            self._writer.emit(*block.body)

    def _collect(self) -> None:
        """One more element, entry or match."""
        writer = self._writer
        if self._node.kind is ComprehensionKind.EXISTS_ONE:
            writer.charge(2)
            writer.emit(python.AugAssign(store(self._result), ast.Add(), constant(1)))
            return
        writer.emit(python.Expr(method(load(self._result), "append", self._added())))

    def _added(self) -> ast.expr:
        writer, node = self._writer, self._node
        if node.kind is ComprehensionKind.FILTER:
            writer.charge(13)
            return load(self._names[node.variables[0]])
        assert node.result is not None
        value = writer.visit(node.result)
        if node.kind is ComprehensionKind.TRANSFORM_MAP:
            writer.charge(3)
            return tuple_of(load(self._names[node.variables[0]]), value)
        if node.kind is ComprehensionKind.TRANSFORM_MAP_ENTRY:
            writer.charge(2)
            return value
        writer.charge(2 if writer.constants.value(node.result) is not VARIABLE else 12)
        return value


_CONVERSIONS = {
    ComprehensionKind.TRANSFORM_MAP: "from_pairs",
    ComprehensionKind.TRANSFORM_MAP_ENTRY: "merge_entries",
}
