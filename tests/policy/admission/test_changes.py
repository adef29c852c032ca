"""What people are told of a mutation, and what goes on into kubectl."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.changes import Change, changes, graft


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Change("a", 1, 2)]),
        ({"a": 1}, {}, [Change("a", 1, ABSENT)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, [Change("a.b", 1, ABSENT)]),
        ({}, {"spec": {"x": {"y": 1}}}, [Change("spec.x.y", ABSENT, 1)]),
        ({}, {"a": {}}, [Change("a", ABSENT, {})]),
        ({"a": None}, {"a": {"b": 1}}, [Change("a", None, {"b": 1})]),
        ({"l": [1, 2]}, {"l": [1, 3, 4]}, [Change("l[1]", 2, 3), Change("l[2]", ABSENT, 4)]),
        ({"l": [1, 2]}, {"l": [1]}, [Change("l", [1, 2], [1])]),
        ({"l": {}}, {"l": {"example.com/x": "y"}}, [Change("l[example.com/x]", ABSENT, "y")]),
    ],
)
def test_every_leaf_that_differs_is_named(before: Any, after: Any, expected: list[Change]) -> None:
    assert changes(before, after) == expected


AUTHOR = {"kind": "Pod", "spec": {"containers": [{"name": "c"}]}}
DEFAULTED = {
    "kind": "Pod",
    "spec": {"containers": [{"name": "c", "pull": "Always"}], "restart": "Always"},
    "status": {},
}


@pytest.mark.parametrize(
    ("mutated", "expected"),
    [
        (DEFAULTED, AUTHOR),
        (
            {**DEFAULTED, "spec": {**DEFAULTED["spec"], "class": "kata"}},  # type: ignore[dict-item]
            {"kind": "Pod", "spec": {"containers": [{"name": "c"}], "class": "kata"}},
        ),
        (
            {**DEFAULTED, "spec": {"containers": [{"name": "c", "pull": "Never"}], "restart": "Always"}},
            {"kind": "Pod", "spec": {"containers": [{"name": "c", "pull": "Never"}]}},
        ),
        (
            {**DEFAULTED, "spec": {"containers": [{"name": "c", "pull": "Always"}, {"name": "d"}]}},
            {"kind": "Pod", "spec": {"containers": [{"name": "c"}, {"name": "d"}]}},
        ),
        ({"kind": "Pod", "status": {}}, {"kind": "Pod"}),
        ({**DEFAULTED, "labels": {"a": "b"}}, {**AUTHOR, "labels": {"a": "b"}}),
    ],
)
def test_the_authors_object_gets_the_policies_changes_and_no_defaults(mutated: Any, expected: Any) -> None:
    assert graft(AUTHOR, DEFAULTED, mutated) == expected


def test_what_the_api_server_drops_stays_the_authors() -> None:
    author = {"spec": {"a": 1, "unknown": 2}}
    assert graft(author, {"spec": {"a": 1}}, {"spec": {"a": 2}}) == {"spec": {"a": 2, "unknown": 2}}


def template(labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": []}}


def test_of_what_an_author_did_not_write_only_the_changes_are_given_back() -> None:
    generated = {"controller-uid": "0000", "job-name": "j"}
    author = {"kind": "Job", "spec": {"template": {"spec": {"containers": []}}}}
    defaulted = {"kind": "Job", "spec": {"template": template(generated)}}
    mutated = {"kind": "Job", "spec": {"template": template({**generated, "team": "foo"})}}
    assert graft(author, defaulted, mutated)["spec"]["template"]["metadata"] == {"labels": {"team": "foo"}}


AUTHORS = {"app": "x"}
STAMPED = {"app": "x", "team": "foo"}


@pytest.mark.parametrize("given", [{}, {"selector": {"app": "x"}}])
def test_a_selector_that_is_taken_from_labels_stays_what_it_was_before_these_changed(
    given: dict[str, Any],
) -> None:
    kind = {"kind": "ReplicationController"}
    author = {**kind, "spec": {"template": template(AUTHORS), **given}}
    made = {**kind, "metadata": {"labels": AUTHORS}}
    defaulted = {**made, "spec": {"template": template(AUTHORS), "selector": AUTHORS}}
    mutated = {**made, "spec": {"template": template(STAMPED), "selector": AUTHORS}}
    assert graft(author, defaulted, mutated) == mutated
    assert graft(author, defaulted, defaulted) == author


NODE_PORTS = [
    {"port": 80, "protocol": "TCP", "nodePort": 32769},
    {"port": 81, "protocol": "TCP", "name": "b", "nodePort": 32770},
]
PORTS = [{"port": 80}, {"port": 81, "name": "b"}]
MORE = {"port": 82, "name": "c"}


@pytest.mark.parametrize(
    ("mutated", "expected"),
    [
        ([*NODE_PORTS, MORE], [*PORTS, MORE]),
        ([MORE, *NODE_PORTS], [MORE, *PORTS]),
        (NODE_PORTS[1:], PORTS[1:]),
        ([{**NODE_PORTS[0], "name": "a"}, NODE_PORTS[1], MORE], [{"port": 80, "name": "a"}, PORTS[1], MORE]),
        ([{**NODE_PORTS[1], "port": 90}], [{"port": 90, "name": "b"}]),
        ([], []),
    ],
)
def test_what_only_a_cluster_can_know_is_not_given_back_with_a_list_that_policies_made_longer(
    mutated: list[Any], expected: list[Any]
) -> None:
    author, defaulted, changed = ({"spec": {"ports": each}} for each in (PORTS, NODE_PORTS, mutated))
    assert graft(author, defaulted, changed)["spec"]["ports"] == expected


def test_what_the_api_server_puts_behind_an_authors_items_is_left_to_it() -> None:
    own, made, more = {"key": "a"}, {"key": "not-ready"}, {"key": "b"}
    author, defaulted, mutated = ({"tolerations": each} for each in ([own], [own, made], [own, made, more]))
    assert graft(author, defaulted, mutated) == {"tolerations": [own, more]}
