from __future__ import annotations

from gatekeeper_py.billing.reports.statement import report, summary
from tests.billing.samples import billed, node, objects, pod, thirty


def test_people_read_who_pays_what_and_what_is_idle() -> None:
    told = report(billed(objects(thirty())), ["tenant"])
    lines = [line.split() for line in told.splitlines()]
    assert ["bar", "8", "8.9", "8.25", "0.8", "0.5", "890", "825", "35.01"] in lines
    assert ["n1", "big", "2.65", "19.875", "19.05"] in lines
    assert ["baz", "big", "50.00", "2", "80.00", "35.39"] in lines
    assert told.endswith("30 pods, 142.59 EUR for 100 hours, 166.01 EUR with idle nodes\n")


def test_what_waits_and_what_is_not_billed_is_said() -> None:
    waits = pod({"name": "foo/waits", "containers": [{}]}, {})
    lost = pod({"name": "foo/lost", "node": "gone", "containers": [{}]}, {})
    bill = billed([node("n1"), waits, lost])
    told = "0 pods, 0.00 EUR for 100 hours, 40.00 EUR with idle nodes, 1 pods wait for a node and cost nothing yet"
    assert summary(bill) == f"{told}, 1 not billed"
    assert "Not billed:\n  bill: pod foo/lost: its node 'gone' is unknown" in report(bill, ["tenant"])
