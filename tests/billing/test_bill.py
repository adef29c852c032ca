from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

import pytest

from gatekeeper_py.billing.figures import money
from gatekeeper_py.billing.grouping import by
from gatekeeper_py.billing.period import Period
from tests.billing.samples import (
    HUNDRED_HOURS,
    START,
    Json,
    billed,
    node,
    objects,
    pod,
    runtime_class,
    thirty,
)


def test_thirty_pods_cost_what_was_reckoned_by_hand() -> None:
    table = thirty()
    bill = billed(objects(table))
    costs: defaultdict[str, Fraction] = defaultdict(Fraction)
    for charge in bill.charges:
        costs[charge.pod.key] += charge.cost
    assert len(table["pods"]) == 30
    assert {name: money(cost) for name, cost in costs.items()} == {
        row["name"]: row["cost"] for row in table["pods"]
    }
    assert {group.names[0]: money(group.cost) for group in by(bill, ["tenant"])} == table["tenants"]
    assert {each.node: money(each.cost) for each in bill.idle} == table["idle"]
    assert (money(bill.charged), money(bill.total)) == (table["charged"], table["total"])
    assert bill.problems == ()


def test_shares_and_idle_rests_make_the_price_of_the_nodes() -> None:
    bill = billed(objects(thirty()))
    shares = sum(charge.cost for charge in bill.charges if charge.price == "big")
    assert shares + sum(each.cost for each in bill.idle) == 80


def test_what_of_a_node_is_unused_is_told() -> None:
    bill = billed(objects(thirty()))
    unused = {each.node: (each.unused.cpu, each.unused.gib) for each in bill.idle}
    assert unused == {"n1": (Fraction("2.65"), Fraction("19.875")), "n2": (0, 7)}


def row(**fields: object) -> Json:
    return {"name": "foo/web", "containers": [{"cpu": "1", "memory": "1Gi"}], **fields}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"class": "other"}, "pod foo/web: its runtime class 'other' is unknown, and so is its overhead"),
        ({"node": "gone"}, "pod foo/web: its node 'gone' is unknown, and so is what it costs; give the Node"),
        ({"node": "small"}, "pod foo/web: no price for its node 'small'; add one to the sheet's nodes"),
        ({"node": "mute"}, "pod foo/web: its node 'mute' does not say how large it is (status.capacity)"),
        (
            {"class": "fargate", "containers": [{"cpu": "3", "memory": "1Gi"}]},
            "pod foo/web: it is larger than every size of fargate",
        ),
        (
            {"node": "n1", "containers": [{"cpu": "much"}]},
            "pod foo/web: container 'c0': cpu is 'much', which is no quantity",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
def test_what_cannot_be_billed_is_never_free(fields: Json, told: str) -> None:
    classes: Json = {"fargate": {}, "other": {}}
    small = {**node("small"), "metadata": {"name": "small"}}
    cluster = [runtime_class("fargate", {}), node("n1"), small, node("mute", "0", "0")]
    bill = billed([*cluster, pod(row(**fields), classes)])
    (problem,) = bill.problems
    assert str(problem).partition(": ")[2] == told
    assert bill.charges == ()


def test_a_pod_that_waits_for_a_node_costs_nothing_yet_and_is_named() -> None:
    bill = billed([node("n1"), pod(row(), {})])
    assert [each.key for each in bill.waiting] == ["foo/web"]
    assert bill.charges == ()
    assert bill.problems == ()


def test_a_pod_is_paid_for_as_long_as_it_ran_rounded_and_for_the_least() -> None:
    """Fargate's minute: one that ran 30 s pays 60 s; one that ran before the period pays what it ran in it."""
    short = pod(row(**{"class": "fargate", "containers": [{}]}), {"fargate": {}})
    ended = {"terminated": {"finishedAt": "2026-11-01T00:00:30Z"}}
    short["status"] = {
        "phase": "Succeeded",
        "startTime": "2026-11-01T00:00:00Z",
        "containerStatuses": [{"name": "c0", "state": ended}],
    }
    day = Period(START, START + timedelta(hours=24), throughout=False)
    (cpu, _) = billed([runtime_class("fargate", {}), short], day).charges
    assert cpu.asked == 0
    assert cpu.paid * 3600 == Fraction("0.25") * 60
    short["status"]["startTime"] = "2026-10-31T23:00:00Z"
    (cpu, _) = billed([runtime_class("fargate", {}), short], day).charges
    assert cpu.paid * 3600 == Fraction("0.25") * 30


def test_a_pod_that_ended_runs_no_more() -> None:
    ended = pod(row(node="n1"), {})
    ended["status"]["phase"] = "Succeeded"
    assert billed([node("n1"), ended], HUNDRED_HOURS).pods == ()
