"""Base64 (cel-go ext/encoders.go). Kubernetes has it not: an extra."""

from __future__ import annotations

import base64
import re

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BYTES, STRING
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs

__all__ = ["LIBRARY"]

_FOREIGN = re.compile(r"[^A-Za-z0-9+/\r\n]")


def _decode(text: str) -> bytes:
    """Bytes from standard base64, with its padding or without any; line breaks do not count."""
    digits = text.replace("\r", "").replace("\n", "")
    body = digits.rstrip("=") if len(digits) % 4 == 0 and not digits.endswith("===") else digits
    foreign = _FOREIGN.search(body)
    if foreign:
        raise _corrupt(foreign.start())
    if len(body) % 4 == 1:
        raise _corrupt(len(body) - 1)
    return base64.b64decode(body + "=" * (-len(body) % 4))


def _corrupt(position: int) -> EvaluationError:
    return EvaluationError(f"illegal base64 data at input byte {position}")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


LIBRARY = Library(
    "cel.lib.ext.encoders",
    functions=(
        Function(
            "base64.decode",
            (Overload("base64_decode_string", (STRING,), BYTES, _decode, work=costs.steps),),
        ),
        Function(
            "base64.encode",
            (Overload("base64_encode_bytes", (BYTES,), STRING, _encode, work=costs.steps),),
        ),
    ),
)
