"""Manifests: objects read from files, each knowing its place, down to the character of an expression.

YAML and JSON are read strictly: what kubectl would drop or overwrite in silence is an error with place and
remedy (see `yamltext` and `jsontext`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
    "Reading",
    "Source",
    "files",
    "read",
    "read_all",
    "read_all_text",
    "read_documents",
    "read_text",
]

STDIN = "<stdin>"

BYTE_ORDER_MARK = "\ufeff"

ENCODINGS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""By the mark that a text begins with, as kubectl has it (cli-runtime pkg/resource/visitor.go)."""

YAML_BEGINS = re.compile(r"^---(?=\s|$)", re.MULTILINE)
JSON_BEGINS = re.compile(r"^\{", re.MULTILINE)
"""Where reading goes on after a document that is no YAML, or no JSON."""

MOST_BROKEN = 100
"""Documents of one text that are no YAML: what has more is no text of manifests."""


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
    above: int = 0
    """Lines of the file before `text`, which may be a piece of it."""

    def lowered(self, lines: int) -> Source:
        """The same in a file that has lines before the text."""
        return replace(self, _line=self._line and self._line + lines, above=self.above + lines)

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
        return self._position(span.start) if span else Position(self._line, self._column)

    def locate_key(self, path: FieldPath) -> Position:
        """The place of a field's name."""
        span, found = self._find(path)
        if span is None or not found or span.key is None:
            return self.locate(path)
        return self._position(span.key)

    def locate_in_text(self, path: FieldPath, offset: int) -> Position:
        """The place of a character of a string value, whatever style the string is written in."""
        span, found = self._find(path)
        if span is None or not found:
            return self.locate(path)
        return self._position(span.index(self.text, offset))

    def _position(self, index: int) -> Position:
        line, column = position_of(self.text, index)
        return Position(line + self.above, column)

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
    warnings: tuple[Problem, ...] = ()
    """What another reader may not understand, or understand otherwise."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Kubernetes object and where it was read."""

    object: Object
    source: Source = Source("<memory>")
    warnings: tuple[Problem, ...] = ()
    """What was read, but had better be written otherwise."""

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


class Reading(NamedTuple):
    """What could be read, and what could not."""

    manifests: tuple[Manifest, ...] = ()
    problems: tuple[Problem, ...] = ()

    def demanded(self) -> tuple[Manifest, ...]:
        """The manifests; raise `ManifestError` with every problem there is."""
        if self.problems:
            raise ManifestError(self.problems)
        return self.manifests


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
    return read_all(paths, exclude=exclude, largest=largest, blank=blank).demanded()


def read_all(
    paths: Iterable[str | Path],
    *,
    exclude: Callable[[Path], bool] = lambda _path: False,
    largest: int = LARGEST,
    blank: bool = True,
) -> Reading:
    """As `read`, but what cannot be read costs only itself."""
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
    return Reading(tuple(manifests), tuple(problems))


def read_text(text: str | bytes, path: str = STDIN) -> tuple[Manifest, ...]:
    """The objects of a text: YAML, JSON, or one JSON document a line."""
    return read_all_text(text, path).demanded()


def read_all_text(text: str | bytes, path: str = STDIN, *, blank: bool = True) -> Reading:
    """As `read_text`, but what cannot be read costs only itself."""
    if not blank and not text.strip():
        return Reading((), (_blank(path),))
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    _add(_text_documents(path, text), manifests, problems)
    return Reading(tuple(manifests), tuple(problems))


def read_documents(path: str | Path, text: str | None = None) -> tuple[Document, ...]:
    """The documents of one file, which need not be Kubernetes objects; empty ones are left out.

    `text` stands for what the file holds.
    """
    return tuple(_file_documents(Path(path)) if text is None else _text_documents(str(path), text))


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
        raise ManifestError([_blank(str(path))])
    yield from _text_documents(str(path), data)


def _blank(path: str) -> Problem:
    return Problem(path, 0, 0, BLANK, "Write it to its end, or remove it")


BLANK = "the file is empty, as a file is whose writing has just begun"


def _text_documents(path: str, data: str | bytes) -> Iterator[Document]:
    text = _without_marks(data if isinstance(data, str) else _decode(path, data))
    if path.lower().endswith((".json", ".jsonl")):
        yield from _json_documents(path, text)
    elif _like_json(text):
        yield from _json_or_yaml_documents(path, text)
    else:
        yield from _yaml_documents(path, text)


