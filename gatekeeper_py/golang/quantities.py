"""Quantities of resources, `1.5Gi`, as Kubernetes reads them and writes them back.

Read is a 64-bit number and a power of ten where that fits, else a decimal of any length
(apimachinery/pkg/api/resource/quantity.go, ParseQuantity). Written back is the canonical
form (CanonicalizeBytes): `1000m` is `1`, `1024Ki` is `1Mi`, `0.5` is `500m`. A text that is about that
already stays as it was written: `1E3`, `+1`, `1e+30`.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from gatekeeper_py.golang.numbers import INT_MAX, INT_MIN

__all__ = [
    "LONGEST",
    "REMEMBERED",
    "TOO_LONG",
    "WRONG_FORMAT",
    "Amount",
    "QuantityError",
    "QuantityTooLong",
    "canonical",
    "parse",
    "read",
    "rounded_up",
    "write",
]

LONGEST = 4_000
"""Digits a quantity may have written out; Python reads no longer number, because its time grows squared."""
_NANO = -9
"""The smallest power of ten; what is smaller is rounded up, away from zero."""
_MILLI = -3
_FAST_DIGITS = 18
"""Digits that surely fit 64 bits."""
_FAST_BINARY_DIGITS = 15

_SHAPE = re.compile(r"([+-]?)(0*)([0-9]*)(?:(\.)([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([+-]?)0*([0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_WRONG_NUMBER = "unable to parse numeric part of quantity"
_WRONG_SUFFIX = "unable to parse quantity's suffix"
TOO_LONG = f"quantity too long: more than {LONGEST} digits"
LONGEST_WRITTEN = 512
"""Characters of a quantity worth reading; longer ones stay as they are."""
LARGEST_EXPONENT = 100
"""Powers of ten worth writing out: no resource has as much, and the digits would fill memory."""
REMEMBERED = 4096
"""Quantities whose reading is remembered: an object repeats a few, and all pods of a cluster the same."""
BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
DECIMAL_SUFFIXES = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
EXPONENT_NOTATION = re.compile(r"[eE][+-]?[0-9]+$")
SMALLEST = Fraction(1, 10**9)
MILLI = Fraction(1, 1000)


class QuantityError(ValueError):
    """A text that is no quantity, in Kubernetes' words."""


class QuantityTooLong(QuantityError):
    """A quantity of more than `LONGEST` digits; Kubernetes has no such limit."""

    def __init__(self) -> None:
        super().__init__(TOO_LONG)


class Amount(NamedTuple):
    """`unscaled` times ten to the power of `exponent`."""

    unscaled: int
    exponent: int = 0
    decimal: bool = False
    """Whether Kubernetes keeps it as a decimal: it did not fit 64 bits when it was made."""


def read(text: str) -> Amount:
    """The amount `text` spells; raises `QuantityError` in Kubernetes' words."""
    match = _SHAPE.fullmatch(text)
    if not text or match is None:
        raise QuantityError(WRONG_FORMAT)
    sign, zeros, whole, point, fraction, suffix = match.groups(default="")
    if not (whole or point or suffix):
        return Amount(0)
    binary = _BINARY.get(suffix, 0)
    exponent = 0 if binary else _decimal_exponent(suffix)
    amount = _fast(whole or "0", fraction, exponent, binary)
    if amount is None:
        if not (zeros or whole or fraction):
            raise QuantityError(_WRONG_NUMBER)
        amount = _slow(whole + fraction, _wrapped(exponent - len(fraction)), binary)
    if sign == "-":
        return Amount(-amount.unscaled, amount.exponent, amount.decimal)
    return amount


def _decimal_exponent(suffix: str) -> int:
    """The power of ten a suffix stands for."""
    if suffix in _DECIMAL:
        return _DECIMAL[suffix]
    match = _EXPONENT.fullmatch(suffix)
    if match and len(match[2]) <= 19:
        number = int(match[1] + match[2])
        if INT_MIN <= number <= INT_MAX:
            return _wrapped(number)
    raise QuantityError(_WRONG_SUFFIX)


def _wrapped(number: int) -> int:
    """A number as Go converts it to an int32."""
    return (number + 2**31) % 2**32 - 2**31


