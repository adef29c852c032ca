"""Evaluate expressions as Kubernetes does, for the tests of the libraries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gatekeeper_py.cel import Budget, EvaluationError
from gatekeeper_py.cel.checking.types import DYN
from gatekeeper_py.cel.environment import Environment, Program, kubernetes_environment
from gatekeeper_py.cel.evaluation.values import (
    Duration,
    Optional,
    Timestamp,
    TypeValue,
    UInt,
    find,
    normal,
    type_name,
)

LIMIT = 10**9
"""Units nobody spends."""


def environment(*, extras: bool = False) -> Environment:
    """Kubernetes' environment with the one variable `object`."""
    return kubernetes_environment(extras=extras).extend(variables={"object": DYN})


def compiled(text: str, *, extras: bool = False) -> Program:
    """A program over `object`."""
    return environment(extras=extras).compile(text)


def evaluate(text: str, object_: Any = None, *, extras: bool = False) -> Any:
    """The value of an expression."""
    return compiled(text, extras=extras).evaluate({"object": object_}, Budget(LIMIT))


def error(text: str, object_: Any = None, *, extras: bool = False) -> str:
    """The message of an expression that has no value."""
    try:
        value = evaluate(text, object_, extras=extras)
    except EvaluationError as problem:
        return str(problem)
    raise AssertionError(f"{text} has a value: {value!r}")


def cost(text: str, object_: Any = None) -> int:
    """Units an expression spends."""
    budget = Budget(LIMIT)
    compiled(text).evaluate({"object": object_}, budget)
    return LIMIT - budget.remaining


def show(value: Any) -> str:
    """A value as tests/cel/library/recorder prints it."""
    value = normal(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (bool, type(None))):
        return json.dumps(value)
    if isinstance(value, int):
        return f"{int(value)}u" if isinstance(value, UInt) else str(value)
    if isinstance(value, float):
        return f"double {hexadecimal(value)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(sorted(f"{show(key)}: {show(find(value, key))}" for key in value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    return _show_special(value)


def _show_special(value: Any) -> str:
    if isinstance(value, bytes):
        return f"bytes {value.hex()}"
    if isinstance(value, (Duration, Timestamp)):
        return f"{type(value).__name__.lower()} {value.nanoseconds}"
    if isinstance(value, Optional):
        return f"optional({show(value.value)})" if value.present else "none"
    if isinstance(value, TypeValue):
        return f"type {value.name}"
    return f"opaque {type_name(value)}"


def hexadecimal(value: float) -> str:
    """A double as Go's `%x` prints it."""
    mantissa, point, exponent = value.hex().partition("p")
    if not point:
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[mantissa]
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{int(exponent):+03d}"
