"""What a text means in its environment: the type of every node and what every name stands for.

Follows cel-go 0.26 (checker/checker.go), words and places of its messages included, because Kubernetes
shows them to whoever writes a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Overload
from gatekeeper_py.cel.checking.inference import Substitution, is_dynamic, more_general, unwrap_optional
from gatekeeper_py.cel.checking.names import Declarations, Reference, ReferenceKind, Scope, qualified_name
from gatekeeper_py.cel.checking.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    UINT,
    Kind,
    Type,
    list_of,
    map_of,
    optional_of,
)
from gatekeeper_py.cel.checking.validators import validate
from gatekeeper_py.cel.checking.wellknown import MESSAGES
from gatekeeper_py.cel.syntax.macros import OPTIONAL_TARGET
from gatekeeper_py.cel.syntax.source import Issues
from gatekeeper_py.cel.syntax.tree import (
    Binding,
    Call,
    Comprehension,
    ComprehensionKind,
    Field,
    Identifier,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
)
from gatekeeper_py.golang.numbers import UInt

__all__ = ["Checked", "Declarations", "Reference", "ReferenceKind", "check"]

NAMELESS = frozenset({"JSONPatch"})
"""Types that give a field which they do not have, with a type without a name (apiserver/pkg/cel/mutation)."""

TYPE_LIMIT = 1_000
"""Parts of a type. `[x].map(a, {a: a}).map(b, {b: b})...` doubles its type at every step."""

_LITERALS: Mapping[type, Type] = {
    type(None): NULL,
    bool: BOOL,
    int: INT,
    UInt: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree whose every node has a type and whose names are resolved."""

    node: Node
    result: Type
    """The type of the whole, as cel-go would say."""
    types: Mapping[Node, Type]
    """What is certain of each node's values; says dyn in places where cel-go guesses."""
    references: Mapping[Node, Reference]


def check(node: Node, declarations: Declarations, text: str, container: str = "") -> Checked:
    """Give every node of `text` its type and every name its meaning.

    Raises `CompileError` with all issues.
    """
    issues = Issues(text)
    try:
        checked = _check(node, declarations, issues, container)
    except _TooComplex:
        issues.add_general(f"type limit exceeded: {TYPE_LIMIT}")
    except RecursionError:
        issues.add_general("expression recursion limit exceeded: 250")
    issues.raise_any()
    return checked


def _check(node: Node, declarations: Declarations, issues: Issues, container: str) -> Checked:
    """Check as cel-go does, for its issues and its result type; once more for certain types if need be.

    cel-go takes what it does not know of a type for what the next function wants: the first overload of
    `-` makes the elements of `object.list.distinct()` doubles. At run time it uses that for nothing but which
    overload of a function is called; we would for more.
    """
    checker = _Checker(declarations, issues, container)
    result = checker.check(node)
    issues.raise_any()
    checked = checker.checked(node, result)
    validate(node, checked.types, checked.references, issues, homogeneous=declarations.homogeneous)
    if not checker.guesses:
        return checked
    cautious = _Checker(declarations, Issues(issues.text), container, cautious=True)
    cautious.check(node)
    certain = cautious.checked(node, result)
    references = {
        each: _bound(reference, checked.references[each]) for each, reference in certain.references.items()
    }
    return Checked(node, checked.result, certain.types, references)


def _bound(certain: Reference, guessed: Reference) -> Reference:
    """What is called: what the guess resolved to, but for functions that leave all to the values."""
    by_values = not guessed.resolved or guessed.name in BOUND_ONCE or guessed.name.startswith(("_", "-"))
    overloads = certain.overloads if by_values else guessed.overloads
    return replace(certain, overloads=overloads, resolved=guessed.resolved)


BOUND_ONCE = frozenset({"!_", "@in", "@sortByAssociatedKeys", "matches", "size", "sort"})
"""Functions that cel-go binds once for all their overloads; as it does operators."""


class _TooComplex(Exception):
    """A type grew beyond all use."""


