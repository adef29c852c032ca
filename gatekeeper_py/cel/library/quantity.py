"""Quantities of resources: `quantity('1.5Gi')` and its arithmetic (apiserver/pkg/cel/library/quantity.go).

A quantity is kept as Kubernetes keeps it (apimachinery/pkg/api/resource): as a 64-bit number and a power of
ten where that fits, else as a decimal of any length. Which of the two shows: `isInteger` is false for every
decimal. Unlike Kubernetes, no operation writes out a number of more than `LONGEST` digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, DOUBLE, INT, STRING, Type, object_type
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.golang import quantities
from gatekeeper_py.golang.numbers import INT_MAX, INT_MIN
from gatekeeper_py.golang.quantities import LONGEST, TOO_LONG, QuantityError, QuantityTooLong

__all__ = ["LIBRARY", "QUANTITY_TYPE", "Quantity", "parse_quantity"]

QUANTITY_TYPE = object_type("kubernetes.Quantity", {})

REMEMBERED = 4096
"""Quantities whose reading is remembered: all pods of a cluster repeat a few."""
SHORT = 32
"""Characters of a quantity worth remembering; the longest that Kubernetes writes has 21."""
_FAST_DIGITS = 18
"""Digits that surely fit 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """`unscaled` times ten to the power of `exponent`."""

    cel_type: ClassVar[Type] = QUANTITY_TYPE

    unscaled: int
    exponent: int = 0
    decimal: bool = False
    """Whether Kubernetes keeps it as a decimal: it did not fit 64 bits when it was made."""

    def __eq__(self, other: object) -> bool:
        return self.compare(other) == 0 if isinstance(other, Quantity) else NotImplemented

    def __hash__(self) -> int:
        unscaled, exponent = self._reduced()
        return hash((unscaled, exponent))

    def __str__(self) -> str:
        """The number, as digits and a power of ten."""
        unscaled, exponent = self._reduced()
        return f"{unscaled}e{exponent}" if exponent else str(unscaled)

    def _reduced(self) -> tuple[int, int]:
        """The same number without zeros at the end."""
        if self.unscaled == 0:
            return 0, 0
        unscaled, exponent = self.unscaled, self.exponent
        digits = str(unscaled).rstrip("0")
        return int(digits), exponent + len(str(unscaled)) - len(digits)

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return int(self.unscaled > 0) - int(self.unscaled < 0)

    def compare(self, other: Quantity) -> int:
        """-1, 0 or 1; writes out no power of ten that the order of magnitude can decide."""
        if self.sign != other.sign or self.sign == 0:
            return int(self.sign > other.sign) - int(self.sign < other.sign)
        left, right = self._magnitude(), other._magnitude()
        if left != right:
            return self.sign if left > right else -self.sign
        low = min(self.exponent, other.exponent)
        mine = self.unscaled * 10 ** (self.exponent - low)
        yours = other.unscaled * 10 ** (other.exponent - low)
        return int(mine > yours) - int(mine < yours)

    def _magnitude(self) -> int:
        """How many digits stand before the point."""
        return len(str(abs(self.unscaled))) + self.exponent

    def as_int(self) -> int | None:
        """The number as 64 bits; None where Kubernetes cannot tell it without loss."""
        if self.decimal or self.exponent < 0:
            return None
        return _scaled(self.unscaled, self.exponent)

    def as_float(self) -> float:
        """Roughly the number: digits and power of ten are rounded each for itself."""
        base = _rounded(self.unscaled)
        return base if self.exponent == 0 else base * _power_of_ten(self.exponent)

    def add(self, other: Quantity) -> Quantity:
        """The exact sum."""
        if not (self.decimal or other.decimal):
            total = _fast_sum(self, other)
            if total is not None:
                return total
        low = min(self.exponent, other.exponent)
        return Quantity(_written_out(self, low) + _written_out(other, low), low, decimal=True)

    def subtract(self, other: Quantity) -> Quantity:
        """The exact difference."""
        if not (self.decimal or other.decimal) and other.unscaled == INT_MIN:
            # In Go the least int64 is its own negative.
            total = _fast_sum(self, other)
            return total if total is not None else self.add(Quantity(-INT_MIN, other.exponent, decimal=True))
        return self.add(Quantity(-other.unscaled, other.exponent, other.decimal))


def _written_out(quantity: Quantity, exponent: int) -> int:
    """The number in units of ten to the power of `exponent`, which is no larger than its own."""
    zeros = quantity.exponent - exponent
    if quantity.unscaled and zeros + len(str(quantity.unscaled)) > LONGEST:
        raise EvaluationError(TOO_LONG)
    return quantity.unscaled * 10**zeros if quantity.unscaled else 0


