"""Go's names of Unicode classes, which RE2 does not know. What is read and refused was seen of Go 1.26."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.golang.regexps import InvalidClass, re2_source

SAME = ["a.c", r"\p{L}+", r"\P{N}", r"\p{Greek}", r"\Q\p{letter}\E", r"\\p{letter}", "[[:alpha:]]", ""]
READ = [
    (r"\p{letter}", r"\p{L}"),
    (r"\p{LETTER}\P{nd}", r"\p{L}\P{Nd}"),
    (r"\p{Uppercase_Letter}", r"\p{Lu}"),
    (r"\p{ uppercase-letter }", r"\p{Lu}"),
    (r"\p{^greek}", r"\P{Greek}"),
    (r"\P{^_g-r_eek}", r"\p{Greek}"),
    (r"\pl", r"\p{L}"),
    (r"\p{digit}", r"\p{Nd}"),
    (r"\p{any}", r"\p{Any}"),
    (r"\p{ASCII}", r"[\x00-\x7f]"),
    (r"\P{ascii}", r"[^\x00-\x7f]"),
    (r"[\p{letter}_]", r"[\p{L}_]"),
    (r"[]\p{letter}]\p{letter}", r"[]\p{L}]\p{L}"),
    (r"[^]\P{ascii}]", r"[^]\x{80}-\x{10ffff}]"),
    (r"[[:^word:]\p{lc}]", r"[[:^word:]\p{Lu}\p{Ll}\p{Lt}]"),
    (r"[\]\p{han}]", r"[\]\p{Han}]"),
    (r"\Q[\E\p{ascii}", r"\Q[\E[\x00-\x7f]"),
    (r"\[\p{ascii}", r"\[[\x00-\x7f]"),
]
REFUSED = [
    "Nope",
    "",
    "^",
    "_",
    " ^Greek",
    "l&",
    "Old_Italic",
    "olditalic",
    "SignWriting",
    "ſ",
    "Script=Greek",
]


@pytest.mark.parametrize("pattern", SAME)
def test_what_both_know_stays_as_it_is(pattern: str) -> None:
    assert re2_source(pattern) == pattern


@pytest.mark.parametrize(("pattern", "source"), READ)
def test_names_are_read_as_go_reads_them(pattern: str, source: str) -> None:
    assert re2_source(pattern) == source
    re2.compile(source)


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_go_does_not_know_are_refused_as_re2_refuses(name: str) -> None:
    with pytest.raises(InvalidClass) as refused:
        re2_source(rf"a\p{{{name}}}")
    assert str(refused.value) == rf"invalid character class range: \p{{{name}}}"


CLASSES: Mapping[str, Callable[[str], bool]] = {
    "c": lambda category: category[0] == "C",
    "cn": lambda category: category == "Cn",
    "assigned": lambda category: category != "Cn",
    "lc": lambda category: category in ("Lu", "Ll", "Lt"),
    "letter": lambda category: category[0] == "L",
    "punct": lambda category: category[0] == "P",
}
KNOWN_TO_ALL = st.characters(max_codepoint=0x2FF) | st.sampled_from("\u0378\ue000\U000e0080ǅ")
"""Characters that no version of Unicode has changed for years, and such as it never assigned."""


@given(st.sampled_from(sorted(CLASSES)), st.booleans(), st.booleans(), KNOWN_TO_ALL)
def test_a_class_holds_what_it_should_alone_within_brackets_and_negated(
    name: str, negated: bool, bracketed: bool, character: str
) -> None:
    written = rf"\{'P' if negated else 'p'}{{{name}}}"
    found = re2.fullmatch(re2_source(f"[{written}]" if bracketed else written), character)
    assert (found is not None) is (CLASSES[name](unicodedata.category(character)) is not negated)


@given(st.text(alphabet="\\pPLQEl{}^[]:a-|()"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        source = re2_source(text)
    except InvalidClass:
        return
    assert "\\p" in text or "\\P" in text or source == text
