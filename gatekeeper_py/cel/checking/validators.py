"""What Kubernetes asks of an expression whose types are right (cel-go, cel/validator.go).

Literal arguments of duration, timestamp and matches must be readable; the elements of a list or map literal
must be of one type, except within the arguments of format; the clauses of a literal format must fit a literal
list of arguments (ext/formatting.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gatekeeper_py.cel.checking.clauses import Clause, FormatError, read_clauses, refusal
from gatekeeper_py.cel.checking.inference import unwrap_optional
from gatekeeper_py.cel.checking.names import Reference
from gatekeeper_py.cel.checking.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    RUNTIME_NAMES,
    STRING,
    TIMESTAMP,
    UINT,
    Kind,
    Type,
)
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.syntax.source import Issues
from gatekeeper_py.cel.syntax.tree import Call, ListLiteral, Literal, MapLiteral, Node, children

__all__ = ["validate"]

_EXEMPT = "format"
"""The method whose list of arguments may mix types (cel-go, ext/formatting.go)."""

_CONVERSIONS = frozenset({"duration", "timestamp"})


def validate(
    node: Node,
    types: Mapping[Node, Type],
    references: Mapping[Node, Reference],
    issues: Issues,
    *,
    homogeneous: bool,
) -> None:
    """Add to `issues` what is wrong with the literals of a checked tree."""
    for each, exempt in _walk(node):
        if isinstance(each, Call):
            _check_argument(each, references.get(each), issues)
            _check_format(each, types, issues)
        elif homogeneous and not exempt:
            for position, expected, found in _mixed(each, types):
                issues.add(position, f"expected type '{expected}' but found '{found}'")


def _walk(node: Node) -> Iterator[tuple[Node, bool]]:
    """All nodes, and whether each is below a call that may mix types."""
    pending = [(node, False)]
    while pending:
        each, exempt = pending.pop()
        yield each, exempt
        below = exempt or (isinstance(each, Call) and each.function == _EXEMPT)
        pending.extend((child, below) for child in children(each))


def _check_argument(call: Call, reference: Reference | None, issues: Issues) -> None:
    if reference is None or not call.arguments or not isinstance(call.arguments[0], Literal):
        return
    argument = call.arguments[0]
    if call.function in _CONVERSIONS:
        valid = argument.value is not None and _runs(reference, argument.value)
    elif call.function == "matches":
        valid = _runs(reference, "", argument.value)
    else:
        return
    if not valid:
        issues.add(argument.position, f"invalid {call.function} argument")


def _runs(reference: Reference, *arguments: object) -> bool:
    try:
        reference.overloads[0].implementation(*arguments)
    except EvaluationError:
        return False
    return True


def _check_format(call: Call, types: Mapping[Node, Type], issues: Issues) -> None:
    """Whether a literal format and a literal list fit each other."""
    match call:
        case Call(function="format", target=Literal(value=str(text)), arguments=(ListLiteral() as listed,)):
            try:
                clauses = read_clauses(text, len(listed.elements))
                verbs = [clause.verb for clause in clauses if isinstance(clause, Clause)]
            except FormatError as error:
                issues.add(call.position, str(error))
                return
            for verb, argument in zip(verbs, listed.elements, strict=False):
                misfit = _misfit(verb, argument, types)
                if misfit:
                    issues.add(misfit.position, str(refusal(verb, _runtime_name(types[misfit]))))
                    return
            if len(verbs) < len(listed.elements):
                counts = f"(expected {len(verbs)}, got {len(listed.elements)})"
                issues.add(call.position, f"too many arguments supplied to string.format {counts}")


def _misfit(verb: str, argument: Node, types: Mapping[Node, Type]) -> Node | None:
    """The first node, the argument or one within, that a clause cannot print."""
    of = _plain(types[argument])
    if of != DYN and of.kind not in _PRINTABLE_KINDS.get(verb, ()) and of not in _PRINTABLE[verb.lower()]:
        return argument
    if not isinstance(argument, ListLiteral | MapLiteral):
        return None
    misfits: Iterator[Node | None] = (_misfit(verb, part, types) for part in children(argument))
    return next((misfit for misfit in misfits if misfit), None)


def _runtime_name(of: Type) -> str:
    name = _plain(of).name
    return RUNTIME_NAMES.get(name, name)


_PRINTABLE: Mapping[str, tuple[Type, ...]] = {
    "s": (INT, UINT, DOUBLE, BOOL, STRING, BYTES, TIMESTAMP, DURATION, NULL),
    "d": (INT, UINT),
    "f": (DOUBLE, STRING),
    "e": (DOUBLE, STRING),
    "b": (INT, UINT, BOOL),
    "x": (INT, UINT, STRING, BYTES),
    "o": (INT, UINT),
}
"""What each clause prints; strings stand for NaN and the infinities."""

_PRINTABLE_KINDS: Mapping[str, tuple[Kind, ...]] = {"s": (Kind.LIST, Kind.MAP, Kind.TYPE)}


def _mixed(node: Node, types: Mapping[Node, Type]) -> Iterator[tuple[int, Type, Type]]:
    """Elements whose type is not that of the first: where, what the first is, what they are."""
    if isinstance(node, ListLiteral):
        elements = (
            (each, _inner(types[each], index in node.optional)) for index, each in enumerate(node.elements)
        )
        yield from _first(_differing(elements))
    elif isinstance(node, MapLiteral):
        yield from _differing((entry.key, types[entry.key]) for entry in node.entries)
        yield from _differing(
            (entry.value, _inner(types[entry.value], entry.optional)) for entry in node.entries
        )


def _inner(of: Type, optional: bool) -> Type:
    return unwrap_optional(of)[0] if optional else of


def _first(found: Iterator[tuple[int, Type, Type]]) -> Iterator[tuple[int, Type, Type]]:
    for each in found:
        yield each
        return


def _differing(elements: Iterable[tuple[Node, Type]]) -> Iterator[tuple[int, Type, Type]]:
    expected = None
    for node, of in elements:
        if expected is None:
            expected = of
        elif _plain(expected) != _plain(of):
            yield node.position, expected, of


def _plain(of: Type) -> Type:
    """The type with wrappers as the primitives they wrap."""
    if of.kind is Kind.WRAPPER:
        return of.parameters[0]
    if not of.parameters:
        return of
    return Type(of.kind, of.name, tuple(map(_plain, of.parameters)))
