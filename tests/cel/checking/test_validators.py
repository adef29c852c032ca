"""What Kubernetes asks of literals in an expression whose types are right."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel.checking.types import (
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    list_of,
    optional_of,
    wrapper_of,
)
from gatekeeper_py.cel.environment import KUBERNETES, Environment
from gatekeeper_py.cel.errors import CompileError

VARIABLES = {
    "x": DYN,
    "s": STRING,
    "i": INT,
    "l": list_of(INT),
    "o": optional_of(INT),
    "w": wrapper_of(INT),
    "d": DURATION,
    "t": TIMESTAMP,
}
ENVIRONMENT = Environment(KUBERNETES, VARIABLES)
FREE = Environment(KUBERNETES, VARIABLES, homogeneous=False)


def issues(text: str, environment: Environment = ENVIRONMENT) -> list[str]:
    """Column and message of every issue."""
    try:
        environment.compile(text)
    except CompileError as error:
        return [f"{issue.column} {issue.message}" for issue in error.issues]
    return []


MIXED = [
    ("['a', 1]", ["7 expected type 'string' but found 'int'"]),
    ("[dyn(1), 'a', 2.5]", ["10 expected type 'dyn' but found 'string'"]),
    ("['a', 'b', 1, 2u]", ["12 expected type 'string' but found 'int'"]),
    ("{'a': 1, 'b': 'x', 'c': 2u}", [
        "15 expected type 'int' but found 'string'",
        "25 expected type 'int' but found 'uint'",
    ]),
    ("{'a': 1, 2: 3}", ["10 expected type 'string' but found 'int'"]),
    ("{'a': 1, 2: 'b'}", ["10 expected type 'string' but found 'int'", "13 expected type 'int' but found 'string'"]),
    ("[[1], [2, [3]]]", [
        "7 expected type 'list(int)' but found 'list(dyn)'",
        "11 expected type 'int' but found 'list(int)'",
    ]),
    ("[optional.of(1), null]", ["18 expected type 'optional_type(int)' but found 'null'"]),
    ("[1, ?optional.of('a')]", ["17 expected type 'int' but found 'string'"]),
    ("{'a': 1, ?'b': optional.of('a')}", ["27 expected type 'int' but found 'string'"]),
    ("x.all(y, y in [1, 'a'])", ["19 expected type 'int' but found 'string'"]),
    ("s.startsWith(['a', 1][0])", ["20 expected type 'string' but found 'int'"]),
    ("['%s'.format([1]), 1]", ["20 expected type 'string' but found 'int'"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MIXED, ids=[text for text, _ in MIXED])
def test_elements_are_of_one_type_where_that_is_asked(text: str, expected: list[str]) -> None:
    """Of a list the first that is not, of a map each."""
    assert issues(text) == expected
    assert issues(text, FREE) == []


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "[1, i, l[0]]",
        "[w, i]",
        "[[w], [i]]",
        "[?o, 1]",
        "{'a': 1, ?'b': o}",
        "[x, dyn(1)]",
        "'%s %s'.format(['a', 1])",
        "'%s'.format([['a', [1, x], {'k': 1, 2: s}]])",
        "s.format(['a', 1])",
    ],
)
def test_what_is_of_one_type_passes_and_what_is_formatted_may_be_mixed(text: str) -> None:
    assert issues(text) == []


ARGUMENTS = [
    ("duration('5 minutes')", ["10 invalid duration argument"]),
    ("duration(1)", ["10 invalid duration argument"]),
    ("timestamp('yesterday')", ["11 invalid timestamp argument"]),
    ("timestamp(null)", ["11 invalid timestamp argument"]),
    ("timestamp('0000-01-01T00:00:00Z')", ["11 invalid timestamp argument"]),
    ("'a'.matches('(?=a)')", ["13 invalid matches argument"]),
    ("s.matches('[')", ["11 invalid matches argument"]),
    (
        "[duration('x'), duration('y')].all(z, z == d)",
        ["11 invalid duration argument", "26 invalid duration argument"],
    ),
    ("s.matches(s)", []),
    ("s.matches('[a]')", []),
    ("duration(s) < duration('5m')", []),
    ("timestamp(t) < timestamp('2020-01-01T00:00:00Z')", []),
    ("timestamp(5) < t", []),
]


@pytest.mark.parametrize(("text", "expected"), ARGUMENTS, ids=[text for text, _ in ARGUMENTS])
def test_literal_arguments_can_be_read(text: str, expected: list[str]) -> None:
    assert issues(text) == expected


def refused(kinds: str, given: str) -> str:
    return f"error during formatting: {kinds}, was given {given}"


INTEGERS = "decimal clause can only be used on integers"
DOUBLES = "fixed-point clause can only be used on doubles"
SCIENTIFIC = "scientific clause can only be used on doubles"
BINARY = "only integers and bools can be formatted as binary"
HEXADECIMAL = "only integers, byte buffers, and strings can be formatted as hex"
OCTAL = "octal clause can only be used on integers"
STRINGS = (
    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, "
    "and timestamps"
)

FORMATS = [
    ("'%d'.format(['a'])", [f"14 {refused(INTEGERS, 'string')}"]),
    ("'%d %d'.format([1, null])", [f"20 {refused(INTEGERS, 'null_type')}"]),
    ("'%d %d'.format([1.0, true])", [f"17 {refused(INTEGERS, 'double')}"]),
    ("'%f'.format([1])", [f"14 {refused(DOUBLES, 'int')}"]),
    ("'%.2e'.format([l])", [f"16 {refused(SCIENTIFIC, 'list')}"]),
    ("'%b'.format(['a'])", [f"14 {refused(BINARY, 'string')}"]),
    ("'%X'.format([1.0])", [f"14 {refused(HEXADECIMAL, 'double')}"]),
    ("'%o'.format([d])", [f"14 {refused(OCTAL, 'google.protobuf.Duration')}"]),
    ("'%d'.format([t])", [f"14 {refused(INTEGERS, 'google.protobuf.Timestamp')}"]),
    ("'%s'.format([o])", [f"14 {refused(STRINGS, 'optional_type')}"]),
    ("'%s'.format([[optional.none()]])", [f"28 {refused(STRINGS, 'optional_type')}"]),
    ("'%s'.format([{'a': [1, quantity('1')]}])", [f"32 {refused(STRINGS, 'kubernetes.Quantity')}"]),
    ("'%d %d'.format([1])", ["15 index 1 out of range"]),
    ("'%d'.format([1, 2])", ["12 too many arguments supplied to string.format (expected 1, got 2)"]),
    ("'%%'.format([1])", ["12 too many arguments supplied to string.format (expected 0, got 1)"]),
    ("'%z'.format([1])", ['12 could not parse formatting clause: unrecognized formatting clause "z"']),
    ("'%'.format([1])", ["11 unexpected end of string"]),
    ("'%s %d %f %e %b %x %X %o %%'.format(['a', 1, 1.0, 1.0, true, b'a', 'a', 1u])", []),
    ("'%s %s %s %s %s'.format([null, int, {1: t}, [d], x])", []),
    ("'%d %f %s'.format([w, 'NaN', w])", []),
    ("'%d'.format([x])", []),
    ("'%d'.format(l)", []),
    ("s.format(['a'])", []),
    ("''.format([])", []),
]


@pytest.mark.parametrize(("text", "expected"), FORMATS, ids=[text for text, _ in FORMATS])
def test_the_clauses_of_a_literal_format_fit_its_literal_arguments(text: str, expected: list[str]) -> None:
    assert issues(text) == expected
    assert issues(text, FREE) == expected
