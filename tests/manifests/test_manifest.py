"""Reading manifests: what they mean, where everything stands, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.manifests.manifest import (
    Manifest,
    ManifestError,
    Position,
    Source,
    files,
    read,
    read_all_text,
    read_documents,
    read_text,
)
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.resource import GroupVersionKind

HEAD = "apiVersion: v1\nkind: A\n"


def spec_of(text: str) -> Any:
    (manifest,) = read_text(f"{HEAD}spec: {text}\n")
    return manifest.object["spec"]


def refusal(text: str | bytes, path: str = "f.yaml") -> str:
    with pytest.raises(ManifestError) as error:
        read_text(text, path)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("On", True),
        ("y", True),
        ("no", False),
        ("OFF", False),
        ("yEs", "yEs"),
        ('"yes"', "yes"),
        ("null", None),
        ("~", None),
        ("", None),
        ("nUll", "nUll"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("1_000", 1000),
        ("0644", 420),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("0", 0),
        ("09", 9),
        ("0x", "0x"),
        ("1.5", 1.5),
        ("1.0", 1),
        ("1e3", 1000),
        (".5", 0.5),
        ("-0.0", 0),
        ("1e21", 1e21),
        ("1234567890123456789.0", 1234567890123456800),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", float(2**63)),
        ("-9223372036854775809", -float(2**63)),
        ("0x10000000000000000", "0x10000000000000000"),
        ("0777777777777777777777777", 7.777777777777778e23),
        ("1e400", "1e400"),
        ("9" * 400, "9" * 400),
        ("9" * 5000, "9" * 5000),
        ("._5", "._5"),
        ("1.2.3", "1.2.3"),
        ("12:30:45", "12:30:45"),
        ("2001-12-14", "2001-12-14"),
        ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
        ("!!str 12", "12"),
        ("!!int 12", 12),
        ("'it''s'", "it's"),
        ('"a\\tb\\u00e9"', "a\tbé"),
        ("[a, 1, {b: c}]", ["a", 1, {"b": "c"}]),
        ("{a: &x {b: 1}, c: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("{a: &x {b: 1, c: 2}, d: {<<: *x, c: 3}}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("{a: &x {b: 1}, c: &y {b: 2}, d: {<<: [*x, *y]}}", {"a": {"b": 1}, "c": {"b": 2}, "d": {"b": 1}}),
    ],
)
def test_yaml_means_what_it_means_to_kubectl(text: str, value: Any) -> None:
    found = spec_of(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0", 1.0),
        ("1", 1),
        ("9223372036854775808", float(2**63)),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("-0", 0),
        ('"\\ud83d\\ude00"', "😀"),
        ("true", True),
        ("null", None),
    ],
)
def test_json_numbers_are_64_bits_or_floats(text: str, value: Any) -> None:
    (manifest,) = read_text(f'{{"apiVersion": "v1", "kind": "A", "spec": {text}}}')
    assert manifest.object["spec"] == value
    assert type(manifest.object["spec"]) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\n\tb: 2",
            "f.yaml:2:1: a tab where YAML wants spaces. Indent with spaces",
        ),
        (
            "a: b: c",
            "f.yaml:1:5: not valid YAML: mapping values are not allowed in this context. "
            "Correct the line or the one before it",
        ),
        ("a: 1\nb: 2\na: 3", 'f.yaml:3:1: key "a" stands here twice. Keep one of them'),
        ("a: .nan", "f.yaml:1:4: .nan is no number that JSON can hold. Write a finite number"),
        ("a: -.inf", "f.yaml:1:4: -.inf is no number that JSON can hold. Write a finite number"),
        ("null: a", "f.yaml:1:1: key null is not a string. Put the key in quotes"),
        (
            "9223372036854775808: a",
            "f.yaml:1:1: key 9223372036854775808 is not a string. Put the key in quotes",
        ),
        ("{1: a, '1': b}", 'f.yaml:1:8: key "1" stands here twice. Keep one of them'),
        ("{on: a, yes: b}", 'f.yaml:1:9: key "true" stands here twice. Keep one of them'),
        ("? [a]\n: b", "f.yaml:1:3: this key is not a string. Put the key in quotes"),
        ("a: &a [*a]", "f.yaml:1:4: an anchor that contains its own alias. Write the value out"),
        (
            "a: !!binary aGk=",
            "f.yaml:1:4: a Kubernetes object has no place for the tag !!binary. Remove the tag",
        ),
        ("a: !!int b", "f.yaml:1:4: a Kubernetes object has no place for the tag !!int. Remove the tag"),
        ("a: !x {}", "f.yaml:1:4: a Kubernetes object has no place for the tag !x. Remove the tag"),
        (
            "a: {<<: b}",
            "f.yaml:1:9: only a mapping can be merged with <<. Merge mappings, or quote the key",
        ),
        (
            'a: "\x01"',
            'f.yaml:1:5: a character that YAML does not allow. Remove it, or write it as "\\x.." in quotes',
        ),
        ("- a", "f.yaml:1:1: not a Kubernetes object. Write a mapping with apiVersion, kind and metadata"),
        ("a: 1", "f.yaml:1:1: the object has no apiVersion. Add apiVersion"),
        ("apiVersion: v1", "f.yaml:1:1: the object has no kind. Add kind"),
        ("apiVersion: v1\nkind: 1", "f.yaml:2:7: kind is not a string. Put it in quotes"),
        (f"{HEAD}metadata: []", "f.yaml:3:11: metadata is not a mapping. Write metadata as a mapping"),
        (f"{HEAD}metadata: {{name: n}}", "f.yaml:3:18: metadata.name is not a string. Put it in quotes"),
        (f"{HEAD}metadata: {{name: 1}}", "f.yaml:3:18: metadata.name is not a string. Put it in quotes"),
        ('{"a": 1, "a": 2}', 'f.yaml:1:10: key "a" stands here twice. Keep one of them'),
        ('{"a": [{"b": 1}, {"b": 1, "b": 2}]}', 'f.yaml:1:27: key "b" stands here twice. Keep one of them'),
        ('{"a": {"b": 1, "b": 2}, ]', 'f.yaml:1:16: key "b" stands here twice. Keep one of them'),
        ('{"a": NaN}', "f.yaml:1:1: NaN is no number that JSON can hold. Write a finite number"),
        ('{"a": 1e999}', "f.yaml:1:1: 1e999 is no number that JSON can hold. Write a finite number"),
        (
            '{"a": "\\ud800"}',
            "f.yaml:1:7: half a character (a lone surrogate). Write the whole character",
        ),
        (
            '{"a": 1',
            "f.yaml:1:8: not valid JSON: expecting ',' delimiter. Correct the line or the one before it",
        ),
        (b"a: \xff", "f.yaml:1:4: not UTF-8 text. Save the file as UTF-8"),
        (b"\xef\xbb\xbfa: \xc3\xa9\nb: \xff", "f.yaml:2:4: not UTF-8 text. Save the file as UTF-8"),
    ],
)
def test_refusals_name_the_place_and_the_remedy(text: str | bytes, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{a: " * 5_000, "- " * 5_000 + "a"])
def test_deep_yaml_is_refused(text: str) -> None:
    assert "nested deeper than 200 levels" in refusal(text)


def test_deep_json_is_refused() -> None:
    text = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    assert refusal(text) == "f.yaml:1:1: nested too deeply. Make it flatter"


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases add more than 100000 values" in refusal("\n".join(lines))


def test_every_problem_of_every_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- a\n---\nb: 1\n")
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.yaml").write_text("- a\n---\n\ta\n")
    with pytest.raises(ManifestError) as error:
        read([tmp_path, tmp_path / "none"])
    assert [(Path(problem.path).name, problem.line) for problem in error.value.problems] == [
        ("a.yaml", 1),
        ("a.yaml", 3),
        ("b.json", 1),
        ("c.yaml", 1),
        ("c.yaml", 3),
        ("none", 0),
    ]
    assert str(error.value.problems[-1]) == f"{tmp_path / 'none'}: no such file or folder. Check the path"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(HEAD)
    file.chmod(0)
    with pytest.raises(ManifestError, match="cannot be read: permission denied"):
        read([file])


def test_a_folder_with_the_name_of_a_file_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "a.yaml" / "b.yaml").write_text(HEAD)
    assert len(read([tmp_path])) == 1


# --- places -------------------------------------------------------------------------------------------

YAML = """\
# a comment
apiVersion: v1
kind: A
metadata: {name: a, labels: {quoted: 'it''s'}}
spec:
  list:
    - 1
    - {deep: true}
  literal: |-
    object.spec.foo ==
      1 && bar
  indented: |2
      object.x &&
    y
  folded: >-
    one two
    three

    four
  plain: foo bar
    baz
  double: "a\\n\\u00e9 \\
    b"
  tagged: !!str &t 123
  alias: *t
