"""Text functions count in code points, and no text makes them slow or their results large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import CompileError
from tests.cel.library.expressions import compiled, cost, error, evaluate

LONG = "a" * 3_000_000
TEXT = st.text(max_size=12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'h\u00e9llo'.charAt(1)", "\u00e9"),
        ("'😀b'.charAt(1)", "b"),
        ("'a😀b'.indexOf('b')", 2),
        ("'a😀b😀'.lastIndexOf('😀')", 3),
        ("'a😀b'.substring(1, 2)", "😀"),
        ("'\u00c9A'.lowerAscii()", "\u00c9a"),
        ("'\u00e9a'.upperAscii()", "\u00e9A"),
        ("'ab'.replace('', '_')", "_a_b_"),
        ("'ab'.split('')", ["a", "b"]),
        (r"'\u2003a\u200b\u00a0'.trim()", "a\u200b"),
        (r"strings.quote('a\n\"')", '"a\\n\\""'),
    ],
)
def test_text_is_a_sequence_of_code_points(text: str, value: object) -> None:
    assert evaluate(text) == value


def test_nul_is_a_character_like_any_other() -> None:
    assert evaluate(r"'a\u0000b'.split('\u0000')") == ["a", "b"]
    assert evaluate("object.indexOf('b')", "a\0b") == 2


@pytest.mark.parametrize(
    "text",
    [
        "object.lowerAscii().size()",
        "object.upperAscii().size()",
        "object.trim().size()",
        "object.split('').size()",
        "strings.quote(object).size()",
        "object.replace('a', 'b').size()",
        "'%s %x'.format([object, 'a']).size()",
        "object.lastIndexOf('b')",
    ],
)
def test_lone_surrogates_do_no_harm(text: str) -> None:
    assert isinstance(evaluate(text, "\ud800\udfffa"), int)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("object.replace('', object).size()", LONG),
        ("object.replace('a', object).size()", LONG),
    ],
)
def test_results_do_not_grow_beyond_bounds(text: str, data: str) -> None:
    assert error(text, data).startswith("result too large: a string of ")


def test_joining_long_texts_runs_out_of_budget() -> None:
    assert "cost" in error("lists.range(9).map(i, object).join().size()", LONG)


def test_searching_backwards_takes_linear_time() -> None:
    assert evaluate("object.a.lastIndexOf(object.b)", {"a": LONG, "b": "b" + LONG[: len(LONG) // 2]}) == -1


def test_costs_are_those_of_kubernetes() -> None:
    assert cost("'aaaaaaaaaa'.lowerAscii()") == cost("'aaaaaaaaaa'.trim()") == 1
    assert cost("object.lowerAscii()", "a" * 1000) == 101
    assert cost("object.replace('a', 'b')", "a" * 1000) == 201
    assert cost("object.charAt(5)", "a" * 1000) == 2


def test_reverse_is_an_extra() -> None:
    assert evaluate("'gums'.reverse()", extras=True) == "smug"
    with pytest.raises(CompileError):
        compiled("'gums'.reverse()")


@given(TEXT, TEXT.filter(bool))
def test_join_undoes_split(text: str, separator: str) -> None:
    data = {"a": text, "b": separator}
    assert evaluate("object.a.split(object.b).join(object.b)", data) == text


@given(TEXT, TEXT)
def test_an_index_found_is_where_the_part_stands(text: str, part: str) -> None:
    data = {"a": text, "b": part}
    first = evaluate("object.a.indexOf(object.b)", data)
    last = evaluate("object.a.lastIndexOf(object.b)", data)
    assert (first, last) == (text.find(part), text.rfind(part))
