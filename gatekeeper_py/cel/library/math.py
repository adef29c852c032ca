"""Numbers: version 2 of cel-go's math extension (ext/math.go). Kubernetes has it not: an extra.

The macros `math.greatest` and `math.least` become calls of `math.@max` and `math.@min`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, DOUBLE, DYN, INT, UINT, Type, list_of
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.evaluation.values import INT_MIN, UInt, type_name
from gatekeeper_py.cel.syntax.macros import MATH

__all__ = ["LIBRARY"]

_BITS = 64
_NUMBERS = (DOUBLE, INT, UINT)


def _pick(name: str, worse: int) -> Callable[[Any, Any], Any]:
    """Of two numbers the one that does not compare as `worse`."""

    def pick(first: Any, second: Any) -> Any:
        try:
            order = values.compare(first, second)
        except EvaluationError as error:
            raise EvaluationError(f"{error}: {name}") from None
        return second if order == worse else first

    return pick


def _pick_of_list(name: str, pick: Callable[[Any, Any], Any]) -> Callable[[Sequence[Any]], Any]:
    def pick_of_list(numbers: Sequence[Any]) -> Any:
        if not numbers:
            raise EvaluationError(f"{name}(list) argument must not be empty")
        best = numbers[0]
        for number in numbers[1:]:
            best = pick(best, number)
        if type_name(best) not in ("int", "uint", "double"):
            raise EvaluationError(f"no such overload: {name}")
        return best

    return pick_of_list


def _extreme(name: str, worse: int) -> Function:
    """`math.@min` or `math.@max`: of one number, of two, of a list."""
    pick = _pick(name, worse)
    prefix = name.replace("math.", "math_")
    of_one = [Overload(f"{prefix}_{one}", (one,), one, lambda number: number) for one in _NUMBERS]
    of_two = [
        Overload(f"{prefix}_{one}_{two}", (one, two), one if one is two else DYN, pick)
        for one in _NUMBERS
        for two in _NUMBERS
    ]
    of_list = [
        Overload(
            f"{prefix}_list_{one}",
            (list_of(one),),
            one,
            _pick_of_list(name, pick),
            work=lambda items: len(items),
        )
        for one in _NUMBERS
    ]
    return Function(name, (*of_one, *of_two, *of_list))


def _finite(run: Callable[[float], float]) -> Callable[[float], float]:
    """Infinities and NaN stay what they are."""
    return lambda number: run(number) if math.isfinite(number) else number


def _round(number: float) -> float:
    """To the nearest whole, halves away from zero."""
    whole = math.trunc(number)
    if abs(number - whole) >= 0.5:
        whole += 1 if number > 0 else -1
    return math.copysign(float(whole), number)


def _whole(run: Callable[[float], int]) -> Callable[[float], float]:
    return _finite(lambda number: math.copysign(float(run(number)), number))


def _absolute(number: int) -> int:
    if number == INT_MIN:
        raise EvaluationError("integer overflow")
    return abs(number)


def _sign(number: float) -> float:
    if number != number:
        return number
    return float((number > 0) - (number < 0))


def _square_root(number: float) -> float:
    number = float(number)
    return math.sqrt(number) if number >= 0 else math.nan


def _signed(number: int) -> int:
    """The low 64 bits as an int."""
    number &= 2**_BITS - 1
    return number - 2**_BITS if number >> (_BITS - 1) else number


def _unsigned(number: int) -> UInt:
    """The low 64 bits as a uint."""
    return UInt(number & (2**_BITS - 1))


def _shift(name: str, run: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """A shift of the 64 bits of a number; a shift by 64 or more leaves none."""

    def shift(number: int, places: int) -> int:
        if places < 0:
            raise EvaluationError(f"math.{name}() negative offset: {places}")
        if places >= _BITS:
            return 0
        return run(number & (2**_BITS - 1), places)

    return shift


def _function(name: str, *overloads: tuple[str, tuple[Type, ...], Type, Callable[..., Any]]) -> Function:
    """`math.<name>`; each overload is the end of its identifier, parameters, result and implementation."""
    return Function(
        f"math.{name}",
        tuple(
            Overload(f"math_{name}_{suffix}", parameters, result, run)
            for suffix, parameters, result, run in overloads
        ),
    )


def _bitwise(name: str, run: Callable[[int, int], int]) -> Function:
    return _function(
        name,
        ("int_int", (INT, INT), INT, lambda left, right: _signed(run(left, right))),
        ("uint_uint", (UINT, UINT), UINT, lambda left, right: _unsigned(run(left, right))),
    )


def _shifting(name: str, run: Callable[[int, int], int]) -> Function:
    shift = _shift(name, run)
    return _function(
        name,
        ("int_int", (INT, INT), INT, lambda number, places: _signed(shift(number, places))),
        ("uint_int", (UINT, INT), UINT, lambda number, places: _unsigned(shift(number, places))),
    )


LIBRARY = Library(
    "cel.lib.ext.math",
    functions=(
        _extreme("math.@min", 1),
        _extreme("math.@max", -1),
        _function("ceil", ("double", (DOUBLE,), DOUBLE, _whole(math.ceil))),
        _function("floor", ("double", (DOUBLE,), DOUBLE, _whole(math.floor))),
        _function("round", ("double", (DOUBLE,), DOUBLE, _finite(_round))),
        _function("trunc", ("double", (DOUBLE,), DOUBLE, _whole(math.trunc))),
        _function("isInf", ("double", (DOUBLE,), BOOL, math.isinf)),
        _function("isNaN", ("double", (DOUBLE,), BOOL, math.isnan)),
        _function("isFinite", ("double", (DOUBLE,), BOOL, math.isfinite)),
        _function(
            "abs",
            ("double", (DOUBLE,), DOUBLE, abs),
            ("int", (INT,), INT, _absolute),
            ("uint", (UINT,), UINT, lambda number: number),
        ),
        _function(
            "sign",
            ("double", (DOUBLE,), DOUBLE, _sign),
            ("int", (INT,), INT, lambda number: int(_sign(number))),
            ("uint", (UINT,), UINT, lambda number: UInt(number > 0)),
        ),
        _function(
            "sqrt",
            ("double", (DOUBLE,), DOUBLE, _square_root),
            ("int", (INT,), DOUBLE, _square_root),
            ("uint", (UINT,), DOUBLE, _square_root),
        ),
        _bitwise("bitAnd", lambda left, right: left & right),
        _bitwise("bitOr", lambda left, right: left | right),
        _bitwise("bitXor", lambda left, right: left ^ right),
        _function(
            "bitNot",
            ("int_int", (INT,), INT, lambda number: ~number),
            ("uint_uint", (UINT,), UINT, lambda number: _unsigned(~number)),
        ),
        _shifting("bitShiftLeft", lambda number, places: number << places),
        _shifting("bitShiftRight", lambda number, places: number >> places),
    ),
    macros=MATH,
)
