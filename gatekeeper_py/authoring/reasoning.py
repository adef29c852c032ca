"""What of an explanation decided: of `a && b` that is false, the false one; of a loop, where it stopped.

What an expression reads of `variables` is followed to the variable's own expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.cel import Explanation, Outcome, tree, written

__all__ = ["Reason", "reason_of"]

VARIABLES = "variables"
FOLLOWED: Final = frozenset(
    {"_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "size"}
)
"""Functions whose arguments say why; what others are called with says only how a value is made."""
QUANTIFIERS: Final = frozenset({tree.ComprehensionKind.ALL, tree.ComprehensionKind.EXISTS})


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of an expression, what it gave in CEL's notation, and what of it decided that."""

    text: str
    gave: str
    error: bool = False
    reasons: tuple[Reason, ...] = ()


def reason_of(explanation: Explanation, variables: Mapping[str, Explanation]) -> Reason:
    """Why an expression gave what it gave. `variables` are those of the policy, by name."""
    return _Reasoning(variables).of(explanation)


class _Reasoning:
    """Tells each variable once."""

    def __init__(self, variables: Mapping[str, Explanation]) -> None:
        self._variables = variables
        self._told: set[str] = set()

    def of(self, explanation: Explanation) -> Reason:
        outcome = explanation.outcomes[-1] if explanation.outcomes else Outcome(error="it was not needed")
        return Reason(
            text=_flowing(explanation.text),
            gave=f"error: {outcome.error}" if outcome.error is not None else written(outcome.value),
            error=outcome.error is not None,
            reasons=tuple(self._below(explanation, outcome)),
        )

    def _below(self, explanation: Explanation, outcome: Outcome) -> Iterator[Reason]:
        """What decided, of what is in it."""
        node = explanation.node
        if isinstance(node, tree.Comprehension) and outcome.error is None:
            yield from self._loop(explanation, node, outcome)
        elif name := _variable(node):
            yield from self._followed(name)
        else:
            for part in _deciding(explanation, outcome):
                if part.evaluated and not _says_nothing(part.node):
                    yield self.of(part)

    def _followed(self, name: str) -> Iterator[Reason]:
        """What decided what a variable is."""
        if name in self._told or name not in self._variables:
            return
        self._told.add(name)
        explanation = self._variables[name]
        if explanation.evaluated and not isinstance(explanation.node, tree.Literal):
            yield self.of(explanation)

    def _loop(self, explanation: Explanation, node: tree.Comprehension, outcome: Outcome) -> Iterator[Reason]:
        """Of `all` that is false and `exists` that is true, the item; else what they went through."""
        if node.kind not in QUANTIFIERS:
            return
        ranges = next(part for part in explanation.parts if part.node is node.range)
        items = ranges.outcomes[-1].value if ranges.evaluated else None
        stops = outcome.value is (node.kind is tree.ComprehensionKind.EXISTS)
        if stops and isinstance(items, list | tuple | Mapping):
            predicate = next(part for part in explanation.parts if part.node is node.condition)
            turns = enumerate(predicate.outcomes)
            index = next((turn for turn, each in turns if each.value is outcome.value), len(items))
            yield from _item(node, items, index) if index < len(items) else ()
        elif ranges.evaluated and not _says_nothing(node.range):
            yield Reason(_flowing(ranges.text), written(items))


def _flowing(text: str) -> str:
    return " ".join(text.split())


def _item(node: tree.Comprehension, items: Any, index: int) -> Iterator[Reason]:
    """The variables of a loop, at one of its turns: of a map the key and the value, of a list the item."""
    key = list(items)[index]
    second = items[key] if isinstance(items, Mapping) else key
    first = key if isinstance(items, Mapping) else index
    values = (first, second) if len(node.variables) > 1 else (key,)
    for name, value in zip(node.variables, values, strict=False):
        yield Reason(name, written(value))


def _deciding(explanation: Explanation, outcome: Outcome) -> list[Explanation]:
    """The parts by which an expression is what it is; of what only makes a value, none."""
    node, parts = explanation.node, list(explanation.parts)
    if outcome.error is not None:
        return [part for part in parts if any(each.error for each in part.outcomes)][:1]
    if not isinstance(node, tree.Call) or node.function not in FOLLOWED:
        return []
    if node.function in ("_&&_", "_||_"):
        deciding = node.function == "_||_"
        return [part for part in parts if _gave(part) is deciding][:1] if outcome.value is deciding else parts
    if node.function == "!_" and isinstance(parts[0].node, tree.Select | tree.Identifier):
        return parts if _variable(parts[0].node) else []
    return parts


def _gave(part: Explanation) -> object:
    return part.outcomes[-1].value if part.evaluated and part.outcomes[-1].error is None else None


def _variable(node: tree.Node) -> str:
    """The name of `variables.name`; empty for everything else."""
    if isinstance(node, tree.Select) and isinstance(node.operand, tree.Identifier):
        return node.field if node.operand.name == VARIABLES else ""
    return ""


def _says_nothing(node: tree.Node) -> bool:
    """Whether a value stands there as it is written."""
    if isinstance(node, tree.ListLiteral | tree.MapLiteral | tree.Message):
        return all(map(_says_nothing, tree.children(node)))
    return isinstance(node, tree.Literal)
