"""What is read by lines is what libyaml reads, and whatever else there is it is left to libyaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper_py.manifests import blocktext, yamltext
from gatekeeper_py.manifests.dumping import PlainDumper
from gatekeeper_py.manifests.place import ManifestError
from tests.shared import corpus, needs_shared

ROOT = Path(__file__).parents[2]

INDENTS = ["", "", " ", "  ", "  ", "    ", "      "]
DASHES = ["", "", "", "- ", "- ", "-", "- - ", "-  "]
NAMES = [
    "a: ",
    "b: ",
    "a:",
    "c:",
    "f:x: ",
    "x/y.z: ",
    ".k: ",
    "yes: ",
    "1: ",
    "- a: ",
    "'q': ",
    "<<: ",
    "",
    "",
    "? ",
]
VALUES = [
    *[
        "",
        "",
        "x",
        "two words",
        "a:b",
        "a: b",
        "a #b",
        "a#b",
        "#c",
        "-1",
        "--flag=1",
        "- x",
        "-",
        "---",
        "...",
        "1.0",
    ],
    *[
        "0644",
        "yes",
        "null",
        "~",
        ".inf",
        "1e400",
        "'a b'",
        "'it''s'",
        '"a b"',
        '"a\\n"',
        '"a',
        "{}",
        "[]",
        "{a: 1}",
    ],
    *[
        "&x y",
        "*x",
        "!t v",
        "|",
        "|-",
        "|+",
        ">-",
        "| # c",
        "x ",
        " x",
        "x\t",
        "é",
        "\x85",
        "@x",
        "`x",
        "%x",
        "=",
        "a,b]",
    ],
    *[
        "12:30:45",
        "2001-01-01",
        "0x1F",
        "1_000",
        "+1",
        "http://x/y?z=1&w",
        "$(A)",
        "(a)",
        "a\r",
        "x:",
        ":x",
        ":",
        "\x07",
    ],
]
LINES = st.builds(
    lambda *parts: "".join(parts),
    *map(st.sampled_from, (INDENTS, DASHES, NAMES, VALUES)),
)
PLAIN_LINES = st.builds(
    lambda *parts: "".join(parts),
    *map(
        st.sampled_from, (["", "  ", "    "], ["", "- "], ["a: ", "b: ", "c: "], ["1", "x", "{}", "|", "y"])
    ),
)
OPENING_LINES = st.builds(
    lambda *parts: "".join(parts),
    *map(st.sampled_from, (["", "  ", "    "], ["", "- "], ["a:", "b:", "c:", "c: |", "c: |-"])),
)
BREAKS = st.sampled_from(["", "", "   ", "---", "---", "--- x", "...", "%YAML 1.1", "# note"])
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + end,
    st.lists(st.one_of(LINES, PLAIN_LINES, OPENING_LINES, BREAKS), max_size=12),
    st.sampled_from(["\n", "\n", "\n", "", "\n\n"]),
)


def read(documents: Iterator[Any]) -> list[str]:
    """Each document with its type and place, and what stopped the reading."""
    found: list[str] = []
    try:
        found.extend(map(repr, documents))
    except ManifestError as error:
        found.append(f"error: {error}")
    return found


def assert_same(text: str) -> None:
    assert read(yamltext.documents("f", text)) == read(yamltext._composed("f", text)), text


@given(TEXTS)
@settings(max_examples=1000, deadline=None)
@example("a:\n  b:\n c: 1\n")
@example("a:\n- x\n- y: 1\n  z: 2\nb: 1\n")
@example("a:\n- b:\n  - c\n  d: 1\n")
@example("a:\n  - x\n  b: 1\n")
@example("- a\n")
@example("a: |\n  x\n\n  y\n\n\nb: 1\n")
@example("a: |-\n  x\n    y\n   z\n")
@example("a: |\n  x\n   \nb: 1\n")
@example("a: |\n\n  x\n")
@example("a: |\n x")
@example("a: |\n---\nb: 1\n")
@example("a: {}\n  b: 1\n")
@example("a: x\n  y\n")
@example("---\n---\na: 1\n")
@example("\n\n---\n\na: 1\n---\n")
@example("a: 1\n---\nb: &x 1\nc: *x\n---\nd: 1\n")
@example("a: 1\n---\nb: [\n---\nd: 1\n")
@example("a: 1\na: 2\n")
@example("-\n  -\n    a: 1\n")
@example("a:\n-\n  b: 1\n-\nc:\n")
def test_what_is_read_by_lines_is_what_libyaml_reads(text: str) -> None:
    assert_same(text)


class Author:
    """Writes manifests as programs do, and then makes a mistake or two."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []

    def text(self) -> str:
        for number in range(self.random.randint(1, 2)):
            self.lines += ["---"] * (number or self.random.randint(0, 1))
            self.fields(0, 0)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            self.mistake()
        return "\n".join(self.lines) + self.random.choice(["\n", "\n", "\n", "", "\n\n"])

    def fields(self, indent: int, depth: int, first: str = "") -> None:
        for name in self.random.sample(["a", "b", "c", "f:x", "d/e"], self.random.randint(1, 3)):
            self.value(f"{first or ' ' * indent}{name}:", indent, depth)
            first = ""

    def value(self, head: str, indent: int, depth: int) -> None:
        form = self.random.choice(
            ["scalar", "scalar", "nothing", "text", "list", "map"] if depth < 4 else ["scalar"]
        )
        if form == "scalar":
            self.lines.append(f"{head} {self.random.choice(SCALARS)}")
        elif form == "text":
            margin = " " * (indent + self.random.randint(1, 3))
            self.lines.append(f"{head} {self.random.choice(['|', '|-'])}")
            self.lines += [(margin + part) if part else "" for part in self.random.sample(TEXT_PARTS, 3)]
        else:
            self.lines.append(head)
        if form == "map":
            self.fields(indent + self.random.choice([1, 2, 2, 4]), depth + 1)
        elif form == "list":
            self.items(indent + self.random.choice([0, 2] if head.strip("- ") else [2]), depth + 1)

    def items(self, indent: int, depth: int) -> None:
        for _ in range(self.random.randint(1, 3)):
            if self.random.randint(0, 1):
                self.fields(indent + 2, depth, " " * indent + "- ")
            else:
                self.value(" " * indent + "-", indent, depth)

    def mistake(self) -> None:
        at = self.random.randrange(len(self.lines))
        line = self.lines.pop(at)
        end = self.random.choice(
            [" ", " #x", ":", " y", ": z", " |", " &a", "\n", "\n  ", "\n# c", "\n...", f"\n{line}"]
        )
        self.lines[at:at] = self.random.choice(
            [[], [f" {line}"], [f"  {line}"], [line[1:]], [line[2:]], [line + end]]
        )
        self.lines = self.lines or [""]