"""


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_text(YAML)[0]


def at(position: Position, text: str = YAML) -> str:
    """What stands at a place."""
    return text.split("\n")[position.line - 1][position.column - 1 :]


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ((), "apiVersion"),
        (("kind",), "A"),
        (("metadata", "name"), "a, labels"),
        (("spec", "list", 1, "deep"), "true"),
        (("spec", "literal"), "|-"),
        (("spec", "none", "deeper"), "list:"),
        (("spec", "list", 7), "- 1"),
        (("kind", "none"), "A"),
    ],
)
def test_finds_values_or_what_is_around_them(manifest: Manifest, path: FieldPath, begins: str) -> None:
    assert at(manifest.source.locate(path)).startswith(begins)


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (("spec", "literal"), "literal:"),
        (("spec", "list", 0), "1"),
        (("spec", "none"), "list:"),
        (("metadata", "labels"), "labels:"),
    ],
)
def test_finds_keys(manifest: Manifest, path: FieldPath, begins: str) -> None:
    assert at(manifest.source.locate_key(path)).startswith(begins)


@pytest.mark.parametrize(
    ("path", "word", "begins"),
    [
        (("spec", "literal"), "object", "object.spec"),
        (("spec", "literal"), "foo", "foo =="),
        (("spec", "literal"), "bar", "bar"),
        (("spec", "literal"), "&& bar", "&& bar"),
        (("spec", "indented"), "object", "object.x"),
        (("spec", "indented"), "y", "y"),
        (("spec", "folded"), "two", "two"),
        (("spec", "folded"), "three", "three"),
        (("spec", "folded"), "four", "four"),
        (("spec", "plain"), "bar", "bar"),
        (("spec", "plain"), "baz", "baz"),
        (("spec", "double"), "é", "\\u00e9"),
        (("spec", "double"), "b", 'b"'),
        (("spec", "tagged"), "23", "23"),
        (("spec", "alias"), "23", "23"),
        (("metadata", "labels", "quoted"), "s", "s'}}"),
        (("metadata", "labels", "quoted"), "'", "''s"),
    ],
)
def test_finds_characters_of_strings(manifest: Manifest, path: FieldPath, word: str, begins: str) -> None:
    value: Any = manifest.object
    for part in path:
        value = value[part]
    assert at(manifest.source.locate_in_text(path, value.index(word))).startswith(begins)


def test_the_end_of_a_string_is_behind_its_last_character(manifest: Manifest) -> None:
    text = manifest.object["spec"]["literal"]
    end = manifest.source.locate_in_text(("spec", "literal"), len(text))
    assert end == (11, 15)


JSON = """{"apiVersion": "v1", "kind": "A",
 "spec": {"text": "a\\n\\ud83d\\ude00b\\"c", "list": [1, {"x": [2, 3]}]}}"""


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ((), '{"apiVersion"'),
        (("spec",), '{"text"'),
        (("spec", "list", 1, "x", 1), "3]"),
        (("spec", "none"), '{"text"'),
    ],
)
def test_finds_values_in_json(path: FieldPath, begins: str) -> None:
    (manifest,) = read_text(JSON)
    assert at(manifest.source.locate(path), JSON).startswith(begins)


