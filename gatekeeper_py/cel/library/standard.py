"""Operators and functions of the language itself (cel-go common/stdlib/standard.go).

`&&`, `||`, `?:`, indexing and selection are declared here for the checker; the generator makes code
of them and never calls their implementations.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    parameter,
    type_of,
)
from gatekeeper_py.cel.errors import CostExceeded, EvaluationError
from gatekeeper_py.cel.evaluation import costs, values
from gatekeeper_py.cel.evaluation.values import Duration, Timestamp, TypeValue, UInt
from gatekeeper_py.cel.syntax.macros import STANDARD
from gatekeeper_py.golang.regexps import InvalidClass, re2_source

__all__ = ["LIBRARY", "pattern"]

A, B = parameter("A"), parameter("B")
LIST, MAP = list_of(A), map_of(A, B)

REGEX_LENGTH_LIMIT = 1 << 20
"""Characters of a pattern; what is longer is refused before RE2 compiles it."""
_SURROGATES = re.compile("[\ud800-\udfff]")


def _unreachable(*_: object) -> Any:
    raise EvaluationError("no such overload")


def _equal(left: object, right: object) -> bool:
    return values.equal(left, right)


def _unequal(left: object, right: object) -> bool:
    return not values.equal(left, right)


def _smaller(left: str | bytes, right: str | bytes) -> int:
    return math.ceil(min(len(left), len(right)) * 0.1)


def _both(left: str | bytes, right: str | bytes) -> int:
    return math.ceil((len(left) + len(right)) * 0.1)


def _string_work(left: str | bytes, right: str | bytes) -> int:
    return costs.steps(left) + costs.steps(right)


def _list_work(left: Any, right: Any) -> int:
    return len(left) + len(right)


def _comparison(name: str, holds: Callable[[int], bool]) -> tuple[Overload, ...]:
    """The overloads of an ordering operator; `name` as its identifiers begin."""

    def implementation(left: Any, right: Any) -> bool:
        return holds(values.compare(left, right))

    def overload(suffix: str, left: Type, right: Type, cost: Callable[..., int] | None = None) -> Overload:
        return Overload(
            f"{name}_{suffix}", (left, right), BOOL, implementation, cost=cost, unresolved_cost=costs.nominal
        )

    return (
        overload("bool", BOOL, BOOL),
        overload("int64", INT, INT),
        overload("int64_double", INT, DOUBLE),
        overload("int64_uint64", INT, UINT),
        overload("uint64", UINT, UINT),
        overload("uint64_double", UINT, DOUBLE),
        overload("uint64_int64", UINT, INT),
        overload("double", DOUBLE, DOUBLE),
        overload("double_int64", DOUBLE, INT),
        overload("double_uint64", DOUBLE, UINT),
        overload("string", STRING, STRING, _smaller),
        overload("bytes", BYTES, BYTES, _smaller),
        overload("timestamp", TIMESTAMP, TIMESTAMP),
        overload("duration", DURATION, DURATION),
    )


def _on_ints(operation: Callable[[int, int], int]) -> Callable[[int, int], int]:
    return lambda left, right: values.check_int(operation(left, right))


def _on_uints(operation: Callable[[int, int], int]) -> Callable[[int, int], UInt]:
    return lambda left, right: values.check_uint(operation(int(left), int(right)))


def _add_strings(left: Any, right: Any) -> Any:
    if len(left) + len(right) > costs.MAXIMUM_LENGTH:
        raise CostExceeded("operation cancelled: actual cost limit exceeded")
    return left + right


def _add_lists(left: Any, right: Any) -> list[Any]:
    if len(left) + len(right) > costs.MAXIMUM_ELEMENTS:
        raise CostExceeded("operation cancelled: actual cost limit exceeded")
    return [*left, *right]


def _add_durations(left: Duration, right: Duration) -> Duration:
    return values.check_duration(left.nanoseconds + right.nanoseconds)


def _add_to_timestamp(timestamp: Timestamp, duration: Duration) -> Timestamp:
    return values.check_timestamp(timestamp.nanoseconds + duration.nanoseconds, timestamp.offset)


def _subtract_from_timestamp(timestamp: Timestamp, duration: Duration) -> Timestamp:
    return values.check_timestamp(timestamp.nanoseconds - duration.nanoseconds, timestamp.offset)


def _divide_doubles(left: float, right: float) -> float:
    if right:
        return left / right
    if not left or left != left or right != right:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _multiply_doubles(left: float, right: float) -> float:
    return left * right


def _quotient(left: int, right: int) -> int:
    if not right:
        raise EvaluationError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if not right:
        raise EvaluationError("modulus by zero")
    if left == values.INT_MIN and right == -1:
        raise EvaluationError("integer overflow")
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _size(value: Any) -> int:
    return len(value)


PATTERNS_KEPT = 64
"""Patterns kept for the next time; one that data chose may hold megabytes. Quick code keeps its own."""

SMALL_PROGRAM = 128
INSTRUCTIONS_PER_CHARACTER = 4
"""Instructions of a compiled pattern, in all and for each of its characters, up to which the price that
Kubernetes asks, by the pattern's length, is about what RE2 takes."""

