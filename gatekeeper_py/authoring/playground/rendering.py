"""Values as an author of expressions writes them."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from gatekeeper_py.cel import (
    Duration,
    Optional,
    Outcome,
    Timestamp,
    print_duration,
    print_timestamp,
    type_name,
)

__all__ = ["shown"]

LONGEST = 2000
"""Characters of one value: who wants more reads the manifest."""


def shown(outcome: Outcome) -> str:
    """What a part of an expression gave, or why it gave nothing."""
    text = f"error: {outcome.error}" if outcome.error is not None else _text(outcome.value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _text(value: object) -> str:
    match value:
        case None | bool() | str():
            return orjson.dumps(value).decode()
        case Optional():
            return f"optional.of({_text(value.value)})" if value.present else "optional.none()"
        case Timestamp():
            return f'timestamp("{print_timestamp(value)}")'
        case Duration():
            return f'duration("{print_duration(value)}")'
        case Mapping():
            return f"{{{', '.join(f'{_text(key)}: {_text(inner)}' for key, inner in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(_text, value))}]"
        case int() | float() | bytes():
            return repr(value)
    return f"({type_name(value)})"
