"""Quick code for common operations on common data.

Every rule here either gives what `runtime` would give or raises: a Python error such as KeyError or
TypeError, or `Abandon`. The program then runs the plain code. A rule must never give another value, so each
says what makes it safe. An operation that does not fail may cost a unit or two too much, never too little:
the plain code also runs when the sum is too high.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

from gatekeeper_py.cel.checking.names import Reference
from gatekeeper_py.cel.checking.types import BOOL, DOUBLE, INT, STRING, Kind, Type
from gatekeeper_py.cel.compiling import python
from gatekeeper_py.cel.compiling.code import (
    assign,
    attribute,
    binary,
    call,
    charge_for,
    choose,
    compare,
    constant,
    load,
    method,
    named,
    negate,
    subscript,
    tuple_of,
)
from gatekeeper_py.cel.compiling.constants import VARIABLE
from gatekeeper_py.cel.compiling.dispatch import Dispatcher, has_inside, type_test
from gatekeeper_py.cel.compiling.writer import Writer
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.cel.library import optionals, standard
from gatekeeper_py.cel.library.standard import excess, pattern
from gatekeeper_py.cel.syntax.tree import Call, Node, Select

__all__ = ["Inliner"]

_EXACT = 2**53
"""Ints below this are the same as doubles, so that comparing a huge int of the data cannot matter."""

COMPUTED_COST_LIMIT = 1_000
"""Units of a call that is computed while compiling; a dearer one waits until it is needed."""

FEW = 64
"""Elements that are copied in the time of any operation that costs one unit."""

SHORT = 20
"""Characters of a constant that cost two units at most: paid whatever it is compared with."""

ABSENT = load("NOTHING")
"""What is found where nothing is."""

_ORDER: dict[str, type[ast.cmpop]] = {"_<_": ast.Lt, "_<=_": ast.LtE, "_>_": ast.Gt, "_>=_": ast.GtE}
_ARITHMETIC: dict[str, type[ast.operator]] = {"_+_": ast.Add, "_-_": ast.Sub, "_*_": ast.Mult}


def _is(value: ast.expr, other: ast.expr) -> ast.expr:
    return compare(value, ast.Is(), other)


def _abandon_if(wrong: ast.expr) -> ast.stmt:
    """Leave it to the plain code when the data are not what they usually are."""
    return python.If(wrong, [python.Expr(call("abandon"))], [])


def _has_class(value: ast.expr, name: str) -> ast.expr:
    return _is(call("type", value), load(name))


def _units(value: ast.expr) -> ast.expr:
    """Units to walk once through a string: a tenth of its length, rounded up."""
    length = binary(call("len", value), ast.Add(), constant(9))
    return binary(length, ast.FloorDiv(), constant(10))


class Inliner:
    """Makes quick code for one writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def _name(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """A value for its first use and for its later ones."""
        if isinstance(value, (ast.Name, ast.Constant)):
            return value, value
        name = self._writer.fresh("t")
        return named(name, value), load(name)

    def _variable(self, value: ast.expr) -> ast.expr:
        """A constant as a variable: Python warns of what cannot be done with one."""
        return load(self._writer.keep(value)) if isinstance(value, ast.Constant) else value

    def _constant(self, node: Node) -> Any:
        return self._writer.constants.value(node)

    def select(self, node: Select, operand: ast.expr) -> ast.expr:
        """A dict has the key, or raises KeyError; a str, a list and None raise TypeError."""
        field = constant(node.field)
        operand = self._variable(operand)
        if node.test:
            first, later = self._name(operand)
            within = compare(field, ast.In(), later)
            return choose(_has_class(first, "dict"), within, call("has", later, field))
        return subscript(operand, field)

    def index(self, node: Call, container: ast.expr, key: ast.expr) -> ast.expr | None:
        """As selection when the key is a string; a list with an int is tested for first."""
        container = self._variable(container)
        key_node = node.arguments[1]
        if self._writer.type_of(key_node) == STRING:
            if isinstance(key, ast.Constant):
                return subscript(container, key)
            first, later = self._name(container)
            return choose(_has_class(first, "dict"), subscript(later, key), call("index", later, key))
        position = self._constant(key_node)
        if type(position) is not int or position < 0:
            return None
        first, later = self._name(container)
        return choose(_has_class(first, "list"), subscript(later, key), call("index", later, key))

    def equality(self, node: Call) -> ast.expr | None:
        """Python agrees on strings with anything, and on ints with ints."""
        left, right = node.arguments
        known = self._constant(right)
        other = left
        if known is VARIABLE:
            known, other = self._constant(left), right
        if type(known) is str:
            return self._negated(node, self._equals_text(other, known))
        if known is None or type(known) is bool or (type(known) is int and abs(known) < _EXACT):
            return self._negated(node, self._equals_constant(other, known))
        return self._general_equality(node)

    def _negated(self, node: Call, same: ast.expr) -> ast.expr:
        if node.function == "_==_":
            return same
        if isinstance(same, ast.Compare):
            opposite = {ast.Eq: ast.NotEq, ast.Is: ast.IsNot}[type(same.ops[0])]
            return compare(same.left, opposite(), same.comparators[0])
        return negate(same)

    def _equals_constant(self, other: Node, known: int | None) -> ast.expr:
        value = self._writer.visit(other)
        self._writer.charge(1)
        if type(known) is not int:
            return _is(self._variable(value), constant(known))
        if self._is_surely_int(other):
            return compare(value, ast.Eq(), constant(known))
        first, later = self._name(value)
        same = compare(later, ast.Eq(), constant(known))
        return choose(_has_class(first, "int"), same, call("equal", later, constant(known)))

    def _equals_text(self, other: Node, known: str) -> ast.expr:
        value = self._writer.visit(other)
        if len(known) <= SHORT:
            self._writer.charge(math.ceil(len(known) * 0.1))
        else:
            value = load(self._writer.keep(value))
            self._writer.emit(charge_for(call("equality_cost", value, constant(known))))
        return compare(value, ast.Eq(), constant(known))

    def _general_equality(self, node: Call) -> ast.expr | None:
        if any(self._writer.type_of(each) != STRING for each in node.arguments):
            return None
        left, right = (load(self._writer.keep(value)) for value in self._writer.visit_all(node.arguments))
        self._writer.emit(charge_for(call("equality_cost", left, right)))
        return self._negated(node, compare(left, ast.Eq(), right))

    def call(self, node: Call, reference: Reference, nodes: Sequence[Node]) -> ast.expr | None:
        """Quick code for a call; None when there is none."""
        rule = _RULES.get(node.function)
        if rule is None or not reference.overloads or not _is_standard(reference):
            return None
        return rule(self, node, nodes)

    def resolved(self, reference: Reference, nodes: Sequence[Node]) -> ast.expr | None:
        """A call the checker resolved: the implementation itself, once the arguments' classes are checked."""
        if len(reference.overloads) != 1:
            return None
        overload = reference.overloads[0]
        constants = [self._constant(node) for node in nodes]
        if not overload.contextual and VARIABLE not in constants:
            return self._computed(reference, constants)
        tests = [self._test(of, node) for of, node in zip(overload.parameters, nodes, strict=True)]
        if None in tests:
            return None
        names = [load(self._writer.keep(value)) for value in self._writer.visit_all(nodes)]
        for name, test, of in zip(names, tests, overload.parameters, strict=True):
            if test:
                self._demand(name, *test)
            if has_inside(of) and not overload.unguarded:
                self._demand_inside(name, of)
        if overload.work is not None:
            worked = call(self._writer.share(overload.work, "s"), *names)
            self._writer.emit(python.Expr(method(load("budget"), "work", worked)))
        if overload.cost is None:
            self._writer.charge(1)
        else:
            self._writer.emit(charge_for(call(self._writer.share(overload.cost, "c"), *names)))
            self._writer.check_cost()
        context = [load("activation")] if overload.contextual else []
        return call(self._writer.share(overload.implementation, "f"), *context, *names)

    def _demand(self, value: ast.expr, name: str, function: str = "type") -> None:
        """Give up when a value is not of the class of this name, or its type has another name."""
        if name == "list" and self._writer.is_list(value):
            return
        asked = call(function, value)
        if function == "type":
            wrong = compare(asked, ast.IsNot(), load(name))
        else:
            wrong = compare(asked, ast.NotEq(), constant(name))
        self._writer.emit(_abandon_if(wrong))

    def _demand_inside(self, value: ast.expr, of: Type) -> None:
        """Give up when what is inside a list or a map is not of the type."""
        fits = call(self._writer.share(type_test(of), "t"), value)
        self._writer.emit(_abandon_if(negate(fits)))

    def _computed(self, reference: Reference, constants: list[Any]) -> ast.expr | None:
        """The value of a call whose arguments are all known: `quantity("1Gi")`."""
        try:
            dispatcher = Dispatcher(reference.name, reference.overloads, resolved=reference.resolved)
            overload, units = dispatcher.prepare(Budget(0), *constants)
            if units > COMPUTED_COST_LIMIT:
                return None
            value = overload.implementation(*constants)
        except EvaluationError:
            return None
        self._writer.charge(1 + units)
        return self._writer.share(value)

    def _test(self, parameter: Type, node: Node) -> tuple[str] | tuple[str, str] | tuple[()] | None:
        """What must hold for a value: its class, or the name of its type; None when these do not tell."""
        if parameter.kind in (Kind.PARAMETER, Kind.DYN):
            return ()
        if parameter.kind is Kind.LIST:
            return ("list",)
        if parameter.kind is Kind.OPTIONAL:
            return ("Optional",)
        if parameter.kind is Kind.PRIMITIVE and parameter in (STRING, BOOL, DOUBLE):
            return ({STRING: "str", BOOL: "bool", DOUBLE: "float"}[parameter],)
        if parameter.kind not in (Kind.OPAQUE, Kind.OBJECT):
            return None
        certain = isinstance(node, Call) and not self._writer.is_attribute(node)
        return () if certain and self._writer.type_of(node) == parameter else (parameter.name, "type_name")

    def or_value(self, target: Node, otherwise: Node) -> ast.expr | None:
        """`a.?b.?c.orValue(d)`, where `a` may be an optional."""
        if self._constant(otherwise) is not VARIABLE:
            return self._walked(target, self._writer.visit(otherwise))
        value = self._walked(target)
        if value is None:
            return None
        name = self._held(value)
        self._writer.emit(_if_absent(name, self._writer.branch(otherwise, name).statements()))
        return load(name)

    def _has_value(self, _: Call, nodes: Sequence[Node]) -> ast.expr | None:
        """`a.?b.?c.hasValue()`, where `a` may be an optional."""
        value = self._walked(nodes[0])
        if value is None:
            return None
        self._writer.charge(1)
        return _is_there(value)

    def optional(self, node: Node) -> ast.expr | None:
        """`a.?b.?c.or(d.?e)` as an optional: the steps between make none."""
        step = self._optional_step(node)
        if step is not None and not self._is_walkable(step[0]):
            return None  # a single step
        value = self._walked(node)
        if value is None:
            return None
        first, later = self._name(value)
        return choose(_is_there(first), call("Optional", later), load("NONE"))

    def _walked(self, target: Node, otherwise: ast.expr = ABSENT) -> ast.expr | None:
        """What is at the end of `a.?b[?'c'].or(d.?e)`, or something else, at hand; only maps are walked.

        Nothing but maps has a method `get`, and of those whose values are made when they are read it makes
        them.
        """
        if self._is_alternative(target):
            return self._or(self._alternative(target), otherwise)
        fields: list[str] = []
        while (step := self._optional_step(target)) is not None:
            target, field = step
            fields.insert(0, field)
        if not fields:
            return None
        self._writer.charge(self._writer.qualifier_cost(target) - 1)
        if self._is_alternative(target):
            return self._or(self._walked_on(self._alternative(target), fields), otherwise)
        if self._is_optional(target):
            return self._or(self._walked_on(self._opened(target), fields), otherwise)
        return self._fields(self._writer.visit(target), fields, otherwise)

    def _walked_on(self, name: str, fields: Sequence[str]) -> str:
        """Go on from what has a name, if it is there."""
        with self._writer.nested() as block:
            self._writer.emit(assign(name, self._fields(load(name), fields, ABSENT)))
        self._writer.emit(python.If(_is_there(load(name)), block.statements(), []))
        return name

    def _fields(self, value: ast.expr, fields: Sequence[str], otherwise: ast.expr) -> ast.expr:
        """`value.get(field, EMPTY).get(field, otherwise)`; a step to what is not there costs nothing."""
        if not self._writer.exact:
            self._writer.charge(len(fields))
            *outer, last = fields
            for field in outer:
                value = method(value, "get", constant(field), load("EMPTY"))
            return method(value, "get", constant(last), otherwise)
        name = self._held(value)
        statements: list[ast.stmt] = []
        for field in reversed(fields):
            step = assign(name, method(load(name), "get", constant(field), ABSENT))
            further = python.If(_is_there(load(name)), [charge_for(constant(1)), *statements], [])
            statements = [step, further]
        self._writer.emit(*statements)
        return self._or(name, otherwise)

    def _or(self, name: str, otherwise: ast.expr) -> ast.expr:
        """What has a name, or something else."""
        if otherwise is not ABSENT:
            self._writer.emit(_if_absent(name, [assign(name, otherwise)]))
        return load(name)

    def _held(self, value: ast.expr) -> str:
        """The name of a variable of its own that holds a value."""
        name = self._writer.fresh("w")
        self._writer.emit(assign(name, value))
        return name

    def _is_alternative(self, node: Node) -> TypeGuard[Call]:
        """Whether it is `a.or(b)` of two optionals that can be walked."""
        if not (isinstance(node, Call) and node.function == "or" and node.target is not None):
            return False
        return all(map(self._is_walkable, (node.target, *node.arguments)))

    def _is_walkable(self, node: Node) -> bool:
        return self._optional_step(node) is not None or self._is_alternative(node)

    def _alternative(self, node: Call) -> str:
        """`a.or(b)`: what the first has, or else the second."""
        assert node.target is not None
        first = self._walked(node.target)
        assert first is not None  # `_is_alternative` has seen to it, and to the other
        name = self._held(first)
        with self._writer.nested() as block:
            second = self._walked(node.arguments[0])
            assert second is not None
            self._writer.emit(assign(name, second))
        self._writer.emit(_if_absent(name, block.statements()))
        return name

    def _optional_step(self, node: Node) -> tuple[Node, str] | None:
        """Of `a.?b`, `a[?'b']` or, where `a` is an optional, `a.b`: what is stepped from, and where to."""
        if not self._is_optional(node):
            return None
        if isinstance(node, Select) and not node.test:
            return (node.operand, node.field) if node.optional or self._is_optional(node.operand) else None
        if isinstance(node, Call) and node.function == "_[?_]":
            key = self._constant(node.arguments[1])
            return (node.arguments[0], key) if type(key) is str else None
        return None

    def _is_optional(self, node: Node) -> bool:
        return self._writer.type_of(node).kind is Kind.OPTIONAL

    def _opened(self, target: Node) -> str:
        """The name of what is in an optional, or of `NOTHING`."""
        name = self._held(self._writer.visit(target))
        self._demand(load(name), "Optional")
        self._writer.emit(assign(name, attribute(load(name), "content")))
        return name

    def _not(self, _: Call, nodes: Sequence[Node]) -> ast.expr:
        self._writer.charge(1)
        return negate(self._writer.visit_bool(nodes[0]))

    def _order(self, node: Call, nodes: Sequence[Node]) -> ast.expr | None:
        """An int of the data against a constant."""
        left, right = nodes
        bound = self._constant(right)
        if type(bound) is not int or abs(bound) >= _EXACT:
            return None
        first, later = self._name(self._writer.visit(left))
        self._writer.charge(1)
        test = compare(later, _ORDER[node.function](), constant(bound))
        if self._is_surely_int(left):
            return compare(first, _ORDER[node.function](), constant(bound))
        return choose(_has_class(first, "int"), test, call("abandon"))

    def _is_surely_int(self, node: Node) -> bool:
        """Whether it is the result of a function that gives one."""
        return self._writer.type_of(node) == INT and isinstance(node, Call)

    def _arithmetic(self, node: Call, nodes: Sequence[Node]) -> ast.expr | None:
        """Ints that expressions made, within 64 bits; strings."""
        kinds = {self._writer.type_of(each) for each in nodes}
        if kinds == {STRING} and node.function == "_+_":
            return self._concatenation(node)
        if node.function == "_+_" and all(map(self._is_likely_list, nodes)):
            return self._joined(nodes)
        if kinds != {INT}:
            return None
        first, later = self._name(
            binary(*_between(self._writer.visit_all(nodes), _ARITHMETIC[node.function]()))
        )
        self._writer.charge(1)
        low, high = constant(-(2**63)), constant(2**63 - 1)
        within = python.Compare(low, [ast.LtE(), ast.LtE()], [first, high])
        return choose(within, later, call("abandon"))

    def _is_likely_list(self, node: Node) -> bool:
        """Whether a value is a list unless the data are odd, as in `x.orValue([]) + y`."""
        if self._writer.type_of(node).kind is Kind.LIST:
            return True
        if not isinstance(node, Call):
            return False
        if node.function == "orValue":
            return self._is_likely_list(node.arguments[0])
        return node.function == "_+_" and all(map(self._is_likely_list, node.arguments))

    def _joined(self, nodes: Sequence[Node]) -> ast.expr:
        """Two lists; how many elements are copied has no price, but is work when they are many."""
        left, right = (load(self._writer.keep(value)) for value in self._writer.visit_all(nodes))
        self._demand(left, "list")
        self._demand(right, "list")
        self._writer.charge(1)
        copied, later = self._name(binary(call("len", left), ast.Add(), call("len", right)))
        work = python.Expr(method(load("budget"), "work", later))
        self._writer.emit(python.If(compare(copied, ast.Gt(), constant(FEW)), [work], []))
        return load(self._writer.keep_list(binary(left, ast.Add(), right)))

    def _concatenation(self, node: Call) -> ast.expr | None:
        """A chain of strings as one join; it costs what adding them one by one costs."""
        parts = _chain(node, self._writer)
        if any(self._writer.type_of(part) != STRING for part in parts):
            return None
        held = self._writer.visit_all(parts)
        names = [part if isinstance(part, ast.Constant) else load(self._writer.keep(part)) for part in held]
        joined = self._writer.fresh("v")
        self._writer.emit(charge_for(call("join_cost", *names)))
        self._writer.check_cost()
        text = method(constant(""), "join", tuple_of(*names))
        self._writer.emit(assign(joined, text))
        return load(joined)

    def _prefix(self, node: Call, nodes: Sequence[Node]) -> ast.expr | None:
        """Only str has the method and takes a str: bytes raise TypeError, others AttributeError."""
        text, part = (load(self._writer.keep(value)) for value in self._writer.visit_all(nodes))
        if not isinstance(self._constant(nodes[1]), str):
            self._demand(part, "str")
        name = "startswith" if node.function == "startsWith" else "endswith"
        result = load(self._writer.keep(method(text, name, part)))
        self._writer.emit(charge_for(_units(text)))
        return result

    def _contains(self, _: Call, nodes: Sequence[Node]) -> ast.expr | None:
        """`find` is of str and bytes only, and bytes take no str."""
        part = self._constant(nodes[1])
        if not isinstance(part, str):
            return None
        text = load(self._writer.keep(self._writer.visit(nodes[0])))
        units = binary(_units(text), ast.Mult(), constant(math.ceil(len(part) * 0.1)))
        self._writer.emit(charge_for(units))
        return compare(method(text, "find", constant(part)), ast.GtE(), constant(0))

    def _matches(self, node: Call, nodes: Sequence[Node]) -> ast.expr | None:
        """A constant pattern, compiled already; `isascii` is of str and bytes, `encode` of str only."""
        part = self._constant(nodes[1])
        if not isinstance(part, str) or node.target is None:
            return None
        compiled = pattern(part)
        if excess(part, compiled):
            return None
        text = load(self._writer.keep(self._writer.visit(nodes[0])))
        factor = math.ceil(len(part) * 0.25)
        length = binary(binary(call("len", text), ast.Add(), constant(10)), ast.FloorDiv(), constant(10))
        self._writer.emit(charge_for(binary(length, ast.Mult(), constant(factor))))
        self._writer.check_cost()
        search = self._writer.share(compiled.search, "p")
        return compare(call(search, method(text, "encode")), ast.IsNot(), constant(None))

    def _size(self, _: Call, nodes: Sequence[Node]) -> ast.expr:
        """Lists are tested for first."""
        value = self._writer.visit(nodes[0])
        self._writer.charge(1)
        if self._writer.is_list(value):
            return call("len", value)
        first, later = self._name(value)
        return choose(_has_class(first, "list"), call("len", later), call("size_of", later))

    def membership(self, node: Call) -> ast.expr | None:
        """A constant string as the key of a dict."""
        value, container = node.arguments
        if not isinstance(self._constant(value), str):
            return None
        if self._writer.type_of(container).kind is Kind.LIST:
            return None
        held = self._writer.visit(container)
        first, later = self._name(held)
        self._writer.charge(1)
        key = constant(self._constant(value))
        slow = call("contains", later, key, load("budget"))
        return choose(_has_class(first, "dict"), compare(key, ast.In(), later), slow)


def _is_there(value: ast.expr) -> ast.expr:
    return compare(value, ast.IsNot(), load("NOTHING"))


def _if_absent(name: str, statements: list[ast.stmt]) -> ast.stmt:
    return python.If(compare(load(name), ast.Is(), load("NOTHING")), statements, [])


def _between(operands: Sequence[ast.expr], operator: ast.operator) -> tuple[ast.expr, ast.operator, ast.expr]:
    left, right = operands
    return left, operator, right


def _chain(node: Call, writer: Writer) -> list[Node]:
    """The operands of a chain of `+`, from left to right."""
    parts: list[Node] = []
    current: Node = node
    while (
        isinstance(current, Call)
        and current.function == "_+_"
        and writer.constants.value(current) is VARIABLE
    ):
        parts.append(current.arguments[1])
        current = current.arguments[0]
        if writer.is_ready(current):
            break
    return [current, *reversed(parts)]


def _is_standard(reference: Reference) -> bool:
    """Whether a function is the language's own; a library may add overloads of the same name."""
    return all(overload.identifier in _STANDARD for overload in reference.overloads)


_STANDARD = frozenset(
    overload.identifier
    for library in (standard.LIBRARY, optionals.LIBRARY)
    for function in library.functions
    for overload in function.overloads
)

_Rule = Callable[[Inliner, Call, Sequence[Node]], "ast.expr | None"]
_RULES: dict[str, _Rule] = {
    "!_": Inliner._not,
    "_<_": Inliner._order,
    "_<=_": Inliner._order,
    "_>_": Inliner._order,
    "_>=_": Inliner._order,
    "_+_": Inliner._arithmetic,
    "_-_": Inliner._arithmetic,
    "_*_": Inliner._arithmetic,
    "startsWith": Inliner._prefix,
    "endsWith": Inliner._prefix,
    "contains": Inliner._contains,
    "matches": Inliner._matches,
    "size": Inliner._size,
    "hasValue": Inliner._has_value,
}