def _json_documents(path: str, text: str) -> Iterator[Document]:
    return _recovering(_json, path, text, JSON_BEGINS)


def _yaml_documents(path: str, text: str) -> Iterator[Document]:
    return _recovering(_yaml, path, text, YAML_BEGINS)


def _json_or_yaml_documents(path: str, text: str) -> Iterator[Document]:
    """JSON, or what begins like it: kubectl too tries YAML when a text turns out to be no JSON."""
    found: list[Document] = []
    try:
        found.extend(_json_documents(path, text))
    except jsontext.SyntaxProblem as error:
        try:
            found = list(_yaml(path, text))
        except ManifestError:
            yield from found
            raise error from None
    yield from found


def _recovering(
    documents: Callable[[str, str], Iterator[Document]], path: str, text: str, begins: re.Pattern[str]
) -> Iterator[Document]:
    """All documents that can be read; then `ManifestError` with what is wrong with the others."""
    first: ManifestError | None = None
    problems: list[Problem] = []
    line, rest = 1, text
    while rest:
        try:
            yield from documents(path, rest)
            break
        except ManifestError as error:
            first = first or error
            problems += error.problems
            line = max(line + 1, error.problems[-1].line)
            rest = _from_line(text, begins, line)
        if len(problems) >= MOST_BROKEN:
            problems.append(Problem(path, line, 1, UNREAD))
            break
    if first is not None:
        raise type(first)(dict.fromkeys(problems)) from first


UNREAD = f"more than {MOST_BROKEN} documents are broken, and the rest is not read"


def _from_line(text: str, begins: re.Pattern[str], line: int) -> str:
    """The text from the first document that begins there or later, every line where it was; or empty."""
    places = (match.start() for match in begins.finditer(text))
    found = ((place, position_of(text, place).line) for place in places)
    place, number = next((each for each in found if each[1] >= line), (len(text), 1))
    return "\n" * (number - 1) + text[place:]


def _json(path: str, text: str) -> Iterator[Document]:
    for value, offset, position in jsontext.documents(path, text):
        yield Document(value, Source(path, *position, text, "json", offset))


def _yaml(path: str, text: str) -> Iterator[Document]:
    for number, (value, position, warnings) in enumerate(yamltext.documents(path, text)):
        if value is not None:
            yield Document(value, Source(path, *position, text, "yaml", number), warnings)


def _like_json(text: str) -> bool:
    """Whether a text begins like JSON: where YAML's flow mappings may have a word, JSON has a quote."""
    begin = text.lstrip()
    return begin.startswith("{") and begin[1:].lstrip()[:1] in ('"', "}")


def _decode(path: str, data: bytes) -> str:
    """The text, without the mark that tells its encoding."""
    mark, encoding = next(
        ((mark, name) for mark, name in ENCODINGS.items() if data.startswith(mark)), (b"", "utf-8")
    )
    body = data[len(mark) :]
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(encoding)
        position = position_of(before, len(before))
        raise ManifestError([Problem(path, *position, "not UTF-8 text", "Save the file as UTF-8")]) from error


def _without_marks(text: str) -> str:
    """The text without the marks that files keep which were put one behind the other."""
    if BYTE_ORDER_MARK not in text:
        return text
    return re.sub(f"^{BYTE_ORDER_MARK}+", "", text, flags=re.MULTILINE)


def _add_objects(document: Document, manifests: list[Manifest], problems: list[Problem]) -> None:
    value, source = document.value, document.source
    problem = _shape_problem(value, source)
    if problem:
        problems.append(problem)
    elif value["kind"].endswith("List") and isinstance(value.get("items", ""), list | None):
        for item in _items(value, source, document.warnings):
            _add_objects(item, manifests, problems)
    else:
        manifests.append(Manifest(value, source, document.warnings))


def _items(value: Object, source: Source, warnings: tuple[Problem, ...]) -> Iterator[Document]:
    """The objects of a List; those of a PodList need not say that they are Pods."""
    known = (
        {"apiVersion": value["apiVersion"], "kind": value["kind"].removesuffix("List")}
        if value["kind"] != "List"
        else {}
    )
    for number, item in enumerate(value["items"] or ()):
        prefix = (*source.prefix, "items", number)
        where = replace(source, _line=0, _column=0, prefix=prefix)
        yield Document({**known, **item} if isinstance(item, dict) else item, where, warnings)


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
