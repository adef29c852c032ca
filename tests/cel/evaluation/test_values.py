from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.errors import CostExceeded, EvaluationError
from gatekeeper_py.cel.evaluation import values
from gatekeeper_py.cel.evaluation.budget import WORK_LIMIT, Budget
from gatekeeper_py.cel.evaluation.times import (
    parse_duration,
    parse_timestamp,
    print_duration,
    print_timestamp,
)
from gatekeeper_py.cel.evaluation.values import (
    NONE,
    ComputedMap,
    Duration,
    MapValue,
    Message,
    Optional,
    Timestamp,
    TypeValue,
    UInt,
    compare,
    contains,
    equal,
    find,
    from_pairs,
    type_name,
)

NAN = math.nan
DEEP: Any = None
for _ in range(10_000):
    DEEP = {"k": [DEEP]}


def deep() -> Any:
    value: Any = 1
    for _ in range(10_000):
        value = {"k": [value]}
    return value


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, UInt(1)),
        (UInt(1), 1.0),
        (0.0, -0.0),
        ("a", "a"),
        (b"a", b"a"),
        (None, None),
        (True, True),
        ([1, [2]], [1.0, (UInt(2),)]),
        ({"a": 1}, {"a": 1.0}),
        ({"a": {"b": [1]}, "c": "x"}, {"c": "x", "a": {"b": (UInt(1),)}}),
        ({1: "x"}, {UInt(1): "x"}),
        (Optional(1), Optional(1.0)),
        (NONE, Optional()),
        (Duration(5), Duration(5)),
        (Timestamp(5, 3600), Timestamp(5)),
        (TypeValue("int"), TypeValue("int")),
        (Message("A", {"x": 1}), Message("A", {"x": 1})),
        (2**63, float(2**63)),
        (9223372036854775807, 9223372036854775807.0),
        (12345678901234567890, 12345678901234567890.0),
    ],
)
def test_equal(left: object, right: object) -> None:
    assert equal(left, right)
    assert equal(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (1.0, True),
        (UInt(1), True),
        (1, "1"),
        ("a", b"a"),
        (None, False),
        (None, 0),
        ([], {}),
        ([1], [True]),
        ([NAN], [NAN]),
        (NAN, NAN),
        (NAN, 1),
        (1, NAN),
        ({"a": 1}, {"a": True}),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": True}]}}),
        ({"a": {"b": NAN}}, {"a": {"b": NAN}}),
        ({"a": 1}, {"b": 1}),
        ({"a": "x"}, {"b": "x"}),
        ({"a": "x"}, {"a": "y"}),
        ({"a": "x", "b": "y"}, {"a": "x", "b": "z"}),
        ({"a": None}, {"b": None}),
        ({"a": {}}, {"b": {}}),
        ({"a": {}}, {"a": []}),
        ({"a": {}}, {"a": Message("A", {})}),
        ({"a": "1"}, {"a": b"1"}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({1: "x"}, {True: "x"}),
        ({"1": "x"}, {1: "x"}),
        (Optional(1), NONE),
        (Optional(None), NONE),
        (Optional(1), 1),
        (Duration(5), Timestamp(5)),
        (Duration(5), 5),
        (Message("A", {}), Message("B", {})),
        (Message("A", {}), {}),
        (-1, UInt(1)),
        (1.5, 1),
        (9007199254740993, 9007199254740993 + 1),
    ],
)
def test_unequal(left: object, right: object) -> None:
    assert not equal(left, right)
    assert not equal(right, left)


def test_equality_goes_as_deep_as_the_data() -> None:
    assert equal(deep(), deep())
    assert not equal(deep(), DEEP)