@pytest.mark.parametrize(("word", "begins"), [("a", "a"), ("b", 'b\\"c'), ("c", 'c"'), ('"', '\\"c')])
def test_finds_characters_in_json(word: str, begins: str) -> None:
    (manifest,) = read_text(JSON)
    offset = manifest.object["spec"]["text"].index(word)
    place = manifest.source.locate_in_text(("spec", "text"), offset)
    assert at(place, JSON).startswith(begins)


def test_finds_keys_in_json() -> None:
    (manifest,) = read_text(JSON)
    assert at(manifest.source.locate_key(("spec", "list")), JSON).startswith('"list"')


def test_a_source_without_text_has_the_place_it_was_given() -> None:
    source = Source("<memory>", 3, 4)
    assert source.locate(("a",)) == source.locate_key(("a",)) == source.locate_in_text(("a",), 1) == (3, 4)
    assert str(source.problem((), "wrong")) == "<memory>:3:4: wrong"


# --- documents ----------------------------------------------------------------------------------------


def kinds(manifests: tuple[Manifest, ...]) -> list[str]:
    return [manifest.kind.kind for manifest in manifests]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n---\n---\n", []),
        (f"{HEAD}---\napiVersion: v1\nkind: B\n", ["A", "B"]),
        (f"---\n{HEAD}...\n", ["A"]),
        ('{"apiVersion": "v1", "kind": "A"}\n{"apiVersion": "v1", "kind": "B"}\n', ["A", "B"]),
        ('{"apiVersion": "v1", "kind": "A"}{"apiVersion": "v1", "kind": "B"}', ["A", "B"]),
        ("{apiVersion: v1, kind: A}", ["A"]),
        ('{"apiVersion": v1, "kind": A,} # no JSON', ["A"]),
        ("apiVersion: v1\nkind: List\nitems:\n", []),
        ("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n", ["A"]),
        ("apiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: a}}\n", ["Pod"]),
        ("apiVersion: v1\nkind: List\nitems: []\n", []),
        ("apiVersion: x/v1\nkind: AllowList\nspec: {}\n", ["AllowList"]),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: "
            "[{apiVersion: v1, kind: A}]}\n",
            ["A"],
        ),
    ],
)
def test_reads_every_form(text: str, expected: list[str]) -> None:
    assert kinds(read_text(text)) == expected


