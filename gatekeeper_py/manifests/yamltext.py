"""YAML text to values and places, meaning what it means to kubectl.

kubectl reads YAML with go-yaml v2 (YAML 1.1: `yes` is true, `0644` is octal, dates stay strings) and turns it
into JSON, where `1.0` becomes `1`, and the key `on` the string "true". We follow that, and warn of such keys,
but refuse what it drops or overwrites in silence. What is plain enough is read by `blocktext`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import yaml
from yaml._yaml import CParser

from gatekeeper_py.manifests import blocktext
from gatekeeper_py.manifests.place import ManifestError, Position, Problem, Span, position_of
from gatekeeper_py.manifests.scalars import key_of, resolve
from gatekeeper_py.objects.fieldpath import FieldPath

__all__ = ["Field", "documents", "field_at", "find"]

MAX_DEPTH = 200
"""Levels of nesting: more than any object has, fewer than Python's and the C parser's recursion bear."""
MAX_ALIASED = 100_000
"""Values that aliases may add to a text: enough for any author, too few to fill the memory."""

_STRING = "tag:yaml.org,2002:str"
_PLAIN = "plain"
_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"
_SCALAR_TAGS: dict[str, type | tuple[type, ...]] = {
    "tag:yaml.org,2002:bool": bool,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": (int, float),
    "tag:yaml.org,2002:null": type(None),
    "tag:yaml.org,2002:timestamp": str,
}


class _Composer(CParser):
    """The C parser, with the meaning of plain scalars left to us."""

    depth = 0

    def resolve(self, kind: type[yaml.Node], _value: str | None, implicit: Any) -> str:
        """The tag of a node without one."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _STRING
        return _MAPPING if kind is yaml.MappingNode else _SEQUENCE

    def descend_resolver(self, parent: yaml.Node | None, _index: object) -> None:
        """Called before each node is made: stop before the C parser's recursion ends the process."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = parent.start_mark if parent else None
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)

    def ascend_resolver(self) -> None:
        """Called after each node."""
        self.depth -= 1


def documents(path: str, text: str) -> Iterator[tuple[Any, Position, tuple[Problem, ...]]]:
    """Value, place and warnings of each document; raise `ManifestError`. Empty documents are None."""
    begin, above = yield from blocktext.documents(text)
    if begin < len(text):
        yield from _composed(path, "\n" * above + text[begin:])


def _composed(path: str, text: str) -> Iterator[tuple[Any, Position, tuple[Problem, ...]]]:
    for node in _compose(path, text):
        construction = _Construction(path, text)
        value = construction.value(node)
        yield value, Position(*_mark(node)), tuple(construction.warnings)


@lru_cache(maxsize=4)
def _nodes(text: str) -> tuple[yaml.Node, ...]:
    """The documents before the first that is no YAML: only of those can a place be asked."""
    nodes: list[yaml.Node] = []
    with suppress(ManifestError):
        for node in _compose("", text):
            nodes.append(node)
    return tuple(nodes)


def find(text: str, index: int, field: FieldPath) -> tuple[Span, bool]:
    """Where a field of the `index`-th document is written, and whether all of it was found."""
    node = _nodes(text)[index]
    key: yaml.Node | None = None
    for part in field:
        found = _child(node, part)
        if found is None:
            return _span(node, key), False
        key, node = found
    return _span(node, key), True


class Field(NamedTuple):
    """What stands at a place of a text."""

    document: int
    path: FieldPath
    span: Span
    """Of the value."""
    is_name: bool
    """Whether it is the field's name that stands there."""


def field_at(text: str, index: int) -> Field | None:
    """The innermost field around the character at `index`; None outside of what can be read."""
    for number, node in enumerate(_nodes(text)):
        if node.start_mark.index <= index <= node.end_mark.index:
            return _innermost(node, index, Field(number, (), _span(node, None), False))
    return None


def _innermost(node: yaml.Node, index: int, found: Field) -> Field:
    """As deep as it goes; an anchor may contain its own alias, and is entered once."""
    entered: set[int] = set()
    while id(node) not in entered:
        entered.add(id(node))
        inner = _inner(node, index, found)
        if inner is None:
            break
        node, found = inner
        if found.is_name:
            break
    return found


