"""A file laid out: each node on its line, two columns a level, comments where they were, CEL in lines.

What an author chose to write on one line (`[CREATE, UPDATE]`, `{name: web}`) stays there while it fits.
Quotes, the order of keys, anchors and the words of comments are the author's. What cannot be kept is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from gatekeeper_py.authoring.layout.nodes import CannotLayOut, Collection, Document, Node, Scalar, documents
from gatekeeper_py.authoring.layout.trivia import Trivia
from gatekeeper_py.cel import LINE_WIDTH, lay_out

__all__ = ["laid_out"]

STEP = 2
UNBOUNDED = 1 << 30
EXPRESSIONS: Final = frozenset({"expression", "messageExpression", "valueExpression"})
"""Fields of policies that hold CEL."""
PLAIN = re.compile(r"[A-Za-z_(][^\n]*")
"""CEL that may stand without quotes, if YAML reads nothing in it."""
READ_BY_YAML = re.compile(r": | #|:$|^(?:true|false|null|yes|no|on|off|y|n|~)$", re.IGNORECASE)


def laid_out(text: str) -> str:
    """The text of a file, laid out. Raises `CannotLayOut` when something in it would be lost."""
    lines = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if tab := re.search(r"^[^\S\n]*?\t", lines, re.MULTILINE):
        line, column = lines.count("\n", 0, tab.start()) + 1, tab.end() - tab.start()
        raise CannotLayOut("a tab where YAML wants spaces", line, column)
    found = documents(lines)
    made = _Writing(Trivia(lines, found), lines).text(found)
    _check(lines, made)
    return made


class _Writing:
    """One file."""

    def __init__(self, trivia: Trivia, text: str) -> None:
        self._trivia = trivia
        self._end = text.count("\n") + 1
        self._lines: list[str] = []
        self._policy = False

    def text(self, found: list[Document]) -> str:
        for number, document in enumerate(found):
            if document.marker is not None:
                self._take_before(document.marker, 0)
                comment = self._trivia.behind(document.marker)
                if number or self._lines or comment:
                    self._put(0, f"---{comment}")
            self._policy = _is_policy(document.root)
            if document.root is not None:
                self._take_before(document.root.line, 0)
                self._node("", document.root, 0, document.root.line)
        self._take_before(self._end, 0)
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        return "\n".join(self._lines) + "\n" if self._lines else ""

    def _put(self, indent: int, text: str) -> None:
        self._lines.append(" " * indent + text if text else "")

    def _take_before(self, line: int, indent: int) -> None:
        for told in self._trivia.before(line):
            if told or (self._lines and self._lines[-1] and self._lines[-1] != "---"):
                self._put(indent, told)

    def _node(self, head: str, node: Node, indent: int, line: int, *, cel: bool = False) -> None:
        """A node behind `key:` or `-`, which is written on a line and stands at `indent`."""
        if isinstance(node, Scalar):
            self._scalar(head, node, indent, line, cel=cel)
        elif (text := self._flat(head, node, indent)) is not None:
            self._put(indent, text + self._trivia.behind(line, node.last_line))
        else:
            self._block(head, node, indent, line)

    # --- collections

    def _flat(self, head: str, node: Collection, indent: int) -> str | None:
        """A flow collection on one line, if it fits and no comment stands in it."""
        if not node.flow or self._trivia.within(node):
            return None
        text = _joined(head, _flow(node, self._policy))
        return None if "\n" in text or indent + len(text) > LINE_WIDTH else text

    def _block(self, head: str, node: Collection, indent: int, line: int) -> None:
        """A collection below its key; behind a dash it begins on the dash's line."""
        head = _joined(head, node.properties)
        if not node.items and not node.pairs:
            self._put(indent, _joined(head, "[]" if node.pairs is None else "{}"))
            return
        is_item = head == "-"
        if head and not is_item:
            self._put(indent, head + self._trivia.behind(line))
        inner = indent + STEP if head else indent
        start = len(self._lines)
        for item in node.items:
            self._take_before(item.line, inner)
            self._node("-", item, inner, item.line)
        for key, value in node.pairs or ():
            self._take_before(key.line, inner)
            holds_cel = self._policy and key.value in EXPRESSIONS
            self._node(f"{key.text}:", value, inner, key.line, cel=holds_cel)
        if is_item:
            self._lines[start] = " " * indent + "- " + self._lines[start].lstrip()

    # --- scalars

    def _scalar(self, head: str, node: Scalar, indent: int, line: int, *, cel: bool) -> None:
        text = _expression(node, indent, head) if cel else None
        first, *rest = (_as_written(node) if text is None else text).split("\n")
        start = len(self._lines)
        self._put(indent, _joined(head, first))
        for below in rest:
            self._put(indent + STEP if head else indent, below)
        commented = start if first.startswith(("|", ">")) else -1
        self._lines[commented] += self._trivia.behind(line, node.line, node.last_line)


