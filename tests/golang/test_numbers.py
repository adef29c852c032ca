"""How Go prints its doubles (strconv, format `%g`)."""

from __future__ import annotations

import math

import pytest

from gatekeeper_py.golang.numbers import UInt, print_double, print_single

DOUBLES = [
    (0.0, "0"),
    (-0.0, "-0"),
    (1.0, "1"),
    (-1.5, "-1.5"),
    (100000.0, "100000"),
    (123456.0, "123456"),
    (1e6, "1e+06"),
    (1234567.0, "1.234567e+06"),
    (0.0001, "0.0001"),
    (0.00001, "1e-05"),
    (1.25e-7, "1.25e-07"),
    (1e100, "1e+100"),
    (0.1, "0.1"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
    (math.nan, "NaN"),
]


@pytest.mark.parametrize(("value", "printed"), DOUBLES, ids=[printed for _, printed in DOUBLES])
def test_a_double_is_printed_with_the_shortest_digits(value: float, printed: str) -> None:
    assert print_double(value) == printed


def test_an_unsigned_integer_is_told_from_a_signed_one_when_shown() -> None:
    assert repr(UInt(3)) == "3u"
    assert UInt(3) == 3


SINGLES = [
    (0.1, "0.1"),
    (-0.0, "-0"),
    (16777217.0, "1.6777216e+07"),
    (33554432.5, "3.3554432e+07"),
    (1e-40, "1e-40"),
    (1e-50, "0"),
    (3.5e38, "+Inf"),
    (-1e300, "-Inf"),
    (math.nan, "NaN"),
]


@pytest.mark.parametrize(("value", "printed"), SINGLES, ids=[printed for _, printed in SINGLES])
def test_a_number_rounded_to_32_bits_is_printed_with_its_own_shortest_digits(
    value: float, printed: str
) -> None:
    assert print_single(value) == printed