SCALARS = ["1", "x", "a b", "{}", "[]", "'q'", '"r"', "yes", "a:b", "-1", "--f=1", "0644", "~", "null"]
TEXT_PARTS = ["", "x", "  y", "# z", "- a", "a: b", ""]


@given(st.integers(0, 2**32))
@settings(max_examples=1500, deadline=None)
def test_whatever_programs_write_is_read_as_libyaml_reads_it(seed: int) -> None:
    assert_same(Author(Random(seed)).text())


def taken(text: str) -> tuple[list[Any], str]:
    """What is read by lines, and what is left."""
    values, documents = [], blocktext.documents(text)
    while True:
        try:
            values.append(next(documents)[0])
        except StopIteration as ended:
            return values, text[ended.value[0] :]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb:\n  c: x y\n", {"a": 1, "b": {"c": "x y"}}),
        ("a:\n- b: {}\n  c: []\n- d\n-\n", {"a": [{"b": {}, "c": []}, "d", None]}),
        ("a:\n  - - x\n", None),
        ("a: |\n  x\n   y\nb: 'q'\nc: \"r\"\n", {"a": "x\n y\n", "b": "q", "c": "r"}),
        ("a: no\nb: 0644\nc: 1.0\nd:\n", {"a": False, "b": 420, "c": 1, "d": None}),
        ("a: 1 # one\n", None),
        ("a: é\n", None),
    ],
)
def test_plain_documents_need_no_libyaml(text: str, value: Any) -> None:
    assert taken(text) == (([], text) if value is None else ([value], ""))


def test_the_first_that_is_not_plain_is_left_with_all_that_follows() -> None:
    assert taken("a: 1\n---\nb: *x\n---\nc: 1\n") == ([{"a": 1}], "---\nb: *x\n---\nc: 1\n")


def test_empty_collections_are_not_shared() -> None:
    (first, second), _ = taken("a: {}\n---\na: {}\n")
    first["a"]["b"] = 1
    assert second == {"a": {}}


def test_nothing_nests_deeper_here_than_libyaml_bears() -> None:
    text = "".join(f"{'  ' * level}a:\n" for level in range(150))
    assert taken(text) == ([], text)


@pytest.mark.parametrize("folder", ["policies", "examples", "webhooks"])
def test_our_own_files_are_read_alike(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.yaml")):
        assert_same(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("dumper", "step"),
    [
        pytest.param(yaml.CSafeDumper, 1, marks=needs_shared),
        pytest.param(PlainDumper, 20, marks=needs_shared),
    ],
)
def test_manifests_of_strangers_are_read_alike(dumper: Any, step: int) -> None:
    for item in corpus("benign")[::step]:
        assert_same(yaml.dump_all(item["objects"], Dumper=dumper, sort_keys=False, explicit_start=True))
