"""Messages of protocol buffers that every environment knows: their literals give plain values."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import Budget, CompileError, Environment, EvaluationError
from gatekeeper_py.cel.checking.wellknown import CONSTANTS, MESSAGES
from gatekeeper_py.cel.evaluation.values import Duration, Message, Timestamp, UInt
from tests.cel.notation import notation

ENVIRONMENT = Environment(container="google.protobuf", homogeneous=False)

LITERALS = [
    ("BoolValue{value: true}", "wrapper(bool)", True),
    ("BoolValue{}", "wrapper(bool)", False),
    ("BytesValue{value: b'a'}", "wrapper(bytes)", b"a"),
    ("DoubleValue{value: 0.1}", "wrapper(double)", 0.1),
    ("FloatValue{value: 0.1}", "wrapper(double)", 0.10000000149011612),
    ("Int32Value{value: -2147483648}", "wrapper(int)", -(2**31)),
    ("Int64Value{value: 2147483648}", "wrapper(int)", 2**31),
    ("StringValue{value: 'a'}", "wrapper(string)", "a"),
    ("UInt32Value{value: 4294967295u}", "wrapper(uint)", UInt(2**32 - 1)),
    ("UInt64Value{value: 4294967296u}", "wrapper(uint)", UInt(2**32)),
    ("Duration{seconds: 1, nanos: 5}", "duration", Duration(1_000_000_005)),
    ("Timestamp{seconds: 1}", "timestamp", Timestamp(1_000_000_000)),
    ("ListValue{values: [1, 'a']}", "list(dyn)", [1, "a"]),
    ("ListValue{}", "list(dyn)", []),
    ("Struct{fields: {'a': 1}}", "map(string, dyn)", {"a": 1}),
    ("Struct{}", "map(string, dyn)", {}),
    ("Value{null_value: NullValue.NULL_VALUE}", "dyn", None),
    ("Value{number_value: 1.5}", "dyn", 1.5),
    ("Value{string_value: 'a'}", "dyn", "a"),
    ("Value{bool_value: true}", "dyn", True),
    ("Value{struct_value: {'a': 1}}", "dyn", {"a": 1}),
    ("Value{list_value: [1]}", "dyn", [1]),
    ("Value{}", "dyn", None),
    (
        "Any{type_url: 'u', value: b'a'}",
        "any",
        Message("google.protobuf.Any", {"type_url": "u", "value": b"a"}),
    ),
    ("NullValue.NULL_VALUE", "int", 0),
]


@pytest.mark.parametrize(("text", "typed", "expected"), LITERALS, ids=[text for text, *_ in LITERALS])
def test_a_literal_gives_a_plain_value(text: str, typed: str, expected: object) -> None:
    program = ENVIRONMENT.compile(text)
    assert str(program.type) == typed
    assert notation(program.evaluate({}, Budget(1000))) == notation(expected)


def test_every_message_and_constant_has_a_literal_above() -> None:
    named = {text.partition("{")[0] for text, *_ in LITERALS}
    assert {f"google.protobuf.{name}" for name in named} == {*MESSAGES, *CONSTANTS}


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_has_no_other_fields_and_none_of_another_type(name: str) -> None:
    with pytest.raises(CompileError, match="undefined field 'other'"):
        ENVIRONMENT.compile(f"{name}{{other: 1}}")
    for field, typed in MESSAGES[name].fields.items():
        with pytest.raises(CompileError) as caught:
            ENVIRONMENT.compile(f"{name}{{{field}: type(1)}}")
        assert f"expected type of field '{field}' is '{typed}'" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["Int32Value{value: 2147483648}", "Int32Value{value: -2147483649}", "UInt32Value{value: 4294967296u}"],
)
def test_a_number_beyond_32_bits_is_an_error(text: str) -> None:
    with pytest.raises(EvaluationError, match="range error"):
        ENVIRONMENT.compile(text).evaluate({}, Budget(1000))


def test_an_any_of_nothing_is_an_error() -> None:
    with pytest.raises(
        EvaluationError, match="conversion error: got invalid Any message with empty type URL"
    ):
        ENVIRONMENT.compile("Any{}").evaluate({}, Budget(1000))


@pytest.mark.parametrize("name", ["duration", "timestamp"])
def test_the_name_of_a_message_is_its_type(name: str) -> None:
    text = f"type({name}(x)) == google.protobuf.{name.title()}"
    value = {"duration": "1s", "timestamp": "2020-01-01T00:00:00Z"}[name]
    assert ENVIRONMENT.compile(text.replace("x", f"'{value}'")).evaluate({}, Budget(1000)) is True