def _fast(whole: str, fraction: str, exponent: int, binary: int) -> Amount | None:
    """The amount as 64 bits, where Kubernetes sees from the number of digits alone that it fits."""
    digits = whole + fraction
    if binary:
        fits = not fraction and len(digits) + binary * 3 // 10 < _FAST_BINARY_DIGITS
        return Amount(int(digits) << binary) if fits else None
    scale = _wrapped(exponent - len(fraction))
    if len(digits) > _FAST_DIGITS or scale < _NANO:
        return None
    return Amount(int(digits), scale)


def _slow(digits: str, exponent: int, binary: int) -> Amount:
    """The amount as a decimal, rounded up to nano and, if it is binary, cut at the largest int64."""
    if len(digits) > LONGEST:
        raise QuantityTooLong()
    unscaled = int(digits or "0") << binary
    if unscaled == 0:
        return Amount(0, exponent, decimal=True)
    zeros = exponent - _NANO
    if zeros < 0:
        unscaled = -(-unscaled // 10**-zeros) if -zeros <= len(str(unscaled)) else 1
        exponent = _NANO
    elif len(digits) + zeros <= LONGEST:
        unscaled, exponent = unscaled * 10**zeros, _NANO
    if binary and unscaled > INT_MAX * 10**-_NANO:
        return Amount(INT_MAX, decimal=True)
    return Amount(unscaled, exponent, decimal=True)


def parse(text: str) -> tuple[Fraction, str] | None:
    """The value, to the nano (rounded away from zero), and its notation: binary, decimal or exponent."""
    return _parse(text) if len(text) <= LONGEST_WRITTEN else None


@lru_cache(REMEMBERED)
def _parse(text: str) -> tuple[Fraction, str] | None:
    try:
        amount = read(text)
    except QuantityError:
        return None
    if abs(amount.exponent) > LARGEST_EXPONENT:
        return None
    notation = "binary" if text.endswith("i") else "exponent" if EXPONENT_NOTATION.search(text) else "decimal"
    return amount.unscaled * Fraction(10) ** amount.exponent, notation


def canonical(text: str) -> str:
    """The text the API server writes for this quantity; what it cannot read stays as it is."""
    return _canonical(text) if len(text) <= LONGEST_WRITTEN else text


@lru_cache(REMEMBERED)
def _canonical(text: str) -> str:
    parsed = parse(text)
    return text if parsed is None or _scale_of_reused(text) is not None else write(*parsed)


def rounded_up(text: str) -> str:
    """The same, without anything finer than a thousandth: what resource lists hold."""
    return _rounded_up(text) if len(text) <= LONGEST_WRITTEN else text


@lru_cache(REMEMBERED)
def _rounded_up(text: str) -> str:
    parsed = parse(text)
    if parsed is None:
        return text
    scale = _scale_of_reused(text)
    return text if scale is not None and scale >= _MILLI else write(_to_multiple(parsed[0], MILLI), parsed[1])


def _scale_of_reused(text: str) -> int | None:
    """The power of ten of a quantity whose text Kubernetes takes for the canonical one; else None."""
    match = _SHAPE.fullmatch(text)
    assert match is not None
    _, _, whole, _, fraction, suffix = match.groups(default="")
    digits, binary = (whole or "0") + fraction, _BINARY.get(suffix, 0)
    amount = _fast(whole or "0", fraction, 0 if binary else _decimal_exponent(suffix), binary)
    if amount is None:
        return None
    if binary:
        return 0 if int(digits) % 8 else None
    reused = amount.exponent % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return amount.exponent if reused else None


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
    while value % 1024 == 0 and power < len(BINARY_SUFFIXES) - 1:
        value //= 1024
        power += 1
    return f"{value}{BINARY_SUFFIXES[power]}"


def _write_decimal(value: Fraction, notation: str) -> str:
    """Without trailing zeros, the exponent a multiple of three."""
    number, power = (value / SMALLEST).numerator, -9
    while number % 10 == 0:
        number //= 10
        power += 1
    while power % 3 or (notation == "decimal" and power > max(DECIMAL_SUFFIXES)):
        number *= 10
        power -= 1
    if notation == "decimal":
        return f"{number}{DECIMAL_SUFFIXES[power]}"
    return f"{number}e{power}" if power else str(number)
