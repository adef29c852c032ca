"""A printed value is an expression that gives the value."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import Budget, Message, kubernetes_environment, written

ENVIRONMENT = kubernetes_environment()


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "true",
        "-1",
        "1u",
        "1.0",
        "-2.5",
        "1e+300",
        r"'it\'s \\ \n \t é \u200b \U000e0001'",
        r"b'a\x00\''",
        "[[1, 2], []]",
        "{'a': [1], 'b': []}",
        "optional.of(1)",
        "optional.none()",
        "duration('3600s')",
        "timestamp('2026-01-02T03:04:05Z')",
        "string",
        "ip('10.0.0.1')",
        "cidr('10.0.0.0/8')",
        "quantity('2')",
        "semver('1.2.3-a')",
    ],
)
def test_a_value_is_printed_as_it_is_written(text: str) -> None:
    value = ENVIRONMENT.compile(text).evaluate({}, Budget(10**6))
    printed = written(value)
    assert ENVIRONMENT.compile(printed).evaluate({}, Budget(10**6)) == value
    assert printed == (r"b'a\x00\x27'" if text.startswith("b'") else text)


def test_messages_have_the_name_of_their_type() -> None:
    assert (
        written(Message("JSONPatch", {"op": "add", "value": [None]})) == "JSONPatch{op: 'add', value: [null]}"
    )
