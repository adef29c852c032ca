"""`.format()` prints as version 2 of cel-go's strings library, and stops before results grow too large."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.checking.clauses import FormatError, read_clauses
from gatekeeper_py.cel.library.formatting import format_string
from tests.cel.library.expressions import error, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'%s'.format(['a'])", "a"),
        ("'%d%%'.format([42])", "42%"),
        ("'%f'.format([1234.5])", "1,234.500000"),
        ("'%.2f'.format([2.345])", "2.35"),
        ("'%e'.format([1234.567])", "1.234567×10⁰³"),
        ("'%b %o %x %X'.format([5, 8, 255, 255])", "101 10 ff FF"),
        ("'%s'.format([{'b': 2.5, 'a': [null, 'x']}])", '{"a":[null, "x"], "b":2.500000}'),
        ("'%s'.format([2.5])", "2.5"),
        ("'%e'.format([double('Infinity')])", "     ∞"),
    ],
)
def test_values_print_as_kubernetes_prints_them(text: str, value: str) -> None:
    assert evaluate(text) == value


def test_an_argument_too_few_is_an_error_and_one_too_many_is_not() -> None:
    assert error("object.format([1])", "%d %d") == "index 1 out of range"
    assert evaluate("object.format([1, 2])", "%d") == "1"


def test_deep_nesting_prints() -> None:
    nested: object = 1
    for _ in range(20_000):
        nested = [nested]
    assert format_string("%s", [nested]) == "[" * 20_000 + "1" + "]" * 20_000


def test_shared_parts_do_not_explode() -> None:
    nested: object = ["x" * 100]
    for _ in range(60):
        nested = [nested, nested]
    with pytest.raises(Exception, match="result too large"):
        format_string("%s", [nested])
    assert error("'%s'.format([object])", nested) == "operation cancelled: actual cost limit exceeded"


@pytest.mark.parametrize("precision", ["1000000", "65535", "9223372036854775807", "0" * 5000 + "3"])
def test_any_precision_is_quick(precision: str) -> None:
    assert len(evaluate(f"'%.{precision}f|%.{precision}e'.format([1.5, 1.5])")) < 70_000


@given(st.text(alphabet="%.0123sdfebxXo é", max_size=10))
def test_any_format_prints_or_is_refused(text: str) -> None:
    with suppress(FormatError):
        assert isinstance(format_string(text, ["a", 1, 2.5]), str)


@given(st.text(alphabet="ab%", max_size=10))
def test_doubled_signs_stand_for_themselves(text: str) -> None:
    doubled = text.replace("%", "%%")
    assert format_string(doubled, []) == text
    assert list(read_clauses(doubled, 0)) == [text]
