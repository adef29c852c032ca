"""CSV in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification: a row a pod and resource.

The tenant is the sub-account. What FOCUS has no column for begins with x_, as it asks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import orjson

from gatekeeper_py.billing.bill import Bill, Charge, Idle
from gatekeeper_py.billing.figures import amount
from gatekeeper_py.policy.admission.text import printable

__all__ = ["COLUMNS", "report"]

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_Namespace",
    "x_Node",
    "x_OverheadQuantity",
    "x_RuntimeClass",
    "x_VirtualNode",
)
IDLE = "(idle)"
"""Stands for the tenant of what nobody uses."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet computes, at the beginning of a cell: labels may come from a hostile tenant."""


def report(bill: Bill, _keys: Sequence[str]) -> str:
    """A line of names, a line for each charge in the order of the pods, one for what of each node is idle."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(bill):
        writer.writerow([_cell(row.get(column, "")) for column in COLUMNS])
    return output.getvalue()


def _rows(bill: Bill) -> Iterator[Mapping[str, str]]:
    shared = _shared(bill)
    yield from (shared | _charge(charge) for charge in bill.charges)
    yield from (shared | _idle(idle) for idle in bill.idle)


def _shared(bill: Bill) -> dict[str, str]:
    """What every row says."""
    start, end = _time(bill.period.start), _time(bill.period.end)
    provider = bill.sheet.provider or "the platform"
    return {
        "BillingAccountId": "cluster",
        "BillingAccountName": "cluster",
        "BillingCurrency": bill.sheet.currency,
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), provider),
        "PricingCategory": "Standard",
        "RegionId": bill.sheet.region,
        "RegionName": bill.sheet.region,
        "ServiceCategory": "Compute",
        "ServiceName": "Kubernetes pods",
        "ServiceSubcategory": "Containers",
        "SubAccountType": "Tenant",
    }


def _charge(charge: Charge) -> dict[str, str]:
    pod = charge.pod
    overhead = pod.overhead.cpu if charge.unit == "vCPU" else pod.overhead.gib
    asked = pod.requests.cpu if charge.unit == "vCPU" else pod.requests.gib
    hours = charge.asked * overhead / asked if asked else asked
    return {
        **_costs(amount(charge.cost)),
        "ChargeDescription": f"{charge.unit}-hours of pod {pod.key} at {charge.price}",
        "ConsumedQuantity": amount(charge.asked),
        "ConsumedUnit": f"{charge.unit}-Hours",
        "ContractedUnitPrice": amount(charge.hourly),
        "ListUnitPrice": amount(charge.hourly),
        "PricingQuantity": amount(charge.paid),
        "PricingUnit": f"{charge.unit}-Hours",
        "ResourceId": pod.key,
        "ResourceName": pod.name,
        "ResourceType": "Pod",
        "SkuId": charge.price,
        "SkuPriceId": f"{charge.price}/{charge.unit}",
        "SubAccountId": pod.tenant,
        "SubAccountName": pod.tenant,
        "Tags": orjson.dumps(dict(sorted(pod.labels.items()))).decode(),
        "x_Namespace": pod.namespace,
        "x_Node": pod.node,
        "x_OverheadQuantity": amount(hours),
        "x_RuntimeClass": pod.runtime_class,
        "x_VirtualNode": pod.profile,
    }


def _idle(idle: Idle) -> dict[str, str]:
    return {
        **_costs(amount(idle.cost)),
        "ChargeDescription": f"what of node {idle.node} no pod asks for, at {idle.price}",
        "PricingCategory": "",
        "ResourceId": idle.node,
        "ResourceName": idle.node,
        "ResourceType": "Node",
        "SubAccountId": IDLE,
        "SubAccountName": IDLE,
        "Tags": "{}",
        "x_Node": idle.node,
    }


def _costs(cost: str) -> dict[str, str]:
    """There are no discounts: whatever FOCUS tells apart is one."""
    return dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost)


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cell(value: str) -> str:
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text[1:].replace(".", "", 1).isdigit()
