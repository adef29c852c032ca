"""Macros: calls that are not calls but new syntax, `has(a.b)` or `list.all(x, x > 0)`.

Each expands while the text is read, to a node of its own. Words of the messages are cel-go's
(parser/macro.go, ext/comprehensions.go, ext/lists.go, ext/bindings.go, cel/library.go).
A library switches macros on by name, `name/number of arguments`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper_py.cel.syntax.tree import (
    Binding,
    Call,
    Comprehension,
    ComprehensionKind,
    Identifier,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
    Span,
)

__all__ = [
    "BINDINGS",
    "LISTS",
    "MATH",
    "OPTIONALS",
    "OPTIONAL_TARGET",
    "STANDARD",
    "TWO_VARIABLES",
    "MacroCall",
    "MacroError",
    "expand",
]

STANDARD = (
    "has/1",
    "all/2",
    "exists/2",
    "exists_one/2",
    "map/2",
    "map/3",
    "filter/2",
)
"""What every environment has."""
OPTIONALS = ("optMap/2", "optFlatMap/2")
"""What optional values bring."""
TWO_VARIABLES = (
    "all/3",
    "exists/3",
    "exists_one/3",
    "existsOne/3",
    "transformList/3",
    "transformList/4",
    "transformMap/3",
    "transformMap/4",
    "transformMapEntry/3",
    "transformMapEntry/4",
)
"""Comprehensions over index and element, or key and value."""
LISTS = ("sortBy/2",)
"""What the list library brings; expands to a call of the method `@sortByAssociatedKeys`."""
BINDINGS = ("cel.bind/3",)
"""`cel.bind(x, value, expression)`; not in Kubernetes."""
MATH = ("math.greatest", "math.least")
"""Take any number of numbers; expand to calls of `math.@max` and `math.@min`. Not in Kubernetes."""

ACCUMULATORS = frozenset({"@result", "__result__"})
"""Names cel-go keeps for the accumulator of a comprehension."""
OPTIONAL_TARGET = "@optional"
"""The hidden variable that holds the receiver of optMap and optFlatMap; no text can spell it."""
SORT_INPUT = "@__sortBy_input__"


class MacroError(Exception):
    """The arguments of a macro are not what it wants; at a position in the text."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class MacroCall:
    """A call that names a macro: where it stands, its receiver and its arguments, unchecked."""

    span: Span
    position: int
    function: str
    target: Node | None
    arguments: tuple[Node, ...]

    def receiver(self) -> Node:
        """The receiver of a macro that is only found with one."""
        assert self.target is not None
        return self.target

    def call(self, function: str, *arguments: Node) -> Call:
        """A function call at the place of the macro."""
        return Call(self.span, self.position, function, None, arguments)

    def method(self, function: str, target: Node, *arguments: Node) -> Call:
        """A method call at the place of the macro."""
        return Call(self.span, self.position, function, target, arguments)

    def identifier(self, name: str) -> Identifier:
        """A name at the place of the macro."""
        return Identifier(self.span, self.position, name)

    def binding(self, variable: str, value: Node, body: Node) -> Binding:
        """A binding at the place of the macro."""
        return Binding(self.span, self.position, variable, value, body)

    def comprehension(
        self, kind: ComprehensionKind, variables: tuple[str, ...], condition: Node | None, result: Node | None
    ) -> Comprehension:
        """A comprehension over the receiver."""
        return Comprehension(self.span, self.position, kind, self.receiver(), variables, condition, result)


Expander: TypeAlias = Callable[[MacroCall], Node | None]


def expand(call: MacroCall, enabled: frozenset[str]) -> Node | None:
    """What `call` expands to; None when it names no enabled macro. Raises `MacroError`."""
    if (call.target is None) is not (call.function == "has"):
        return None
    name = _name(call)
    expander = _EXPANDERS.get(name) if name in enabled else None
    return expander(call) if expander else None


def _name(call: MacroCall) -> str:
    """How libraries name the macro that a call may be."""
    target = call.target
    namespace = target.name if isinstance(target, Identifier) and not target.absolute else None
    if f"{namespace}.{call.function}" in MATH:
        return f"{namespace}.{call.function}"
    prefix = "cel." if namespace == "cel" and call.function == "bind" else ""
    return f"{prefix}{call.function}/{len(call.arguments)}"


def _has(call: MacroCall) -> Node:
    argument = call.arguments[0]
    if isinstance(argument, Select) and not (argument.optional or argument.test):
        return Select(call.span, call.position, argument.operand, argument.field, test=True)
    raise MacroError(argument.position, "invalid argument to has() macro")


def _variable(node: Node, message: str) -> str:
    if not isinstance(node, Identifier):
        raise MacroError(node.position, message)
    name = f".{node.name}" if node.absolute else node.name
    if name in ACCUMULATORS:
        raise MacroError(node.position, "iteration variable overwrites accumulator variable")
    return name


def _variables(call: MacroCall) -> tuple[str, str]:
    first, second = (_simple_name(node) for node in call.arguments[:2])
    if first == second:
        raise MacroError(call.arguments[1].position, f"duplicate variable name: {first}")
    for node in call.arguments[:2]:
        _variable(node, "")
    return first, second


def _simple_name(node: Node) -> str:
    if not isinstance(node, Identifier):
        raise MacroError(node.position, "argument must be a simple name")
    return node.name


def _quantifier(kind: ComprehensionKind) -> Expander:
    def expander(call: MacroCall) -> Node:
        variable = _variable(call.arguments[0], "argument must be a simple name")
        return call.comprehension(kind, (variable,), call.arguments[1], None)

    return expander


