"""What the API server takes `Object` literals for."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cel.evaluation.values import Duration, Message, Optional, Timestamp, UInt
from gatekeeper_py.policy.mutation.jsonvalue import ConversionError
from gatekeeper_py.policy.mutation.literal import (
    Foreign,
    NativeError,
    contents,
    go_syntax,
    go_type,
    go_value,
    json_native,
    native,
    type_names,
)

SECOND = 1_000_000_000


def made(value: Any, data: tuple[object, ...] = ()) -> Any:
    known = contents(data)
    return native(Message("Object", {"f": value}), lambda held: id(held) in known)["f"]


EPOCH = "time.Date(1970, time.January, 1, 0, 0, 0, 0"
PRINTED = [
    (None, "NULL_VALUE", "0", "structpb.NullValue"),
    (UInt(5), "5", "0x5", "uint64"),
    (b"abc", "[97 98 99]", "[]uint8{0x61, 0x62, 0x63}", "[]uint8"),
    (Duration(3600 * SECOND), "1h0m0s", "3600000000000", "time.Duration"),
    (Duration(-90 * SECOND), "-1m30s", "-90000000000", "time.Duration"),
    (Duration(1_500_000), "1.5ms", "1500000", "time.Duration"),
    (Timestamp(0), "1970-01-01 00:00:00 +0000 UTC", f"{EPOCH}, time.UTC)", "time.Time"),
]


@pytest.mark.parametrize(("value", "shown", "syntax", "kind"), PRINTED)
def test_values_no_schema_takes_print_as_go_prints_them(
    value: object, shown: str, syntax: str, kind: str
) -> None:
    found = made(value)
    assert isinstance(found, Foreign)
    assert (go_value(found), go_syntax(found), go_type(found)) == (shown, syntax, kind)


def test_a_map_within_is_printed_in_the_order_of_its_keys() -> None:
    (found,) = made([{"b": 1, "a": 2}])
    assert (go_value(found), go_syntax(found)) == ("map[a:2 b:1]", 'map[ref.Val]ref.Val{"a":2, "b":1}')


@pytest.mark.parametrize("value", [True, 1, 1.5, "a", ["a"], {"a": "b"}])
def test_plain_values_stay(value: object) -> None:
    assert made(value) == value


def test_an_optional_is_what_it_holds() -> None:
    assert made(Optional("a")) == "a"
    assert made(Optional()) is None


def test_only_the_first_level_of_what_an_expression_wrote_is_converted() -> None:
    assert made([["a"]]) == [Foreign("[a]", '[]ref.Val{"a"}', "[]ref.Val")]
    nested = made({"metadata": {"labels": {"a": "b"}}})["metadata"]
    assert go_value(nested) == "map[labels:{a: b}]"


def test_containers_of_the_data_are_taken_whole() -> None:
    data = {"deep": [["a"]]}
    assert made([data["deep"]], (data,)) == [[["a"]]]


def test_a_key_that_is_no_string_spoils_the_object_around_it() -> None:
    with pytest.raises(
        NativeError, match=r"fail to convert field \"f\": map key '\\x01' is of type types.Int"
    ):
        made({1: "a"})
    inner = made(Message("Object.f", {"g": {True: "a"}}))
    assert (
        go_value(inner)
        == 'fail to convert field "g": map key %!q(types.Bool=true) is of type types.Bool, not string'
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1e21, "1e+21"), (1e16, "10000000000000000"), (1.25, "1.25"), (1e-7, "1e-07"), (None, "<nil>")],
)
def test_numbers_print_as_go_prints_them(value: object, shown: str) -> None:
    assert go_value(value) == shown


def test_names_of_literals_must_be_their_paths() -> None:
    good = Message("Object", {"spec": Message("Object.spec", {"l": [Message("Object.spec.l", {})]})})
    assert list(type_names(good, "Object")) == []
    bad = Message("Object", {"spec": Message("Object.spec", {"l": {"k": Message("Object.m", {})}})})
    assert list(type_names(bad, "Object")) == [
        'unexpected type name "Object.m", expected "Object.spec.l", which matches field name path from root '
        "Object type"
    ]


def test_json_of_native_values() -> None:
    assert json_native({"a": 1, "b": [True, "x"], "c": made(UInt(7)), "d": made(b"abc")}) == {
        "a": 1,
        "b": [True, "x"],
        "c": 7,
        "d": "YWJj",
    }
    with pytest.raises(ConversionError, match=r"invalid type: structpb\.NullValue"):
        json_native(made(None))
