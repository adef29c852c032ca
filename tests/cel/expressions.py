"""Random expressions and data for comparisons between implementations.

`pair(seed)` is the same on every machine. Expressions are well typed on the whole, so that most compile;
data are shaped as the expressions expect, with holes, nulls and values of other types.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

__all__ = ["pair"]

KEYS = ("a", "b", "c", "name", "image", "labels", "items", "spec")
STRINGS = (
    "",
    "a",
    "b",
    "abc",
    "r/app:1",
    "x-y",
    "10",
    "-5",
    "1.5",
    "true",
    "é",
    "日本",
    "😀z",
    "name",
    "a.b",
)
INTS = (0, 1, -1, 2, 3, 7, 100, -50, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
DOUBLES = (0.0, 1.0, -1.0, 0.5, 1.5, 3.0, 1e10, 1e300, -2.25, 9007199254740993.0)


def pair(seed: int) -> tuple[str, dict[str, Any]]:
    """An expression and the values of its variables `object`, `x` and `y`."""
    random = Random(seed)
    expression = _Writer(random).expression()
    data = {"object": _object(random, 3), "x": _value(random, 2), "y": random.choice(STRINGS)}
    return expression, data


def _value(random: Random, depth: int) -> Any:
    kind = random.randrange(10 if depth else 7)
    if kind < 2:
        return random.choice(STRINGS)
    if kind == 2:
        return random.choice(INTS)
    if kind == 3:
        return random.choice(DOUBLES)
    if kind == 4:
        return random.choice((True, False))
    if kind == 5:
        return None
    if kind == 6:
        return random.randrange(-3, 10)
    if kind == 7:
        return [_value(random, depth - 1) for _ in range(random.randrange(4))]
    return _object(random, depth - 1)


def _object(random: Random, depth: int) -> dict[str, Any]:
    keys = random.sample(KEYS, random.randrange(2, len(KEYS)))
    result = {key: _value(random, depth) for key in keys}
    if random.random() < 0.7:
        result["items"] = [
            {"name": random.choice(STRINGS), "image": random.choice(STRINGS), "a": random.randrange(5)}
            for _ in range(random.randrange(4))
        ]
    if random.random() < 0.5:
        result["labels"] = {
            random.choice(STRINGS): random.choice(STRINGS) for _ in range(random.randrange(4))
        }
    return result


class _Writer:
    """Writes one expression."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._scope: list[str] = []
        self._names = 0

    def expression(self) -> str:
        kind = self._random.choice(
            (self.boolean, self.boolean, self.boolean, self.integer, self.string, self.listing, self.dyn)
        )
        return kind(self._random.randrange(2, 5))

    def _pick(self, *choices: Callable[[], str]) -> str:
        return self._random.choice(choices)()

    def _text(self) -> str:
        return '"' + self._random.choice(STRINGS) + '"'

    def _number(self) -> str:
        return str(self._random.choice(INTS[:-1]))

    def _double(self) -> str:
        return repr(self._random.choice(DOUBLES))

    def dyn(self, depth: int) -> str:
        """Something of the data."""
        roots = ["object", "object", "object", "x", "y", *self._scope, *self._scope]
        text = self._random.choice(roots)
        for _ in range(self._random.randrange(3)):
            text = self._step(text, depth)
        return text

    def _step(self, text: str, depth: int) -> str:
        key = self._random.choice(KEYS)
        choice = self._random.randrange(12)
        if choice < 7:
            return f"{text}.{key}"
        if choice == 7:
            return f'{text}["{key}"]'
        if choice == 8:
            return f"{text}[{self._random.randrange(-1, 3)}]"
        if choice == 9 and depth > 0:
            return f"{text}[{self.integer(depth - 2)}]"
        if choice == 10:
            return f"{text}.?{key}.orValue({self._pick(self._text, self._number)})"
        return f"{text}.{key}"

    def boolean(self, depth: int) -> str:
        if depth <= 0:
            return self._pick(
                lambda: "true",
                lambda: "false",
                lambda: f"has({self.dyn(0)}.{self._random.choice(KEYS)})",
                lambda: f"({self.dyn(0)} == {self._literal()})",
                lambda: f"({self.dyn(0)} != {self._literal()})",
            )
        d = depth - 1
        return self._pick(
            lambda: f"({self.boolean(d)} && {self.boolean(d)})",
            lambda: f"({self.boolean(d)} || {self.boolean(d)})",
            lambda: f"({self.boolean(d)} || {self.boolean(d)} || {self.boolean(d)})",
            lambda: f"!{self.boolean(d)}",
            lambda: f"({self.boolean(d)} ? {self.boolean(d)} : {self.boolean(d)})",
            lambda: f"({self._compared(d)} {self._operator()} {self._compared(d)})",
            lambda: f"({self.integer(d)} {self._operator()} {self.integer(d)})",
            lambda: f"({self.string(d)} {self._operator()} {self.string(d)})",
            lambda: f"({self.dyn(d)} {self._operator()} {self.dyn(d)})",
            lambda: f"({self.listing(d)} == {self.listing(d)})",
            lambda: f"({self.dyn(d)} == {self.dyn(d)})",
            lambda: f"({self.dyn(d)} in {self.listing(d)})",
            lambda: f"({self.string(d)} in [{self._text()}, {self._text()}])",
            lambda: f"({self.dyn(d)} in {self.dyn(d)})",
            lambda: f"{self.string(d)}.{self._search()}({self._text()})",
            lambda: f"{self.dyn(d)}.{self._search()}({self._text()})",
            lambda: (
                f'{self.dyn(d)}.matches("{self._random.choice(("^a", "[0-9]+$", "a|b", ".*", "(x|y)-?"))}")'
            ),
            lambda: f"has({self.dyn(d)}.{self._random.choice(KEYS)})",
            lambda: self._quantified(d),
            lambda: self._quantified(d),
            lambda: f"(type({self.dyn(d)}) == {self._type()})",
        )

    def _literal(self) -> str:
        return self._pick(
            self._text, self._number, self._double, lambda: "null", lambda: "true", lambda: "false"
        )

    def _compared(self, depth: int) -> str:
        return self._pick(lambda: self.dyn(depth), lambda: f"dyn({self._literal()})")

    def _operator(self) -> str:
        return self._random.choice(("==", "!=", "<", "<=", ">", ">="))

    def _search(self) -> str:
        return self._random.choice(("startsWith", "endsWith", "contains"))

    def _type(self) -> str:
        return self._random.choice(("int", "string", "list", "map", "bool", "double"))

    def _variable(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def _quantified(self, depth: int) -> str:
        source = self._source(depth)
        macro = self._random.choice(("all", "exists", "exists_one"))
        name = self._variable()
        self._scope.append(name)
        body = self.boolean(depth)
        self._scope.pop()
        return f"{source}.{macro}({name}, {body})"

    def _source(self, depth: int) -> str:
        return self._pick(
            lambda: "object.items",
            lambda: "object.items",
            lambda: "object.labels",
            lambda: self.listing(depth),
            lambda: self.dyn(depth),
        )

    def integer(self, depth: int) -> str:
        if depth <= 0:
            return self._number()
        d = depth - 1
        return self._pick(
            self._number,
            lambda: f"({self.integer(d)} {self._random.choice('+-*/%')} {self.integer(d)})",
            lambda: f"({self.dyn(d)} + {self._number()})",
            lambda: (
                f"size({self._pick(lambda: self.string(d), lambda: self.listing(d), lambda: self.dyn(d))})"
            ),
            lambda: f"int({self.dyn(d)})",
            lambda: f"({self.boolean(d)} ? {self.integer(d)} : {self.integer(d)})",
            lambda: f"(-{self.dyn(d)})",
        )

    def string(self, depth: int) -> str:
        if depth <= 0:
            return self._text()
        d = depth - 1
        return self._pick(
            self._text,
            lambda: f"({self.string(d)} + {self.string(d)})",
            lambda: f"({self.dyn(d)} + {self._text()})",
            lambda: f"string({self.dyn(d)})",
            lambda: f"({self.boolean(d)} ? {self.string(d)} : {self.string(d)})",
        )

    def listing(self, depth: int) -> str:
        if depth <= 0:
            return self._pick(
                lambda: "[]",
                lambda: f"[{self._number()}, {self._number()}]",
                lambda: f"[{self._text()}, {self._text()}]",
                lambda: "[x, y]",
            )
        d = depth - 1
        return self._pick(
            lambda: f"[{self.dyn(d)}, {self.dyn(d)}]",
            lambda: f"[{self.integer(d)}, {self.integer(d)}]",
            lambda: f"({self.listing(0)} + {self.listing(0)})",
            lambda: self._mapped(d),
            lambda: self._mapped(d),
            lambda: self._filtered(d),
        )

    def _mapped(self, depth: int) -> str:
        source = self._source(depth)
        name = self._variable()
        self._scope.append(name)
        body = self._pick(lambda: self.dyn(depth), lambda: self.boolean(depth), lambda: self.string(depth))
        self._scope.pop()
        return f"{source}.map({name}, {body})"

    def _filtered(self, depth: int) -> str:
        source = self._source(depth)
        name = self._variable()
        self._scope.append(name)
        body = self.boolean(depth)
        self._scope.pop()
        return f"{source}.filter({name}, {body})"
