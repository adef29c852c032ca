from __future__ import annotations

import orjson

from gatekeeper_py.billing.reports.data import report
from tests.billing.samples import billed, objects, thirty


def test_json_has_exact_decimals() -> None:
    found = orjson.loads(report(billed(objects(thirty())), ["tenant", "class"]))
    assert (found["currency"], found["charged"], found["total"]) == ("EUR", "142.59", "166.01")
    (bar,) = [group for group in found["groups"] if group["by"] == {"tenant": "bar", "class": "gvisor"}]
    assert (bar["pods"], bar["vcpu"], bar["overhead"]["gib"], bar["cost"]) == (8, "8.9", "0.5", "35.01")
    (pod,) = [pod for pod in found["pods"] if pod["name"] == "sidecar-then-init"]
    assert pod["paid"] == {"vCPU-hours": "200", "GiB-hours": "400"}
    assert (pod["vcpu"], pod["gib"], pod["price"], pod["cost"]) == ("1.25", "1.25", "fargate", "10")
    assert found["idle"][0]["cost"] == "19.046875"
    assert {each["tenant"]: each["nodes"] for each in found["ownNodes"]}["baz"] == 2
    assert found["problems"] == []
