from __future__ import annotations

from fractions import Fraction

from gatekeeper_py.billing.comparison import compare
from gatekeeper_py.billing.figures import money
from tests.billing.samples import billed, node, objects, pod, runtime_class, thirty


def test_baz_needs_two_nodes_of_its_own_without_the_overhead_of_kata() -> None:
    """By hand: 3.75 and 2.75 and 0.75 and 0.75 vCPU fill the first of 8; 1.75 and 0.5 are left for another."""
    found = {each.tenant: each for each in compare(billed(objects(thirty())))}
    baz = found["baz"]
    assert (money(baz.billed), baz.price, baz.nodes, money(baz.cost)) == ("50.00", "big", 2, "80.00")
    assert (baz.idle.cpu, baz.idle.gib) == (Fraction("5.75"), Fraction("33.625"))
    assert money(baz.idle_cost) == "35.39"
    assert sorted(found) == ["bar", "baz", "foo", "platform"]


def test_a_tenant_whose_pod_is_larger_than_every_node_is_left_out() -> None:
    large = pod({"name": "foo/large", "class": "gvisor", "containers": [{"cpu": "9"}]}, {"gvisor": {}})
    small = pod({"name": "bar/small", "class": "gvisor", "containers": [{"cpu": "1"}]}, {"gvisor": {}})
    bill = billed([runtime_class("gvisor", {}), node("n1"), large, small])
    assert [each.tenant for each in compare(bill)] == ["bar"]
