"""Base64 is read as Go reads it; what is refused, and where, was seen of Go 1.26."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.golang.base64text import base64_problem

REFUSED = [
    ("!", 0),
    ("hello!", 5),
    ("a", 0),
    ("aGk", 0),
    ("aGVsbG8", 4),
    ("=", 0),
    ("a=", 1),
    ("aG=", 3),
    ("aG=x", 2),
    ("aG==x", 4),
    ("aGk=aGk=", 4),
    ("aGkx=", 4),
    ("aG\nk", 1),
    ("\raa/Z=\r", 5),
    ("é", 0),
]


@pytest.mark.parametrize(("text", "position"), REFUSED)
def test_what_is_not_base64_is_refused_at_gos_byte(text: str, position: int) -> None:
    assert base64_problem(text) == f"illegal base64 data at input byte {position}"


@given(st.binary(max_size=20), st.integers(0, 30))
def test_what_was_encoded_is_read_whatever_lines_it_stands_in(data: bytes, at: int) -> None:
    text = base64.b64encode(data).decode()
    assert base64_problem(text[:at] + "\r\n" + text[at:]) is None
