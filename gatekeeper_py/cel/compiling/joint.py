"""Many rules as one function, in which an expression that several of them have is evaluated once.

A rule has conditions, which say whether it applies, and tests, which must then be true. The function tells
which rules are not certainly met. It is quick code (see `generator`) and decides nothing else: whatever goes
wrong in a rule leaves that rule to who evaluates it alone, and what costs too much is no answer at all.

Conditions that begin alike are evaluated as far as they are alike, and rules of the same conditions stand
under one `if`. What follows from values that are known beforehand is not computed (see `specialization`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.types import DYN
from gatekeeper_py.cel.compiling import python
from gatekeeper_py.cel.compiling.code import (
    Block,
    assign,
    attribute,
    call,
    compare,
    constant,
    load,
    negate,
    store,
)
from gatekeeper_py.cel.compiling.generator import Generator, terms
from gatekeeper_py.cel.compiling.python import STORE
from gatekeeper_py.cel.compiling.specialization import Known, Specialized, specialize
from gatekeeper_py.cel.errors import CostExceeded, DeadlineExceeded
from gatekeeper_py.cel.evaluation.budget import STRIDE, Budget
from gatekeeper_py.cel.evaluation.values import NOTHING
from gatekeeper_py.cel.syntax.tree import Call, Identifier, Literal, Node, Select, Span, children

__all__ = ["Found", "JointRule", "Part", "is_joinable", "join"]

Found: TypeAlias = dict[int, Mapping[str, object] | None]
"""The rules that may not be met, by their index: the values of their `shown` parts, as far as they are known;
None when it is not known whether the rule applies, or when nothing may be shown."""

MAX_LEVELS = 40
"""Levels of a tree whose code can be generated within that of others."""

MAX_COPIES = 4
"""How often the code of a part is written, and how deep within others, where it is not surely
read. What would be read beyond that leaves its rule open."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An expression. Those that mean the same are one object."""

    checked: Checked
    fields: Mapping[str, Part] = field(default_factory=dict)
    """What the fields of the container of variables are in it, as `variables.x`."""


Conditions: TypeAlias = tuple[Part, ...]
Shown: TypeAlias = tuple[tuple[str, Part], ...]
"""Parts by the names that their values are told under."""


@dataclass(frozen=True, slots=True)
class JointRule:
    """When it applies, its tests must be true."""

    conditions: Conditions
    """All must be true for it to apply."""
    chained: bool
    """Whether a condition that is false decides, so that those after it need not be evaluated."""
    needed: tuple[Part, ...] = ()
    """What the tests surely read, each after those that it reads itself."""
    tests: tuple[Part, ...] | None = None
    """None: it is never met when it applies."""
    empty: tuple[Part, ...] = ()
    """Lists among the needed parts that must have no items, as tests must be true."""
    paid: tuple[Part, ...] = ()
    """What is evaluated only because it has to be paid for."""
    shown: Shown | None = None
    """Which of the needed parts are shown when it applies and is not met; None shows nothing."""


def is_joinable(part: Part, container: str) -> bool:
    """Whether an expression can be evaluated within a larger function.

    `container` is the name by whose fields expressions read other parts.
    """
    if any(each.compared is not None for each in part.checked.references.values()):
        return False
    level: list[Node] = [part.checked.node]
    for _ in range(MAX_LEVELS):
        below: list[Node] = []
        for node in level:
            if isinstance(node, Identifier) and _names(part, node, container):
                return False
            if isinstance(node, Select) and _names(part, node.operand, container) and not node.optional:
                if node.field not in part.fields:
                    return False
                continue
            below.extend(children(node))
        level = below
    return not level and all(is_joinable(each, container) for each in part.fields.values())


def _names(part: Part, node: Node, container: str) -> bool:
    reference = part.checked.references.get(node)
    return isinstance(node, Identifier) and reference is not None and reference.name == container


