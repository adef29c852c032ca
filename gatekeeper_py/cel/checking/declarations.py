"""What an environment offers to expressions: functions with overloads, constants, macros, message types.

A library file declares its functions and implements them side by side; `Environment` takes
libraries and compiles expressions against them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekeeper_py.cel.checking.types import Type

__all__ = ["Function", "Library", "Overload"]


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function and the Python function behind it.

    `implementation` takes CEL values (see `values`) positionally, the receiver first, and raises
    `EvaluationError` when there is no result. It must check nothing the declared `parameters`
    already promise: the caller has matched the run-time types.
    `cost` gives the units the call spends, charged *before* it runs, from the same arguments;
    None means one unit. It follows Kubernetes' estimator (apiserver/pkg/cel/library/cost.go) or cel-go's.
    A `contextual` implementation receives the activation as an extra first argument.
    """

    identifier: str
    """Unique, as cel-go names it: `string_starts_with_string`."""
    parameters: tuple[Type, ...]
    result: Type
    implementation: Callable[..., Any]
    member: bool = False
    """Called as `receiver.f(...)`; `parameters[0]` is the receiver's type."""
    cost: Callable[..., int] | None = None
    contextual: bool = False
    work: Callable[..., int] | None = None
    """Steps the call takes beyond what it costs, counted by `Budget.work` before it runs, from the same
    arguments; None: few. Kubernetes lets much work by uncharged; this bounds it and changes no price."""
    unresolved_cost: Callable[..., int] | None = None
    """As `cost`, where the checker left several overloads because an argument is dyn; None: the same.
    cel-go prices its own functions by overload, so that such a call costs one unit, Kubernetes by name."""
    compared: int | None = None
    """The argument that cel-go's cost tracker takes for a list without a check, where the checker resolved
    the call: an error there, or another value, is then an `InternalError`."""
    unguarded: bool = False
    """Whether cel-go checks of the arguments of this overload only that they are lists or maps: what is
    inside them the implementation must check."""


@dataclass(frozen=True, slots=True)
class Function:
    """A name and its overloads."""

    name: str
    overloads: tuple[Overload, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """What one library adds to an environment."""

    name: str
    functions: tuple[Function, ...] = ()
    constants: Mapping[str, tuple[Type, object]] = field(default_factory=dict)
    """Names that always stand for the same value, with its type."""
    types: tuple[Type, ...] = ()
    """Types whose names are themselves expressions (`type(x) == net.IP`) or messages (`Object{}`)."""
    macros: tuple[str, ...] = ()
    """Names of macros this library switches on; `macros` knows how each expands."""
