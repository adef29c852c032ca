"""Why an expression gave what it gave: every subexpression with its place in the text and its value.

The same generator makes the code, with a watcher around every node, so there is no second semantics to
differ. Errors that `&&`, `||`, `all` or `exists` absorbed are there too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.cel.compiling.constants import VARIABLE, Constants
from gatekeeper_py.cel.compiling.generator import generate, terms
from gatekeeper_py.cel.environment import Program
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.cel.syntax.tree import Call, Node, Select, Span, children

__all__ = ["Explanation", "Outcome", "explain"]

OUTCOME_LIMIT = 100
"""Outcomes kept of one subexpression; a loop body has one a turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation of a subexpression gave."""

    value: object = None
    error: str | None = None
    """Why there is no value; then `value` means nothing."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A subexpression, what it gave each time it was evaluated, and its own subexpressions."""

    text: str
    span: Span
    outcomes: tuple[Outcome, ...]
    """In order, at most `OUTCOME_LIMIT`; empty when it was never evaluated."""
    parts: tuple[Explanation, ...]
    node: Node
    """What it is, by the syntax tree."""

    @property
    def evaluated(self) -> bool:
        """Whether the subexpression was needed at all."""
        return bool(self.outcomes)


def explain(program: Program, activation: Mapping[str, object], budget: Budget | None = None) -> Explanation:
    """Evaluate a program and tell what each of its subexpressions gave; an error is an outcome too.

    An expression nested hundreds deep may be explained in part only.
    """
    seen: dict[Node, list[Outcome]] = {}

    def watch(node: Node, run: Callable[[], Any]) -> Any:
        try:
            value = run()
        except EvaluationError as error:
            _record(seen, node, Outcome(error=str(error)))
            raise
        _record(seen, node, Outcome(value))
        return value

    with suppress(EvaluationError, RecursionError):
        evaluate = generate(program.checked, watcher=watch)
        evaluate(activation, budget or Budget(_UNBOUNDED))
    return _Description(program, seen).of(program.tree)


_UNBOUNDED = 2**62
"""Units for a single expression, whose own limit holds all the same."""


def _record(seen: dict[Node, list[Outcome]], node: Node, outcome: Outcome) -> None:
    outcomes = seen.setdefault(node, [])
    if len(outcomes) < OUTCOME_LIMIT:
        outcomes.append(outcome)


class _Description:
    """Puts outcomes to the nodes of a tree."""

    def __init__(self, program: Program, seen: Mapping[Node, list[Outcome]]) -> None:
        self._text = program.text
        self._references = program.checked.references
        self._constants = Constants(program.checked)
        self._seen = seen

    def of(self, node: Node) -> Explanation:
        """The explanation of a node and everything in it."""
        known = self._constants.value(node)
        outcomes = tuple(self._seen.get(node, ())) if known is VARIABLE else (Outcome(known),)
        parts = tuple(self._visible(node)) if known is VARIABLE else ()
        return Explanation(self._text[node.span.start : node.span.end], node.span, outcomes, parts, node)

    def _visible(self, node: Node) -> Iterator[Explanation]:
        """The parts of a node. What a macro put between it and its arguments has its span, and no text."""
        for part in self._parts(node):
            if part.span == node.span:
                yield from self._visible(part)
            else:
                yield self.of(part)

    def _parts(self, node: Node) -> tuple[Node, ...]:
        """The subexpressions of a node that are values, not parts of a name."""
        reference = self._references.get(node)
        if isinstance(node, Call) and reference is not None and reference.namespaced:
            return node.arguments
        if isinstance(node, Select) and reference is not None:
            return ()
        if isinstance(node, Call) and node.function in ("_&&_", "_||_"):
            return tuple(terms(node))
        return children(node)
