"""Quantities as the API server writes them back: `1000m` is `1`, `1024Ki` is `1Mi`, `0.5` is `500m`.

The language reads them (`cel/library/quantity.py`); here they are written, as
k8s.io/apimachinery/pkg/api/resource/quantity.go (CanonicalizeBytes) does.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.library.quantity import parse_quantity

__all__ = ["canonical", "parse", "rounded_up", "write"]

LONGEST = 512
"""Characters of a quantity worth reading; longer ones stay as they are."""
LARGEST_EXPONENT = 100
"""Powers of ten worth writing out: no resource has as much, and the digits would fill memory."""
REMEMBERED = 4096
"""Quantities whose reading is remembered: an object repeats a few, and all pods of a cluster the same."""
BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
EXPONENT = re.compile(r"[eE][+-]?[0-9]+$")
NANO = Fraction(1, 10**9)
MILLI = Fraction(1, 1000)


def parse(text: str) -> tuple[Fraction, str] | None:
    """The value, to the nano (rounded away from zero), and its notation: binary, decimal or exponent."""
    return _parse(text) if len(text) <= LONGEST else None


@lru_cache(REMEMBERED)
def _parse(text: str) -> tuple[Fraction, str] | None:
    try:
        amount = parse_quantity(text)
    except EvaluationError:
        return None
    if abs(amount.exponent) > LARGEST_EXPONENT:
        return None
    notation = "binary" if text.endswith("i") else "exponent" if EXPONENT.search(text) else "decimal"
    return amount.unscaled * Fraction(10) ** amount.exponent, notation


def canonical(text: str) -> str:
    """The text the API server writes for this quantity; what it cannot read stays as it is."""
    return _canonical(text) if len(text) <= LONGEST else text


@lru_cache(REMEMBERED)
def _canonical(text: str) -> str:
    parsed = parse(text)
    return text if parsed is None else write(*parsed)


def rounded_up(text: str) -> str:
    """The same, without anything finer than a thousandth: what resource lists hold."""
    return _rounded_up(text) if len(text) <= LONGEST else text


@lru_cache(REMEMBERED)
def _rounded_up(text: str) -> str:
    parsed = parse(text)
    return text if parsed is None else write(_to_multiple(parsed[0], MILLI), parsed[1])


def _to_multiple(value: Fraction, unit: Fraction) -> Fraction:
    """Rounds away from zero."""
    whole, rest = divmod(abs(value), unit)
    size = (whole + (1 if rest else 0)) * unit
    return size if value >= 0 else -size


def write(value: Fraction, notation: str) -> str:
    """The text of a value in a notation (binary, decimal or exponent)."""
    if value == 0:
        return "0"
    if notation == "binary" and abs(value) >= 1024 and value.denominator == 1:
        return _write_binary(value.numerator)
    return _write_decimal(value, "decimal" if notation == "binary" else notation)


def _write_binary(value: int) -> str:
    power = 0
    while value % 1024 == 0 and power < len(BINARY) - 1:
        value //= 1024
        power += 1
    return f"{value}{BINARY[power]}"


def _write_decimal(value: Fraction, notation: str) -> str:
    """Without trailing zeros, the exponent a multiple of three."""
    number, power = (value / NANO).numerator, -9
    while number % 10 == 0:
        number //= 10
        power += 1
    while power % 3 or (notation == "decimal" and power > max(DECIMAL)):
        number *= 10
        power -= 1
    if notation == "decimal":
        return f"{number}{DECIMAL[power]}"
    return f"{number}e{power}" if power else str(number)
