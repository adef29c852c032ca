"""The table of tokens: what is read by it, and that the parser has no token of its own."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import UnexpectedCharacters

from gatekeeper_py.cel.syntax import tables
from gatekeeper_py.cel.syntax.tokens import END, NAMED, ORDER, READER, TOKENS

HIDDEN = {token.name for token in TOKENS if token.hidden}


def read(text: str) -> list[tuple[str, str]] | None:
    """Kind and text of each token, as the diagnosis reads them; None when something is no token."""
    found = []
    position = 0
    while position < len(text):
        match = READER.match(text, position)
        if match is None:
            return None
        kind = str(match.lastgroup)
        if kind not in HIDDEN:
            found.append((kind if kind in NAMED else match[0], match[0]))
        position = match.end()
    return found


@cache
def larks() -> Lark:
    return tables.made(None)


@pytest.fixture(scope="module")
def lark() -> Lark:
    return larks()


def read_by_parser(lark: Lark, text: str) -> list[tuple[str, str]] | None:
    """The same, as the parser reads them."""
    try:
        tokens = list(lark.lex(text))
    except UnexpectedCharacters:
        return None
    return [(token.type if token.type in NAMED else str(token), str(token)) for token in tokens]


def test_the_parser_knows_the_tokens_of_the_table_and_no_others(lark: Lark) -> None:
    kinds = {each.name if each.name in NAMED else each.pattern.value for each in lark.terminals}
    assert kinds == {*ORDER, *HIDDEN} - {END}


KINDS = [
    ("1", "NUM_INT"),
    ("0x1F", "NUM_INT"),
    ("1u", "NUM_UINT"),
    ("0xFFU", "NUM_UINT"),
    ("1.5", "NUM_FLOAT"),
    (".5e-3", "NUM_FLOAT"),
    ("1e9", "NUM_FLOAT"),
    ("'a'", "STRING"),
    ('r"\\"', "STRING"),
    ('"""a"b"""', "STRING"),
    ("b'a'", "BYTES"),
    ("bR'a'", "BYTES"),
    ("in", "in"),
    ("index", "IDENTIFIER"),
    ("true", "true"),
    ("true_", "IDENTIFIER"),
    ("nullable", "IDENTIFIER"),
    ("`a-b`", "ESC_IDENTIFIER"),
    ("<=", "<="),
    ("&&", "&&"),
]


@pytest.mark.parametrize(("text", "kind"), KINDS, ids=[text for text, _ in KINDS])
def test_a_token_is_the_longest_that_can_be_read(lark: Lark, text: str, kind: str) -> None:
    assert read(text) == read_by_parser(lark, text) == [(kind, text)]


PIECES = [
    *(text for text, _ in KINDS),
    *("a", "b", "r", "0x", "1.", "u", "e", "==", "=", "&", "|", "!", ".", "-", "/", "//", "\n", " ", "\\"),
    *("'", '"', "'''", '"""', "`", "\\n", "\\x4", "\\u00e9", "$", "é"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_parser_and_diagnosis_read_the_same_tokens(text: str) -> None:
    assert read(text) == read_by_parser(larks(), text)
