"""The beginning of an expression, up to the cursor, made whole: so the language can say what stands there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gatekeeper_py.authoring.editor.vocabulary import MACROS

__all__ = ["Fragment", "fragment"]

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>[bBrR]{0,2}(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))
      | (?P<unfinished>[bBrR]{0,2}["'].*)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9][0-9A-Za-z.]*)
      | (?P<symbol>.)""",
    re.VERBOSE | re.DOTALL,
)

CLOSERS = {"(": ")", "[": "]", "{": "}"}
OPENERS = {closer: opener for opener, closer in CLOSERS.items()}


class Token(NamedTuple):
    """A piece of the text."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """What stands before the cursor."""

    word: str
    """The letters of the name that is being written."""
    receiver: str
    """What stands before the dot; empty for a name of its own."""
    whole: str
    """The text with `dyn(receiver)` in the place of what is being written, every bracket closed."""
    place: int
    """Where in `whole` that `dyn(` begins."""
    variables: tuple[str, ...]
    """Those of the macros around the cursor."""
    message: str
    """The message a field of which is being written: `Object.spec`, `JSONPatch`; or empty."""


def fragment(before: str) -> Fragment | None:
    """The fragment that ends at the cursor; None inside a string or a comment."""
    tokens = [Token(str(each.lastgroup), each[0], each.start()) for each in TOKEN.finditer(before)]
    if tokens and (tokens[-1].kind == "unfinished" or (tokens[-1].text.startswith("//"))):
        return None
    tokens = [token for token in tokens if token.kind != "space"]
    word = ""
    if tokens and tokens[-1].kind == "name" and before.endswith(tokens[-1].text):
        word = tokens.pop().text
    receiver_start = _receiver(tokens)
    levels = _levels(tokens)
    kept = before[: len(before) - len(word)]
    if receiver_start is None:
        return Fragment(word, "", "", 0, _variables(levels), _message(tokens, levels))
    receiver = kept[receiver_start:].rstrip().removesuffix("?").rstrip().removesuffix(".")
    begin = _without_has(kept[:receiver_start], levels)
    whole = f"{begin}dyn({receiver}){_closing(levels)}"
    return Fragment(word, receiver, whole, len(begin), _variables(levels), "")


def _receiver(tokens: Sequence[Token]) -> int | None:
    """Where the expression before the last dot begins; None when no dot is last."""
    last = len(tokens) - 1
    if last >= 1 and tokens[last].text == "?" and tokens[last - 1].text == ".":
        last -= 1
    if last < 1 or tokens[last].text != ".":
        return None
    start = _primary(tokens, last - 1)
    while start is not None and start >= 2 and _is_dot(tokens, start - 1):
        start = _primary(tokens, start - (2 if tokens[start - 1].text == "." else 3))
    return None if start is None else tokens[start].start


def _is_dot(tokens: Sequence[Token], index: int) -> bool:
    return tokens[index].text == "." or (
        tokens[index].text == "?" and index >= 1 and tokens[index - 1].text == "."
    )


def _primary(tokens: Sequence[Token], index: int) -> int | None:
    """The first token of a name, a literal, a call or an indexed value that ends with the one at `index`."""
    while index >= 0 and tokens[index].text in OPENERS:
        opener = _opener(tokens, index)
        if opener is None:
            return None
        before = opener - 1
        follows = before >= 0 and (tokens[before].kind == "name" or tokens[before].text in OPENERS)
        if not follows:
            return opener
        if tokens[before].kind == "name":
            return before
        index = before
    return index if index >= 0 and tokens[index].kind in ("name", "text", "number") else None


def _opener(tokens: Sequence[Token], index: int) -> int | None:
    depth = 0
    for place in range(index, -1, -1):
        depth += (tokens[place].text in OPENERS) - (tokens[place].text in CLOSERS)
        if depth == 0:
            return place
    return None


@dataclass
class _Level:
    """A bracket that is open at the cursor."""

    tokens: list[Token]
    """What stands in it, brackets that are closed left out."""
    opener: Token
    name: Token | None = None
    """Of a call, or of a message."""
    method: bool = False

    @property
    def is_macro(self) -> bool:
        return self.method and self.name is not None and self.name.text in MACROS

    @property
    def closing(self) -> str:
        """What ends it: a condition that lacks its other branch, an entry that lacks its value."""
        texts = [token.text for token in self.tokens]
        questions = sum(
            text == "?" and before not in (".", "", ",", "[", "{")
            for before, text in zip(["", *texts], texts, strict=False)
        )
        open_branches = max(questions - texts.count(":"), 0) if self.opener.text != "{" else 0
        tail = texts[len(texts) - texts[::-1].index(",") :] if "," in texts else texts
        entry = ": null" if self.opener.text == "{" and ":" not in tail else ""
        return ": null" * open_branches + entry + CLOSERS.get(self.opener.text, "")


def _levels(tokens: Sequence[Token]) -> list[_Level]:
    """The brackets that are open, outermost first; the first is the whole text."""
    levels = [_Level([], Token("", "", 0))]
    for index, token in enumerate(tokens):
        if token.text in CLOSERS and token.kind == "symbol":
            before = tokens[index - 1] if index else None
            name = before if before is not None and before.kind == "name" else None
            method = name is not None and index >= 2 and tokens[index - 2].text == "."
            levels.append(_Level([], token, name, method))
        elif token.text in OPENERS and token.kind == "symbol":
            if len(levels) > 1:
                levels.pop()
        else:
            levels[-1].tokens.append(token)
    return levels


def _closing(levels: Sequence[_Level]) -> str:
    return "".join(level.closing for level in reversed(levels))


def _variables(levels: Sequence[_Level]) -> tuple[str, ...]:
    """What the macros around the cursor call the elements: names before their last arguments."""
    found: list[str] = []
    for level in levels:
        texts = [token.text for token in level.tokens]
        if level.is_macro and "," in texts:
            named = [token for token, after in zip(level.tokens, texts[1:], strict=False) if after == ","]
            found += [token.text for token in named[:2] if token.kind == "name"]
    return tuple(dict.fromkeys(found))


def _without_has(text: str, levels: Sequence[_Level]) -> str:
    """`has()` takes a field and nothing else: another function stands in for it."""
    level = levels[-1]
    if level.name is None or level.name.text != "has" or level.method:
        return text
    start = level.name.start
    return f"{text[:start]}dyn{text[start + len('has') :]}"


def _message(tokens: Sequence[Token], levels: Sequence[_Level]) -> str:
    """The message that the innermost brace opens, if a field's name is to stand next."""
    level = levels[-1]
    if level.opener.text != "{" or level.name is None or (level.tokens and level.tokens[-1].text != ","):
        return ""
    index = next(place for place, token in enumerate(tokens) if token is level.opener)
    names = [tokens[index - 1].text]
    while index >= 3 and tokens[index - 2].text == "." and tokens[index - 3].kind == "name":
        index -= 2
        names.insert(0, tokens[index - 1].text)
    return ".".join(names)
