"""One notation for values, to compare and to record them: `int:1`, `"text"`, `[bool:true]`, `optional()`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.library.conversions import print_double

__all__ = ["notation"]


def notation(value: object) -> str:
    """A value with its type, the entries of maps sorted."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(notation, value))}]"
    if isinstance(value, values.Optional):
        return f"optional({notation(value.value)})" if value.present else "optional()"
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{notation(k)}: {notation(v)}' for k, v in value.items()))}}}"
    if isinstance(value, str):
        return _go_string(value)
    value = values.normal(value)
    return f"{values.type_name(value)}:{_content(value)}"


def _go_string(value: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _content(value: object) -> str:
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return print_double(value)
    if isinstance(value, bytes):
        return f"[{' '.join(map(str, value))}]"
    if isinstance(value, int):
        return str(int(value))
    return value.name if isinstance(value, values.TypeValue) else repr(value)
