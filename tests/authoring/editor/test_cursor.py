"""Where an author is writing, in YAML that is finished and in YAML that is not. `|` is the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.authoring.editor.cursor import cursor_at, index_of
from gatekeeper_py.manifests.place import Span
from gatekeeper_py.manifests.yamltext import field_at


@pytest.mark.parametrize(
    ("text", "path", "before", "is_name"),
    [
        ("a: b|c", ("a",), "b", False),
        ("a:\n  b: 'it''s |so'", ("a", "b"), "it's ", False),
        ('a: "x\\n|y"', ("a",), "x\n", False),
        ("a: >-\n  one\n  two|\nb: c", ("a",), "one two", False),
        ("a: |-\n  one\n    two ¦three\nb: c", ("a",), "one\n  two ", False),
        ("- {a: [x, y|]}", (0, "a", 1), "y", False),
        ("a|b: c", ("ab",), "a", True),
        ("a: {b|: c}", ("a", "b"), "b", True),
        # Unfinished: no value, no colon, open quotes and brackets.
        ("a: |\nb: c", ("a",), "", False),
        ("a: object.|\nb: c", ("a",), "object.", False),
        ("a:\n  - name: x\n    expr|\nb: c", ("a", 0, "expr_"), "expr", True),
        ("a:\n  b: c\n  |\nd: e", ("a", "_"), "", True),
        ('a:\n  - expression: "has(x.|\nb: c', ("a", 0, "expression"), "has(x.", False),
        ("- {a: [x, y|", (0, "a", 1), "y", False),
        ('- {a: "tenant.|', (0, "a"), "tenant.", False),
        ("a: x == |\n", ("a",), "x == ", False),
    ],
)
def test_a_cursor_is_in_a_field(text: str, path: tuple[str | int, ...], before: str, is_name: bool) -> None:
    mark = "¦" if "¦" in text else "|"
    index = text.rindex(mark)
    found = cursor_at(text[:index] + text[index + 1 :], index)
    assert found is not None
    assert (found.path, found.before, found.is_name) == (path, before, is_name)


def test_the_document_is_that_of_the_cursor() -> None:
    text = "kind: A\n---\nkind: B\nspec: x|\n---\n{"
    found = cursor_at(text.replace("|", ""), text.index("|"))
    assert found is not None
    assert found.document == {"kind": "B", "spec": "x"}


def test_what_comes_before_a_broken_document_can_be_read() -> None:
    assert cursor_at("a: b\n---\n}", 3) is not None
    assert cursor_at("}\n---\na: b", 8) is None


@pytest.mark.parametrize(
    "text", ["a: &x [*x]", "a: &x {b: *x}", "a: {? [b] : c}", "\t", "- - -", "a: !!binary x"]
)
def test_no_text_is_too_odd(text: str) -> None:
    for index in range(len(text) + 1):
        cursor_at(text, index)


@pytest.mark.parametrize(("line", "column", "index"), [(0, 0, 0), (1, 1, 4), (1, 9, 5), (9, 0, 5)])
def test_places_beyond_the_text_are_its_end(line: int, column: int, index: int) -> None:
    assert index_of("ab\ncd", line, column) == index


@given(st.text("ab \n", max_size=30), st.sampled_from(["|", "|-", ">", ">-"]))
def test_offset_is_the_reverse_of_index(value: str, style: str) -> None:
    """Of every visible character, however the text is written."""
    body = "\n".join(f"  {line}" if line.strip() else "" for line in f"x{value}".split("\n"))
    text = f"a: {style}\n{body}\nb: c\n"
    field = field_at(text, text.index("x"))
    assert field is not None
    span: Span = field.span
    for offset, character in enumerate(span.value):
        if not character.isspace():
            assert span.value[: span.offset(text, span.index(text, offset))] == span.value[:offset]
