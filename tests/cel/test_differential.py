"""Random expressions give what cel-expr-python gives, apart from where it differs from cel-go.

`GATEKEEPER_DIFFERENTIAL=100000 pytest tests/cel/test_differential.py` compares that many.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gatekeeper_py.cel import Budget, CompileError, Environment, EvaluationError, Program
from gatekeeper_py.cel.checking.types import DYN
from gatekeeper_py.cel.evaluation.values import Optional
from gatekeeper_py.cel.explanation import Explanation, explain
from gatekeeper_py.cel.library import optionals
from gatekeeper_py.cel.syntax.tree import Call, Comprehension, ListLiteral, Node, Select, children
from tests.cel.differential import Answer, Oracle
from tests.cel.expressions import pair
from tests.cel.notation import notation

pytest.importorskip("cel_expr_python")

COUNT = int(os.environ.get("GATEKEEPER_DIFFERENTIAL", "1500"))
SHARE = 500
"""How many one test compares, so that it takes no more than a second or two."""
ENVIRONMENT = Environment([optionals.LIBRARY], dict.fromkeys(("object", "x", "y"), DYN), homogeneous=False)


def answer(program: Program, data: dict[str, Any]) -> Answer:
    try:
        return {"value": notation(program.evaluate(data, Budget(10**9)))}
    except EvaluationError as error:
        return {"error": str(error)}


def agree(ours: Answer, theirs: Answer) -> bool:
    if "value" in ours and "value" in theirs:
        # Neither language says in which order a map is walked.
        return ours == theirs or sorted(ours["value"]) == sorted(theirs["value"])
    return ours.keys() == theirs.keys()


def known_difference(program: Program, data: dict[str, Any], ours: Answer) -> str | None:
    """Why cel-expr-python gives something else than cel-go here; None when nothing known is the reason.

    cel-go's ways are recorded in data/cel_go.json.
    """
    if "no such overload: int(bool)" in ours.get("error", ""):
        return "cel-cpp converts bools to ints"
    seen = dict(_outcomes(explain(program, data)))
    for node in _nodes(program.tree):
        if isinstance(node, Select) and (node.test or node.optional) and _walks_no_map(seen, node.operand):
            return "cel-cpp has no presence test and no optional selection of what is no map"
        if isinstance(node, Call) and node.function == "@in" and _odd_membership(seen, node):
            return (
                "cel-cpp looks for no key of a type no key has, and evaluates what cel-go knows to be false"
            )
    return None


def _outcomes(explanation: Explanation) -> Iterator[tuple[tuple[int, int], list[object]]]:
    span = (explanation.span.start, explanation.span.end)
    yield span, [outcome.value for outcome in explanation.outcomes if outcome.error is None]
    for part in explanation.parts:
        yield from _outcomes(part)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def _values(seen: Mapping[tuple[int, int], list[object]], node: Node) -> list[object]:
    return seen.get((node.span.start, node.span.end), [])


def _walks_no_map(seen: Mapping[tuple[int, int], list[object]], operand: Node) -> bool:
    return any(not isinstance(value, (Mapping, Optional)) for value in _values(seen, operand))


def _odd_membership(seen: Mapping[tuple[int, int], list[object]], node: Call) -> bool:
    key, container = node.arguments
    if isinstance(container, ListLiteral) and not container.elements:
        return True
    maps = any(isinstance(value, Mapping) for value in _values(seen, container))
    return maps and any(not isinstance(value, (str, int)) for value in _values(seen, key))


@pytest.mark.parametrize("first", range(0, COUNT, SHARE))
def test_agrees_with_cel_expr_python(first: int) -> None:
    seeds = range(first, min(first + SHARE, COUNT))
    differences: list[tuple[int, str, object, Answer]] = []
    compared = 0
    for seed, theirs in zip(seeds, Oracle().answers(map(pair, seeds)), strict=True):
        text, data = pair(seed)
        try:
            program = ENVIRONMENT.compile(text)
        except CompileError as error:
            if "refused" not in theirs:
                differences.append((seed, text, str(error), theirs))
            continue
        ours = answer(program, data)
        compared += "crashed" not in theirs
        if "crashed" in theirs or agree(ours, theirs) or known_difference(program, data, ours):
            continue
        differences.append((seed, text, ours, theirs))
    assert not differences
    assert compared > 0.9 * len(seeds)


@pytest.mark.parametrize("seed", range(0, 1500, 5))
def test_both_kinds_of_code_agree(seed: int) -> None:
    """Quick and plain code, and plain code that is watched, give one answer."""
    text, data = pair(seed)
    try:
        program = ENVIRONMENT.compile(text)
    except CompileError:
        return
    quick = answer(program, data)
    try:
        plain: Answer = {"value": notation(program.evaluate_plainly(data, Budget(10**9)))}
    except EvaluationError as error:
        plain = {"error": str(error)}
    assert quick == plain
    watched = explain(program, data).outcomes[0]
    assert quick == ({"error": watched.error} if watched.error else {"value": notation(watched.value)})


def test_expressions_are_of_every_kind() -> None:
    """The generator of expressions reaches loops, optionals, errors and values."""
    texts = [pair(seed)[0] for seed in range(300)]
    for part in (".all(", ".exists(", ".map(", ".filter(", "has(", ".?", " in ", " ? ", "&&", "||", "type("):
        assert any(part in text for text in texts), part
    kinds = {type(node) for text in texts for node in _compiled_nodes(text)}
    assert {Call, Select, Comprehension, ListLiteral} <= kinds


def _compiled_nodes(text: str) -> list[Node]:
    try:
        return list(_nodes(ENVIRONMENT.compile(text).tree))
    except CompileError:
        return []
