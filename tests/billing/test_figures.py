from __future__ import annotations

from fractions import Fraction

import pytest

from gatekeeper_py.billing.figures import amount, money


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("0", "0.00"),
        ("3.825", "3.83"),
        ("3.8249999", "3.82"),
        ("1/3", "0.33"),
        ("1000000", "1000000.00"),
        ("-1", "-1.00"),
    ],
)
def test_money_is_told_to_the_cent_half_a_cent_up(value: str, told: str) -> None:
    assert money(Fraction(value)) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [("0", "0"), ("100", "100"), ("0.5", "0.5"), ("1/3", "0.3333333333"), ("1/10000000000", "0.0000000001")],
)
def test_amounts_keep_the_digits_that_matter(value: str, told: str) -> None:
    assert amount(Fraction(value)) == told
