"""What is known of a request before it is seen, and of which requests that is true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.cel import NOTHING
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.evaluation.activation import describe
from gatekeeper_py.policy.matching.match import Match
from gatekeeper_py.policy.sharing.premises import Premises
from tests.policy.support import CONFIG_MAP, POD, Json, request

OTHER = {**CONFIG_MAP, "kind": "Other"}
UNUSUAL: dict[str, Json] = {
    "an object of another kind": {"object": OTHER},
    "no object": {"object": None},
    "another operation": {"operation": "UPDATE", "old_object": CONFIG_MAP},
    "an old object": {"old_object": CONFIG_MAP},
    "a subresource": {"subresource": "status"},
    "another subresource was asked for": {"request_subresource": "status"},
    "sent as another kind": {"request_kind": GroupVersionKind("", "v2", "ConfigMap")},
    "no namespace": {"namespace": ""},
}


@pytest.mark.parametrize("fields", UNUSUAL.values(), ids=UNUSUAL)
def test_they_do_not_hold_for_what_is_unusual(fields: dict[str, Any]) -> None:
    asked = request(CONFIG_MAP)
    premises = Premises.of(asked)
    assert premises.hold(asked, asked.object)
    other = replace(asked, **fields)
    assert not premises.hold(other, other.object)


def test_they_hold_for_the_object_as_it_is_now() -> None:
    asked = request(CONFIG_MAP)
    assert not Premises.of(asked).hold(asked, OTHER)


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE"])
@pytest.mark.parametrize("fields", [{}, {"subresource": "status"}, {"namespace": ""}], ids=str)
def test_what_is_known_is_what_expressions_find(operation: str, fields: dict[str, Any]) -> None:
    asked = request(
        POD,
        operation=operation,
        object=None if operation == "DELETE" else POD,
        old_object=None if operation == "CREATE" else POD,
        **fields,
    )
    premises = Premises.of(asked)
    assert premises.hold(asked, asked.object)
    names: dict[str, Any] = {
        "request": describe(asked, Match(asked.kind, asked.resource)),
        "object": asked.object,
        "oldObject": asked.old_object,
        "params": None,
    }
    for path, value in premises.known.items():
        found: Any = names
        for step in path:
            found = found.get(step, NOTHING)
        assert found is value or found == value, path


def test_whether_there_is_an_old_object_is_known() -> None:
    asked = request(CONFIG_MAP)
    assert Premises.of(asked).known["oldObject",] is None
    assert ("object",) not in Premises.of(asked).known
