"""Quantities are exact, as apimachinery keeps them, and no exponent makes them expensive."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.library.quantity import Quantity, parse_quantity
from tests.cel.library.expressions import error, evaluate

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3"]
QUANTITIES = st.builds(
    lambda number, places, suffix: f"{number}{'.' + places if places else ''}{suffix}",
    st.integers(-(10**12), 10**12),
    st.text("0123456789", max_size=4),
    st.sampled_from(SUFFIXES),
)
WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def exact(quantity: Quantity) -> Fraction:
    return quantity.unscaled * Fraction(10) ** quantity.exponent


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("quantity('200M').compareTo(quantity('0.2G'))", 0),
        ("quantity('50Mi').isGreaterThan(quantity('50M'))", True),
        ("quantity('50k').add(20) == quantity('50020')", True),
        ("quantity('50k').sub(quantity('20k')).asInteger()", 30000),
        ("sign(quantity('-1m'))", -1),
        ("quantity('1.5Gi') == quantity('1536Mi')", True),
        ("quantity('1536Mi').asInteger()", 1610612736),
        ("quantity('1.5Gi').isInteger()", False),
        ("quantity('0.1n') == quantity('1n')", True),
        ("quantity('-0.1n') == quantity('-1n')", True),
        ("quantity('100Ei') == quantity('9223372036854775807')", True),
        ("quantity('1e3') == quantity('1k')", True),
        ("quantity('.') == quantity('0')", True),
        ("quantity('500m').asApproximateFloat()", 0.5),
        ("quantity('500m').isInteger()", False),
        ("isQuantity('200K')", False),
        ("isQuantity('Mi')", True),
    ],
)
def test_arithmetic_is_exact(text: str, value: object) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("", WRONG_FORMAT),
        ("Three", WRONG_FORMAT),
        (" 1", WRONG_FORMAT),
        ("1\0", WRONG_FORMAT),
        ("1.5.5", WRONG_FORMAT),
        ("200K", "unable to parse quantity's suffix"),
        ("1e", "unable to parse quantity's suffix"),
        (".e-10", "unable to parse numeric part of quantity"),
    ],
)
def test_bad_quantities_are_refused_in_words(quantity: str, message: str) -> None:
    assert error("quantity(object)", quantity) == message


def test_a_quantity_that_is_no_int_says_so() -> None:
    assert error("quantity('9999999999999999999999G').asInteger()") == "cannot convert value to integer"


@pytest.mark.parametrize("digits", ["9" * 1_000_000, "0." + "0" * 1_000_000 + "1"])
def test_long_numbers_are_refused(digits: str) -> None:
    assert error("quantity(object)", digits) == "quantity too long: more than 4000 digits"
    assert error("isQuantity(object)", digits) == "quantity too long: more than 4000 digits"


@pytest.mark.parametrize("exponent", ["2147483647", "-2147483648", "999999999", "-999999999"])
def test_huge_exponents_cost_nothing(exponent: str) -> None:
    data = f"1e{exponent}"
    assert evaluate("quantity(object).compareTo(quantity('1'))", data) in (-1, 1)
    assert evaluate("quantity(object) == quantity(object)", data) is True
    assert evaluate("quantity(object).asApproximateFloat()", data) >= 0
    assert hash(parse_quantity(data)) == hash(parse_quantity(data))


@pytest.mark.parametrize("exponent", ["2147483647", "999999999"])
def test_no_sum_is_written_out_that_is_too_long(exponent: str) -> None:
    assert error("quantity(object).add(1)", f"1e{exponent}") == "quantity too long: more than 4000 digits"


@given(QUANTITIES, QUANTITIES)
def test_sums_and_order_are_those_of_fractions(left: str, right: str) -> None:
    one, two = parse_quantity(left), parse_quantity(right)
    assert exact(one.add(two)) == exact(one) + exact(two)
    assert exact(one.subtract(two)) == exact(one) - exact(two)
    assert one.compare(two) == (exact(one) > exact(two)) - (exact(one) < exact(two))
    assert (one == two) == (exact(one) == exact(two))
    assert one != two or hash(one) == hash(two)


@given(QUANTITIES)
def test_what_is_added_can_be_taken_away(text: str) -> None:
    quantity = parse_quantity(text)
    assert quantity.add(Quantity(7)).subtract(Quantity(7)) == quantity


@given(st.text(alphabet="0123456789+-.eEinumkKMGTP ", max_size=12))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    assert evaluate("isQuantity(object)", text) in (True, False)
