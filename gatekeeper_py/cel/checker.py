"""What a text means in its environment: the type of every node and what every name stands for.

Follows cel-go 0.26 (checker/checker.go), words and places of its messages included, because Kubernetes
shows them to whoever writes a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gatekeeper_py.cel.declarations import Function, Overload
from gatekeeper_py.cel.tree import Node
from gatekeeper_py.cel.types import Type

__all__ = ["Checked", "Declarations", "Reference", "ReferenceKind"]


class ReferenceKind(Enum):
    """What a name can stand for."""

    VARIABLE = "variable"
    """A declared variable: `activation[name]`."""
    CONSTANT = "constant"
    """A constant of a library: `declarations.constants[name]`."""
    TYPE = "type"
    """A type as a value, or the type of a message literal: `declarations.types[name]`."""
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


@dataclass(frozen=True, slots=True)
class Declarations:
    """What an environment declares, as the checker wants it."""

    functions: Mapping[str, Function]
    variables: Mapping[str, Type]
    constants: Mapping[str, tuple[Type, object]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    """Names that are expressions of type `type(T)`, to T: `int`, `google.protobuf.Timestamp`, `net.IP`."""
    messages: Callable[[str], Type | None] = lambda _: None
    """The type of a message by its full name; None when there is none of that name."""
    homogeneous: bool = True
    """Whether the elements of a list or map literal must be of one type, as Kubernetes wants."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A tree whose every node has a type and whose names are resolved."""

    node: Node
    result: Type
    types: Mapping[Node, Type]
    references: Mapping[Node, Reference]