class _Checker:
    """One check of one tree. `check` and the method for a node are all that recurses: nesting costs stack.

    A `cautious` one takes for dyn what is not known of the type of a node.
    """

    def __init__(
        self, declarations: Declarations, issues: Issues, container: str, *, cautious: bool = False
    ) -> None:
        self.guesses = False
        """Whether a type was open, so that a guess may have filled it in."""
        self._cautious = cautious
        self._issues = issues
        self._container = container
        self._scope = Scope(declarations, container)
        self._known = Substitution()
        self._types: dict[Node, Type] = {}
        self._references: dict[Node, Reference] = {}

    def check(self, node: Node) -> Type:
        """The type of `node`, as far as it is known by now; what is wrong goes to the issues."""
        of = _CHECKS[type(node)](self, node)
        if of.parameters or of.kind is Kind.PARAMETER:
            of = self._survey(of)
        self._types[node] = of
        return of

    def _survey(self, of: Type) -> Type:
        too_complex, open_ended = self._known.survey(of, TYPE_LIMIT)
        if too_complex:
            raise _TooComplex
        self.guesses |= open_ended
        return self._known.resolve(of, final=True) if self._cautious else of

    def checked(self, node: Node, result: Type) -> Checked:
        """The outcome, all that is known of type parameters filled in."""
        types = {each: self._known.resolve(of, final=True) for each, of in self._types.items()}
        return Checked(node, self._known.resolve(result, final=True), types, self._references)

    def literal(self, node: Literal) -> Type:
        """A constant."""
        return _LITERALS[type(node.value)]

    def identifier(self, node: Identifier) -> Type:
        """A name: a local variable, or something declared."""
        local = self._scope.local(node)
        if local is not None:
            return local
        name = f".{node.name}" if node.absolute else node.name
        found = self._scope.identifier(name)
        if found is None:
            return self._undeclared(node, name)
        of, self._references[node] = found
        return of

    def _undeclared(self, node: Node, name: str) -> Type:
        message = f"undeclared reference to '{name}' (in container '{self._container}')"
        return self._error(node.position, message)

    def _error(self, position: int, message: str) -> Type:
        self._issues.add(position, message)
        return ERROR

    def select(self, node: Select) -> Type:
        """A field, or a qualified name that is declared as a whole."""
        found = self._qualified(node)
        if found:
            of, self._references[node] = found
            return of
        operand = self._known.resolve(self.check(node.operand))
        target, was_optional = unwrap_optional(operand)
        of = self._field_of(target, node)
        if node.test:
            return BOOL
        return self._known.resolve(optional_of(of) if was_optional or node.optional else of)

    def _qualified(self, node: Select) -> tuple[Type, Reference] | None:
        name = qualified_name(node)
        return None if name is None or self._scope.shadows(node) else self._scope.identifier(name)

    def _field_of(self, target: Type, node: Select) -> Type:
        if target.kind is Kind.MAP:
            return target.parameters[1]
        if target.kind is Kind.OBJECT:
            if target.fields is not None and not target.fields:
                return self._error(node.position, f"unexpected failed resolution of '{target.name}'")
            return self._declared_field(target.fields, node.field, node.position)
        if target.kind is Kind.PARAMETER:
            self._known.assignable(DYN, target)
        elif not is_dynamic(target):
            self._error(node.position, f"type '{target}' does not support field selection")
        return DYN

    def _declared_field(self, fields: Mapping[str, Type] | None, name: str, position: int) -> Type:
        if fields is None:
            return DYN
        if name in fields:
            return fields[name]
        return self._error(position, f"undefined field '{name}'")

    def call(self, node: Call) -> Type:
        """A call: of a function, of a namespaced function (`optional.of`), or of a method."""
        arguments = []
        for argument in node.arguments:
            arguments.append(self.check(argument))
        if node.target is None:
            return self._apply_named(node, node.function, arguments)
        prefix = qualified_name(node.target)
        function = self._scope.function(f"{prefix}.{node.function}") if prefix else None
        if function:
            return self._apply(node, function, arguments, namespaced=True)
        return self._apply_named(node, node.function, [self.check(node.target), *arguments], member=True)

    def _apply_named(self, node: Call, name: str, arguments: list[Type], *, member: bool = False) -> Type:
        function = self._scope.function(name)
        if function is None:
            return self._undeclared(node, name)
        if name in ("_&&_", "_||_"):
            return self._logic(node, function, arguments)
        return self._apply(node, function, arguments, member=member)

    def _logic(self, node: Call, function: Function, arguments: list[Type]) -> Type:
        """Logical operators say of each operand that it is no bool."""
        operands = zip(node.arguments, arguments, strict=True)
        wrong = [not self._expect_bool(operand, of) for operand, of in operands]
        self._refer(node, function, function.overloads)
        return ERROR if any(wrong) else BOOL

    def _expect_bool(self, node: Node, of: Type) -> bool:
        if self._known.assignable(of, BOOL):
            return True
        self._mismatch(node, BOOL, of)
        return False

    def _mismatch(self, node: Node, expected: Type, found: Type) -> Type:
        return self._error(node.position, f"expected type '{expected}' but found '{found}'")

    def _refer(
        self, node: Call, function: Function, overloads: tuple[Overload, ...], *, namespaced: bool = False
    ) -> None:
        reference = Reference(
            ReferenceKind.FUNCTION, function.name, overloads, namespaced, resolved=len(overloads) == 1
        )
        self._references[node] = reference

    def _apply(
        self,
        node: Call,
        function: Function,
        arguments: list[Type],
        *,
        member: bool = False,
        namespaced: bool = False,
    ) -> Type:
        """Find the overloads that take the arguments; the result is what they agree on, or dyn."""
        candidates = []
        result = None
        for overload in function.overloads:
            if overload.member is not member:
                continue
            returned, *parameters = self._known.instantiate((overload.result, *overload.parameters))
            if self._known.all_assignable(arguments, parameters):
                candidates.append(overload)
                result = _common(result, self._known.resolve(returned))
        if result is None:
            return self._no_overload(node.position, function.name, arguments, member=member)
        self._refer(node, function, tuple(candidates), namespaced=namespaced)
        return result

    def _no_overload(
        self, position: int, name: str, arguments: Sequence[Type], *, member: bool = False
    ) -> Type:
        types = [str(self._known.resolve(of, final=True)) for of in arguments]
        receiver = f"{types.pop(0)}." if member else ""
        signature = f"{receiver}({', '.join(types)})"
        return self._error(position, f"found no matching overload for '{name}' applied to '{signature}'")

    def list_literal(self, node: ListLiteral) -> Type:
        """A list; its elements agree on a type, or are dyn."""
        joined = None
        for index, element in enumerate(node.elements):
            of = self.check(element)
            if index in node.optional:
                of = self._unwrap(element, of)
            joined = self._join(joined, of)
        return list_of(joined or self._known.fresh())

    def map_literal(self, node: MapLiteral) -> Type:
        """A map; its keys agree on a type, or are dyn, and so do its values."""
        keys = values = None
        for entry in node.entries:
            keys = self._join(keys, self.check(entry.key))
            of = self.check(entry.value)
            values = self._join(values, self._unwrap(entry.value, of) if entry.optional else of)
        return map_of(keys or self._known.fresh(), values or self._known.fresh())

    def _unwrap(self, node: Node, of: Type) -> Type:
        """The type within an optional, where the text marks a value as optional."""
        inner, was_optional = unwrap_optional(of)
        if not was_optional and inner.kind is not Kind.DYN:
            self._mismatch(node, optional_of(inner), inner)
        return inner

    def _join(self, previous: Type | None, current: Type) -> Type:
        if previous is None:
            return current
        if not self._known.assignable(previous, current):
            return DYN
        return previous if current.kind is Kind.NULL else more_general(previous, current)

    def message(self, node: Message) -> Type:
        """A message: its name is that of a message type, its values fit its fields."""
        found = self._scope.identifier(node.type_name)
        if found is None:
            return self._undeclared(node, node.type_name)
        of, self._references[node] = found
        if of.kind is not Kind.TYPE:
            return self._error(node.position, f"'{of}' is not a type")
        instance, name = of.parameters[0], self._references[node].name
        if name not in MESSAGES and instance.kind is not Kind.OBJECT:
            return self._error(node.position, f"'{instance}' is not a message type")
        fields = MESSAGES[name].fields if name in MESSAGES else instance.fields
        for each in node.fields:
            self._initializer(name, each, fields, self.check(each.value))
        return instance

    def _initializer(self, name: str, node: Field, fields: Mapping[str, Type] | None, value: Type) -> None:
        of = self._unwrap(node.value, value) if node.optional else value
        if name in NAMELESS and fields is not None and node.name not in fields:
            if not is_dynamic(of):
                self._unfit_field(node, "", of)
            return
        declared = self._declared_field(fields, node.name, node.position)
        if not self._known.assignable(declared, of):
            self._unfit_field(node, declared, of)

    def _unfit_field(self, node: Field, declared: Type | str, of: Type) -> None:
        expected = f"expected type of field '{node.name}' is '{declared}'"
        self._error(node.position, f"{expected} but provided type is '{of}'")

    def binding(self, node: Binding) -> Type:
        """A local name for a value. cel-go checks the receiver of optMap twice, and complains as often."""
        mark = len(self._issues)
        self._scope.enter({node.variable: self.check(node.value)})
        if node.variable == OPTIONAL_TARGET:
            self._issues.repeat(mark)
        of = self.check(node.body)
        self._scope.leave()
        return of

    def comprehension(self, node: Comprehension) -> Type:
        """A macro over a list or a map, with the meaning and the messages of what cel-go expands it to."""
        elements = self._elements(node, self._known.resolve(self.check(node.range)))
        self._scope.enter(dict(zip(node.variables, elements, strict=True)))
        condition = None if node.condition is None else self.check(node.condition)
        result = None if node.result is None else self.check(node.result)
        self._scope.leave()
        if node.kind in (ComprehensionKind.ALL, ComprehensionKind.EXISTS):
            assert node.condition is not None
            assert condition is not None
            self._expect_bool(node.condition, condition)
            return BOOL
        accumulator = self._accumulator(node, elements, result)
        if condition is not None and not self._known.assignable(condition, BOOL):
            self._no_overload(node.position, "_?_:_", (condition, accumulator, accumulator))
        return BOOL if node.kind is ComprehensionKind.EXISTS_ONE else self._known.resolve(accumulator)

    def _elements(self, node: Comprehension, of: Type) -> list[Type]:
        """The types of the variables: element or key; with two variables index and element, key and value."""
        count = len(node.variables)
        if of.kind is Kind.LIST:
            return [INT, of.parameters[0]][-count:]
        if of.kind is Kind.MAP:
            return list(of.parameters[:count])
        if of.kind is Kind.PARAMETER or is_dynamic(of):
            self._known.assignable(DYN, of)
            return [DYN] * count
        expected = "cannot be range of a comprehension (must be list, map, or dynamic)"
        return [self._error(node.range.position, f"expression of type '{of}' {expected}")] * count

    def _accumulator(self, node: Comprehension, elements: list[Type], result: Type | None) -> Type:
        """What the loop builds up: a count, a list of elements or transforms, a map."""
        if node.kind is ComprehensionKind.EXISTS_ONE:
            return INT
        if node.kind is ComprehensionKind.FILTER:
            return list_of(elements[0])
        assert result is not None
        if node.kind is ComprehensionKind.TRANSFORM_MAP:
            return map_of(elements[0], result)
        if node.kind is ComprehensionKind.TRANSFORM_MAP_ENTRY:
            return self._inserted(node, result)
        return list_of(result)

    def _inserted(self, node: Comprehension, entry: Type) -> Type:
        accumulator = map_of(self._known.fresh(), self._known.fresh())
        if not self._known.assignable(accumulator, entry):
            self._no_overload(node.position, "cel.@mapInsert", (accumulator, entry))
        return accumulator


def _common(result: Type | None, other: Type) -> Type:
    """The result of several overloads."""
    if result is None or result.kind is Kind.DYN or result == other:
        return result or other
    return DYN


_CHECKS: Mapping[type, Callable[[_Checker, Any], Type]] = {
    Literal: _Checker.literal,
    Identifier: _Checker.identifier,
    Select: _Checker.select,
    Call: _Checker.call,
    ListLiteral: _Checker.list_literal,
    MapLiteral: _Checker.map_literal,
    Message: _Checker.message,
    Comprehension: _Checker.comprehension,
    Binding: _Checker.binding,
}