def join(
    rules: Sequence[JointRule], known: Known, container: str
) -> Callable[[Mapping[str, object], Budget], Found]:
    """The function of rules, all of joinable parts, for data of which the `known` values hold.

    It raises `CostExceeded` when what the rules cost together is too much for the budget's checkpoints, and
    `DeadlineExceeded`; no other error. Raises `RecursionError` when the parts are nested too deep.
    """
    return _JointWriter(rules, known, container).joined()


_Guard: TypeAlias = str | bool
"""Under which name the function knows whether rules apply, or whether they do where that is known."""
_Guards: TypeAlias = frozenset[_Guard]
ALWAYS: _Guards = frozenset({True})


class _JointWriter(Generator):
    """Writes the function."""

    exact = False  # what costs too much by this sum is decided without it

    def __init__(self, rules: Sequence[JointRule], known: Known, container: str) -> None:
        super().__init__(NO_EXPRESSION, plainly=_never, watcher=None)
        self.namespace.update(
            CostExceeded=CostExceeded, DeadlineExceeded=DeadlineExceeded, UNSET=UNSET, NO_VALUES=NO_VALUES
        )
        self._rules = rules
        self._known = known
        self._container = container
        self._fields: Mapping[str, Part] = {}
        self._guards: _Guards = ALWAYS
        """One of these holds where code is being written."""
        self._specialized: dict[Part, Specialized] = {}
        self._held: dict[Part, tuple[str, _Guards]] = {}
        """Where the values of parts are that have been evaluated if one of the guards holds."""
        self._perhaps: dict[Part, str] = {}
        """Where the values of parts are that are evaluated when they are first read."""
        self._copies: dict[Part, int] = {}
        self._within = 0
        """How many parts the one that is being written is within."""
        self._units = 0
        """What parts cost at most whose values are known."""
        self._undetermined: list[str] = []
        """The guards that are evaluated."""
        self._lasting_names = 0

    def joined(self) -> Callable[[Mapping[str, object], Budget], Found]:
        """The function of all rules."""
        guards = self._write_conditions()
        self._write_rules(guards)
        self._write_unknown(guards)
        remaining = python.Attribute(load("budget"), "remaining", STORE)
        spent = python.AugAssign(remaining, ast.Sub(), load("cost"))
        begin = [
            assign("cost", constant(self._units)),
            assign("checkpoint", constant(STRIDE)),
            assign("found", python.Dict([], [])),
            *_assign_all(self._undetermined, constant(None)),
            *_assign_all(self._perhaps.values(), load("UNSET")),
            *(assign(name, self._fetch(variable)) for variable, name in self._variables.items()),
        ]
        finish = [self._over_limit(), spent, python.Return(load("found"))]
        return self._compile([*begin, *self.block.statements(), *finish])

    def _over_limit(self) -> ast.stmt:
        return python.If(compare(load("cost"), ast.Gt(), load("checkpoint")), [self.checkpoint()], [])

    # Conditions

    def _write_conditions(self) -> dict[Conditions, _Guard]:
        """Write all conditions, and give the guard of each set of them."""
        guards: dict[Conditions, _Guard] = {}
        chains: list[tuple[Conditions, str]] = []
        for rule in self._rules:
            if rule.conditions in guards:
                continue
            guards[rule.conditions] = guard = self._settled(rule)
            if isinstance(guard, str):
                self._undetermined.append(guard)
                left = tuple(each for each in rule.conditions if self._value(each) is not True)
                if rule.chained:
                    chains.append((left, guard))
                else:
                    self._write_each(left, guard)
        self._write_chains(chains)
        return guards

    def _settled(self, rule: JointRule) -> _Guard:
        """Whether a rule applies, if that is known; otherwise a name for it."""
        known = [self._value(each) for each in rule.conditions]
        if rule.chained and False in known:
            return False
        return True if all(value is True for value in known) else self._lasting("R")

    def _write_chains(self, chains: Sequence[tuple[Conditions, str]]) -> None:
        """Conditions of which a false one decides: those that begin alike together."""
        by_first: dict[Part, list[tuple[Conditions, str]]] = {}
        for conditions, guard in chains:
            by_first.setdefault(conditions[0], []).append((conditions[1:], guard))
        for first, rest in by_first.items():
            with self._attempt():
                holds = self._write_bool(first)
                with self.nested() as then, self.deeper(1):
                    self.emit(*_assign_all([guard for left, guard in rest if not left], constant(True)))
                    self._write_chains([each for each in rest if each[0]])
                otherwise = _assign_all([guard for _, guard in rest], constant(False))
                self.emit(python.If(holds, then.statements(), list(otherwise)))

    def _write_each(self, conditions: Conditions, guard: str) -> None:
        """Conditions that all have to be evaluated: a false one says no, even where another has no value."""
        names = [self._lasting("C") for _ in conditions]
        self._undetermined.extend(names)
        for name, condition in zip(names, conditions, strict=True):
            with self._attempt():
                self.emit(assign(name, self._write_bool(condition)))
        any_false = [compare(load(name), ast.Is(), constant(False)) for name in names]
        all_true = python.If(
            _joined(ast.And(), [load(name) for name in names]), [assign(guard, constant(True))], []
        )
        no = assign(guard, constant(False))
        self.emit(python.If(_joined(ast.Or(), any_false), [no], [all_true]))

    def _write_bool(self, part: Part) -> ast.expr:
        with self._writing(part) as node:
            return self.visit_bool(node)

    # Rules

    def _write_rules(self, guards: Mapping[Conditions, _Guard]) -> None:
        """The tests, those under one guard together; what several guards need stands before them."""
        readers = self._readers(guards)
        by_guard: dict[_Guard, list[int]] = {}
        for index, rule in enumerate(self._rules):
            by_guard.setdefault(guards[rule.conditions], []).append(index)
        by_guard.pop(False, None)
        for guard, indices in by_guard.items():
            for part in dict.fromkeys(part for index in indices for part in self._rules[index].needed):
                if len(readers[part]) > 1:
                    self._hold(part, readers[part])
            with self._guarded(guard):
                for index in indices:
                    self._write_rule(index, self._rules[index], guard)

    def _readers(self, guards: Mapping[Conditions, _Guard]) -> dict[Part, dict[_Guard, None]]:
        """Under which guards each part is needed."""
        readers: dict[Part, dict[_Guard, None]] = {}
        for rule in self._rules:
            guard = guards[rule.conditions]
            for part in rule.needed if guard is not False else ():
                readers.setdefault(part, {})[guard] = None
        return readers

    @contextmanager
    def _guarded(self, guard: _Guard) -> Iterator[None]:
        """Write what is evaluated when a guard holds."""
        with self.nested() as block, self.deeper(1), self._among(frozenset({guard})):
            yield
        if guard is True:
            self.emit(*block.statements())
        elif block.body:
            self.emit(python.If(load(str(guard)), block.statements(), []))

    @contextmanager
    def _among(self, guards: _Guards) -> Iterator[None]:
        outer, self._guards = self._guards, guards
        try:
            yield
        finally:
            self._guards = outer

    def _hold(self, part: Part, guards: Iterable[_Guard]) -> None:
        """Evaluate a part when one of the guards holds. It may turn out to have no value."""
        among = frozenset(guards)
        if part in self._held or self._value(part) is not NOTHING:
            return
        with self.nested() as block, self._among(among), self._attempt():
            name = self._write_value(part)
        self._held[part] = name, among
        if True in among or among == self._guards:
            self.emit(*block.statements())
        else:
            any_holds = _joined(ast.Or(), [load(str(guard)) for guard in guards])
            self.emit(python.If(any_holds, block.statements(), []))

    def _write_value(self, part: Part) -> str:
        """Write a part; the name of its value, which nothing has before: if it fails, who reads it does."""
        name = self._lasting("V")
        if part in self._perhaps:
            value = self._read(part)
        else:
            with self._writing(part) as node:
                value = self.visit(node)
        self.emit(assign(name, value))
        if self.is_list(value):
            self._lists.add(name)
        return name

    def _write_rule(self, index: int, rule: JointRule, guard: _Guard) -> None:
        self._count = 0
        self._repeated.clear()
        self._lists.intersection_update(name for name, _ in self._held.values())
        if rule.tests is None:
            self.emit(_find(index, constant(None)))
            return
        shared = [part for part in rule.needed if part in self._held]
        for part in rule.needed:
            if part not in shared and self._is_needed_again(part, index):
                self._hold(part, (guard,))
        shows = load("NO_VALUES") if rule.shown is not None else constant(None)
        with self._attempt(_find(index, shows)):
            self.check_cost()
            for part in rule.needed:
                if part not in self._held and self._value(part) is NOTHING:
                    self._held[part] = self._write_value(part), frozenset({guard})
            for test in rule.tests:
                self._write_test(index, test, rule.shown)
            for part in rule.empty:
                self.emit(python.If(self._loaded(part), [_find(index, self._shown(rule.shown))], []))
            for part in rule.paid:
                if self._unread(part):
                    with self._attempt():
                        self._read(part)

    def _is_needed_again(self, part: Part, index: int) -> bool:
        return any(part in rule.needed for rule in self._rules[index + 1 :])

    def _write_test(self, index: int, test: Part, shown: Shown | None) -> None:
        if self._value(test) is True:
            return
        with self._writing(test) as node:
            value = self.visit_bool(node)
        self.emit(python.If(negate(value), [_find(index, self._shown(shown))], []))

    def _shown(self, shown: Shown | None) -> ast.expr:
        if shown is None:
            return constant(None)
        keys: list[ast.expr | None] = [constant(name) for name, _ in shown]
        return python.Dict(keys, [self._loaded(part) for _, part in shown])

    def _loaded(self, part: Part) -> ast.expr:
        value = self._value(part)
        return load(self._held[part][0]) if value is NOTHING else self._constant(value)

    def _write_unknown(self, guards: Mapping[Conditions, _Guard]) -> None:
        """Report the rules of which it is not known whether they apply."""
        by_name: dict[str, dict[int, None]] = {}
        for index, rule in enumerate(self._rules):
            guard = guards[rule.conditions]
            if isinstance(guard, str):
                by_name.setdefault(guard, {})[index] = None
        for name, indices in by_name.items():
            update = python.Expr(call(attribute(load("found"), "update"), self.share(indices)))
            self.emit(python.If(compare(load(name), ast.Is(), constant(None)), [update], []))

    # Parts

    def _specialize(self, part: Part) -> Specialized:
        """What is left of a part where what is known is known, of its variables too."""
        made = self._specialized.get(part)
        if made is None:
            known = dict(self._known)
            for name, each in part.fields.items():
                if (value := self._value(each)) is not NOTHING:
                    known[self._container, name] = value
            made = self._specialized[part] = specialize(part.checked, known)
            self._units += made.units if made.value is not NOTHING else 0
        return made

    def _value(self, part: Part) -> Any:
        """The value of a part, or `NOTHING` when it is not known."""
        return self._specialize(part).value

    @contextmanager
    def _writing(self, part: Part) -> Iterator[Node]:
        """Write the nodes of a part."""
        made = self._specialize(part)
        outer, self._fields = self._fields, part.fields
        self._within += 1
        try:
            with self.writing(made.checked):
                self.charge(made.units)
                yield made.checked.node
        finally:
            self._fields = outer
            self._within -= 1

    def _field(self, node: Select) -> ast.expr | None:
        """`variables.x`: the value of that part."""
        operand = node.operand
        if not isinstance(operand, Identifier) or operand.name != self._container:
            return None
        reference = self.reference(operand)
        if reference is None:
            return None
        self.charge(2)
        value = self._read(self._fields[node.field])
        if not node.test:
            return value
        self.emit(python.Expr(value))  # fails where the variable has failed
        return constant(True)

    def _read(self, part: Part) -> ast.expr:
        """A part's value, which is computed here unless that has been done."""
        if self._value(part) is not NOTHING:
            return self._loaded(part)
        if not self._unread(part):
            return load(self._held[part][0])
        name = self._perhaps.get(part)
        if name is None:
            name = self._perhaps[part] = self._lasting("P")
        copies = self._copies[part] = self._copies.get(part, 0) + 1
        with self.nested() as block:
            if copies > MAX_COPIES or self._within > MAX_COPIES:
                self.emit(python.Expr(call("abandon")))
            else:
                with self._writing(part) as other:
                    self.emit(assign(name, self.visit(other)))
        self.emit(python.If(_is_unset(name), block.statements(), []))
        return load(name)

    # Logic

    def absorbs(self, node: Node) -> bool:
        """Only of what may well fail: an index, a field of a field. Another error leaves the rule open."""
        if isinstance(node, Call) and node.function == "_[_]":
            return True
        if (
            isinstance(node, Select)
            and not node.test
            and not node.optional
            and not isinstance(node.operand, Identifier)
        ):
            return not self._is_field_of_container(node.operand)
        return any(map(self.absorbs, children(node)))

    def _is_field_of_container(self, node: Node) -> bool:
        operand = node.operand if isinstance(node, Select) else None
        return isinstance(operand, Identifier) and operand.name == self._container

    def _chain(self, node: Call) -> ast.expr:
        """Where no error need be kept, the operators of Python do; that of the last term counts at once."""
        *firsts, last = terms(node)
        if any(map(self.absorbs, firsts)):
            return super()._chain(node)
        decisive = node.function == "_||_"
        operator = ast.Or() if decisive else ast.And()
        runs: list[tuple[Block, list[ast.expr]]] = []
        for term in (*firsts, last):
            with self.nested() as block:
                value = self.visit_bool(term)
            if block.body or not runs:
                runs.append((block, [value]))
            else:
                runs[-1][0].cost += block.cost
                runs[-1][1].append(value)
        (first, values), *rest = runs
        self.charge(first.cost)
        self.emit(*first.body)
        if not rest:
            return _joined(operator, values)
        result = self.keep(_joined(operator, values))
        undecided = negate(load(result)) if decisive else load(result)
        for block, values in rest:
            block.body.append(assign(result, _joined(operator, values)))
            self.emit(python.If(undecided, block.statements(), []))
        return load(result)

    def _unread(self, part: Part) -> bool:
        """Whether it is not sure here that a part has been evaluated."""
        held = self._held.get(part)
        return held is None or not (True in held[1] or self._guards <= held[1])

    def _lasting(self, stem: str) -> str:
        """A name that nothing else has in all of the function."""
        self._lasting_names += 1
        return f"{stem}{self._lasting_names}"

    @contextmanager
    def _attempt(self, *otherwise: ast.stmt) -> Iterator[None]:
        """Write what may fail; do something `otherwise` then."""
        with self.nested() as block, self.deeper(1):
            yield
        if not block.body and not block.cost:
            return
        stops = python.Tuple([load("CostExceeded"), load("DeadlineExceeded")], python.LOAD)
        handlers = [
            python.ExceptHandler(stops, None, [python.Raise()]),
            python.ExceptHandler(load("Exception"), None, list(otherwise) or [python.Pass()]),
        ]
        self.emit(python.Try(block.statements(), handlers, [], []))


def _assign_all(names: Iterable[str], value: ast.expr) -> Iterator[ast.stmt]:
    """`a = b = c = value`."""
    targets: list[ast.expr] = [store(name) for name in names]
    if targets:
        yield python.Assign(targets, value)


def _joined(operator: ast.boolop, values: list[ast.expr]) -> ast.expr:
    return python.BoolOp(operator, values) if len(values) > 1 else values[0]


def _is_unset(name: str) -> ast.expr:
    return compare(load(name), ast.Is(), load("UNSET"))


def _find(index: int, value: ast.expr) -> ast.stmt:
    """`found[index] = value`."""
    return python.Assign([python.Subscript(load("found"), constant(index), STORE)], value)


def _never(_activation: Mapping[str, object], _budget: Budget) -> object:
    """The plain code of the whole: there is none, whoever gets no answer asks otherwise."""
    raise AssertionError


UNSET = object()
"""Stands for the value of a part that has not been evaluated."""
NO_VALUES: Mapping[str, object] = {}
NO_EXPRESSION = Checked(Literal(Span(0, 0), 0, None), DYN, {}, {})
"""What is being written before the first part."""
