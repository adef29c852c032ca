"""Code for comprehensions: `all`, `exists`, `exists_one`, `map`, `filter`, `transform...`.

cel-go folds an accumulator over the elements; the units charged here are those of its fold
(parser/macro.go and ext/comprehensions.go say what each macro folds).
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from gatekeeper_py.cel.code import (
    Block,
    assign,
    call,
    charge_for,
    choose,
    compare,
    constant,
    list_of,
    load,
    negate,
    store,
    tuple_of,
)
from gatekeeper_py.cel.constants import VARIABLE
from gatekeeper_py.cel.tree import Comprehension, ComprehensionKind, Node

if TYPE_CHECKING:
    from gatekeeper_py.cel.generator import Generator

__all__ = ["Loop"]

_QUANTIFIERS = (ComprehensionKind.ALL, ComprehensionKind.EXISTS)


class Loop:
    """Writes one comprehension."""

    def __init__(self, generator: Generator, node: Comprehension) -> None:
        self._generator = generator
        self._node = node
        self._quantifies = node.kind in _QUANTIFIERS
        self._result = generator.fresh("r")
        self._failure = generator.fresh("e")
        self._iterator = generator.fresh("i")
        self._names = {variable: generator.fresh("x") for variable in node.variables}

    def write(self) -> ast.expr:
        """The code of the whole comprehension."""
        generator = self._generator
        source = self._source()
        if self._quantifies:
            generator.emit(assign(self._iterator, call("iter", source)))
            source = load(self._iterator)
        start, finish = self._frame()
        generator.emit(start)
        if self._absorbs:
            generator.emit(assign(self._failure, constant(None)))
        generator.emit(ast.For(self._target(), source, self._body().statements(), []))
        generator.charge_here(2 if self._node.kind is ComprehensionKind.EXISTS_ONE else 1)
        return finish()

    @property
    def _absorbs(self) -> bool:
        """Whether the loop goes on after an error. All do in cel-go; where the error shows in the end in any
        case, quick code need not."""
        return self._quantifies or not self._generator.quick

    def _body(self) -> Block:
        generator = self._generator
        with generator.deeper(1 + self._absorbs), generator.nested() as body:
            with generator.nested() as step, generator.bound(self._names):
                self._step()
            generator.charge(step.cost)
            if self._quantifies:
                generator.charge(3 if self._node.kind is ComprehensionKind.ALL else 4)
            step.cost = 0
            generator.check_cost()
            if self._quantifies:
                generator.emit(generator.absorb(step, self._failure))
            else:
                generator.emit(*step.statements(empty=True))
        return body

    def _source(self) -> ast.expr:
        value = self._generator.visit(self._node.range)
        if len(self._node.variables) == 2:
            return call("entries", value)
        if not self._generator.quick:
            return call("elements", value)
        name = self._generator.keep(value)
        is_list = compare(call("type", load(name)), ast.Is(), load("list"))
        return choose(is_list, load(name), call("elements", load(name)))

    def _target(self) -> ast.expr:
        targets: list[ast.expr] = [store(self._names[variable]) for variable in self._node.variables]
        return targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())

    def _frame(self) -> tuple[ast.stmt, Callable[[], ast.expr]]:
        """How the result begins, and what it is in the end."""
        kind = self._node.kind
        if self._quantifies:
            return assign(self._result, constant(kind is ComprehensionKind.ALL)), self._decided
        if kind is ComprehensionKind.EXISTS_ONE:
            one = compare(load(self._result), ast.Eq(), constant(1))
            return assign(self._result, constant(0)), lambda: self._collected(one)
        conversion = _CONVERSIONS.get(kind)
        whole = call(conversion, load(self._result)) if conversion else load(self._result)
        return assign(self._result, list_of([])), lambda: self._collected(whole)

    def _decided(self) -> ast.expr:
        """The answer of a quantifier; the error that was kept, if none of the others decided."""
        is_all = self._node.kind is ComprehensionKind.ALL
        undecided = load(self._result) if is_all else negate(load(self._result))
        self._generator.emit(ast.If(undecided, [self._generator.raise_kept(self._failure)], []))
        return load(self._result)

    def _collected(self, value: ast.expr) -> ast.expr:
        if self._absorbs:
            self._generator.emit(self._generator.raise_kept(self._failure))
        return value

    def _step(self) -> None:
        if self._quantifies:
            self._quantify()
        elif self._node.condition is None:
            self._emit_collecting()
        else:
            self._collect_if(self._node.condition)

    def _quantify(self) -> None:
        generator = self._generator
        decisive = self._node.kind is ComprehensionKind.EXISTS
        assert self._node.condition is not None
        value = generator.visit_bool(self._node.condition)
        more = call(ast.Attribute(load(self._iterator), "__length_hint__", ast.Load()))
        leave: list[ast.stmt] = [
            ast.If(more, [charge_for(constant(3 if decisive else 2))], []),
            assign(self._result, constant(decisive)),
            ast.Break(),
        ]
        generator.emit(ast.If(value if decisive else negate(value), leave, []))

    def _collect_if(self, condition: Node) -> None:
        generator = self._generator
        holds = generator.fresh("h")
        with generator.nested() as test:
            generator.emit(assign(holds, generator.visit_bool(condition)))
        if self._absorbs:
            # The error of a condition takes the place of an earlier one.
            generator.emit(generator.absorb(test, self._failure, otherwise=[ast.Continue()]))
        else:
            generator.emit(*test.statements())
        with generator.nested() as block:
            self._emit_collecting()
        generator.emit(ast.If(load(holds), block.statements(), []))

    def _emit_collecting(self) -> None:
        with self._generator.nested() as block:
            self._collect()
        if self._absorbs:
            self._generator.emit(self._generator.absorb(block, self._failure))
        else:
            self._generator.charge(block.cost)
            self._generator.emit(*block.body)

    def _collect(self) -> None:
        """One more element, entry or match."""
        generator = self._generator
        if self._node.kind is ComprehensionKind.EXISTS_ONE:
            generator.charge(2)
            generator.emit(ast.AugAssign(store(self._result), ast.Add(), constant(1)))
            return
        append = ast.Attribute(load(self._result), "append", ast.Load())
        generator.emit(ast.Expr(call(append, self._added())))

    def _added(self) -> ast.expr:
        generator, node = self._generator, self._node
        if node.kind is ComprehensionKind.FILTER:
            generator.charge(13)
            return load(self._names[node.variables[0]])
        assert node.result is not None
        value = generator.visit(node.result)
        if node.kind is ComprehensionKind.TRANSFORM_MAP:
            generator.charge(3)
            return tuple_of(load(self._names[node.variables[0]]), value)
        if node.kind is ComprehensionKind.TRANSFORM_MAP_ENTRY:
            generator.charge(2)
            return value
        generator.charge(2 if generator.constants.value(node.result) is not VARIABLE else 12)
        return value


_CONVERSIONS = {
    ComprehensionKind.TRANSFORM_MAP: "from_pairs",
    ComprehensionKind.TRANSFORM_MAP_ENTRY: "merge_entries",
}
