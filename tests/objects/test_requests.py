from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.objects.requests import Resources, UnreadableQuantity, overhead_of, requests_of
from tests.billing.samples import Json, pod

AMOUNTS = st.fixed_dictionaries(
    {"cpu": st.integers(0, 4000).map("{}m".format), "memory": st.integers(0, 4096).map("{}Mi".format)}
)
CONTAINERS = st.lists(AMOUNTS, min_size=1, max_size=4)
STARTING = st.lists(
    st.tuples(AMOUNTS, st.booleans()).map(lambda pair: {**pair[0], "sidecar": pair[1]}), max_size=4
)


def asked(**row: object) -> Resources:
    return requests_of(pod({"name": "foo/web", **row}, {}))


@given(CONTAINERS, STARTING)
def test_a_pod_asks_for_the_most_that_ever_runs_at_once(containers: list[Json], starting: list[Json]) -> None:
    """Said another way than the code: at every moment of the start, and when all runs."""
    moments = []
    beside: list[Json] = []
    for each in starting:
        moments.append([*beside, each])
        if each["sidecar"]:
            beside.append(each)
    moments.append([*beside, *containers])
    totals = [
        (sum(_milli(each) for each in moment), sum(_mebi(each) for each in moment)) for moment in moments
    ]
    expected = Resources(
        Fraction(max(cpu for cpu, _ in totals), 1000), Fraction(max(m for _, m in totals) * 2**20)
    )
    assert asked(containers=containers, initContainers=starting) == expected


def _milli(row: Json) -> int:
    return int(row["cpu"].removesuffix("m"))


def _mebi(row: Json) -> int:
    return int(row["memory"].removesuffix("Mi"))


@given(CONTAINERS, AMOUNTS)
def test_overhead_comes_on_top(containers: list[Json], overhead: Json) -> None:
    row = {"name": "foo/web", "containers": containers, "class": "kata", "overhead": overhead}
    with_overhead = pod(row, {"kata": {}})
    assert requests_of(with_overhead) == asked(containers=containers) + overhead_of(with_overhead)


def test_what_is_asked_for_the_whole_replaces_the_sum_of_what_it_names() -> None:
    containers = [{"cpu": "1", "memory": "1Gi"}]
    assert asked(containers=containers, whole={"memory": "2Gi"}) == Resources(Fraction(1), Fraction(2**31))


def test_a_resize_of_the_whole_counts_while_it_is_under_way() -> None:
    made = pod({"name": "foo/web", "containers": [{"cpu": "1"}], "whole": {"cpu": "2"}}, {})
    made["status"] |= {"resources": {"requests": {"cpu": "3"}}, "allocatedResources": {"cpu": "2"}}
    assert requests_of(made).cpu == 3


@pytest.mark.parametrize("amount", ["much", "-1", "1.2.3"])
def test_what_is_no_amount_is_said(amount: str) -> None:
    with pytest.raises(UnreadableQuantity, match=r"container 'c0': memory is .* which is no quantity"):
        asked(containers=[{"memory": amount}])
