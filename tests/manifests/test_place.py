"""Every visible character of every string is found where it is written, in every style."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper_py.manifests.manifest import ManifestError, Problem, read_text
from gatekeeper_py.manifests.place import position_of

TEXTS = st.text(st.sampled_from("ab'\"\\ \n\té☃😀:#-{&*!|>%"), min_size=1, max_size=40)


def written(value: str, style: str | None) -> str:
    """A manifest with the value in `spec.value`, written by somebody else."""

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(
        str,
        lambda dumper, text: dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style=style if text == value else None
        ),
    )
    document = {"apiVersion": "v1", "kind": "A", "spec": {"before": "x", "value": value, "after": "y"}}
    return yaml.dump(document, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=20)


def found(text: str, value: str) -> None:
    (manifest,) = read_text(text)
    assert manifest.object["spec"]["value"] == value
    lines = text.split("\n")
    for offset, character in enumerate(value):
        if not character.isspace():
            line, column = manifest.source.locate_in_text(("spec", "value"), offset)
            there = lines[line - 1][column - 1 :]
            assert there.startswith((character, "\\"))


@given(TEXTS, st.sampled_from(["|", ">", "'", '"', None]))
@example(" :::::::::::::::: :", ">")
def test_finds_every_character_in_yaml(value: str, style: str | None) -> None:
    """PyYAML does not write every text so that it reads it again: a folded one that begins with a space."""
    text = written(value, style)
    found(text, yaml.safe_load(text)["spec"]["value"])


@given(TEXTS, st.booleans())
def test_finds_every_character_in_json(value: str, ascii_only: bool) -> None:
    document = {"apiVersion": "v1", "kind": "A", "spec": {"other": value + "z", "value": value}}
    found(json.dumps(document, ensure_ascii=ascii_only, indent=2), value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        max_leaves=12,
    )
)
def test_json_and_yaml_mean_the_same(value: object) -> None:
    document = {"apiVersion": "v1", "kind": "A", "spec": value}
    text = json.dumps(document)
    (as_json,), (as_yaml,) = (
        read_text(text, "a.json"),
        read_text(yaml.safe_dump(document), "a.yaml"),
    )
    assert as_json.object == as_yaml.object


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for path in ("a.yaml", "a.json"):
        with suppress(ManifestError):
            read_text(text, path)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ManifestError):
        read_text(data)


@pytest.mark.parametrize(
    "text",
    [
        "value: |\r\n    one\r\n    two\r\n",
        "value: 'one\r\n    two'\r\n",
        'value: "\\L\\P\\N\\_\\e\\0one\\\r\n    two"\r\n',
        "value: !!str &a 'one two'\r\n",
    ],
)
def test_finds_words_whatever_ends_the_lines(text: str) -> None:
    text = f"apiVersion: v1\r\nkind: A\r\nspec:\r\n  {text}"
    (manifest,) = read_text(text)
    line, column = manifest.source.locate_in_text(
        ("spec", "value"), manifest.object["spec"]["value"].index("two")
    )
    assert text.split("\n")[line - 1][column - 1 :].startswith("two")


@pytest.mark.parametrize(
    ("index", "position"), [(0, (1, 1)), (1, (1, 2)), (2, (1, 3)), (3, (2, 1)), (4, (2, 2))]
)
def test_position_of(index: int, position: tuple[int, int]) -> None:
    assert position_of("ab\ncd", index) == position


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("f", 1, 2, "bad"), "f:1:2: bad"),
        (Problem("f", 1, 2, "bad", "Mend it"), "f:1:2: bad. Mend it"),
        (Problem("f", 0, 0, "bad", "Mend it"), "f: bad. Mend it"),
        (Problem("f", 1, 2, "bad:\n | x\n | ^", "Mend it"), "f:1:2: bad:\n | x\n | ^\nMend it"),
    ],
)
def test_problems_in_words(problem: Problem, text: str) -> None:
    assert str(problem) == text
