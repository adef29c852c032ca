"""Values as an author would write them: an expression that gives the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gatekeeper_py.cel.evaluation.times import print_duration, print_timestamp
from gatekeeper_py.cel.evaluation.values import Duration, Message, Optional, Timestamp, TypeValue, type_name
from gatekeeper_py.cel.library.conversions import print_double
from gatekeeper_py.golang.numbers import UInt

__all__ = ["written"]

ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def written(value: Any) -> str:
    """The value in CEL's notation; of an opaque one its type and, if it has one, its text."""
    for kind, write in WRITERS:
        if isinstance(value, kind):
            return write(value)
    return _opaque(value)


def _text(value: str) -> str:
    return f"'{''.join(map(_escaped, value))}'"


def _escaped(character: str) -> str:
    if character in ESCAPES or character.isprintable():
        return ESCAPES.get(character, character)
    code = ord(character)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def _bytes(value: bytes) -> str:
    return f"b'{''.join(map(_byte, value))}'"


def _byte(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}"


def _double(value: float) -> str:
    """With a point or an exponent, by which it is no integer."""
    text = print_double(value)
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def _optional(value: Optional) -> str:
    return f"optional.of({written(value.value)})" if value.present else "optional.none()"


def _message(value: Message) -> str:
    fields = ", ".join(f"{name}: {written(each)}" for name, each in value.items())
    return f"{value.type_name}{{{fields}}}"


def _map(value: Mapping[Any, Any]) -> str:
    return f"{{{', '.join(f'{written(key)}: {written(each)}' for key, each in value.items())}}}"


def _list(value: Sequence[Any]) -> str:
    return f"[{', '.join(map(written, value))}]"


def _opaque(value: object) -> str:
    """`quantity('2')`, `ip('10.0.0.1')`: the functions that make them are called as their types."""
    name = type_name(value).rpartition(".")[2].lower()
    is_printed = type(value).__str__ is not object.__str__
    return f"{name}({written(str(value))})" if is_printed else f"{name}(...)"


WRITERS: Final[Sequence[tuple[type, Callable[[Any], str]]]] = (
    (type(None), lambda _: "null"),
    (bool, lambda value: str(value).lower()),
    (str, _text),
    (bytes, _bytes),
    (Duration, lambda value: f"duration('{print_duration(value)}')"),
    (Timestamp, lambda value: f"timestamp('{print_timestamp(value)}')"),
    (UInt, lambda value: f"{int(value)}u"),
    (int, lambda value: str(int(value))),
    (float, _double),
    (Optional, _optional),
    (TypeValue, lambda value: value.name),
    (Message, _message),
    (Mapping, _map),
    (list, _list),
    (tuple, _list),
)
"""Kinds that are others, too, go before them."""