def test_equality_of_much_data_is_stopped() -> None:
    wide = [list(range(1000))] * (WORK_LIMIT // 1000 + 1)
    with pytest.raises(CostExceeded):
        equal(wide, [list(range(1000))] * len(wide), Budget(1))


@pytest.mark.parametrize(
    ("smaller", "greater"),
    [
        (1, 2),
        (-1, UInt(0)),
        (1, 1.5),
        (UInt(1), 1.5),
        (1.5, UInt(2)),
        (9223372036854775807, UInt(9223372036854775808)),
        ("a", "b"),
        ("Z", "a"),
        ("\uffff", "\U00010000"),
        (b"a", b"b"),
        (False, True),
        (Timestamp(1), Timestamp(2)),
        (Duration(-1), Duration(1)),
        (1, 2**70),
        (-(2**70), 1.0),
        (1, math.inf),
    ],
)
def test_order(smaller: object, greater: object) -> None:
    assert compare(smaller, greater) == -1
    assert compare(greater, smaller) == 1
    assert compare(smaller, smaller) == 0


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (NAN, 1, "NaN values cannot be ordered"),
        (1, NAN, "NaN values cannot be ordered"),
        (UInt(1), NAN, "NaN values cannot be ordered"),
        (1, True, "no such overload"),
        (True, 1, "no such overload"),
        ("a", 1, "no such overload"),
        ("a", b"a", "no such overload"),
        (None, None, "no such overload"),
        ([1], [2], "no such overload"),
        (Timestamp(1), Duration(1), "no such overload"),
    ],
)
def test_values_without_order(left: object, right: object, message: str) -> None:
    with pytest.raises(EvaluationError, match=f"^{message}$"):
        compare(left, right)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 2**64 - 1).map(UInt),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


@given(DATA, DATA)
def test_equality_is_symmetric(left: object, right: object) -> None:
    assert equal(left, right) == equal(right, left)


@given(SCALARS, SCALARS)
def test_equality_agrees_with_order(left: object, right: object) -> None:
    try:
        order = compare(left, right)
    except EvaluationError:
        return
    assert equal(left, right) == (order == 0)
    assert compare(right, left) == -order


def test_an_int_looks_for_no_double_among_keys_as_in_cel_go() -> None:
    """common/types/map.go: what is asked of a map depends on whose keys are looked for."""
    assert equal({1.0: "x"}, {1: "x"})
    assert not equal({1: "x"}, {1.0: "x"})


class TestMaps:
    def test_of_one_kind_of_key_is_a_dict(self) -> None:
        assert type(from_pairs([("a", 1), ("a", 2)])) is dict
        assert from_pairs([("a", 1), ("a", 2)]) == {"a": 2}
        assert type(from_pairs([(1, "x"), (2, "y")])) is dict
        assert type(from_pairs([(True, "x"), (False, "y")])) is dict

    def test_of_several_kinds_confuses_none(self) -> None:
        mixed = from_pairs([(True, "bool"), (1, "int"), (UInt(2), "uint"), (3.0, "double")])
        assert isinstance(mixed, MapValue)
        assert len(mixed) == 4
        assert find(mixed, True) == "bool"
        assert find(mixed, 1) == "int"
        assert find(mixed, UInt(1)) == "int"
        assert find(mixed, 1.0) == "int"
        assert find(mixed, 2) == "uint"
        assert find(mixed, 3.0) == "double"
        assert find(mixed, 3) is values.NOTHING
        assert find(mixed, False) is values.NOTHING
        assert list(mixed) == [True, 1, 2, 3.0]

    @pytest.mark.parametrize(
        ("container", "key", "found"),
        [
            ({1: "x"}, 1, True),
            ({1: "x"}, UInt(1), True),
            ({1: "x"}, 1.0, True),
            ({1: "x"}, True, False),
            ({True: "x"}, 1, False),
            ({True: "x"}, True, True),
            ({"1": "x"}, 1, False),
            ({1: "x"}, "1", False),
            ({"a": None}, "a", True),
            ({1: "x"}, None, False),
            ({1: "x"}, [1], False),
            ({1: "x"}, NAN, False),
        ],
    )
    def test_find_a_key_by_its_type(self, container: dict[Any, Any], key: object, found: bool) -> None:
        assert (find(container, key) is not values.NOTHING) is found

    def test_keys_that_cannot_be_hashed_are_never_found(self) -> None:
        odd = from_pairs([([1], "x"), ("a", "y")])
        assert len(odd) == 2
        assert find(odd, [1]) is values.NOTHING

    def test_a_lazy_map_is_asked_for_its_value(self) -> None:
        class Lazy(dict[str, Any]):
            def __missing__(self, key: str) -> Any:
                return f"made {key}"

        assert find(Lazy(), "x") == "made x"


@pytest.mark.parametrize(
    ("value", "container", "expected"),
    [
        (1, [1.0], True),
        (True, [1], False),
        ("a", ["b", "a"], True),
        (None, [None], True),
        (NAN, [NAN], False),
        ([1], [[1.0]], True),
        ("a", {"a": 1}, True),
        (1, {1: 1}, True),
        (True, {1: 1}, False),
    ],
)
def test_membership(value: object, container: object, expected: bool) -> None:
    assert contains(container, value) is expected


