"""Operators and functions that every expression has (cel-spec, Standard Definitions)."""

from __future__ import annotations

import math

import pytest

from gatekeeper_py.cel.evaluation.values import Duration, Timestamp, UInt
from tests.cel.library.expressions import error, evaluate

HOUR = 3_600_000_000_000

ARITHMETIC = [
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("7 / -2", -3),
    ("-7 / -2", 3),
    ("7 % 2", 1),
    ("-7 % 2", -1),
    ("7 % -2", 1),
    ("-7 % -2", -1),
    ("7u / 2u", UInt(3)),
    ("7u % 4u", UInt(3)),
    ("7.5 / 2.5", 3.0),
    ("7.5 - 2.0", 5.5),
    ("7.5 * -2.0", -15.0),
    ("1.0 / 0.0", math.inf),
    ("-1.0 / 0.0", -math.inf),
    ("1.0 / -0.0", -math.inf),
    ("-(-9223372036854775807)", 9223372036854775807),
    ("b'a' + b'b'", b"ab"),
    ("[1] + [2]", [1, 2]),
    ("timestamp(0) + duration('1h')", Timestamp(HOUR)),
    ("duration('1h') + timestamp(0)", Timestamp(HOUR)),
    ("timestamp(0) - duration('1h')", Timestamp(-HOUR)),
    ("timestamp(0) - timestamp(3600)", Duration(-HOUR)),
    ("duration('1h') - duration('3h')", Duration(-2 * HOUR)),
    ("duration('1h') + duration('1h')", Duration(2 * HOUR)),
    ("timestamp('1970-01-01T01:00:00+01:00') + duration('1h')", Timestamp(HOUR, 3600)),
]


@pytest.mark.parametrize(("text", "value"), ARITHMETIC)
def test_numbers_and_times_are_computed(text: str, value: object) -> None:
    found = evaluate(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["0.0 / 0.0", "0.0 / -0.0", "double('NaN') / 0.0", "1.0 / double('NaN')"])
def test_no_number_comes_of_no_number(text: str) -> None:
    assert math.isnan(evaluate(text))


OVERFLOWS = [
    ("9223372036854775807 + 1", "integer overflow"),
    ("-9223372036854775808 - 1", "integer overflow"),
    ("9223372036854775807 * 2", "integer overflow"),
    ("-9223372036854775808 / -1", "integer overflow"),
    ("-9223372036854775808 % -1", "integer overflow"),
    ("-(-9223372036854775808)", "integer overflow"),
    ("18446744073709551615u + 1u", "unsigned integer overflow"),
    ("0u - 1u", "unsigned integer overflow"),
    ("18446744073709551615u * 2u", "unsigned integer overflow"),
    ("1 / 0", "division by zero"),
    ("1u / 0u", "division by zero"),
    ("1 % 0", "modulus by zero"),
    ("1u % 0u", "modulus by zero"),
    ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "timestamp overflow"),
    ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "timestamp overflow"),
    ("duration('9223372036s') + duration('1s')", "integer overflow"),
    ("duration('-9223372036s') - duration('1s')", "integer overflow"),
    ("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", "integer overflow"),
]


@pytest.mark.parametrize(("text", "message"), OVERFLOWS)
def test_what_does_not_fit_is_an_error(text: str, message: str) -> None:
    assert error(text) == message


RISING = [
    ("1", "2"),
    ("-1", "0u"),
    ("1", "1.5"),
    ("0.5", "1u"),
    ("1u", "2"),
    ("9223372036854775807", "18446744073709551615u"),
    ("'Z'", "'a'"),
    ("'a'", "'ab'"),
    (r"'\uffff'", r"'\U00010000'"),
    ("b'a'", r"b'\xff'"),
    ("false", "true"),
    ("duration('59s')", "duration('1m')"),
    ("timestamp('2024-01-01T00:00:00+01:00')", "timestamp('2024-01-01T00:00:00Z')"),
]


@pytest.mark.parametrize(("less", "more"), RISING)
def test_the_operators_of_order_agree(less: str, more: str) -> None:
    true = [
        f"{less} < {more}",
        f"{less} <= {more}",
        f"{more} > {less}",
        f"{more} >= {less}",
        f"{less} <= {less}",
    ]
    false = [
        f"{more} < {less}",
        f"{more} <= {less}",
        f"{less} > {more}",
        f"{less} >= {more}",
        f"{less} < {less}",
    ]
    assert [evaluate(text) for text in true + false] == [True] * 5 + [False] * 5


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_no_number_has_no_order(operator: str) -> None:
    assert error(f"1.0 {operator} double('NaN')") == "NaN values cannot be ordered"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'abc'.contains('bc')", True),
        ("'abc'.contains('')", True),
        ("'abc'.startsWith('b')", False),
        ("'abc'.endsWith('bc')", True),
        ("'abc'.matches('b')", True),
        ("matches('abc', '^b')", False),
        (r"'a\nc'.matches('a.c')", False),
        ("'é😀'.size()", 2),
        ("size(b'é')", 2),
        ("size({'a': 1})", 1),
        ("2 in [1, 2]", True),
        ("dyn(2.0) in [1, 2]", True),
        ("dyn(-2) in {-1: 'a'}", False),
        ("'a' in {'a': 1}", True),
        ("type(1u) == uint", True),
    ],
)
def test_functions_on_texts_and_collections(text: str, value: object) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "missing closing ): `(`"),
        (")", "unexpected ): `)`"),
        ("[", "missing closing ]: `[`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"a|(\\\C+)", r"invalid escape sequence: `\C`"),
        (r"\Q\C\E\C", r"invalid escape sequence: `\C`"),
    ],
)
def test_a_pattern_that_is_none_is_an_error_in_the_words_of_go(pattern: str, message: str) -> None:
    assert error("'a'.matches(object)", pattern) == f"error parsing regexp: {message}"


@pytest.mark.parametrize("pattern", [r"\\C", r"\Q\C\E", r"\Q\C"])
def test_a_backslash_that_stands_for_itself_begins_nothing(pattern: str) -> None:
    assert evaluate("object[0].matches(object[1])", [r"\C", pattern]) is True


@pytest.mark.parametrize(
    ("key", "go_type"),
    [
        ("null", "types.Null"),
        ("b'a'", "types.Bytes"),
        ("[1]", "*types.baseList"),
        ("{}", "*types.baseMap"),
        ("type(1)", "*types.Type"),
        ("duration('1s')", "types.Duration"),
        ("optional.none()", "*types.Optional"),
        ("quantity('1')", "cel.Quantity"),
        ("ip('1.1.1.1')", "cel.IP"),
    ],
)
@pytest.mark.parametrize("container", ["{}", "[1]"])
def test_what_can_be_no_key_is_an_error_in_the_words_of_go(container: str, key: str, go_type: str) -> None:
    assert (
        error(f"dyn({container})[object ? dyn({key}) : 1] == 1", True) == f"invalid qualifier type: {go_type}"
    )
