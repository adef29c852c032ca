"""Comparisons whose outcome is the same for all there can be: of sizes, of ranges, with patterns (GK505)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Final

import re2

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject, statements
from gatekeeper_py.cel import tree

__all__ = ["tautology"]

REMEDY: Final = "Compare with something else"
ODD: Final = ("", "\n", "~", "a", "A/0", "-.-", "zz 9")
"""Texts that have little in common: what a pattern finds in all of them it finds anywhere."""
EMPTY: Final[Mapping[str, str]] = {"contains": "holds", "startsWith": "begins with", "endsWith": "ends with"}
BOUNDS: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_", "_==_"})
SWAPPED: Final[Mapping[str, str]] = {
    "_<_": "_>_",
    "_<=_": "_>=_",
    "_>_": "_<_",
    "_>=_": "_<=_",
    "_==_": "_==_",
}


def tautology(subject: Subject) -> Iterator[Finding]:
    """What is always so, or never."""
    for policy in subject.every:
        for statement in statements(policy):
            for node in tree.nodes(statement.expression.program.tree):
                for what, remedy in _idle(node, statement.expression.text):
                    yield Finding(statement.problem(node, what, remedy), "GK505")


def _idle(node: tree.Node, text: str) -> Iterator[tuple[str, str]]:
    if not isinstance(node, tree.Call):
        return
    match node.function, node.arguments:
        case "matches", (tree.Literal(value=str() as pattern),):
            yield from _pattern(pattern)
        case ("contains" | "startsWith" | "endsWith") as function, (tree.Literal(value=""),):
            yield f"every text {EMPTY[function]} the empty one", REMEDY
        case "@in", (_, tree.ListLiteral(elements=())):
            yield "nothing is in an empty list", "Name what is meant"
        case (("_&&_" | "_||_"), _):
            yield from _joined(node, text)
        case function, (one, other) if function in BOUNDS:
            yield from _size(function, one, other)


def _pattern(pattern: str) -> Iterator[tuple[str, str]]:
    if pattern[:1] == "/" and pattern.rstrip("gimsu")[-1:] == "/" and ("/^" in pattern or "$/" in pattern):
        yield (
            "this pattern finds nothing: RE2 has no slashes around it",
            "Write it without, and (?i) before it for flags",
        )
        return
    try:
        compiled = re2.compile(pattern)
    except re2.error:
        return
    if all(compiled.search(text) for text in ODD):
        yield (
            "this pattern finds something in every text",
            "End it with $, and ask for one character at least",
        )


def _size(function: str, one: tree.Node, other: tree.Node) -> Iterator[tuple[str, str]]:
    """`size(x) >= 0`, and `x.size() < 0`."""
    if isinstance(one, tree.Literal):
        one, other, function = other, one, SWAPPED[function]
    if not (isinstance(one, tree.Call) and one.function == "size" and isinstance(other, tree.Literal)):
        return
    if type(other.value) is int and other.value <= 0 and (function, other.value) not in SENSIBLE:
        yield f"a size is never below 0, so this is {str(function in ('_>_', '_>=_')).lower()} always", REMEDY


SENSIBLE: Final = frozenset({("_>_", 0), ("_<=_", 0), ("_==_", 0)})


def _joined(node: tree.Call, text: str) -> Iterator[tuple[str, str]]:
    parts = list(tree.operands(node, node.function))
    stated = {_text(part, text) for part in parts}
    for part in parts:
        if isinstance(part, tree.Call) and part.function == "!_" and _text(part.arguments[0], text) in stated:
            outcome = str(node.function == "_||_").lower()
            yield (
                f"this asks for one thing and its opposite, so it is {outcome} always",
                "Ask for one of them",
            )
            return
    for place in dict.fromkeys(place for place, *_ in _bounded(parts, text)):
        low, high = _range(node.function, [each for each in _bounded(parts, text) if each[0] == place])
        if node.function == "_&&_" and low > high:
            yield f"no {place} is within these bounds", "Correct the bounds, or ask by ||"
        elif node.function == "_||_" and low <= high:
            yield f"every {place} is within these bounds", "Correct the bounds, or ask by &&"


def _range(function: str, bounds: list[tuple[str, str, float]]) -> tuple[float, float]:
    """Of `&&` what is left between the bounds; of `||` where both sides hold, if they meet."""
    below = [
        value - (operator == "_<_") for _, operator, value in bounds if operator in ("_<_", "_<=_", "_==_")
    ]
    above = [
        value + (operator == "_>_") for _, operator, value in bounds if operator in ("_>_", "_>=_", "_==_")
    ]
    if function == "_&&_":
        return max(above, default=-inf), min(below, default=inf)
    below = [value - (operator == "_<_") for _, operator, value in bounds if operator in ("_<_", "_<=_")]
    above = [value + (operator == "_>_") for _, operator, value in bounds if operator in ("_>_", "_>=_")]
    return min(above, default=inf) - 1, max(below, default=-inf)


def _bounded(parts: list[tree.Node], text: str) -> Iterator[tuple[str, str, float]]:
    """Comparisons of something with a whole number."""
    for part in parts:
        if isinstance(part, tree.Call) and part.function in BOUNDS:
            one, other = part.arguments
            function = part.function
            if isinstance(one, tree.Literal):
                one, other, function = other, one, SWAPPED[function]
            if (
                isinstance(other, tree.Literal)
                and type(other.value) is int
                and not isinstance(one, tree.Literal)
            ):
                yield _text(one, text), function, other.value


def _text(node: tree.Node, text: str) -> str:
    return " ".join(text[node.span.start : node.span.end].split())
