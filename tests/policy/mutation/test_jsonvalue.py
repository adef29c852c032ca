"""Values of the language as JSON."""

from __future__ import annotations

import math

import pytest

from gatekeeper_py.cel.evaluation.values import Duration, Message, Optional, Timestamp, TypeValue, UInt
from gatekeeper_py.policy.mutation.jsonvalue import ConversionError, json_value

CONVERTS = [
    (None, None),
    (True, True),
    (UInt(7), 7),
    (2.0, 2),
    (2.5, 2.5),
    (1e300, 1e300),
    (2**53 - 1, 2**53 - 1),
    (2**53, "9007199254740992"),
    (b"abc", "YWJj"),
    (Duration(5_400_000_000_000), "5400s"),
    (Timestamp(1_704_067_200_500_000_000), "2024-01-01T00:00:00.5Z"),
    (Optional("a"), "a"),
    ((1, "a"), [1, "a"]),
    ({"a": [{"b": UInt(1)}]}, {"a": [{"b": 1}]}),
    (Message("Object.spec", {"a": 1}), {"a": 1}),
]


@pytest.mark.parametrize(("value", "expected"), CONVERTS)
def test_converts(value: object, expected: object) -> None:
    found = json_value(value)
    assert found == expected
    assert type(found) is type(expected)


REFUSED = [
    ({1: "a"}, "unsupported type conversion from 'int' to string"),
    ({UInt(1): "a"}, "unsupported type conversion from 'uint' to string"),
    ({True: "a"}, "type conversion error from bool to 'string'"),
    ({1.5: "a"}, "type conversion error from Double to 'string'"),
    (Optional(), "optional.none() dereference"),
    (TypeValue("int"), "type conversion not supported for 'type'"),
    (
        math.nan,
        "json: error calling MarshalJSON for type *structpb.Value: "
        "proto:\u00a0google.protobuf.Value.number_value: invalid NaN value",
    ),
]


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_json_cannot_hold_says_why(value: object, message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        json_value(value)
    assert str(caught.value) == message