INSTRUCTIONS_PER_STEP = 64
"""Instructions run in the time of one step of work, where a large pattern leaves RE2 no faster way."""


@lru_cache(PATTERNS_KEPT)
def pattern(text: str) -> Any:
    """A compiled RE2 pattern. Raises `EvaluationError` in Go's words."""
    if len(text) > REGEX_LENGTH_LIMIT:
        raise EvaluationError("error parsing regexp: expression too large")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(re2_source(_SURROGATES.sub("\ufffd", text)), options=options)
    except (InvalidClass, re2.error) as error:
        raise EvaluationError(f"error parsing regexp: {_go_words(error, text)}") from None
    if any(match[1] == "C" for match in _ESCAPE.finditer(text)):
        raise EvaluationError(r"error parsing regexp: invalid escape sequence: `\C`")
    return compiled


_ESCAPE = re.compile(r"\\Q.*?(?:\\E|\Z)|\\(.)", re.DOTALL)
"""What a backslash begins; between `\\Q` and `\\E` it is one. RE2 alone knows `\\C`, any byte."""

_PERL = re.compile(r"\(\?[=!<]")


def _go_words(error: Exception, text: str) -> str:
    message = error.args[0]
    message = message.decode() if isinstance(message, bytes) else str(message)
    kind, _, detail = message.partition(": ")
    if kind == "invalid perl operator" or "perl" in kind:
        found = _PERL.search(text)
        shown = found.group() if found and not detail.startswith("(?P") else detail
        return f"invalid or unsupported Perl syntax: `{shown}`"
    return f"{_RE2_WORDS.get(kind, kind)}: `{detail}`"


_RE2_WORDS = {
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "unexpected )": "unexpected )",
    "invalid repetition size": "invalid repeat count",
    "trailing \\": "trailing backslash at end of expression",
    "invalid named capture group": "invalid named capture",
    "bad named capture group": "invalid named capture",
}


def search_work(text: str, expression: str, program: Any) -> int:
    """Steps of work to search a text for a compiled pattern, beyond the price: `((a|b){500}){2}` is dear."""
    return excess(expression, program) * len(text) // INSTRUCTIONS_PER_STEP


def excess(expression: str, program: Any) -> int:
    """Instructions of a compiled pattern beyond what its length pays for."""
    paid = max(SMALL_PROGRAM, INSTRUCTIONS_PER_CHARACTER * len(expression))
    return max(int(program.programsize) - paid, 0)


def _matches_work(text: str, expression: str) -> int:
    return search_work(text, expression, pattern(expression))


def _matches(text: str, expression: str) -> bool:
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
    return pattern(expression).search(text) is not None


def _matches_cost(text: str, expression: str) -> int:
    return costs.regex(text, len(expression))


def _contains_cost(text: str, part: str) -> int:
    return costs.traversal(text) * costs.traversal(part)


def _first_traversal(text: str, _: str) -> int:
    return costs.traversal(text)


def _type_of(value: object) -> TypeValue:
    return values.type_of(value)


def _identity(value: object) -> object:
    return value


def _in_list_cost(_: object, container: Any) -> int:
    return len(container)


def _method(
    identifier: str, parameters: tuple[Type, ...], result: Type, run: Callable[..., Any], **more: Any
) -> Overload:
    return Overload(identifier, parameters, result, run, member=True, **more)


def _sizes(name: str, kind: Type) -> tuple[Overload, Overload]:
    return Overload(f"size_{name}", (kind,), INT, _size), _method(f"{name}_size", (kind,), INT, _size)


_LOGIC = (
    Function("_&&_", (Overload("logical_and", (BOOL, BOOL), BOOL, _unreachable),)),
    Function("_||_", (Overload("logical_or", (BOOL, BOOL), BOOL, _unreachable),)),
    Function("_?_:_", (Overload("conditional", (BOOL, A, A), A, _unreachable),)),
    Function("!_", (Overload("logical_not", (BOOL,), BOOL, operator.not_),)),
    Function("_==_", (Overload("equals", (A, A), BOOL, _equal),)),
    Function("_!=_", (Overload("not_equals", (A, A), BOOL, _unequal),)),
)

_ORDER = (
    Function("_<_", _comparison("less", lambda order: order < 0)),
    Function("_<=_", _comparison("less_equals", lambda order: order <= 0)),
    Function("_>_", _comparison("greater", lambda order: order > 0)),
    Function("_>=_", _comparison("greater_equals", lambda order: order >= 0)),
)

