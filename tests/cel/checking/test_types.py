"""How types are written: the checker and the runtime of cel-go do not agree."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel.checking.types import (
    DURATION,
    NULL,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    object_type,
    optional_of,
)

NAMES = [
    (STRING, "string", "string"),
    (NULL, "null", "null_type"),
    (DURATION, "duration", "google.protobuf.Duration"),
    (
        map_of(STRING, list_of(TIMESTAMP)),
        "map(string, list(timestamp))",
        "map(string, list(google.protobuf.Timestamp))",
    ),
    (optional_of(NULL), "optional_type(null)", "optional_type(null_type)"),
    (object_type("duration"), "duration", "duration"),
]


@pytest.mark.parametrize(("written", "checker", "runtime"), NAMES, ids=[name for _, name, _ in NAMES])
def test_a_type_has_a_name_while_it_is_checked_and_one_at_run_time(
    written: Type, checker: str, runtime: str
) -> None:
    assert str(written) == checker
    assert written.runtime_name == runtime


def test_types_are_equal_by_kind_name_and_parameters() -> None:
    assert list_of(STRING) == list_of(STRING)
    assert list_of(STRING) != list_of(NULL)
    assert object_type("a", {"x": STRING}) == object_type("a")
