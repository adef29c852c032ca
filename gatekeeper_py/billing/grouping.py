"""The bill by tenant, class, namespace, node or label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gatekeeper_py.billing.bill import Bill, Charge
from gatekeeper_py.billing.pods import PaidPod
from gatekeeper_py.objects.requests import NOTHING, Resources

__all__ = ["KEYS", "LABEL", "Group", "by"]

LABEL = "label:"
"""Before the name of a label, in what a bill is grouped by."""
NONE = "(none)"
KEYS: dict[str, Callable[[PaidPod], str]] = {
    "tenant": lambda pod: pod.tenant,
    "class": lambda pod: f"virtual node {pod.profile}" if pod.profile else pod.runtime_class or NONE,
    "namespace": lambda pod: pod.namespace,
    "node": lambda pod: pod.node or NONE,
}


@dataclass(frozen=True, slots=True)
class Group:
    """What some pods cost together."""

    names: tuple[str, ...]
    pods: int
    requests: Resources
    overhead: Resources
    """Of the requests, what runtime classes take."""
    vcpu_hours: Fraction
    """That are paid."""
    gib_hours: Fraction
    cost: Fraction


def by(bill: Bill, keys: Sequence[str]) -> list[Group]:
    """The dearest first. A key is one of KEYS, or `label:NAME`."""
    charges: defaultdict[tuple[str, ...], list[Charge]] = defaultdict(list)
    for charge in bill.charges:
        charges[tuple(_value(charge.pod, key) for key in keys)].append(charge)
    groups = [_group(names, found) for names, found in charges.items()]
    return sorted(groups, key=lambda group: (-group.cost, group.names))


def _value(pod: PaidPod, key: str) -> str:
    if key.startswith(LABEL):
        return pod.labels.get(key.removeprefix(LABEL), NONE)
    return KEYS[key](pod)


def _group(names: tuple[str, ...], charges: Sequence[Charge]) -> Group:
    pods = {charge.pod.key: charge.pod for charge in charges}.values()

    def hours(unit: str) -> Fraction:
        return sum((charge.paid for charge in charges if charge.unit == unit), Fraction(0))

    return Group(
        names,
        len(pods),
        sum((pod.requests for pod in pods), NOTHING),
        sum((pod.overhead for pod in pods), NOTHING),
        hours("vCPU"),
        hours("GiB"),
        sum((charge.cost for charge in charges), Fraction(0)),
    )