def _scaled(number: int, zeros: int) -> int | None:
    """`number` with so many zeros more, if that fits 64 bits."""
    if number == 0 or zeros == 0:
        return number
    if zeros > _FAST_DIGITS + 1 or number == INT_MIN:
        return None
    result = number * 10**zeros
    return result if INT_MIN <= result <= INT_MAX else None


def _fast_sum(left: Quantity, right: Quantity) -> Quantity | None:
    """The sum of two 64-bit quantities, if it is one too."""
    if right.unscaled == 0:
        return left
    if left.unscaled == 0:
        return right
    low = min(left.exponent, right.exponent)
    first = _scaled(left.unscaled, left.exponent - low)
    second = _scaled(right.unscaled, right.exponent - low)
    if first is None or second is None or not INT_MIN <= first + second <= INT_MAX:
        return None
    return Quantity(first + second, low)


def _rounded(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _power_of_ten(exponent: int) -> float:
    if exponent > 308:
        return float("inf")
    return float(f"1e{max(exponent, -400)}")


def parse_quantity(text: str) -> Quantity:
    """The quantity `text` spells; raises `EvaluationError` in Kubernetes' words."""
    return _remembered(text) if len(text) <= SHORT else _parsed(text)


def _parsed(text: str) -> Quantity:
    try:
        return Quantity(*quantities.read(text))
    except QuantityError as error:
        raise EvaluationError(str(error)) from None


_remembered = lru_cache(REMEMBERED)(_parsed)


def _is_quantity(text: str) -> bool:
    try:
        quantities.read(text)
    except QuantityTooLong as error:
        raise EvaluationError(str(error)) from None
    except QuantityError:
        return False
    return True


def _as_integer(quantity: Quantity) -> int:
    number = quantity.as_int()
    if number is None:
        raise EvaluationError("cannot convert value to integer")
    return number


def _of_one(
    identifier: str, result: Type, run: Callable[[Quantity], object], member: bool = True
) -> Overload:
    return Overload(identifier, (QUANTITY_TYPE,), result, run, member=member)


def _of_two(identifier: str, result: Type, run: Callable[[Quantity, Quantity], object]) -> Overload:
    return Overload(identifier, (QUANTITY_TYPE, QUANTITY_TYPE), result, run, member=True)


def _with_int(identifier: str, run: Callable[[Quantity, Quantity], Quantity]) -> Overload:
    def with_int(quantity: Quantity, number: int) -> Quantity:
        return run(quantity, Quantity(number))

    return Overload(identifier, (QUANTITY_TYPE, INT), QUANTITY_TYPE, with_int, member=True)


LIBRARY = Library(
    "kubernetes.quantity",
    functions=(
        Function(
            "quantity",
            (Overload("string_to_quantity", (STRING,), QUANTITY_TYPE, parse_quantity, cost=costs.traversal),),
        ),
        Function(
            "isQuantity",
            (Overload("is_quantity_string", (STRING,), BOOL, _is_quantity, cost=costs.traversal),),
        ),
        # Declared as a function, though documented as a method: `sign(quantity(x))`.
        Function("sign", (_of_one("quantity_sign", INT, lambda quantity: quantity.sign, member=False),)),
        Function(
            "isGreaterThan",
            (_of_two("quantity_is_greater_than", BOOL, lambda left, right: left.compare(right) > 0),),
        ),
        Function(
            "isLessThan",
            (_of_two("quantity_is_less_than", BOOL, lambda left, right: left.compare(right) < 0),),
        ),
        Function("compareTo", (_of_two("quantity_compare_to", INT, Quantity.compare),)),
        Function("asApproximateFloat", (_of_one("quantity_get_float", DOUBLE, Quantity.as_float),)),
        Function("asInteger", (_of_one("quantity_get_int", INT, _as_integer),)),
        Function(
            "isInteger",
            (_of_one("quantity_is_integer", BOOL, lambda quantity: quantity.as_int() is not None),),
        ),
        Function(
            "add",
            (
                _of_two("quantity_add", QUANTITY_TYPE, Quantity.add),
                _with_int("quantity_add_int", Quantity.add),
            ),
        ),
        Function(
            "sub",
            (
                _of_two("quantity_sub", QUANTITY_TYPE, Quantity.subtract),
                _with_int("quantity_sub_int", Quantity.subtract),
            ),
        ),
    ),
)
