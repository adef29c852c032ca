"""Manifests: objects read from files, each knowing its place, down to the character of an expression.

YAML and JSON are read strictly: what kubectl would drop or overwrite in silence is an error with place and
remedy (see `yamltext` and `jsontext`).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gatekeeper_py.manifests import jsontext, yamltext
from gatekeeper_py.manifests.folder import LARGEST, content, files
from gatekeeper_py.manifests.place import ManifestError, Position, Problem, Span, position_of
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = [
    "Document",
    "Manifest",
    "ManifestError",
    "Position",
    "Problem",
    "Source",
    "files",
    "read",
    "read_documents",
    "read_text",
]

STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document stands.

    It finds the places of the document's parts by reading the text once more, so costs nothing until
    something is wrong.
    """

    path: str
    _line: int = 1
    """0 when the place is known by `prefix` only, and looked up when asked for."""
    _column: int = 1
    text: str = field(default="", repr=False)
    form: Literal["yaml", "json"] = "yaml"
    origin: int = 0
    """The document's number in YAML, the place of its first character in JSON."""
    prefix: FieldPath = ()
    """Where in the document the object is: `("items", 3)` in a List."""

    @property
    def line(self) -> int:
        """The line the document begins in, counted from 1."""
        return self._line or self.locate(()).line

    @property
    def column(self) -> int:
        """The column the document begins in, counted from 1."""
        return self._column or self.locate(()).column

    def locate(self, path: FieldPath) -> Position:
        """The place of a field's value, or of the nearest thing around it that exists."""
        span, _ = self._find(path)
        return position_of(self.text, span.start) if span else Position(self._line, self._column)

    def locate_key(self, path: FieldPath) -> Position:
        """The place of a field's name."""
        span, found = self._find(path)
        if span is None or not found or span.key is None:
            return self.locate(path)
        return position_of(self.text, span.key)

    def locate_in_text(self, path: FieldPath, offset: int) -> Position:
        """The place of a character of a string value, whatever style the string is written in."""
        span, found = self._find(path)
        if span is None or not found:
            return self.locate(path)
        return position_of(self.text, span.index(self.text, offset))

    def problem(self, path: FieldPath, what: str, remedy: str = "") -> Problem:
        """A problem with a field."""
        return Problem(self.path, *self.locate(path), what, remedy)

    def _find(self, path: FieldPath) -> tuple[Span | None, bool]:
        if not self.text:
            return None, False
        find = jsontext.find if self.form == "json" else yamltext.find
        return find(self.text, self.origin, (*self.prefix, *path))


