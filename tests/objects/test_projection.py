"""A projection keeps what it names, and whoever reads nothing else cannot tell the difference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.objects.projection import EACH, WHOLE, Projection, union

Json = dict[str, Any]

POD: Json = {
    "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": {"a": "b"}},
    "spec": {"volumes": [{"name": "data", "emptyDir": {}}, {"hostPath": {"path": "/"}}], "hostPID": True},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("projection", "kept"),
    [
        (Projection(), {}),
        (WHOLE, POD),
        (Projection.of("spec.hostPID"), {"spec": {"hostPID": True}}),
        (Projection.of("spec.hostIPC"), {"spec": {}}),
        (Projection.of("spec.volumes[].name"), {"spec": {"volumes": [{"name": "data"}, {}]}}),
        (Projection.of("spec.volumes[]"), {"spec": {"volumes": POD["spec"]["volumes"]}}),
        (Projection.at(("spec", "volumes"), Projection()), {"spec": {"volumes": []}}),
        (Projection.at(("spec", "volumes", EACH), Projection()), {"spec": {"volumes": [{}, {}]}}),
        (Projection.at(("metadata", "labels"), Projection()), {"metadata": {"labels": {}}}),
    ],
)
def test_what_is_named_is_kept_and_nothing_else(projection: Projection, kept: Json) -> None:
    assert projection.keep(POD) == kept


@pytest.mark.parametrize(
    ("projection", "value"),
    [
        (Projection.of("a[].b"), {"a": {"c": 1}}),
        (Projection.of("a.b"), {"a": [{"c": 1}]}),
        (Projection.of("a.b", "a[].c"), {"a": [{"d": 1}]}),
        (Projection.of("a.b"), {"a": "text"}),
        (Projection.of("a[].b"), {"a": None}),
    ],
)
def test_what_is_shaped_otherwise_is_kept_whole(projection: Projection, value: Json) -> None:
    assert projection.keep(value) == value


NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(st.sampled_from(["a", "b", "c", EACH]), max_size=4)
PROJECTIONS = st.lists(
    st.builds(Projection.at, STEPS, st.sampled_from([WHOLE, Projection()])), max_size=4
).map(union)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=12,
)


@given(PROJECTIONS, PROJECTIONS, VALUES)
def test_a_union_keeps_what_either_keeps(one: Projection, other: Projection, value: Any) -> None:
    both = union((one, other))
    assert both.covers(one)
    assert both.covers(other)
    assert one.keep(both.keep(value)) == one.keep(value)


@given(PROJECTIONS, PROJECTIONS)
def test_one_covers_another_when_it_adds_nothing(one: Projection, other: Projection) -> None:
    assert one.covers(other) is (union((one, other)) == one)


def read(value: Any, steps: list[str], seen: list[Any]) -> None:
    """What a reader meets on its way, who walks lists element by element and maps by their fields."""
    if not steps:
        seen.append(value)
    elif steps[0] == EACH:
        seen.append(len(value) if isinstance(value, list) else value)
        for item in value if isinstance(value, list) else ():
            read(item, steps[1:], seen)
    elif isinstance(value, dict):
        seen.append(steps[0] in value)
        if steps[0] in value:
            read(value[steps[0]], steps[1:], seen)
    else:
        seen.append(value)


@given(STEPS, PROJECTIONS, VALUES)
def test_no_reader_can_tell_the_difference(steps: list[str], others: Projection, value: Any) -> None:
    kept = union((Projection.at(steps, WHOLE), others)).keep(value)
    before: list[Any] = []
    after: list[Any] = []
    read(value, steps, before)
    read(kept, steps, after)
    assert after == before