def _joined(head: str, text: str) -> str:
    return " ".join(filter(None, (head, text)))


def _is_policy(root: Node | None) -> bool:
    pairs = root.pairs if isinstance(root, Collection) else None
    kinds = [value.value for key, value in pairs or () if key.value == "kind" and isinstance(value, Scalar)]
    return any(kind.endswith("AdmissionPolicy") for kind in kinds)


def _flow(node: Node, policy: bool, cel: bool = False) -> str:
    """A node on one line."""
    if isinstance(node, Scalar):
        return _inline(node) if cel else node.text
    if node.pairs is None:
        inner = f"[{', '.join(_flow(item, policy) for item in node.items)}]"
    else:
        parts = (
            f"{key.text}: {_flow(value, policy, policy and key.value in EXPRESSIONS)}"
            for key, value in node.pairs
        )
        inner = f"{{{', '.join(parts)}}}"
    return _joined(node.properties, inner)


def _inline(node: Scalar) -> str:
    """CEL in its author's quotes, on one line; as it is written where these would not do."""
    text = lay_out(node.value, UNBOUNDED)
    if node.style == '"' and not set(text) & set('"\\\n'):
        return f'"{text}"'
    if node.style == "'" and not set(text) & set("'\n"):
        return f"'{text}'"
    return node.text


def _expression(node: Scalar, indent: int, head: str) -> str | None:
    """CEL in lines; None where it is left as it is written."""
    if node.style == "*" or node.text.startswith(("&", "!")):
        return None
    whole = lay_out(node.value.strip(), UNBOUNDED)
    if "\n" in whole:
        return None
    column = indent + len(head) + 1
    if not node.is_block and "\n" not in node.text:
        quoted = _quoted(whole, node.style)
        if quoted is not None and column + len(quoted) <= LINE_WIDTH:
            return quoted
    return f">-\n{lay_out(whole, LINE_WIDTH - indent - STEP)}"


def _quoted(text: str, style: str) -> str | None:
    """On one line as its author quotes, or otherwise if that does not do; None if only a block does."""
    plain = text if PLAIN.fullmatch(text) and not READ_BY_YAML.search(text) else None
    double = f'"{text}"' if not set(text) & set('"\\') else None
    single = f"'{text}'" if "'" not in text else None
    return {"": plain, '"': double, "'": single}.get(style) or plain or double or single


def _as_written(node: Scalar) -> str:
    """The text of a scalar, its further lines without the indentation they had."""
    first, *rest = node.text.split("\n")
    if not rest:
        return first
    if node.is_block:
        if re.search(r"\d", first.partition("#")[0]):
            raise CannotLayOut("a block with its indentation written", node.line + 1)
        first = first.partition(" #")[0].rstrip()
        margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
        return "\n".join([first, *(line[margin:].rstrip("\n") for line in rest)])
    return "\n".join([first, *(line.strip() for line in rest)])


def _check(before: str, after: str) -> None:
    """Raise `CannotLayOut` unless both texts mean the same and say the same to people."""
    try:
        same = _comments(before) == _comments(after) and _meaning(before) == _meaning(after)
    except yaml.YAMLError:
        same = False
    if not same:
        raise CannotLayOut("something in it would be lost")


def _comments(text: str) -> list[str]:
    return sorted(filter(None, Trivia(text, documents(text)).before(1 << 60)))


def _meaning(text: str) -> list[Any]:
    """What YAML reads, CEL by its tokens."""
    return [_with_tokens(each, policy=False) for each in yaml.load_all(text, Loader=yaml.CSafeLoader)]


def _with_tokens(value: Any, *, policy: bool) -> Any:
    if isinstance(value, Mapping):
        inside = policy or str(value.get("kind", "")).endswith("AdmissionPolicy")
        return {
            key: lay_out(each.strip(), UNBOUNDED)
            if inside and key in EXPRESSIONS and isinstance(each, str)
            else _with_tokens(each, policy=inside)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_with_tokens(each, policy=policy) for each in value]
    return value