def _inner(node: yaml.Node, index: int, found: Field) -> tuple[yaml.Node, Field] | None:
    """What of a collection stands at a place, if anything does."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            if _covers(item, index):
                return item, found._replace(path=(*found.path, number), span=_span(item, None))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            is_name = _covers(key, index)
            if is_name or _covers(value, index):
                path = (*found.path, _name(key) or "")
                return value, found._replace(path=path, span=_span(value, key), is_name=is_name)
    return None


def _covers(node: yaml.Node, index: int) -> bool:
    """Whether a place is in a node; a block collection ends where the next thing begins, on another line."""
    start, end = node.start_mark, node.end_mark
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    return bool(start.index <= index and (index < end.index if is_block else index <= end.index))


def _compose(path: str, text: str) -> Iterator[yaml.Node]:
    composer = _Composer(text)
    try:
        while composer.check_node():
            node = composer.get_node()
            if node is not None:
                yield node
    except yaml.MarkedYAMLError as error:
        raise ManifestError([_syntax_problem(path, text, error)]) from error
    except yaml.reader.ReaderError as error:
        where = position_of(text, text.find(chr(error.character)) if isinstance(error.character, int) else 0)
        what = "a character that YAML does not allow"
        raise ManifestError(
            [Problem(path, *where, what, 'Remove it, or write it as "\\x.." in quotes')]
        ) from error
    finally:
        composer.dispose()


def _syntax_problem(path: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if mark and text[mark.index : mark.index + 1] == "\t":
        return Problem(path, line, column, "a tab where YAML wants spaces", "Indent with spaces")
    what = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(path, line, column, f"not valid YAML: {what}", "Correct the line or the one before it")


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return (None, node.value[part]) if part < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if _name(key) == part:
            return key, value
    merged = (_child(source, part) for key, value in node.value if _merges(key) for source in _sources(value))
    return next((found for found in merged if found), None)


def _sources(value: yaml.Node) -> list[yaml.Node]:
    return value.value if isinstance(value, yaml.SequenceNode) else [value]


def _merges(key: yaml.Node) -> bool:
    return bool(key.value == "<<" and key.tag == _PLAIN)


def _is_text(key: yaml.Node) -> bool:
    """Whether a key is a string as nearly every one is: quoted, or a word that means nothing else."""
    return bool(key.tag == _STRING or (key.tag == _PLAIN and type(resolve(key.value)) is str))


def _name(key: yaml.Node) -> str | None:
    """The key's name in the object; None when it cannot have one."""
    if _is_text(key):
        return str(key.value)
    return key_of(key.value) if isinstance(key, yaml.ScalarNode) else None


def _span(node: yaml.Node, key: yaml.Node | None) -> Span:
    start = key.start_mark.index if key is not None else None
    if isinstance(node, yaml.ScalarNode):
        return Span(node.start_mark.index, node.end_mark.index, start, node.style or "", node.value)
    return Span(node.start_mark.index, node.end_mark.index, start)


class _Construction:
    """Makes the value of one document."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.made: dict[int, tuple[Any, int]] = {}
        self.count = 0
        self.aliased = 0
        self.warnings: list[Problem] = []

    def value(self, node: yaml.Node) -> Any:
        """A node's value; a document's when called from outside."""
        self.count += 1
        if type(node) is yaml.ScalarNode:
            return node.value if node.tag == _STRING else self._scalar(node)
        made = self.made.get(id(node))
        if made is not None:
            return self._again(node, *made)
        self.made[id(node)] = (_UNFINISHED, 0)
        before = self.count
        value = self._collection(node)
        self.made[id(node)] = (value, self.count - before + 1)
        return value

    def _again(self, node: yaml.Node, value: Any, size: int) -> Any:
        if value is _UNFINISHED:
            raise self._error(node, "an anchor that contains its own alias", "Write the value out")
        self.aliased += size
        self.count += size
        if self.aliased > MAX_ALIASED:
            raise self._error(node, f"aliases add more than {MAX_ALIASED} values", "Write the values out")
        return value

    def _collection(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if node.tag != _SEQUENCE:
            raise self._tag_error(node)
        return [self.value(item) for item in node.value]

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        if node.tag != _MAPPING:
            raise self._tag_error(node)
        made: dict[str, Any] = {}
        written: set[str] = set()
        for key, value in node.value:
            if _merges(key):
                for source in reversed(_sources(value)):
                    made.update(self._merged(source))
                continue
            name = key.value if _is_text(key) else self._key(key)
            if name in written:
                raise self._error(key, f'key "{name}" stands here twice', "Keep one of them")
            written.add(name)
            made[name] = self.value(value)
        return made

    def _merged(self, source: yaml.Node) -> dict[str, Any]:
        if not isinstance(source, yaml.MappingNode):
            raise self._error(
                source, "only a mapping can be merged with <<", "Merge mappings, or quote the key"
            )
        merged: dict[str, Any] = self.value(source)
        return merged

    def _key(self, node: yaml.Node) -> str:
        """A key that is no string becomes one, as kubectl makes it, and is told of."""
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "this key is not a string", "Put the key in quotes")
        meant, read = resolve(node.value), _name(node)
        if read is None:
            raise self._error(node, f"key {node.value} is not a string", "Put the key in quotes")
        if node.tag != _PLAIN:
            self._scalar(node)
        kind = "a boolean" if isinstance(meant, bool) else "a number"
        what = f'key {node.value} is {kind}, which kubectl reads as "{read}"'
        self.warnings.append(Problem(self.path, *_mark(node), what, "Put the key in quotes"))
        return read

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == _PLAIN:
            value = resolve(node.value)
            return self._finite(node, value) if type(value) is float else value
        if node.tag == _STRING:
            return node.value
        value, wanted = resolve(node.value), _SCALAR_TAGS.get(node.tag)
        if wanted is None or not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise self._tag_error(node)
        return self._finite(node, value)

    def _finite(self, node: yaml.Node, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise self._error(node, f"{node.value} is no number that JSON can hold", "Write a finite number")
        return value

    def _tag_error(self, node: yaml.Node) -> ManifestError:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        return self._error(node, f"a Kubernetes object has no place for the tag {tag}", "Remove the tag")

    def _error(self, node: yaml.Node, what: str, remedy: str) -> ManifestError:
        return ManifestError([Problem(self.path, *_mark(node), what, remedy)])


_UNFINISHED = object()
