"""Base64 as Go reads it into bytes: padded, line breaks ignored (go/src/encoding/base64, decodeQuantum)."""

from __future__ import annotations

import itertools
import re

__all__ = ["base64_problem"]

WHOLE = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
DIGIT = re.compile(rb"[A-Za-z0-9+/]")
LINE_BREAKS = b"\r\n"


def base64_problem(text: str) -> str | None:
    """Why a text is not base64, in Go's words; None when it is."""
    if WHOLE.fullmatch(text.replace("\n", "").replace("\r", "")):
        return None
    return f"illegal base64 data at input byte {_corrupt_at(text.encode(errors='replace'))}"


def _corrupt_at(text: bytes) -> int:
    """The byte that Go names: the first foreign one, or where a group of four should have gone on."""
    seen = 0
    for position, byte in enumerate(text):
        if byte in LINE_BREAKS:
            continue
        if DIGIT.match(text, position) is None:
            return _after_padding(text, position, seen % 4) if byte == ord("=") else position
        seen += 1
    return len(text) - seen % 4


def _after_padding(text: bytes, position: int, seen: int) -> int:
    """What is wrong at the first `=`, which stands behind `seen` digits of its group, or after it."""
    if seen < 2:
        return position
    rest = [at for at in range(position + 1, len(text)) if text[at] not in LINE_BREAKS]
    if seen == 2:
        if not rest:
            return len(text)
        if text[rest[0]] != ord("="):
            return rest[0] - 1
    return next(itertools.islice(rest, 1 if seen == 2 else 0, None), len(text))
