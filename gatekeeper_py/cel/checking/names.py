"""What names mean: declarations, and the search for a name in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gatekeeper_py.cel.checking.declarations import Function, Overload
from gatekeeper_py.cel.checking.types import Kind, Type, type_of
from gatekeeper_py.cel.checking.wellknown import CONSTANTS, MESSAGES
from gatekeeper_py.cel.syntax.tree import Identifier, Node, Select

__all__ = ["Declarations", "Reference", "ReferenceKind", "Scope", "qualified_name"]


class ReferenceKind(Enum):
    """What a name can stand for."""

    VARIABLE = "variable"
    """A declared variable: `activation[name]`."""
    CONSTANT = "constant"
    """A constant of a library."""
    TYPE = "type"
    """A type as a value, or the type of a message literal."""
    FUNCTION = "function"
    """A call: one of `overloads`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a node stands for.

    An Identifier, or a Select that is a qualified name as a whole (`a.b.c`; its operand is then unchecked
    and has neither type nor reference), has the resolved `name` of a variable, a constant or a type.
    A Message has the resolved name of its type.
    A Call has the function's resolved `name` and the overloads that its argument types allow, more than one
    when an argument is dyn. When `namespaced`, the call's target is a part of the name (`optional.of(x)`,
    `ip.isCanonical(s)`), is no value and must not be evaluated.
    A variable of a comprehension or a Binding has no reference: an Identifier without one is local.
    """

    kind: ReferenceKind
    name: str
    overloads: tuple[Overload, ...] = ()
    namespaced: bool = False
    value: object = None
    """Of a constant its value, of a type its `Type`."""
    resolved: bool = False
    """Of a call: whether cel-go's checker settles on one overload, right or wrong; it may price the call."""

    @property
    def compared(self) -> int | None:
        """Of a call: the argument that its price takes for a list, if there is one."""
        return self.overloads[0].compared if self.resolved else None


@dataclass(frozen=True, slots=True)
class Declarations:
    """What an environment declares, as the checker wants it."""

    functions: Mapping[str, Function]
    variables: Mapping[str, Type]
    constants: Mapping[str, tuple[Type, object]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    """Names that are expressions of type `type(T)`, to T: `int`, `google.protobuf.Timestamp`, `net.IP`."""
    messages: Callable[[str], Type | None] = lambda _: None
    """The type of a message by its full name; None when there is none of that name.
    The messages of google.protobuf are always there."""
    homogeneous: bool = True
    """Whether the elements of a list or map literal must be of one type, as Kubernetes wants."""


def qualified_name(node: Node) -> str | None:
    """The dotted name a chain of selections spells, with its leading dot; None when it spells none."""
    fields = []
    while isinstance(node, Select) and not (node.test or node.optional):
        fields.append(node.field)
        node = node.operand
    if not isinstance(node, Identifier):
        return None
    root = f".{node.name}" if node.absolute else node.name
    return ".".join([root, *reversed(fields)])


class Scope:
    """The names an expression may use at a point: local variables over declarations.

    A name is searched in the container, then in the containers around it, as C++ does;
    one with a leading dot only outside all. Local variables come before everything else.
    """

    def __init__(self, declarations: Declarations, container: str) -> None:
        self._declarations = declarations
        self._locals: list[Mapping[str, Type]] = []
        self._prefixes = tuple(_prefixes(container))

    def enter(self, variables: Mapping[str, Type]) -> None:
        """Open a scope of local variables."""
        self._locals.append(variables)

    def leave(self) -> None:
        """Close the innermost scope."""
        self._locals.pop()

    def local(self, node: Node) -> Type | None:
        """The type of the local variable an identifier names, if it names one.

        A leading dot asks for what is declared, but cel-go finds a local variable where nothing is.
        """
        if not isinstance(node, Identifier) or (node.absolute and self._declared(node.name)):
            return None
        found = (variables[node.name] for variables in reversed(self._locals) if node.name in variables)
        return next(found, None)

    def shadows(self, node: Node) -> bool:
        """Whether a chain of selections starts at a local variable, and so is no qualified name."""
        while isinstance(node, Select):
            node = node.operand
        return isinstance(node, Identifier) and not node.absolute and self.local(node) is not None

    def identifier(self, name: str) -> tuple[Type, Reference] | None:
        """The declared variable, constant or type of that name, and its type as an expression."""
        for candidate in self._candidates(name):
            found = self._declared(candidate)
            if found:
                return found
        return None

    def function(self, name: str) -> Function | None:
        """The declared function of that name."""
        functions = self._declarations.functions
        found = (functions[candidate] for candidate in self._candidates(name) if candidate in functions)
        return next(found, None)

    def _candidates(self, name: str) -> Iterator[str]:
        if name.startswith("."):
            return iter((name[1:],))
        return (prefix + name for prefix in self._prefixes)

    def _declared(self, name: str) -> tuple[Type, Reference] | None:
        if name in self._declarations.variables:
            return self._declarations.variables[name], Reference(ReferenceKind.VARIABLE, name)
        constant = self._declarations.constants.get(name) or CONSTANTS.get(name)
        if constant:
            return constant[0], Reference(ReferenceKind.CONSTANT, name, value=constant[1])
        instance = self._type(name)
        if instance:
            return type_of(instance), Reference(ReferenceKind.TYPE, name, value=instance)
        return None

    def _type(self, name: str) -> Type | None:
        if name in MESSAGES:
            return MESSAGES[name].type
        declared = self._declarations.messages(name) or self._declarations.types.get(name)
        return _TYPE if declared and declared.kind is Kind.TYPE else declared


_TYPE = Type(Kind.TYPE, "type")
"""The type of types, as an expression: of which type is not said."""


def _prefixes(container: str) -> Iterator[str]:
    while container:
        yield f"{container}."
        container = container.rpartition(".")[0]
    yield ""
