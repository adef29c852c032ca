"""Runs the tables of a Lark parser over a text: what Lark's own loop does, in half the time.

Lark's counts lines, knows several lexers and makes a token of more parts; none of that is asked for here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gatekeeper_py.cel.syntax.tokens import READER, TOKENS

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["Driver", "Token", "Unexpected"]

HIDDEN: Final = frozenset(token.name for token in TOKENS if token.hidden)
TEXTS: Final = frozenset({"word", "symbol"})
"""Groups of `READER` whose tokens are called by their text."""

END: Final = "$END"
"""What Lark calls the end of a text."""

_Reduction: TypeAlias = "tuple[int, Callable[[list[Any]], Any] | None, str]"
"""How many values a rule puts together, what makes one of them (None: the only one is it), and its name."""


class Unexpected(Exception):
    """Something stands where it cannot."""


class Token(str):
    """A piece of the text."""

    __slots__ = ("end_pos", "start_pos", "type")

    type: str
    start_pos: int
    end_pos: int


class Driver:
    """A parser: `transparent` rules have the value of their only part."""

    def __init__(self, lark: Lark, transparent: Collection[str]) -> None:
        core: Any = lark.parser.parser
        table = core._parse_table
        self._callbacks = core.parser.callbacks
        self._transparent = transparent
        (self._start,), (self._end,) = table.start_states.values(), table.end_states.values()
        self._states: Mapping[int, Mapping[str, Any]] = {
            state: {name: self._step(argument) for name, (_, argument) in row.items()}
            for state, row in table.states.items()
        }
        self._names = {each.pattern.value: each.name for each in lark.terminals if each.pattern.type == "str"}

    def _step(self, argument: Any) -> Any:
        """The state to go to, or (a `_Reduction`) what to do before."""
        if isinstance(argument, int):
            return argument
        size, name = len(argument.expansion), argument.origin.name
        passes = size == 1 and name in self._transparent and argument.alias is None
        step: _Reduction = size, None if passes else self._callbacks[argument], name
        return step

    def parse(self, text: str) -> Any:
        """The value of a text; raise `Unexpected`, and whatever the builder raises."""
        stack, values = [self._start], list[Any]()
        for token in self._tokens(text):
            self._reduce(stack, values, token.type)
            values.append(token)
        self._reduce(stack, values, END)
        return values[-1]

    def _reduce(self, stack: list[int], values: list[Any], kind: str) -> None:
        """Put together what is complete before a token of a kind, and go on to where it stands."""
        states = self._states
        row = states[stack[-1]]
        while True:
            step = row.get(kind)
            if type(step) is int:
                stack.append(step)
                return
            if step is None:
                raise Unexpected
            size, build, name = step
            if size:
                del stack[-size:]
            if build is not None:
                begin = len(values) - size
                values[begin:] = [build(values[begin:])]
            target = states[stack[-1]][name]
            stack.append(target)
            if kind is END and target == self._end:
                return
            row = states[target]

    def _tokens(self, text: str) -> Iterator[Token]:
        at, match = 0, READER.match
        names = self._names
        while at < len(text):
            found = match(text, at)
            if found is None:
                raise Unexpected
            kind, start, at = found.lastgroup, at, found.end()
            if kind not in HIDDEN:
                token = Token(found[0])
                token.type = names[token] if kind in TEXTS else str(kind)
                token.start_pos, token.end_pos = start, at
                yield token
