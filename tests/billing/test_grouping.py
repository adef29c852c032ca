from __future__ import annotations

from fractions import Fraction

from gatekeeper_py.billing.figures import money
from gatekeeper_py.billing.grouping import by
from tests.billing.samples import billed, objects, thirty


def test_the_dearest_stands_first_and_several_keys_go_together() -> None:
    bill = billed(objects(thirty()))
    found = [(group.names, group.pods, money(group.cost)) for group in by(bill, ["class", "tenant"])]
    assert found == [
        (("fargate", "foo"), 12, "51.00"),
        (("kata", "baz"), 6, "50.00"),
        (("gvisor", "bar"), 8, "35.01"),
        (("(none)", "platform"), 4, "6.58"),
    ]


def test_virtual_nodes_are_a_class_of_their_own_and_cost_nothing_by_themselves() -> None:
    existing = objects(thirty())
    found = {each["metadata"]["name"]: each for each in existing if each["kind"] in ("Node", "Pod")}
    found["n1"]["metadata"]["labels"] = {"type": "virtual-kubelet", "size": "big"}
    found["nothing"]["spec"]["nodeName"] = "n1"
    bill = billed(existing)
    groups = {group.names[0]: group.pods for group in by(bill, ["class"])}
    assert groups["virtual node virtual-kubelet"] == 1
    assert {idle.node for idle in bill.idle} == {"n2"}
    told = "no price for pods on virtual nodes (virtual-kubelet); add one with their labels as nodeSelector"
    assert any(told in str(problem) for problem in bill.problems)


def test_by_label_node_and_namespace() -> None:
    bill = billed(objects(thirty()))
    assert {group.names[0] for group in by(bill, ["label:team"])} == {
        "team-foo",
        "team-bar",
        "team-baz",
        "team-kube-system",
    }
    assert [group.names for group in by(bill, ["label:other"])] == [("(none)",)]
    assert {group.names[0] for group in by(bill, ["node"])} == {"(none)", "n1", "n2"}
    assert {group.names[0] for group in by(bill, ["namespace"])} == {"foo", "bar", "baz", "kube-system"}


def test_a_group_says_what_of_it_is_overhead() -> None:
    (bar,) = [group for group in by(billed(objects(thirty())), ["tenant"]) if group.names == ("bar",)]
    assert (bar.overhead.cpu, bar.overhead.gib) == (Fraction("0.8"), Fraction("0.5"))
    assert bar.vcpu_hours == 100 * bar.requests.cpu
