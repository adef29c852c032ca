"""A machine for each pod beside nodes for each tenant: what isolation costs either way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gatekeeper_py.billing.bill import Bill
from gatekeeper_py.billing.pods import PaidPod
from gatekeeper_py.billing.prices import NodePrice
from gatekeeper_py.objects.requests import NOTHING, Resources

__all__ = ["OwnNodes", "compare"]


@dataclass(frozen=True, slots=True)
class OwnNodes:
    """What one tenant's pods cost as billed, and on nodes that nobody else is on."""

    tenant: str
    billed: Fraction
    price: str
    """The name of the node's price."""
    nodes: int
    cost: Fraction
    idle: Resources
    """Of those nodes, what no pod asks for."""
    idle_cost: Fraction
    """What of the cost that is."""


def compare(bill: Bill) -> Sequence[OwnNodes]:
    """Each tenant by name, on the cheapest nodes; without those that fit on none whose capacity is stated."""
    tenants = sorted({pod.tenant for pod in bill.pods})
    return [found for tenant in tenants if (found := _own_nodes(bill, tenant)) is not None]


def _own_nodes(bill: Bill, tenant: str) -> OwnNodes | None:
    pods = [pod for pod in bill.pods if pod.tenant == tenant]
    billed = sum((charge.cost for charge in bill.charges if charge.pod.tenant == tenant), Fraction(0))
    priced = (_on_nodes(tenant, billed, pods, price, bill.period.seconds) for price in bill.sheet.nodes)
    return min((found for found in priced if found is not None), key=lambda each: each.cost, default=None)


def _on_nodes(
    tenant: str, billed: Fraction, pods: Sequence[PaidPod], price: NodePrice, seconds: Fraction
) -> OwnNodes | None:
    """On nodes of one kind, for the whole period; None where a pod is larger than a node.

    Without the overhead of runtime classes: where the node isolates, no machine of the pod's own has to.
    """
    if price.capacity is None:
        return None
    asked = [pod.requests - pod.overhead for pod in pods]
    count = _packed(asked, price.capacity)
    if count is None:
        return None
    used = sum(asked, NOTHING)
    vcpu, gib = price.shares(price.capacity)
    cost = count * price.second * seconds
    spent = (used.cpu * vcpu + used.gib * gib) * seconds
    whole = Resources(price.capacity.cpu * count, price.capacity.memory * count)
    return OwnNodes(tenant, billed, price.name, count, cost, whole - used, cost - spent)


def _packed(asked: Iterable[Resources], capacity: Resources) -> int | None:
    """How many nodes hold them all, by first fit, the largest first: as a scheduler may do it, or better."""

    def share(each: Resources) -> Fraction:
        return max(each.cpu / capacity.cpu, each.memory / capacity.memory)

    rooms: list[Resources] = []
    for each in sorted(asked, key=share, reverse=True):
        if not each.fits(capacity):
            return None
        index = next((number for number, room in enumerate(rooms) if each.fits(room)), None)
        if index is None:
            rooms.append(capacity - each)
        else:
            rooms[index] -= each
    return len(rooms)