def test_items_of_a_list_know_their_places() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  spec: {x: 1}\n"
    (manifest,) = read_text(text)
    assert (manifest.source.line, manifest.source.column) == (4, 3)
    assert at(manifest.source.locate(("spec", "x")), text) == "1}"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_items_of_a_long_list_know_their_places(form: str) -> None:
    items = [{"apiVersion": "v1", "kind": "A", "metadata": {"name": f"a{n}"}} for n in range(2000)]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    text = json.dumps(listed, indent=1) if form == "json" else yaml.safe_dump(listed, sort_keys=False)
    found = read_text(text, f"a.{form}")
    last = found[-1].source
    lines = text.split("\n")
    for one in (found[0], found[999], found[-1]):
        assert "apiVersion" in "".join(lines[one.source.line - 1 : one.source.line + 1])
    assert at(last.locate(("metadata", "name")), text).strip('"') == "a1999"


def test_documents_know_their_lines() -> None:
    in_yaml = read_text(f"{HEAD}---\n\n{HEAD}")
    in_json = read_text('{"apiVersion": "v1", "kind": "A"}\n\n  {"apiVersion": "v1",\n "kind": "A"}')
    assert [(one.source.line, one.source.column) for one in in_yaml] == [(1, 1), (5, 1)]
    assert [(one.source.line, one.source.column) for one in in_json] == [(1, 1), (3, 3)]


def test_documents_need_not_be_objects(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("- 1\n---\na: 2\n---\n")
    assert [document.value for document in read_documents(file)] == [[1], {"a": 2}]


def test_manifest_tells_its_names() -> None:
    (manifest,) = read_text("apiVersion: apps/v1\nkind: A\nmetadata: {name: m, namespace: s}\n")
    assert (manifest.kind, manifest.name, manifest.namespace) == (
        GroupVersionKind("apps", "v1", "A"),
        "m",
        "s",
    )
    (bare,) = read_text(HEAD)
    assert (bare.name, bare.namespace) == ("", "")


# --- folders ------------------------------------------------------------------------------------------


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HEAD)


def names_in(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in files(folder)]


def test_reads_folders_by_name_and_passes_over_what_is_hidden(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "a/z.YML", "a/y.json", "c.jsonl", "d.txt", ".hidden.yaml", ".git/a.yaml")
    assert names_in(tmp_path) == ["a/y.json", "a/z.YML", "b.yaml", "c.jsonl"]


def test_reads_a_mounted_config_map_once(tmp_path: Path) -> None:
    write(tmp_path, "..2024_01/policy.yaml")
    (tmp_path / "..data").symlink_to("..2024_01")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    assert names_in(tmp_path) == ["policy.yaml"]
    assert len(read([tmp_path])) == 1


def test_a_link_to_its_own_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(ManifestError, match="leads back"):
        list(files(tmp_path))


def test_excluded_files_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml")
    (tmp_path / "a_test.yaml").write_text("\t")
    assert len(read([tmp_path], exclude=lambda path: "_test" in path.name)) == 1


BROKEN = ["a: {b", "a: 'x", "a: 1\na: 1", "- [", "a: b: c", "\ta: 1", "- a", "a: 1", "a: !x {}"]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_document_costs_only_itself(broken: str) -> None:
    text = f"{HEAD}---\n{broken}\n---\n{HEAD}metadata: {{name: b}}\n"
    found = read_all_text(text, "f.yaml")
    assert len(found.problems) == 1
    first, second = found.manifests
    line = 4 + broken.count("\n") + 4
    assert (second.name, second.source.locate(("metadata", "name"))) == ("b", (line, 18))
    assert first.source.line == 1


