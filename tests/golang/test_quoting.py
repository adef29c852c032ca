"""Texts are quoted as Go's %q quotes them."""

from __future__ import annotations

import pytest

from gatekeeper_py.golang.quoting import quote


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain é 😀", '"plain é 😀"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("\a\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'),
        ("\0\x1f\x7f", '"\\x00\\x1f\\x7f"'),
        ("\xa0\u200b\ufeff", '"\\u00a0\\u200b\\ufeff"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("\ud800", '"\ufffd"'),
    ],
)
def test_what_does_not_print_is_escaped(text: str, quoted: str) -> None:
    assert quote(text) == quoted