def test_membership_needs_a_container() -> None:
    with pytest.raises(EvaluationError, match="no such overload"):
        contains("abc", "a")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null_type"),
        (True, "bool"),
        (1, "int"),
        (2**63, "double"),
        (UInt(1), "uint"),
        (1.0, "double"),
        ("", "string"),
        (b"", "bytes"),
        ([], "list"),
        ((), "list"),
        ({}, "map"),
        (from_pairs([(1, 1), (True, 1)]), "map"),
        (Duration(1), "google.protobuf.Duration"),
        (Timestamp(1), "google.protobuf.Timestamp"),
        (TypeValue("int"), "type"),
        (NONE, "optional_type"),
        (Message("Object.spec", {}), "Object.spec"),
    ],
)
def test_type_name(value: object, name: str) -> None:
    assert type_name(value) == name


def test_what_is_no_value_has_no_type() -> None:
    with pytest.raises(EvaluationError):
        type_name(object())


@pytest.mark.parametrize(
    "text",
    [
        "1970-01-01T00:00:00Z",
        "2009-02-13T23:31:30.123456789Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "2020-02-29T12:00:00.5+05:30",
        "2020-02-29T12:00:00-11:00",
        "9999-12-31T14:00:00-09:59",
    ],
)
def test_timestamps_print_as_they_are_written(text: str) -> None:
    timestamp = parse_timestamp(text)
    assert timestamp is not None
    assert print_timestamp(timestamp) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01 00:00:00Z",
        "2020-13-01T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:60Z",
        "2020-01-01T00:00:00z",
        "2020-01-01T00:00:00.Z",
        "٢٠٢٠-01-01T00:00:00Z",
        "2020-01-01T00:00:00." + "1" * 10_000 + "Z",
    ],
)
def test_what_is_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    "text", ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"]
)
def test_timestamps_beyond_the_years(text: str) -> None:
    with pytest.raises(EvaluationError, match=r"^timestamp overflow$"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("text", "nanoseconds", "printed"),
    [
        ("0", 0, "0s"),
        ("1s", 10**9, "1s"),
        ("-1.5h", -5400 * 10**9, "-5400s"),
        ("1h30m", 5400 * 10**9, "5400s"),
        ("1ns", 1, "0.000000001s"),
        ("100us", 100_000, "0.0001s"),
        ("100µs", 100_000, "0.0001s"),
        (".5s", 500_000_000, "0.5s"),
        ("5.s", 5 * 10**9, "5s"),
        ("+2m", 120 * 10**9, "120s"),
        ("9223372036854775807ns", 2**63 - 1, "9223372036.854776s"),
        ("-9223372036854775808ns", -(2**63), "-9223372036.854776s"),
    ],
)
def test_durations(text: str, nanoseconds: int, printed: str) -> None:
    duration = parse_duration(text)
    assert duration == Duration(nanoseconds)
    assert print_duration(Duration(nanoseconds)) == printed


@pytest.mark.parametrize(
    "text", ["", "1", "s", ".s", "1d", "1s ", "1 s", "--1s", "1e3s", "9223372036854775808ns", "١s"]
)
def test_what_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_durations_of_any_size_print(nanoseconds: int) -> None:
    assert print_duration(Duration(nanoseconds)).endswith("s")


@given(st.integers(values.TIMESTAMP_MIN, values.TIMESTAMP_MAX), st.integers(-86_000, 86_000))
def test_timestamps_survive_printing(nanoseconds: int, offset: int) -> None:
    offset -= offset % 60
    text = print_timestamp(Timestamp(nanoseconds, offset))
    if text.startswith(("0000", "10000")):
        return
    again = parse_timestamp(text)
    assert again == Timestamp(nanoseconds)


def test_who_asks_a_computed_map_for_a_value_has_it_made() -> None:
    class Squares(ComputedMap):
        def __missing__(self, key: str) -> int:
            if not key.isdigit():
                raise KeyError(key)
            return int(key) ** 2

    squares = Squares({"2": "kept"})
    assert [squares.get(key, "none") for key in ("2", "3", "x")] == ["kept", 9, "none"]
    assert squares.get("x") is None