def test_a_broken_line_of_json_costs_only_itself() -> None:
    good = '{"apiVersion": "v1", "kind": "Namespace"}'
    found = read_all_text(f'{good}\n{{"a":}}\n{good}\n')
    assert [manifest.source.line for manifest in found.manifests] == [1, 3]
    assert [problem.line for problem in found.problems] == [2]


def test_a_text_that_is_broken_all_over_is_given_up() -> None:
    found = read_all_text("---\n{\n" * 1000, "f.yaml")
    assert len(found.problems) <= 101
    assert found.problems[-1].what == "more than 100 documents are broken, and the rest is not read"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_text_may_begin_with_a_mark_of_its_encoding(encoding: str) -> None:
    text = f"{HEAD}metadata: {{name: ä}}\n"
    (manifest,) = read_text(text.encode(encoding))
    assert manifest.name == "ä"


def test_marks_within_a_stream_are_passed_over() -> None:
    one = f"{HEAD}metadata: {{name: a}}\n"
    assert [each.name for each in read_text(f"\ufeff{one}---\n\ufeff{one}\ufeff---\n{one}".encode())] == [
        "a"
    ] * 3


@pytest.mark.parametrize("kind", ["ConfigMap", "Widget"])
def test_a_number_as_key_is_text_with_a_warning(kind: str) -> None:
    one = f"apiVersion: v1\nkind: {kind}\ndata: {{8080: a, 0x10: b, '7': c, yes: d}}\n"
    (manifest,) = read_text(one, "f.yaml")
    assert manifest.object["data"] == {"8080": "a", "16": "b", "7": "c", "true": "d"}
    assert list(map(str, manifest.warnings)) == [
        'f.yaml:3:8: key 8080 is a number, which kubectl reads as "8080". Put the key in quotes',
        'f.yaml:3:17: key 0x10 is a number, which kubectl reads as "16". Put the key in quotes',
        'f.yaml:3:34: key yes is a boolean, which kubectl reads as "true". Put the key in quotes',
    ]


KEYS = [
    ("1.5", "1.5"),
    ("1.0", "1"),
    ("1e6", "1e+06"),
    ("1000000.0", "1e+06"),
    ("123456789.125", "1.2345679e+08"),
    ("1e-5", "1e-05"),
    ("1e-50", "0"),
    ("1e-40", "1e-40"),
    ("3.5e38", ".inf"),
    ("-1e300", "-.inf"),
    ("1e400", "1e400"),
    (".inf", ".inf"),
    ("-.inf", "-.inf"),
    (".nan", ".nan"),
    ("010", "8"),
    ("0o10", "8"),
    ("1_000", "1000"),
    ("0b11", "3"),
    ("on", "true"),
    ("off", "false"),
    ("n", "false"),
    ("TRUE", "true"),
    ("2026-01-01", "2026-01-01"),
    ("9223372036854775807", "9223372036854775807"),
    ("18446744073709551616", "1.8446744e+19"),
    ("-9223372036854775809", "-9.223372e+18"),
    ("-0.0", "-0"),
    ("-0", "0"),
    ("+5", "5"),
    ("1:30", "1:30"),
    ("!!str 5", "5"),
    ('!!int "5"', "5"),
    ("!!float 5", "5"),
    ("=", "="),
]
"""What `kubectl annotate --local -o json` of Kubernetes 1.36.3 makes of them, as keys of a ConfigMap's data."""


@pytest.mark.parametrize(("written", "read"), KEYS, ids=[written for written, _ in KEYS])
def test_a_key_is_what_it_is_to_kubectl(written: str, read: str) -> None:
    (manifest,) = read_text(f"{HEAD}data:\n  {written}: v\n", "f.yaml")
    assert manifest.object["data"] == {read: "v"}


def test_the_place_of_a_field_whose_key_is_no_string_is_found() -> None:
    (manifest,) = read_text(f"{HEAD}data:\n  a: v\n  on: v\n", "f.yaml")
    assert str(manifest.source.problem(("data", "true"), "x", "y")) == "f.yaml:5:7: x. y"


@pytest.mark.parametrize("text", ["kind: ConfigMap\ndata: {null: a}", "data: {[a]: b}", "a: &a {<<: *a}"])
def test_other_keys_must_be_strings(text: str) -> None:
    assert read_all_text(f"apiVersion: v1\n{text}").problems


def test_keys_of_data_are_read_in_a_list_too() -> None:
    text = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, data: {1: a}}]"
    (manifest,) = read_text(text)
    assert (manifest.object["data"], len(manifest.warnings)) == ({"1": "a"}, 1)
