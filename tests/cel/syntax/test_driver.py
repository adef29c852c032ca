"""Our loop over Lark's tables makes what Lark's own makes, and refuses what that refuses."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import UnexpectedInput

from gatekeeper_py.cel.syntax import tables
from gatekeeper_py.cel.syntax.driver import Driver, Unexpected
from gatekeeper_py.cel.syntax.tokens import RELATIONS, SYMBOLS, WORDS
from tests.cel.syntax.test_tables import TEXTS
from tests.shared import corpus, needs_shared


class Parts:
    """Puts nothing together: rules and their parts, tokens as they are."""

    def __getattr__(self, name: str) -> Any:
        if not name.islower() or name.startswith("_"):
            raise AttributeError(name)
        return lambda children: (name, children)


LARK = tables.shipped(Parts())
assert LARK is not None
DRIVER = Driver(LARK, ())

PIECES = [
    *RELATIONS,
    *SYMBOLS,
    *WORDS,
    "a",
    "b.c",
    "x",
    "in_",
    "nullx",
    "`d`",
    "1",
    "2u",
    "3.5",
    ".5",
    "1e3",
    "0x1F",
]
PIECES += [
    "'s'",
    "b's'",
    'r"\\d"',
    "'''t'''",
    " ",
    "\n",
    "// c\n",
    "//",
    "#",
    "'",
    "&",
    "=",
    "1.e",
    "é",
    "true1",
]


def outcome(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return placed(parse(text))
    except (UnexpectedInput, Unexpected):
        return "refused"


def placed(made: Any) -> Any:
    """Rules with their parts, each token with its kind and place."""
    if isinstance(made, str):
        return (str(made), made.type, made.start_pos, made.end_pos)  # type: ignore[attr-defined]
    name, children = made
    return name, [placed(each) for each in children]


def assert_same(text: str) -> None:
    assert outcome(DRIVER.parse, text) == outcome(LARK.parse, text), text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", [*TEXTS, "", " ", "a", "a.b[0]", "-1", "- 1", "!!a", "f()", ".f(.a)", "{}", "T{}", "a b"]
)
def test_what_lark_makes_of_it(text: str) -> None:
    assert_same(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@settings(max_examples=1000, deadline=None)
def test_what_lark_makes_of_any_tokens(text: str) -> None:
    assert_same(text)


@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
@settings(max_examples=500, deadline=None)
def test_what_lark_makes_of_a_text_with_a_mistake(text: str, seed: int) -> None:
    random = Random(seed)
    begin = random.randrange(len(text))
    assert_same(text[:begin] + random.choice(["", *PIECES]) + text[begin + random.randint(0, 3) :])


@pytest.mark.parametrize("name", [pytest.param("cel-spec", marks=needs_shared)])
def test_what_lark_makes_of_the_specification(name: str) -> None:
    texts = {text for case in corpus(name) for text in (case.get("expr"),) if isinstance(text, str)}
    assert len(texts) > 500
    for text in texts:
        assert_same(text)


def test_a_transparent_rule_has_the_value_of_its_part() -> None:
    assert LARK is not None
    plain = Driver(LARK, frozenset({"primary", "member"})).parse("a")
    assert names(plain) == [name for name in names(DRIVER.parse("a")) if name not in ("primary", "member")]


def names(made: Any) -> list[str]:
    return [] if isinstance(made, str) else [made[0], *(name for each in made[1] for name in names(each))]
