"""From a checked tree to one Python function.

The function is built as nodes of Python's `ast`, never as text. It is made in two ways from the same rules:

- *plain* code calls `runtime` for every operation, and so gives every value and every error as cel-go
  words it, whatever the data;
- *quick* code does the common operations in line (see `inlining`) and raises when the data are not what
  they usually are. An error that nothing absorbs, or a cost above the limit, makes the program run
  the plain code instead, which decides. Most expressions never do.

Costs follow cel-go's tracker (interpreter/runtimecost.go): what a stretch of code without a branch costs is
added up while it is generated and charged where the stretch begins. A comprehension looks at the limit and
the clock at every turn, at the price of one comparison of ints.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, TypeAlias

from gatekeeper_py.cel import runtime, values
from gatekeeper_py.cel.budget import EXPRESSION_LIMIT, Budget
from gatekeeper_py.cel.checker import Checked
from gatekeeper_py.cel.code import (
    Block,
    Writer,
    assign,
    binary,
    call,
    charge_for,
    choose,
    compare,
    constant,
    list_of,
    load,
    negate,
    store,
    subscript,
    tuple_of,
)
from gatekeeper_py.cel.constants import VARIABLE, Constants
from gatekeeper_py.cel.inlining import Inliner
from gatekeeper_py.cel.library.standard import pattern
from gatekeeper_py.cel.loops import Loop
from gatekeeper_py.cel.names import Reference
from gatekeeper_py.cel.tree import (
    Binding,
    Call,
    Comprehension,
    Identifier,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
)
from gatekeeper_py.cel.types import BOOL, DYN, Kind, Type

__all__ = ["Function", "Watcher", "generate", "terms"]

Function: TypeAlias = Callable[[Mapping[str, object], Budget], Any]
Watcher: TypeAlias = Callable[[Node, Callable[[], Any]], Any]
"""Gets every subexpression as a function to call, and gives its value on: how `explanation` looks on."""

LIST_COST = 10
MAP_COST = 30
MESSAGE_COST = 40
BLOCK_LIMIT = 10
"""Nested loops and try statements in one function; Python allows 20."""
OPTIONAL_TARGET = "@optional"

_MATCHING = frozenset({"matches", "find", "findAll"})
"""Functions whose second argument is a regular expression."""
_HASHABLE = frozenset({bool, int, values.UInt, float, str})
_INDEXING = frozenset({"_[_]", "_[?_]"})
_NAMESPACE: dict[str, Any] = {
    **{name: getattr(runtime, name) for name in runtime.__all__},
    "LIMIT": EXPRESSION_LIMIT,
    "NOTHING": values.NOTHING,
    "Optional": values.Optional,
    "equal": values.equal,
    "contains": values.contains,
    "normal": values.normal,
    "from_pairs": values.from_pairs,
}


def generate(checked: Checked, *, quick: bool, watcher: Watcher | None = None) -> Function:
    """The function that evaluates a checked expression. Raises `RecursionError` on one nested too deep."""
    return Generator(checked, quick=quick, watcher=watcher).function()


class Generator(Writer):
    """Makes the code of one expression."""

    def __init__(self, checked: Checked, *, quick: bool, watcher: Watcher | None) -> None:
        super().__init__()
        self.quick = quick
        self.namespace = dict(_NAMESPACE)
        self.constants = Constants(checked)
        self._checked = checked
        self._watcher = watcher
        self._inliner = Inliner(self) if quick else None
        self._locals: dict[str, str] = {}
        self._lazy: set[str] = set()
        self._variables: dict[str, str] = {}
        self._depth = 0
        self._repeated: dict[str, str] = {}
        if watcher is not None:
            self.namespace["watch"] = lambda index, run: watcher(self._watched[index], run)
        self._watched: list[Node] = []

    # The function

    def function(self) -> Function:
        """The function of the whole expression."""
        result = self.visit(self._checked.node)
        self.emit(assign("result", result))
        body: list[ast.stmt] = [
            assign("cost", constant(0)),
            assign("checkpoint", constant(0)),
            *(assign(name, self._fetch(variable)) for variable, name in self._variables.items()),
            *self.block.statements(),
        ]
        ending = [
            ast.If(compare(load("cost"), ast.Gt(), load("LIMIT")), [self.checkpoint()], []),
        ]
        finish: list[ast.stmt] = [
            ast.Expr(call(ast.Attribute(load("budget"), "spend", ast.Load()), load("cost")))
        ]
        if self.quick:
            statements = [*body, *ending, *finish]
        else:
            statements = [
                body[0],
                body[1],
                ast.Try([*body[2:], *ending], [], [], finish),
            ]
        statements.append(ast.Return(load("result")))
        return self._compile(statements)

    def _compile(self, statements: list[ast.stmt]) -> Function:
        arguments = ast.arguments([], [ast.arg("activation"), ast.arg("budget")], None, [], [], None, [])
        definition = ast.FunctionDef("evaluate", arguments, statements, [])
        module = ast.fix_missing_locations(ast.Module([definition], []))
        code = compile(module, "<cel>", "exec", dont_inherit=True)
        body = next(part for part in code.co_consts if isinstance(part, CodeType))
        return FunctionType(body, self.namespace)

    def _fetch(self, variable: str) -> ast.expr:
        if self.quick:
            return subscript(load("activation"), constant(variable))
        return call("variable", load("activation"), constant(variable))

    def checkpoint(self) -> ast.stmt:
        method = ast.Attribute(load("budget"), "checkpoint", ast.Load())
        return assign("checkpoint", call(method, load("cost")))

    def check_cost(self) -> None:
        """Stop here when the expression has spent too much."""
        self.emit(ast.If(compare(load("cost"), ast.Gt(), load("checkpoint")), [self.checkpoint()], []))

    def charge_here(self, units: int) -> None:
        """Charge for what runs only if nothing before has failed."""
        if self.quick:
            self.charge(units)
        else:
            self.emit(charge_for(constant(units)))

    def share(self, value: Any, stem: str = "k") -> ast.expr:
        """A name by which the code reaches an object."""
        name = self.fresh(stem)
        self.namespace[name] = value
        return load(name)

    # Nodes

    def type_of(self, node: Node) -> Type:
        """The static type of a node; dyn when the expression is not checked."""
        return self._checked.types.get(node, DYN)

    def reference(self, node: Node) -> Reference | None:
        """What the checker resolved a node to."""
        return self._checked.references.get(node)

    def visit(self, node: Node) -> ast.expr:
        """The code of a node: an expression to be evaluated once, after the statements it emitted."""
        if self._watcher is not None and not isinstance(node, Literal):
            return self._watch(node)
        return self._visit(node)

    def _visit(self, node: Node) -> ast.expr:
        value = self.constants.value(node)
        if value is not VARIABLE:
            return self._constant(value)
        return _VISITORS[type(node)](self, node)

    def _watch(self, node: Node) -> ast.expr:
        index = constant(len(self._watched))
        self._watched.append(node)
        return call("watch", index, load(self._outlined(lambda: self._visit(node))))

    def _outlined(self, make: Callable[[], ast.expr]) -> str:
        """The name of a nested function that holds what `make` generates."""
        name = self.fresh("f")
        depth, self._depth = self._depth, 0
        with self.nested() as block:
            result = make()
        self._depth = depth
        arguments = ast.arguments([], [], None, [], [], None, [])
        body = [ast.Nonlocal(["cost", "checkpoint"]), *block.statements(empty=True), ast.Return(result)]
        self.emit(ast.FunctionDef(name, arguments, body, []))
        return name

    @contextmanager
    def deeper(self, levels: int) -> Iterator[None]:
        """Generate within so many more loops and try statements."""
        self._depth += levels
        try:
            yield
        finally:
            self._depth -= levels

    def _shallow(self, make: Callable[[], ast.expr]) -> ast.expr:
        """What `make` generates, in a function of its own when the blocks around it are too many."""
        if self._depth < BLOCK_LIMIT:
            return make()
        return call(self._outlined(make))

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
        certain = ast.BoolOp(ast.And(), [is_false, call("abandon")])
        return ast.BoolOp(ast.Or(), [compare(load(name), ast.Is(), constant(True)), certain])

    def _constant(self, value: Any) -> ast.expr:
        if value is None or type(value) in (bool, int, float, str, bytes):
            return constant(value)
        return self.share(value)

    def _identifier(self, node: Identifier) -> ast.expr:
        reference = self.reference(node)
        if reference is not None:
            return self._variable(reference.name)
        return self._local(node.name)

    def _variable(self, variable: str) -> ast.expr:
        self.charge(1)
        if not self.quick:
            return self._fetch(variable)
        name = self._variables.get(variable)
        if name is None:
            name = self._variables[variable] = self.fresh("g")
        return load(name)

    def _local(self, variable: str) -> ast.expr:
        name = self._locals[variable]
        if variable == OPTIONAL_TARGET:
            self._charge_repetition(name)
            return load(name)
        self.charge(1)
        return call("force", load(name)) if name in self._lazy else load(name)

    def _charge_repetition(self, name: str) -> None:
        """cel-go evaluates the target of optMap twice: to ask whether it has a value, and to take it."""
        spent = self._repeated.get(name, "")
        if spent:
            self.emit(charge_for(load(spent)))
        else:
            self._repeated[name] = f"{name}_cost"

    def _select(self, node: Select) -> ast.expr:
        reference = self.reference(node)
        if reference is not None:
            return self._variable(reference.name)
        operand = self._charged(node.operand, self.visit(node.operand))
        self.charge(self.qualifier_cost(node.operand) - 1 - node.test)
        if not node.test and (node.optional or self.type_of(node.operand).kind is Kind.OPTIONAL):
            return self._refunded(call("select_optional", operand, constant(node.field)))
        if self._inliner is not None:
            return self._inliner.select(node, operand)
        return call("has" if node.test else "select", operand, constant(node.field))

    def _charged(self, node: Node, operand: ast.expr) -> ast.expr:
        """Charge for selecting from an operand: where it matters, only once there is an operand."""
        if self.quick or isinstance(node, Identifier):
            self.charge(1)
            return operand
        name = load(self.keep(operand))
        self.emit(charge_for(constant(1)))
        return name

    def _refunded(self, optional: ast.expr) -> ast.expr:
        """An optional selection, which costs only when something is there."""
        name = load(self.keep(optional))
        absent = negate(ast.Attribute(name, "present", ast.Load()))
        self.emit(ast.If(absent, [charge_for(constant(-1))], []))
        return name

    def qualifier_cost(self, operand: Node) -> int:
        """What selecting from a node costs, besides the node."""
        return 1 if self.is_attribute(operand) else 2

    def is_attribute(self, node: Node) -> bool:
        """Whether cel-go takes a node for an attribute: a variable with the fields and indices after it."""
        if self.constants.value(node) is not VARIABLE:
            return False
        if isinstance(node, (Identifier, Select)):
            return True
        return isinstance(node, Call) and (node.function in _INDEXING or node.function == "_?_:_")

    def _call(self, node: Call) -> ast.expr:
        special = _SPECIAL.get(node.function)
        if special is not None:
            return special(self, node)
        reference = self.reference(node)
        assert reference is not None
        target = () if node.target is None or reference.namespaced else (node.target,)
        nodes = (*target, *node.arguments)
        if self._inliner is not None:
            made = self._inliner.call(node, reference, nodes)
            if made is not None:
                return made
        return self._dispatch(reference, nodes)

    def _dispatch(self, reference: Reference, nodes: Sequence[Node]) -> ast.expr:
        self._check_pattern(reference, nodes)
        if self._is_constant_membership(reference, nodes):
            return self._constant_membership(nodes)
        if self._inliner is not None:
            made = self._inliner.resolved(reference, nodes)
            if made is not None:
                return made
        searched = reference.name == "matches" and self.constants.value(nodes[1]) is not VARIABLE
        arguments = [
            self._normal(node, value) for node, value in zip(nodes, self.visit_all(nodes), strict=True)
        ]
        names = [value if isinstance(value, ast.Constant) else load(self.keep(value)) for value in arguments]
        self.charge(1)
        dispatcher = runtime.Dispatcher(
            reference.name, reference.overloads, resolved=reference.resolved, constant_pattern=searched
        )
        prepare = self.share(dispatcher.prepare, "d")
        overload, units = self.fresh("o"), self.fresh("u")
        prepared = call(prepare, load("budget"), *names)
        self.emit(ast.Assign([ast.Tuple([store(overload), store(units)], ast.Store())], prepared))
        if any(each.cost is not None for each in reference.overloads):
            self.emit(charge_for(load(units)))
            self.check_cost()
        implementation = ast.Attribute(load(overload), "implementation", ast.Load())
        return call(implementation, *self._context(reference), *names)

    def _check_pattern(self, reference: Reference, nodes: Sequence[Node]) -> None:
        """A constant regular expression must be one before anything runs; raises `EvaluationError`."""
        if reference.name in _MATCHING and len(nodes) > 1:
            text = self.constants.value(nodes[1])
            if isinstance(text, str):
                pattern(text)

    def _is_constant_membership(self, reference: Reference, nodes: Sequence[Node]) -> bool:
        """Whether cel-go makes a look-up in a set, which costs nothing, of `x in [constants]`."""
        if [each.identifier for each in reference.overloads] != ["in_list"]:
            return False
        known = self.constants.value(nodes[1])
        return known is not VARIABLE and all(type(each) in _HASHABLE for each in known)

    def _constant_membership(self, nodes: Sequence[Node]) -> ast.expr:
        known = self.constants.value(nodes[1])
        if not known:
            return constant(False)
        value = self.visit(nodes[0])
        if self.quick and all(type(each) is str for each in known):
            # A list or a map is not hashable: TypeError.
            return compare(value, ast.In(), self.share(frozenset(known), "s"))
        return call("contains", self.share(known), value)

    def _context(self, reference: Reference) -> list[ast.expr]:
        return [load("activation")] if any(each.contextual for each in reference.overloads) else []

    def _normal(self, node: Node, value: ast.expr) -> ast.expr:
        """A value from the data, where an int may have more than 64 bits."""
        if isinstance(value, ast.Constant) or not self.is_attribute(node):
            return value
        if self.type_of(node).name in ("int", "dyn", "any"):
            return call("normal", value)
        return value

    def _equality(self, node: Call) -> ast.expr:
        if self._inliner is not None:
            made = self._inliner.equality(node)
            if made is not None:
                return made
        left, right = (
            value if isinstance(value, ast.Constant) else load(self.keep(value))
            for value in self.visit_all(node.arguments)
        )
        self.charge(1)
        self.emit(charge_for(binary(call("equality_cost", left, right), ast.Sub(), constant(1))))
        result = call("equal", left, right, load("budget"))
        return negate(result) if node.function == "_!=_" else result

    def _index(self, node: Call) -> ast.expr:
        container_node, key_node = node.arguments
        container, key = self.visit_all(node.arguments)
        container = self._charged(container_node, container)
        self.charge(self.qualifier_cost(container_node) - 1 - self._discount(key_node))
        if node.function == "_[?_]" or self.type_of(container_node).kind is Kind.OPTIONAL:
            return self._refunded(call("index_optional", container, key))
        made = self._inliner.index(node, container, key) if self._inliner is not None else None
        return made if made is not None else call("index", container, key)

    def _discount(self, node: Node) -> int:
        """What cel-go does not count of an attribute that is an index or the branch of a conditional."""
        if not self.is_attribute(node) or (isinstance(node, Select) and node.test):
            return 0
        return 0 if isinstance(node, Call) and node.function == "_?_:_" else 1

    def _conditional(self, node: Call) -> ast.expr:
        condition = self.visit_bool(node.arguments[0])
        branches: list[tuple[Block, ast.expr]] = []
        for branch in node.arguments[1:]:
            with self.nested() as block:
                value = self.visit(branch)
                self.charge(-self._discount(branch))
            branches.append((block, value))
        (then_block, then), (else_block, otherwise) = branches
        if not any(block.body or block.cost for block, _ in branches):
            return choose(condition, then, otherwise)
        result = self.fresh()
        then_block.body.append(assign(result, then))
        else_block.body.append(assign(result, otherwise))
        self.emit(ast.If(condition, then_block.statements(), else_block.statements()))
        return load(result)

    def _or_optional(self, node: Call) -> ast.expr:
        """`a.or(b)`, `a.orValue(b)`: b only when a is empty; what is no optional is given back as it is."""
        assert node.target is not None
        if self._inliner is not None and node.function == "orValue":
            made = self._inliner.or_value(node.target, node.arguments[0])
            if made is not None:
                return made
        left = self.keep(self.visit(node.target))
        result = self.fresh()
        block = self.branch(node.arguments[0], result)
        taken = ast.Attribute(load(left), "value", ast.Load()) if node.function == "orValue" else load(left)
        is_optional = compare(call("type", load(left)), ast.Is(), load("Optional"))
        self.emit(
            ast.If(
                negate(is_optional),
                [assign(result, load(left))],
                [
                    ast.If(
                        ast.Attribute(load(left), "present", ast.Load()),
                        [assign(result, taken)],
                        block.statements(),
                    )
                ],
            )
        )
        return load(result)

    def branch(self, node: Node, result: str) -> Block:
        """A block that computes a node into a variable."""
        with self.nested() as block:
            block.body.append(assign(result, self.visit(node)))
        return block

    # Logic that absorbs errors

    def _logic(self, node: Call) -> ast.expr:
        return self._shallow(lambda: self._chain(node))

    def _chain(self, node: Call) -> ast.expr:
        """A chain of `&&` or `||`, flat however long it is; runs its terms until one decides."""
        decisive = node.function == "_||_"
        result, failure = self.fresh(), self.fresh("e")
        parts = terms(node)
        loop = Block()
        risky = False
        with self.deeper(2):
            for term in parts:
                block = self._term(term, result, decisive)
                if _certain_value(block):
                    loop.body.extend(block.statements())
                    continue
                risky = True
                loop.body.append(self.absorb(block, failure))
        if risky:
            loop.body.append(self.raise_kept(failure))
            self.emit(assign(failure, constant(None)))
        loop.body += [assign(result, constant(not decisive)), ast.Break()]
        self.emit(ast.While(constant(True), loop.body, []))
        return load(result)

    def _term(self, term: Node, result: str, decisive: bool) -> Block:
        with self.nested() as block:
            value = self.visit_bool(term)
            test = value if decisive else negate(value)
            self.emit(ast.If(test, [assign(result, constant(decisive)), ast.Break()], []))
        return block

    def absorb(self, block: Block, failure: str, *, otherwise: Sequence[ast.stmt] = ()) -> ast.stmt:
        """Run a block; keep its error, the first one unless there is something to do `otherwise`."""
        kept = assign(failure, constant(True) if self.quick else call("failed", load("error")))
        first = ast.If(compare(load(failure), ast.Is(), constant(None)), [kept], [])
        handlers = [
            ast.ExceptHandler(load("FATAL"), None, [ast.Raise()]),
            ast.ExceptHandler(
                load("Exception"),
                None if self.quick else "error",
                [kept, *otherwise] if otherwise else [first],
            ),
        ]
        return ast.Try(block.statements(), handlers, [], [])

    def raise_kept(self, failure: str) -> ast.stmt:
        """Raise the error that was kept, if any."""
        error = load("Abandon") if self.quick else load(failure)
        return ast.If(compare(load(failure), ast.IsNot(), constant(None)), [ast.Raise(error)], [])

    # Literals

    def _list(self, node: ListLiteral) -> ast.expr:
        elements = self.visit_all(node.elements)
        self.charge(LIST_COST)
        if not node.optional:
            return list_of(elements)
        marked = [tuple_of(constant(i in node.optional), element) for i, element in enumerate(elements)]
        return call("list_of_optionals", list_of(marked))

    def _map(self, node: MapLiteral) -> ast.expr:
        parts = self.visit_all(part for entry in node.entries for part in (entry.key, entry.value))
        self.charge(MAP_COST)
        keys, held = parts[::2], parts[1::2]
        if all(_is_text(key) for key in keys) and not any(entry.optional for entry in node.entries):
            return ast.Dict(list(keys), held)
        marked = [
            tuple_of(constant(entry.optional), key, value)
            for entry, key, value in zip(node.entries, keys, held, strict=True)
        ]
        return call("map_of_entries", list_of(marked))

    def _message(self, node: Message) -> ast.expr:
        held = self.visit_all(field.value for field in node.fields)
        self.charge(MESSAGE_COST)
        reference = self.reference(node)
        marked = [
            tuple_of(constant(field.optional), constant(field.name), value)
            for field, value in zip(node.fields, held, strict=True)
        ]
        return call("message", constant(reference.name if reference else node.type_name), list_of(marked))

    # Local variables

    @contextmanager
    def bound(self, names: Mapping[str, str]) -> Iterator[None]:
        """Generate where these local variables stand for these names of the code."""
        outer = self._locals
        self._locals = {**outer, **names}
        try:
            yield
        finally:
            self._locals = outer

    def _binding(self, node: Binding) -> ast.expr:
        if node.variable == OPTIONAL_TARGET:
            return self._optional_target(node)
        name = self.fresh("b")
        self._bind(node, name)
        with self.bound({node.variable: name}):
            return self.visit(node.body)

    def _optional_target(self, node: Binding) -> ast.expr:
        name = self.fresh("b")
        before = f"{name}_before"
        with self.nested() as block:
            value = self.visit(node.value)
            block.body.append(assign(name, value))
        self.emit(assign(before, load("cost")), *block.statements())
        self.emit(assign(f"{name}_cost", binary(load("cost"), ast.Sub(), load(before))))
        with self.bound({node.variable: name}):
            return self.visit(node.body)

    def _bind(self, node: Binding, name: str) -> None:
        """Bind the value; its error shows only where the variable is used."""
        with self.nested() as block, self.deeper(1):
            block.body.append(assign(name, self.visit(node.value)))
        if self.quick:
            self.emit(*block.statements())
            return
        kept = assign(name, call("Failure", load("error")))
        handlers = [
            ast.ExceptHandler(load("FATAL"), None, [ast.Raise()]),
            ast.ExceptHandler(load("Exception"), "error", [kept]),
        ]
        self.emit(ast.Try(block.statements(), handlers, [], []))
        self._lazy.add(name)

    # Comprehensions

    def _comprehension(self, node: Comprehension) -> ast.expr:
        return self._shallow(lambda: Loop(self, node).write())


def terms(node: Call) -> list[Node]:
    """The terms of a chain of one operator, from left to right."""
    result: list[Node] = []
    pending: list[Node] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, Call) and each.function == node.function:
            pending.extend(reversed(each.arguments))
        else:
            result.append(each)
    return result


def _certain(node: Node) -> bool:
    """Whether the code of a node whose static type is bool gives nothing but bools, whatever the data."""
    if isinstance(node, Comprehension):
        return True
    if isinstance(node, Select):
        return node.test
    if isinstance(node, Call):
        return node.function not in _UNCERTAIN
    return isinstance(node, Literal)


_UNCERTAIN = frozenset({"_?_:_", "_[_]", "value", "orValue", "dyn", "min", "max"})


def _certain_value(block: Block) -> bool:
    """Whether a term cannot fail: it is a constant."""
    first = block.body[0] if len(block.body) == 1 else None
    return isinstance(first, ast.If) and isinstance(first.test, ast.Constant)


def _is_text(key: ast.expr) -> bool:
    return isinstance(key, ast.Constant) and isinstance(key.value, str)


_VISITORS: dict[type, Callable[[Generator, Any], ast.expr]] = {
    Identifier: Generator._identifier,
    Select: Generator._select,
    Call: Generator._call,
    ListLiteral: Generator._list,
    MapLiteral: Generator._map,
    Message: Generator._message,
    Comprehension: Generator._comprehension,
    Binding: Generator._binding,
}

_SPECIAL: dict[str, Callable[[Generator, Call], ast.expr]] = {
    "_&&_": Generator._logic,
    "_||_": Generator._logic,
    "_?_:_": Generator._conditional,
    "_==_": Generator._equality,
    "_!=_": Generator._equality,
    "_[_]": Generator._index,
    "_[?_]": Generator._index,
    "or": Generator._or_optional,
    "orValue": Generator._or_optional,
}
