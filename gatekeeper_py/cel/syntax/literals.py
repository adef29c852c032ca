"""Values of the literals of a text: numbers within their 64 bits, strings and bytes with their escapes.

Each function takes a token as the grammar matches it and raises `ValueError` in cel-go's words
(parser/parser.go, parser/unescape.go).
"""

from __future__ import annotations

import math
import re

__all__ = ["read_bytes", "read_double", "read_int", "read_string", "read_uint"]

INT_MINIMUM, INT_MAXIMUM = -(2**63), 2**63 - 1
UINT_MAXIMUM = 2**64 - 1

DIGITS_LIMIT = 20
"""Digits, after leading zeros, beyond which a number is out of every range."""

_NUMBER = re.compile(r"(-?)(0x)?0*([0-9a-fA-F]*)")
"""Sign, base and significant digits."""

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}

_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"`?])|([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)


def read_int(text: str) -> int:
    """A signed number, decimal or `0x`, with its sign if it has one."""
    return _number(text, "int", INT_MINIMUM, INT_MAXIMUM)


def read_uint(text: str) -> int:
    """An unsigned number with its `u`."""
    return _number(text[:-1], "uint", 0, UINT_MAXIMUM)


def _number(text: str, kind: str, minimum: int, maximum: int) -> int:
    match = _NUMBER.fullmatch(text)
    if match and len(match[3]) <= DIGITS_LIMIT:
        sign, base, digits = match.groups()
        value = int(f"{sign}{digits or 0}", 16 if base else 10)
        if minimum <= value <= maximum:
            return value
    raise ValueError(f"invalid {kind} literal")


def read_double(text: str) -> float:
    """A floating-point number, with its sign if it has one; too large a one is no number."""
    value = float(text)
    if math.isinf(value):
        raise ValueError("invalid double literal")
    return value


def read_string(text: str) -> str:
    """A quoted string with its quotes and prefix."""
    body, raw = _unquote(text)
    return body if raw or "\\" not in body else _ESCAPE.sub(_character, body)


def read_bytes(text: str) -> bytes:
    """Quoted bytes with their quotes and prefixes: octal and hexadecimal escapes are bytes."""
    body, raw = _unquote(text[1:])
    if raw:
        return body.encode()
    pieces = []
    start = 0
    for match in _ESCAPE.finditer(body):
        pieces += [body[start : match.start()].encode(), _byte(match)]
        start = match.end()
    return b"".join([*pieces, body[start:].encode()])


def _unquote(text: str) -> tuple[str, bool]:
    """What stands between the quotes, and whether it is raw. All line ends become `\\n`, as in Go."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    raw = text[0] in "rR"
    if raw:
        text = text[1:]
    width = 3 if len(text) >= 6 and text.startswith(('"""', "'''")) else 1
    return text[width:-width], raw


def _code(match: re.Match[str]) -> int:
    _, octal, *hexadecimal = match.groups()
    if octal:
        return int(octal, 8)
    return int(next(filter(None, hexadecimal)), 16)


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _SIMPLE[match[1]]
    code = _code(match)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ValueError("invalid unicode code point")
    return chr(code)


def _byte(match: re.Match[str]) -> bytes:
    if match[1]:
        return _SIMPLE[match[1]].encode()
    if match[4] or match[5]:
        raise ValueError("unable to unescape string")
    return bytes([_code(match)])
