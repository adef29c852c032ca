from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import yaml

from gatekeeper_py.billing.prices import VCPU_TO_GIB, NodePrice, PriceSheet, price_sheet
from gatekeeper_py.manifests.manifest import ManifestError, read_text
from gatekeeper_py.objects.requests import Resources
from tests.billing.samples import PRICES, sheet

Json = dict[str, Any]


def sheet_of(**spec: object) -> PriceSheet:
    document = {
        "apiVersion": "billing.gatekeeper-py.dev/v1alpha1",
        "kind": "PriceSheet",
        "metadata": {"name": "test"},
        "spec": {"currency": "EUR", **spec},
    }
    return price_sheet(read_text(yaml.safe_dump(document), "prices.yaml"))


POD = {"name": "p", "runtimeClasses": ["kata"], "vcpu": "1", "gib": "1"}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "spec has no price. Give pods or nodes"),
        ({"pods": [POD | {"vcpu": "-1"}]}, "spec.pods[0].vcpu is '-1', which does not match"),
        ({"pods": [POD | {"vcpu": 1.5}]}, "spec.pods[0].vcpu must be a string, not 1.5"),
        ({"pods": [POD | {"vpcu": "1"}]}, "spec.pods[0].vpcu is unknown. Did you mean vcpu?"),
        (
            {"pods": [{"name": "p", "runtimeClasses": ["kata"], "vcpu": "1"}]},
            "spec.pods[0] lacks gib. Add it",
        ),
        ({"pods": [POD | {"per": "month"}]}, "spec.pods[0].per is 'month'. It must be one of second, hour"),
        ({"nodes": [{"name": "node"}]}, "spec.nodes[0] lacks price. Add it"),
        (
            {"nodes": [{"name": "node", "price": "1", "capacity": {"cpu": "0", "memory": "1Gi"}}]},
            "spec.nodes[0].capacity is nothing. Give cpu and memory",
        ),
        ({"currency": "euro", "pods": [POD]}, "spec.currency is 'euro', which does not match"),
    ],
)
def test_a_sheet_that_is_wrong_is_refused_with_place_and_remedy(spec: Json, told: str) -> None:
    with pytest.raises(ManifestError) as refused:
        sheet_of(**spec)
    assert told in str(refused.value)
    assert str(refused.value).startswith("prices.yaml:")


def test_a_bill_has_one_sheet() -> None:
    text = PRICES.read_text(encoding="utf-8")
    with pytest.raises(ManifestError, match="is a second document; a bill has one price sheet"):
        price_sheet(read_text(f"{text}\n---\n{text}", "prices.yaml"))
    with pytest.raises(ManifestError, match=r"must be a PriceSheet of billing.gatekeeper-py.dev/v1alpha1"):
        price_sheet(read_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "prices.yaml"))


def test_the_first_price_that_fits_holds() -> None:
    prices = [
        POD | {"name": "virtual", "nodeSelector": {"type": "virtual"}},
        POD | {"name": "any", "runtimeClasses": ["*"]},
    ]
    found = sheet_of(pods=prices)
    assert [
        price.name for price in (found.of_pod("kata", {"type": "virtual"}), found.of_pod("", {})) if price
    ] == [
        "virtual",
        "any",
    ]
    assert sheet().of_pod("", {}) is None
    assert sheet().of_pod("kata", {}) is None


def test_time_is_rounded_up_and_paid_at_least() -> None:
    (price,) = sheet_of(pods=[POD | {"roundSeconds": 10, "minimumSeconds": 60}]).pods
    paid = {ran: price.seconds(Fraction(ran), begun=True) for ran in (0, 1, 60, 61, 70)}
    assert paid == {0: 0, 1: 60, 60: 60, 61: 70, 70: 70}
    assert price.seconds(Fraction(1), begun=False) == 10


def test_shares_of_a_node_are_those_of_opencost() -> None:
    """The price of a GiB is the node's over its GiB and its vCPU in GiB; m5.xlarge at 0.192 an hour."""
    price = NodePrice("m5.xlarge", {}, Fraction("0.192"), None)
    capacity = Resources(Fraction(4), Fraction(16 * 2**30))
    vcpu, gib = price.shares(capacity)
    assert float(gib) == pytest.approx(0.192 / (16 + 4 * 0.031611 / 0.004237))
    assert vcpu / gib == VCPU_TO_GIB
    assert 4 * vcpu + 16 * gib == Fraction("0.192")
