"""Texts in Kyverno's patterns as CEL: `nginx:* | !*:latest`, `>= 1Gi`, `1-10`, `?*`.

A text is alternatives (`|`) of parts that must all hold (`&`). A part may have an operator; what follows is
compared as a duration where both sides are durations, else as a quantity where both are quantities, else as
text with wildcards (kyverno/pkg/engine/pattern/pattern.go). What is absent counts as zero before amounts, and
is like no text.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar

from gatekeeper_py.authoring.migration.carried import CannotCarry, glob_condition, literal
from gatekeeper_py.authoring.migration.logic import TRUE, Condition, every, negated, some
from gatekeeper_py.cel import parse_duration
from gatekeeper_py.golang.quantities import parse as parse_quantity
from gatekeeper_py.objects.fieldpath import FieldPath

__all__ = ["Scalar", "absent_is_like", "text_condition"]

OPERATORS: Final = (">=", "<=", ">", "<", "!")
"""In the order in which Kyverno looks for them."""
AMOUNT = r"[-|+]?\d+(?:\.\d+)?[A-Za-z]*"
RANGE, OUT_OF_RANGE = (
    re.compile(rf"(?P<low>{AMOUNT}){dash}(?P<high>{AMOUNT})", re.ASCII) for dash in ("-", "!-")
)
EQUAL, UNEQUAL = "==", "!="
COMPARISONS: Final[Mapping[str, Callable[[Fraction, Fraction], bool]]] = {
    EQUAL: operator.eq,
    UNEQUAL: operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
DURATION = r"^[+-]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$|^[+-]?0$"
"""What Go reads as a duration."""
LARGEST = 2**63 - 1
"""Of CEL's integers."""

Truth = TypeVar("Truth")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value in CEL that is no list and no map."""

    root: str
    kind: str = ""
    """As `Schema.scalar` has it; empty when nothing is known of it."""

    @property
    def text(self) -> str:
        """As Kyverno makes it a text."""
        return self.root if self.kind in ("string", "date-time", "byte") else f"string({self.root})"


@dataclass(frozen=True, slots=True)
class _Part:
    """One comparison: `>= 1Gi`."""

    comparison: str
    operand: str

    @property
    def quantity(self) -> Fraction | None:
        """The operand, if it is a quantity."""
        parsed = parse_quantity(self.operand)
        return None if parsed is None else parsed[0]

    @property
    def duration(self) -> Fraction | None:
        """The operand in nanoseconds, if it is a duration."""
        parsed = parse_duration(self.operand)
        return None if parsed is None else Fraction(parsed.nanoseconds)


def text_condition(pattern: str, value: Scalar, path: FieldPath) -> Condition:
    """CEL that holds for a value like the text. Raises `CannotCarry`."""
    if "{{" in pattern or "$(" in pattern:
        raise CannotCarry(path, "a variable in a pattern")
    return _read(pattern, lambda part: _condition(part, value), every, some)


def absent_is_like(pattern: str) -> bool:
    """Whether what is not there at all is like the text: it counts as zero where amounts are compared."""
    return _read(pattern, _zero_is_like, all, any)


def _read(
    pattern: str,
    leaf: Callable[[_Part], Truth],
    together: Callable[[Iterable[Truth]], Truth],
    either: Callable[[Iterable[Truth]], Truth],
) -> Truth:
    """What a text says, of the truth of its parts."""
    return either(
        together(_term(term.strip(" "), leaf, together, either) for term in alternative.split("&"))
        for alternative in pattern.split("|")
    )


def _term(
    text: str,
    leaf: Callable[[_Part], Truth],
    together: Callable[[Iterable[Truth]], Truth],
    either: Callable[[Iterable[Truth]], Truth],
) -> Truth:
    marks = [mark for mark in OPERATORS if len(text) > 1 and text.startswith(mark)]
    if marks:
        comparison = UNEQUAL if marks[0] == "!" else marks[0]
        return leaf(_Part(comparison, text.removeprefix(marks[0]).strip()))
    if found := OUT_OF_RANGE.fullmatch(text):
        return either([leaf(_Part("<", found["low"])), leaf(_Part(">", found["high"]))])
    if found := RANGE.fullmatch(text):
        return together([leaf(_Part(">=", found["low"])), leaf(_Part("<=", found["high"]))])
    return leaf(_Part(EQUAL, text))


def _zero_is_like(part: _Part) -> bool:
    amount = part.quantity if part.duration is None else part.duration
    return amount is not None and COMPARISONS[part.comparison](Fraction(0), amount)


def _condition(part: _Part, value: Scalar) -> Condition:
    if part.comparison == UNEQUAL:
        return negated(_condition(_Part(EQUAL, part.operand), value))
    quantity = part.quantity
    whole = quantity is not None and quantity.denominator == 1 and abs(quantity) <= LARGEST
    if value.kind == "integer" and whole:
        return Condition(f"{value.root} {part.comparison} {quantity}", "==")
    if value.kind == "quantity" and quantity is not None:
        return _compared("quantity", part, value)
    amounts = [*_amounts(part, value)] if value.kind != "boolean" else []
    if amounts or part.comparison != EQUAL:
        return some(amounts)
    return _alike(part.operand, value)


def _amounts(part: _Part, value: Scalar) -> Iterable[Condition]:
    """The comparisons that hold for amounts. A text may be both (`500m`): then both say the same."""
    if part.quantity is not None:
        yield every([Condition(f"isQuantity({value.text})"), _compared("quantity", part, value)])
    if part.duration is not None:
        known = Condition(f"{value.text}.matches({literal(DURATION)})")
        yield every([known, _compared("duration", part, value)])


def _compared(function: str, part: _Part, value: Scalar) -> Condition:
    operand = f"{function}({literal(part.operand)})"
    if function == "duration":
        return Condition(f"duration({value.text}) {part.comparison} {operand}", "==")
    return Condition(f"quantity({value.text}).compareTo({operand}) {part.comparison} 0", "==")


def _alike(glob: str, value: Scalar) -> Condition:
    """A text with wildcards. Nothing but a map is unlike `*`."""
    if glob == "*":
        return TRUE if value.kind else Condition(f"type({value.root}) != map", "==")
    if glob == "?*":
        return Condition(f"{value.text} != ''", "==")
    if value.kind == "boolean" and glob in ("true", "false"):
        return Condition(value.root) if glob == "true" else Condition(f"!{value.root}")
    return Condition(glob_condition(value.text, [glob]), "==")