def _pair_quantifier(kind: ComprehensionKind) -> Expander:
    def expander(call: MacroCall) -> Node:
        return call.comprehension(kind, _variables(call), call.arguments[2], None)

    return expander


def _map(call: MacroCall) -> Node:
    variable = _variable(call.arguments[0], "argument is not an identifier")
    condition = call.arguments[1] if len(call.arguments) == 3 else None
    return call.comprehension(ComprehensionKind.MAP, (variable,), condition, call.arguments[-1])


def _filter(call: MacroCall) -> Node:
    variable = _variable(call.arguments[0], "argument is not an identifier")
    return call.comprehension(ComprehensionKind.FILTER, (variable,), call.arguments[1], None)


def _transform(kind: ComprehensionKind) -> Expander:
    def expander(call: MacroCall) -> Node:
        condition = call.arguments[2] if len(call.arguments) == 4 else None
        return call.comprehension(kind, _variables(call), condition, call.arguments[-1])

    return expander


def _optional_variable(call: MacroCall) -> str:
    node = call.arguments[0]
    if not isinstance(node, Identifier):
        raise MacroError(node.position, f"{call.function}() variable name must be a simple identifier")
    return node.name


def _with_optional(call: MacroCall, present: Node) -> Node:
    """`target.hasValue() ? present : optional.none()`, where the target is evaluated once."""
    target = call.identifier(OPTIONAL_TARGET)
    choice = call.call("_?_:_", call.method("hasValue", target), present, call.call("optional.none"))
    return call.binding(OPTIONAL_TARGET, call.receiver(), choice)


def _opt_flat_map(call: MacroCall) -> Node:
    value = call.method("value", call.identifier(OPTIONAL_TARGET))
    return _with_optional(call, call.binding(_optional_variable(call), value, call.arguments[1]))


def _opt_map(call: MacroCall) -> Node:
    value = call.method("value", call.identifier(OPTIONAL_TARGET))
    bound = call.binding(_optional_variable(call), value, call.arguments[1])
    return _with_optional(call, call.call("optional.of", bound))


def _sort_by(call: MacroCall) -> Node:
    target = call.receiver()
    if isinstance(target, Literal | MapLiteral | Message):
        raise MacroError(
            target.position,
            "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
        )
    variable = _variable(call.arguments[0], "argument is not an identifier")
    items = call.identifier(SORT_INPUT)
    keys = Comprehension(
        call.span, call.position, ComprehensionKind.MAP, items, (variable,), None, call.arguments[1]
    )
    ordered = call.method("@sortByAssociatedKeys", call.identifier(SORT_INPUT), keys)
    return call.binding(SORT_INPUT, target, ordered)


def _bind(call: MacroCall) -> Node:
    node = call.arguments[0]
    if not isinstance(node, Identifier):
        raise MacroError(node.position, "cel.bind() variable names must be simple identifiers")
    return call.binding(node.name, call.arguments[1], call.arguments[2])


def _extreme(function: str) -> Expander:
    """`math.greatest` or `math.least`: of one number or literal list, of two, or of more, as a list."""

    def expander(call: MacroCall) -> Node:
        name = f"math.{call.function}()"
        arguments = call.arguments
        if not arguments:
            raise MacroError(call.receiver().position, f"{name} requires at least one argument")
        if len(arguments) == 1:
            if not (_is_numeric(arguments[0]) or _is_numeric_list(arguments[0])):
                raise MacroError(arguments[0].position, f"{name} invalid single argument value")
            return call.call(function, arguments[0])
        for argument in arguments:
            if not _is_numeric(argument):
                raise MacroError(argument.position, f"{name} simple literal arguments must be numeric")
        if len(arguments) == 2:
            return call.call(function, *arguments)
        return call.call(function, ListLiteral(call.span, call.position, arguments))

    return expander


def _is_numeric(node: Node) -> bool:
    """Whether an argument may be a number, for all that its form tells."""
    if isinstance(node, Literal):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return not isinstance(node, ListLiteral | MapLiteral | Message)


def _is_numeric_list(node: Node) -> bool:
    return isinstance(node, ListLiteral) and bool(node.elements) and all(map(_is_numeric, node.elements))


_EXPANDERS: dict[str, Expander] = {
    "has/1": _has,
    "all/2": _quantifier(ComprehensionKind.ALL),
    "exists/2": _quantifier(ComprehensionKind.EXISTS),
    "exists_one/2": _quantifier(ComprehensionKind.EXISTS_ONE),
    "map/2": _map,
    "map/3": _map,
    "filter/2": _filter,
    "optMap/2": _opt_map,
    "optFlatMap/2": _opt_flat_map,
    "all/3": _pair_quantifier(ComprehensionKind.ALL),
    "exists/3": _pair_quantifier(ComprehensionKind.EXISTS),
    "exists_one/3": _pair_quantifier(ComprehensionKind.EXISTS_ONE),
    "existsOne/3": _pair_quantifier(ComprehensionKind.EXISTS_ONE),
    "transformList/3": _transform(ComprehensionKind.TRANSFORM_LIST),
    "transformList/4": _transform(ComprehensionKind.TRANSFORM_LIST),
    "transformMap/3": _transform(ComprehensionKind.TRANSFORM_MAP),
    "transformMap/4": _transform(ComprehensionKind.TRANSFORM_MAP),
    "transformMapEntry/3": _transform(ComprehensionKind.TRANSFORM_MAP_ENTRY),
    "transformMapEntry/4": _transform(ComprehensionKind.TRANSFORM_MAP_ENTRY),
    "sortBy/2": _sort_by,
    "cel.bind/3": _bind,
    "math.greatest": _extreme("math.@max"),
    "math.least": _extreme("math.@min"),
}
