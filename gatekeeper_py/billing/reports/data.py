"""The bill as JSON: amounts are decimals in strings, so that no reader rounds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gatekeeper_py.billing.bill import Bill
from gatekeeper_py.billing.comparison import OwnNodes, compare
from gatekeeper_py.billing.figures import amount, money
from gatekeeper_py.billing.grouping import Group, by
from gatekeeper_py.billing.pods import PaidPod
from gatekeeper_py.objects.requests import Resources

__all__ = ["report"]


def report(bill: Bill, keys: Sequence[str]) -> str:
    """One document."""
    document = {
        "currency": bill.sheet.currency,
        "period": {
            "start": bill.period.start.isoformat(),
            "end": bill.period.end.isoformat(),
            "hours": amount(bill.period.hours),
            "throughout": bill.period.throughout,
        },
        "total": money(bill.total),
        "charged": money(bill.charged),
        "groups": [_group(group, keys) for group in by(bill, keys)],
        "pods": [_pod(bill, pod) for pod in bill.pods],
        "idle": [
            {"node": each.node, "price": each.price, **_sizes(each.unused), "cost": amount(each.cost)}
            for each in bill.idle
        ],
        "ownNodes": [_own_nodes(each) for each in compare(bill)],
        "waiting": [pod.key for pod in bill.waiting],
        "problems": [str(problem) for problem in bill.problems],
        **({"lacks": bill.lacks} if bill.lacks else {}),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _group(group: Group, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "by": dict(zip(keys, group.names, strict=True)),
        "pods": group.pods,
        **_sizes(group.requests),
        "overhead": _sizes(group.overhead),
        "vcpuHours": amount(group.vcpu_hours),
        "gibHours": amount(group.gib_hours),
        "cost": amount(group.cost),
    }


def _pod(bill: Bill, pod: PaidPod) -> dict[str, Any]:
    charges = [charge for charge in bill.charges if charge.pod is pod]
    return {
        "namespace": pod.namespace,
        "name": pod.name,
        "tenant": pod.tenant,
        "runtimeClass": pod.runtime_class,
        "node": pod.node,
        "virtualNode": pod.profile,
        **_sizes(pod.requests),
        "overhead": _sizes(pod.overhead),
        "seconds": amount(pod.seconds),
        "price": charges[0].price,
        "paid": {f"{charge.unit}-hours": amount(charge.paid) for charge in charges},
        "cost": amount(charges[0].cost + charges[1].cost),
    }


def _own_nodes(each: OwnNodes) -> dict[str, Any]:
    return {
        "tenant": each.tenant,
        "billed": amount(each.billed),
        "node": each.price,
        "nodes": each.nodes,
        "cost": amount(each.cost),
        "idle": {**_sizes(each.idle), "cost": amount(each.idle_cost)},
    }


def _sizes(resources: Resources) -> dict[str, str]:
    return {"vcpu": amount(resources.cpu), "gib": amount(resources.gib)}
