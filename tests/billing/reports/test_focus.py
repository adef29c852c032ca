from __future__ import annotations

import csv
import io
from fractions import Fraction

from gatekeeper_py.billing.figures import money
from gatekeeper_py.billing.reports.focus import COLUMNS, report
from tests.billing.samples import billed, node, objects, pod, runtime_class, thirty

REQUIRED = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
"""What FOCUS 1.2 calls mandatory."""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_mandatory_column_is_there_and_what_is_ours_says_so() -> None:
    assert set(COLUMNS) >= REQUIRED
    assert [name for name in COLUMNS if not name[0].isupper()] == [
        "x_Namespace",
        "x_Node",
        "x_OverheadQuantity",
        "x_RuntimeClass",
        "x_VirtualNode",
    ]


def test_a_row_a_pod_and_resource_and_one_a_node_make_the_total() -> None:
    table = thirty()
    found = rows(report(billed(objects(table)), ["tenant"]))
    assert len(found) == 2 * 30 + 2
    assert money(sum((Fraction(row["BilledCost"]) for row in found), Fraction(0))) == table["total"]


def test_a_row_says_what_is_asked_and_what_is_paid() -> None:
    found = rows(report(billed(objects(thirty())), ["tenant"]))
    (cpu, memory) = [row for row in found if row["ResourceId"] == "foo/two"]
    assert (cpu["ConsumedQuantity"], cpu["PricingQuantity"], cpu["PricingUnit"]) == ("50", "50", "vCPU-Hours")
    assert (memory["ConsumedQuantity"], memory["PricingQuantity"]) == ("100", "200")
    assert (memory["ListUnitPrice"], memory["BilledCost"], memory["BillingCurrency"]) == ("0.005", "1", "EUR")
    assert (memory["SubAccountId"], memory["SkuPriceId"], memory["Tags"]) == (
        "foo",
        "fargate/GiB",
        '{"team":"team-foo"}',
    )
    assert (memory["BillingPeriodStart"], memory["BillingPeriodEnd"]) == (
        "2026-11-01T00:00:00Z",
        "2026-11-05T04:00:00Z",
    )
    (cpu, _) = [row for row in found if row["ResourceId"] == "bar/one"]
    assert (cpu["ConsumedQuantity"], cpu["x_OverheadQuantity"], cpu["x_RuntimeClass"]) == (
        "110",
        "10",
        "gvisor",
    )
    (idle,) = [row for row in found if row["ResourceId"] == "n2"]
    assert (idle["SubAccountId"], idle["BilledCost"]) == ("(idle)", "4.375")


def test_what_a_spreadsheet_would_compute_is_text() -> None:
    hostile = pod({"name": "foo/web", "class": "=HYPERLINK(1)", "containers": [{}]}, {"=HYPERLINK(1)": {}})
    hostile["spec"]["nodeName"] = "n1"
    bill = billed([runtime_class("=HYPERLINK(1)", {}), node("n1"), hostile])
    assert rows(report(bill, []))[0]["x_RuntimeClass"] == "'=HYPERLINK(1)"
