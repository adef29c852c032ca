"""Comprehensions over index and element, or key and value."""

from __future__ import annotations

import pytest

from tests.cel.library.expressions import error, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2].all(i, v, i < v)", True),
        ("{'a': 1}.exists(k, v, k == 'a' && v == 1)", True),
        ("[1, 1].existsOne(i, v, v == 1)", False),
        ("[5, 6].transformList(i, v, i + v)", [5, 7]),
        ("[5, 6].transformList(i, v, i > 0, v)", [6]),
        ("{'a': 1}.transformMap(k, v, v + 1)", {"a": 2}),
        ("{'a': 'b'}.transformMapEntry(k, v, {v: k})", {"b": "a"}),
    ],
)
def test_two_variables_stand_for_both_sides(text: str, value: object) -> None:
    assert evaluate(text) == value


def test_an_entry_made_twice_is_an_error() -> None:
    message = "insert failed: key 1 already exists"
    assert error("{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})") == message
