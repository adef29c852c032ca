"""Exact amounts as decimals: money to the cent for people, more digits for machines."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

__all__ = ["amount", "money"]

CENT = Decimal("0.01")
DIGITS = 10
"""Behind the point, for machines: a second of a small pod costs a millionth."""
PRECISION = 60
"""Digits to divide with: more than any bill has."""


def money(value: Fraction) -> str:
    """To the cent, half a cent up."""
    return str(_rounded(value, CENT))


def amount(value: Fraction, digits: int = DIGITS) -> str:
    """With so many digits behind the point, without zeros at the end."""
    text = f"{_rounded(value, Decimal(1).scaleb(-digits)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: Fraction, unit: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = PRECISION
        return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(unit, ROUND_HALF_UP)
