"""Texts become numbers, truths and times as Go reads them, and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.evaluation.values import INT_MAX, INT_MIN, UINT_MAX, Duration, Timestamp, UInt
from tests.cel.library.expressions import error, evaluate

READ = [
    *((f"bool(object)  # {text}", text, True) for text in ("1", "t", "T", "true", "True", "TRUE")),
    *((f"bool(object)  # {text}", text, False) for text in ("0", "f", "F", "false", "False", "FALSE")),
    ("int(object)", "-9223372036854775808", INT_MIN),
    ("int(object)", "+0009223372036854775807", INT_MAX),
    ("int(object)", "0" * 5000 + "7", 7),
    ("int(object)", -1.9, -1),
    ("int(object)", 1.9, 1),
    ("int(uint(object))", 7, 7),
    ("int(timestamp(object))", "1969-12-31T23:59:59.5Z", -1),
    ("int(duration(object))", "1.5s", 1_500_000_000),
    ("uint(object)", "18446744073709551615", UInt(UINT_MAX)),
    ("uint(object)", 0.9, UInt(0)),
    ("double(object)", "1_000.2_5e1_0", 1000.25e10),
    ("double(object)", "0x_1f.8p1_0", 31.5 * 2**10),
    ("double(object)", ".5", 0.5),
    ("double(object)", "-infinity", -math.inf),
    ("double(object)", "1e-400", 0.0),
    ("string(object)", True, "true"),
    ("string(object)", -0.0, "-0"),
    ("string(object)", 1e21, "1e+21"),
    ("string(object)", 100000.0, "100000"),
    ("string(bytes(object))", "é", "é"),
    ("string(duration(object))", "-1h2m", "-3720s"),
    ("string(timestamp(object))", "2024-01-02T03:04:05.120+05:30", "2024-01-02T03:04:05.12+05:30"),
    ("duration(object)", "1h2m3s4ms5us6ns", Duration(3_723_004_005_006)),
    ("timestamp(object)", "1970-01-01T01:00:00+01:00", Timestamp(0, 3600)),
    ("timestamp(object)", "1970-01-01T1:00:00Z", Timestamp(3_600_000_000_000)),
    ("timestamp(object)", 5, Timestamp(5_000_000_000)),
]


@pytest.mark.parametrize(("text", "given_", "value"), [(t.partition("  #")[0], g, v) for t, g, v in READ])
def test_what_can_be_read_is(text: str, given_: object, value: object) -> None:
    found = evaluate(text, given_)
    assert (found, type(found)) == (value, type(value))


REFUSED = [
    ("bool", ["yes", "tRUE", "", "2"], "bool"),
    ("int", ["", "1.0", "0x1", "1_0", " 1", "9223372036854775808", "-9223372036854775809"], "int"),
    ("uint", ["-1", "+1", "1.5", "18446744073709551616"], "uint"),
    (
        "double",
        [
            "",
            ".",
            "1__0",
            "_1",
            "1_",
            "1_.5",
            "1._5",
            "1e_1",
            "0x1",
            "0xp1",
            "0x1_p1",
            "-nan",
            "1e400",
            "inf_",
        ],
        "double",
    ),
    (
        "timestamp",
        ["2024-01-02", "2024-02-30T00:00:00Z", "2024-01-02T24:00:00Z"],
        "google.protobuf.Timestamp",
    ),
    ("duration", ["", "1", "s", "1d", ".s", "1 s"], "google.protobuf.Duration"),
]


@pytest.mark.parametrize(
    ("function", "text", "target"),
    [(function, text, target) for function, texts, target in REFUSED for text in texts],
)
def test_what_cannot_be_read_is_an_error(function: str, text: str, target: str) -> None:
    assert error(f"{function}(object)", text) == f"type conversion error from 'string' to '{target}'"


@pytest.mark.parametrize("number", [float(INT_MAX), float(INT_MIN), math.nan, math.inf])
def test_a_double_beyond_the_integers_is_none(number: float) -> None:
    assert error("int(object)", number) == "integer overflow"


@pytest.mark.parametrize("number", [-0.5, -1, float(UINT_MAX), math.nan])
def test_a_negative_number_and_one_too_great_are_not_unsigned(number: float) -> None:
    assert error("uint(object)", number) == "unsigned integer overflow"


def test_bytes_that_are_no_text_stay_bytes() -> None:
    assert error("string(object)", b"\xff") == "invalid UTF-8 in bytes, cannot convert to string"


@given(st.integers(min_value=INT_MIN, max_value=INT_MAX))
def test_an_integer_survives_its_text(number: int) -> None:
    assert evaluate("int(string(object))", number) == number


@given(st.floats(allow_nan=False))
def test_a_double_survives_its_text(number: float) -> None:
    assert evaluate("double(string(object))", number) == number
