"""What a plain scalar of YAML means to kubectl: text, a number, true, or null."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from gatekeeper_py.golang.numbers import INT_MAX, INT_MIN, UINT_MAX, print_single

__all__ = ["key_of", "resolve"]

LONGEST_REMEMBERED = 64
"""Characters of a scalar whose meaning is remembered."""

MAX_DIGITS = 66
"""Digits of 64 bits in base two, with their prefix."""

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES = {"x": 16, "b": 2, "o": 8}


def resolve(text: str) -> Any:
    """What a plain scalar means; most stand again and again, and are remembered unless they are long."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _meaning(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> Any:
    return _meaning(text)


def key_of(text: str) -> str | None:
    """The string that kubectl makes of a plain scalar as a key (sigs.k8s.io/yaml, convertToJSONableObject).

    A float is rounded to 32 bits. None: kubectl refuses it, as null or an integer that needs the sign's bit.
    """
    value = _read(text)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if value <= INT_MAX else None
    if isinstance(value, float):
        printed = print_single(value)
        return _ENDLESS.get(printed, printed)
    return None if value is None else text


_ENDLESS = {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}


def _meaning(text: str) -> Any:
    value = _read(text)
    return _number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _read(text: str) -> Any:
    """go-yaml v2, resolve.go."""
    first = text[:1]
    if first not in _HINTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if first not in _NUMERIC:
        return text
    digits = text if first == "." else text.replace("_", "")
    integer = _INTEGER.fullmatch(digits) if first != "." else None
    value: float | None = _integer(integer) if integer else None
    if value is None and _FLOAT.fullmatch(digits):
        value = float(digits)
    if value is None or not math.isfinite(value):
        return text
    return value


_NUMERIC = frozenset("+-.0123456789")
_HINTS = frozenset("yYnNtTfFoO~") | _NUMERIC | {""}


def _integer(match: re.Match[str]) -> int | None:
    """An integer of 64 bits, with a sign or without; None when they are not enough."""
    sign, digits = match.groups()
    if len(digits) > MAX_DIGITS:
        return None
    base = _BASES.get(digits[1:2].lower(), 8 if digits.startswith("0") and digits != "0" else 10)
    magnitude = int(digits[2:] if digits[1:2].isalpha() else digits, base)
    value = -magnitude if sign == "-" else magnitude
    return value if INT_MIN <= value <= UINT_MAX else None


def _number(value: int | float) -> int | float:
    """A number as JSON prints it and Kubernetes reads it back: without a fraction it is an integer.

    JSON prints the shortest digits that tell the float from its neighbours, and zeros.
    """
    if isinstance(value, int):
        return value if value <= INT_MAX else float(value)
    if not value.is_integer():
        return value
    printed = int(Decimal(repr(value)))
    return printed if INT_MIN <= printed <= INT_MAX else value
