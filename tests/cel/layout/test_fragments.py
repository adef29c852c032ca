"""Groups stand on one line while they fit, and end at all of their places otherwise."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel.layout.fragments import Group, Indent, Line, Piece, render

INNER = Group(("(", Indent(2, ("cc", Line(), "dd")), ")"))
OUTER = Group(("aa", Line(), "bb", Line(), INNER, "!"))


@pytest.mark.parametrize(
    ("piece", "width", "text"),
    [
        (OUTER, 20, "aa bb (cc dd)!"),
        (OUTER, 14, "aa bb (cc dd)!"),
        (OUTER, 13, "aa\nbb\n(cc dd)!"),
        (OUTER, 8, "aa\nbb\n(cc dd)!"),
        (OUTER, 7, "aa\nbb\n(cc\n  dd)!"),
        (OUTER, 1, "aa\nbb\n(cc\n  dd)!"),
        (Group(("a", Line(""), "b")), 2, "ab"),
        (Group(("a", Line(""), "b")), 1, "a\nb"),
        ("a", 0, "a"),
    ],
)
def test_render(piece: Piece, width: int, text: str) -> None:
    assert render(piece, width) == text