_ARITHMETIC = (
    Function(
        "_+_",
        (
            Overload(
                "add_bytes",
                (BYTES, BYTES),
                BYTES,
                _add_strings,
                cost=_both,
                unresolved_cost=costs.nominal,
                work=_string_work,
            ),
            Overload("add_double", (DOUBLE, DOUBLE), DOUBLE, operator.add),
            Overload("add_duration_duration", (DURATION, DURATION), DURATION, _add_durations),
            Overload(
                "add_duration_timestamp",
                (DURATION, TIMESTAMP),
                TIMESTAMP,
                lambda duration, timestamp: _add_to_timestamp(timestamp, duration),
            ),
            Overload("add_timestamp_duration", (TIMESTAMP, DURATION), TIMESTAMP, _add_to_timestamp),
            Overload("add_int64", (INT, INT), INT, _on_ints(operator.add)),
            Overload("add_list", (LIST, LIST), LIST, _add_lists, work=_list_work),
            Overload(
                "add_string",
                (STRING, STRING),
                STRING,
                _add_strings,
                cost=_both,
                unresolved_cost=costs.nominal,
                work=_string_work,
            ),
            Overload("add_uint64", (UINT, UINT), UINT, _on_uints(operator.add)),
        ),
    ),
    Function(
        "_-_",
        (
            Overload("subtract_double", (DOUBLE, DOUBLE), DOUBLE, operator.sub),
            Overload(
                "subtract_duration_duration",
                (DURATION, DURATION),
                DURATION,
                lambda left, right: values.check_duration(left.nanoseconds - right.nanoseconds),
            ),
            Overload("subtract_int64", (INT, INT), INT, _on_ints(operator.sub)),
            Overload(
                "subtract_timestamp_duration", (TIMESTAMP, DURATION), TIMESTAMP, _subtract_from_timestamp
            ),
            Overload(
                "subtract_timestamp_timestamp",
                (TIMESTAMP, TIMESTAMP),
                DURATION,
                lambda left, right: values.check_duration(left.nanoseconds - right.nanoseconds),
            ),
            Overload("subtract_uint64", (UINT, UINT), UINT, _on_uints(operator.sub)),
        ),
    ),
    Function(
        "_*_",
        (
            Overload("multiply_double", (DOUBLE, DOUBLE), DOUBLE, _multiply_doubles),
            Overload("multiply_int64", (INT, INT), INT, _on_ints(operator.mul)),
            Overload("multiply_uint64", (UINT, UINT), UINT, _on_uints(operator.mul)),
        ),
    ),
    Function(
        "_/_",
        (
            Overload("divide_double", (DOUBLE, DOUBLE), DOUBLE, _divide_doubles),
            Overload("divide_int64", (INT, INT), INT, _on_ints(_quotient)),
            Overload("divide_uint64", (UINT, UINT), UINT, _on_uints(_quotient)),
        ),
    ),
    Function(
        "_%_",
        (
            Overload("modulo_int64", (INT, INT), INT, _remainder),
            Overload("modulo_uint64", (UINT, UINT), UINT, _on_uints(_remainder)),
        ),
    ),
    Function(
        "-_",
        (
            Overload("negate_double", (DOUBLE,), DOUBLE, operator.neg),
            Overload("negate_int64", (INT,), INT, lambda value: values.check_int(-value)),
        ),
    ),
)

_COLLECTIONS = (
    Function(
        "_[_]",
        (
            Overload("index_list", (LIST, INT), A, _unreachable),
            Overload("index_map", (MAP, A), B, _unreachable),
        ),
    ),
    Function(
        "@in",
        (
            Overload(
                "in_list",
                (A, LIST),
                BOOL,
                lambda x, c: values.contains(c, x),
                cost=_in_list_cost,
                unresolved_cost=costs.nominal,
            ),
            Overload("in_map", (A, MAP), BOOL, lambda x, c: values.contains(c, x)),
        ),
    ),
    Function(
        "size",
        (*_sizes("bytes", BYTES), *_sizes("list", LIST), *_sizes("map", MAP), *_sizes("string", STRING)),
    ),
)

_STRINGS = (
    Function(
        "contains",
        (
            _method(
                "contains_string",
                (STRING, STRING),
                BOOL,
                lambda text, part: part in text,
                cost=_contains_cost,
            ),
        ),
    ),
    Function(
        "endsWith",
        (_method("ends_with_string", (STRING, STRING), BOOL, str.endswith, cost=_first_traversal),),
    ),
    Function(
        "startsWith",
        (_method("starts_with_string", (STRING, STRING), BOOL, str.startswith, cost=_first_traversal),),
    ),
    Function(
        "matches",
        (
            Overload("matches", (STRING, STRING), BOOL, _matches, work=_matches_work),
            _method(
                "matches_string", (STRING, STRING), BOOL, _matches, cost=_matches_cost, work=_matches_work
            ),
        ),
    ),
)

_TYPES = (
    Function("type", (Overload("type", (A,), type_of(A), _type_of),)),
    Function("dyn", (Overload("to_dyn", (A,), DYN, _identity),)),
)

LIBRARY = Library(
    "cel.lib.std",
    functions=(*_LOGIC, *_ORDER, *_ARITHMETIC, *_COLLECTIONS, *_STRINGS, *_TYPES),
    types=(
        BOOL,
        BYTES,
        DOUBLE,
        DURATION,
        INT,
        LIST,
        MAP,
        NULL,
        STRING,
        TIMESTAMP,
        type_of(DYN),
        UINT,
    ),
    macros=STANDARD,
)
