"""A file that is laid out says the same to machines and to people, and twice is once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import assume, event, given
from hypothesis import strategies as st

from gatekeeper_py.authoring.layout.filelayout import laid_out
from gatekeeper_py.authoring.layout.nodes import CannotLayOut
from tests.shipped import POLICIES

KIND = "kind: ValidatingAdmissionPolicy\n"
LAID_OUT = {
    "indentation": ("a:\n    b:\n    - c\n    -   d: 1\n        e: 2\n", "a:\n  b:\n    - c\n    - d: 1\n      e: 2\n"),
    "blank lines, the end": ("\n\na: 1   \n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"),
    "documents": ("---\na: 1\n...\n---\n\n# b\nb: 2\n---\n", "a: 1\n---\n# b\nb: 2\n---\n"),
    "line ends": ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
    "comments": (
        "# top\n\na:   # of a\n      # of b\n   b: 1    #  behind\n\n   # last\n# c\nc: [1]#no\n",
        None,
    ),
    "comments where they stand": (
        "# top\n\na:   # of a\n      # of b\n   b: 1    #  behind\n\n   # of c\nc: [1] # list\n# end\n",
        "# top\n\na: # of a\n  # of b\n  b: 1 #  behind\n\n# of c\nc: [1] # list\n# end\n",
    ),
    "comments of items": (
        "a:\n# one\n- # of b\n  b: 1\n  # of c\n  c: 2\n\n# two\n- d\n",
        "a:\n  # one\n  # of b\n  - b: 1\n    # of c\n    c: 2\n\n  # two\n  - d\n",
    ),
    "a hash that is none": ("a: x#y\nb: 'x # y' # z\nc: \"it's # no\"\nd: it's # a\n", "a: x#y\nb: 'x # y' # z\nc: \"it's # no\"\nd: it's # a\n"),
    "what stands on one line": ("a: {b:   [c,d] , e: }\nf: []\ng: {}\n", "a: {b: [c, d], e: }\nf: []\ng: {}\n"),
    "what stands on several and fits": ("a: [b,\n  c]\n", "a: [b, c]\n"),
    "a comment within brackets": ("a: [b, # first\n  c]\n", "a: # first\n  - b\n  - c\n"),
    "what does not fit on one line": (
        f"a: [{', '.join(['eleven-letters'] * 8)}]\n",
        "a:\n" + "  - eleven-letters\n" * 8,
    ),
    "lists of lists": ("a:\n- - b\n  - c\n- [d]\n", "a:\n  - - b\n    - c\n  - [d]\n"),
    "anchors": ("a: &x\n    b: 1\nc: *x\nd: &y [1]\ne: &z 1\nf: {<<: *x}\n", "a: &x\n  b: 1\nc: *x\nd: &y [1]\ne: &z 1\nf: {<<: *x}\n"),
    "blocks": (
        "a: |\n      one\n        two\n\n      three\nb: >-\n  four\n\n  five\nc: 1\n",
        "a: |\n  one\n    two\n\n  three\nb: >-\n  four\n\n  five\nc: 1\n",
    ),
    "blocks with comments": ("a: |   # why\n   # no comment\n   b\n# c\nc: 1\n", "a: | # why\n  # no comment\n  b\n# c\nc: 1\n"),
    "quotes over lines": ("a: \"one\n     two\"  # why\nb: one\n     two\n", 'a: "one\n  two" # why\nb: one\n  two\n'),
    "CEL": (KIND + "expression:   'a&&b'\n", KIND + "expression: 'a && b'\n"),
    "CEL in braces": (KIND + "a: [{expression: \"a&&b\", name: x}]\n", KIND + 'a: [{expression: "a && b", name: x}]\n'),
    "CEL in quotes that do not do": (KIND + "expression: \"a=='b'||c==\\\"d\\\"\"\n", KIND + "expression: a == 'b' || c == \"d\"\n"),
    "CEL in lines": (
        KIND + f"a:\n- expression: \"{'first.condition.of.all || ' * 5}last\"\n",
        KIND + "a:\n  - expression: >-\n" + "      first.condition.of.all ||\n" * 5 + "      last\n",
    ),
    "CEL in a block that is not one": (KIND + "expression: |\n    a&&\n      b\n", KIND + "expression: >-\n  a && b\n"),
    "CEL with comments": (KIND + "expression: |\n     a&& // why\n       b\n", KIND + "expression: |\n  a&& // why\n    b\n"),
    "CEL of other kinds": ("kind: ConfigMap\nexpression: a&&b\n", "kind: ConfigMap\nexpression: a&&b\n"),
    "CEL with an anchor": (KIND + "expression: &a a&&b\nb: *a\n", KIND + "expression: &a a&&b\nb: *a\n"),
    "nothing": ("", ""),
    "comments alone": ("# a\n\n\n# b\n", "# a\n\n# b\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAID_OUT)
def test_a_file(name: str) -> None:
    before, after = LAID_OUT[name]
    made = laid_out(before)
    assert after is None or made == after
    assert laid_out(made) == made


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        (
            "a: [1\nb: 2\n",
            (2, 2),
            "not valid YAML: while parsing a flow sequence, expected ',' or ']', but got ':'",
        ),
        ("a: b\n\na:\n \t- b\n", (4, 2), "a tab where YAML wants spaces"),
        ("a: 1\n---\nb: \0", (1, 1), "a character that YAML does not allow"),
        ("a: 1\n...\n%YAML 1.1\n---\na: 1\n", (3, 1), "a directive of YAML"),
        ("a: 1\n---\n? [a]\n: 1\n", (3, 1), "a key that is no word"),
        ("b: 1\na: |2\n    b\n", (2, 1), "a block with its indentation written"),
    ],
)
def test_what_cannot_be_laid_out_is_told(text: str, place: tuple[int, int], why: str) -> None:
    with pytest.raises(CannotLayOut) as raised:
        laid_out(text)
    assert (str(raised.value), raised.value.line, raised.value.column) == (why, *place)


@pytest.mark.parametrize("path", sorted(POLICIES.rglob("*.yaml")), ids=lambda path: path.name)
def test_what_ships_is_laid_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    made = laid_out(text)
    assert laid_out(made) == made
    if not path.name.endswith("_test.yaml"):
        assert made == text


WORDS = st.sampled_from(
    ["a", "b # no", "it's", '"', "x: y", "", "on", "1", "é", "- z", "a\nb", "a\n\n b\n", "#c"]
)
VALUES = st.recursive(
    WORDS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS.filter(lambda word: "\n" not in word), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(
    VALUES,
    st.integers(2, 6),
    st.sampled_from([None, True, False]),
    st.sampled_from([20, 80, 1000]),
    st.data(),
)
def test_any_document_means_the_same(
    value: object, indent: int, flow: bool | None, width: int, data: st.DataObject
) -> None:
    text = yaml.safe_dump(
        {"root": value}, indent=indent, default_flow_style=flow, width=width, allow_unicode=True
    )
    lines = text.split("\n")
    if not any(mark in text for mark in "|>\"'?"):
        for _ in range(data.draw(st.integers(0, 2))):
            lines.insert(
                data.draw(st.integers(0, len(lines) - 1)), data.draw(st.sampled_from(["", "  # comment"]))
            )
    try:
        made = laid_out("\n".join(lines))
    except CannotLayOut as error:
        event(str(error))
        assume(False)
    assert yaml.safe_load(made) == {"root": value}
    assert made.count("# comment") == sum(line == "  # comment" for line in lines)
    assert laid_out(made) == made
