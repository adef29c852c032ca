"""Go's numbers: how far they reach, and how they are printed."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

__all__ = ["INT_MAX", "INT_MIN", "UINT_MAX", "UInt", "print_double", "print_single"]

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1


class UInt(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


def print_double(value: float) -> str:
    """A double as Go's `%g` prints it: the shortest digits, an exponent below 1e-4 and from 1e6 on."""
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return _printed(Decimal(repr(value)))


def print_single(value: float) -> str:
    """A number rounded to 32 bits, in the same format (strconv.FormatFloat with a bit size of 32)."""
    single = _single(value)
    if not math.isfinite(single):
        return print_double(single)
    return _printed(Decimal(next(text for text in _roundings(single) if _single(float(text)) == single)))


SINGLE_DIGITS = 9
"""That tell any float of 32 bits from its neighbours."""


def _roundings(value: float) -> Iterator[str]:
    return (f"{value:.{digits}e}" for digits in range(SINGLE_DIGITS))


def _single(value: float) -> float:
    try:
        made: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return made


def _printed(shortest: Decimal) -> str:
    sign, digits, exponent = shortest.normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    power = len(text) + exponent - 1
    prefix = "-" if sign else ""
    if not shortest:
        return f"{prefix}0"
    if power < -4 or power >= 6:
        mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
        return f"{prefix}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return prefix + format(Decimal((0, digits, exponent)), "f")