@dataclass(frozen=True, slots=True)
class Document:
    """Whatever a document holds."""

    value: Any
    source: Source


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Kubernetes object and where it was read."""

    object: Object
    source: Source = Source("<memory>")

    @property
    def kind(self) -> GroupVersionKind:
        """Its group, version and kind."""
        return GroupVersionKind.parse(self.object["apiVersion"], self.object["kind"])

    @property
    def name(self) -> str:
        """`metadata.name`, or empty."""
        return (self.object.get("metadata") or {}).get("name") or ""

    @property
    def namespace(self) -> str:
        """`metadata.namespace`, or empty."""
        return (self.object.get("metadata") or {}).get("namespace") or ""


def read(
    paths: Iterable[str | Path],
    *,
    exclude: Callable[[Path], bool] = lambda _path: False,
    largest: int = LARGEST,
    blank: bool = True,
) -> tuple[Manifest, ...]:
    """All objects of files and folders, in the order given, those of a folder by file name.

    A file may be as long as `largest` bytes; it may hold nothing but white space if `blank`. Raise
    `ManifestError` with every problem of every file.
    """
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found = [file for file in files(path) if not exclude(file)]
        except ManifestError as error:
            problems.extend(error.problems)
            continue
        for file in found:
            _add(_file_documents(file, largest, blank=blank), manifests, problems)
    if problems:
        raise ManifestError(problems)
    return tuple(manifests)


def read_text(text: str | bytes, path: str = STDIN) -> tuple[Manifest, ...]:
    """The objects of a text: YAML, JSON, or one JSON document a line."""
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    _add(_text_documents(path, text), manifests, problems)
    if problems:
        raise ManifestError(problems)
    return tuple(manifests)


def read_documents(path: str | Path) -> tuple[Document, ...]:
    """The documents of one file, which need not be Kubernetes objects; empty ones are left out."""
    return tuple(_file_documents(Path(path)))


def _add(documents: Iterator[Document], manifests: list[Manifest], problems: list[Problem]) -> None:
    """Add the objects of all documents; a text that cannot be read on ends with its problem."""
    try:
        for document in documents:
            _add_objects(document, manifests, problems)
    except ManifestError as error:
        problems.extend(error.problems)


def _file_documents(path: Path, largest: int = LARGEST, *, blank: bool = True) -> Iterator[Document]:
    data = content(path, largest)
    if not blank and not data.strip():
        raise ManifestError([Problem(str(path), 0, 0, BLANK, "Write it to its end, or remove it")])
    yield from _text_documents(str(path), data)


BLANK = "the file is empty, as a file is whose writing has just begun"


def _text_documents(path: str, data: str | bytes) -> Iterator[Document]:
    text = data if isinstance(data, str) else _decode(path, data)
    if path.lower().endswith((".json", ".jsonl")):
        yield from _json_documents(path, text)
    elif _like_json(text):
        yield from _json_or_yaml_documents(path, text)
    else:
        yield from _yaml_documents(path, text)


def _json_documents(path: str, text: str) -> Iterator[Document]:
    for value, offset, position in jsontext.documents(path, text):
        yield Document(value, Source(path, *position, text, "json", offset))


def _json_or_yaml_documents(path: str, text: str) -> tuple[Document, ...]:
    """JSON, or what begins like it: kubectl too tries YAML when a text turns out to be no JSON."""
    try:
        return tuple(_json_documents(path, text))
    except jsontext.SyntaxProblem as error:
        try:
            return tuple(_yaml_documents(path, text))
        except ManifestError:
            raise error from None


def _yaml_documents(path: str, text: str) -> Iterator[Document]:
    for number, (value, position) in enumerate(yamltext.documents(path, text)):
        if value is not None:
            yield Document(value, Source(path, *position, text, "yaml", number))


def _like_json(text: str) -> bool:
    """Whether a text begins like JSON: where YAML's flow mappings may have a word, JSON has a quote."""
    begin = text.lstrip()
    return begin.startswith("{") and begin[1:].lstrip()[:1] in ('"', "}")


def _decode(path: str, data: bytes) -> str:
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        position = position_of(data[: error.start].decode(), error.start)
        raise ManifestError([Problem(path, *position, "not UTF-8 text", "Save the file as UTF-8")]) from error


def _add_objects(document: Document, manifests: list[Manifest], problems: list[Problem]) -> None:
    value, source = document.value, document.source
    problem = _shape_problem(value, source)
    if problem:
        problems.append(problem)
    elif value["kind"].endswith("List") and isinstance(value.get("items", ""), list | None):
        for item in _items(value, source):
            _add_objects(item, manifests, problems)
    else:
        manifests.append(Manifest(value, source))


def _items(value: Object, source: Source) -> Iterator[Document]:
    """The objects of a List; those of a PodList need not say that they are Pods."""
    known = (
        {"apiVersion": value["apiVersion"], "kind": value["kind"].removesuffix("List")}
        if value["kind"] != "List"
        else {}
    )
    for number, item in enumerate(value["items"] or ()):
        prefix = (*source.prefix, "items", number)
        where = replace(source, _line=0, _column=0, prefix=prefix)
        yield Document({**known, **item} if isinstance(item, dict) else item, where)


def _shape_problem(value: Any, source: Source) -> Problem | None:
    """Why a value is no Kubernetes object."""
    if not isinstance(value, dict):
        return source.problem(
            (), "not a Kubernetes object", "Write a mapping with apiVersion, kind and metadata"
        )
    for name in ("apiVersion", "kind"):
        if not value.get(name):
            return source.problem((), f"the object has no {name}", f"Add {name}")
        if not isinstance(value[name], str):
            return source.problem((name,), f"{name} is not a string", "Put it in quotes")
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return source.problem(("metadata",), "metadata is not a mapping", "Write metadata as a mapping")
    for name in ("name", "namespace"):
        if not isinstance((metadata or {}).get(name), str | None):
            return source.problem(("metadata", name), f"metadata.{name} is not a string", "Put it in quotes")
    return None
