"""Base64: with the option only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import CompileError
from tests.cel.library.expressions import compiled, error, evaluate


@pytest.mark.parametrize("text", ["aGVsbG8=", "aGVsbG8", "aGVs\nbG8="])
def test_padding_and_line_breaks_do_not_matter(text: str) -> None:
    assert evaluate("base64.decode(object)", text, extras=True) == b"hello"


@pytest.mark.parametrize(
    ("text", "position"), [("a!b=", 1), ("a", 0), ("aGVsb", 4), ("a===", 1), ("aGVsbG8\u00e9", 7)]
)
def test_what_is_no_base64_is_an_error(text: str, position: int) -> None:
    message = f"illegal base64 data at input byte {position}"
    assert error("base64.decode(object)", text, extras=True) == message


@given(st.binary(max_size=30))
def test_decoding_undoes_encoding(data: bytes) -> None:
    assert evaluate("base64.decode(base64.encode(object))", data, extras=True) == data


def test_kubernetes_does_not_have_it() -> None:
    with pytest.raises(CompileError):
        compiled("base64.encode(b'a')")
