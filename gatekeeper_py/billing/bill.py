"""The bill: what every pod costs, and what of the nodes nobody uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from gatekeeper_py.billing.period import HOUR, Period
from gatekeeper_py.billing.pods import Node, PaidPod
from gatekeeper_py.billing.prices import NO_CLASS, NodePrice, PriceSheet, TooLarge
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.requests import Resources

__all__ = ["Bill", "Charge", "Idle", "Unit", "make_bill"]

Unit = Literal["vCPU", "GiB"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What one pod costs for its processors, or for its memory."""

    pod: PaidPod
    price: str
    """The name of the price on the sheet."""
    unit: Unit
    asked: Fraction
    """Unit-hours that it asks for."""
    paid: Fraction
    """Unit-hours that are paid, after the provider's rounding."""
    hourly: Fraction
    """The price of a unit-hour."""

    @property
    def cost(self) -> Fraction:
        """What it comes to, exactly."""
        return self.paid * self.hourly


@dataclass(frozen=True, slots=True)
class Idle:
    """What of a node no pod asks for."""

    node: str
    price: str
    unused: Resources
    """Of its capacity, what nobody asks for."""
    cost: Fraction
    hours: Fraction


@dataclass(frozen=True, slots=True)
class Bill:
    """All charges of a period."""

    sheet: PriceSheet
    period: Period
    charges: tuple[Charge, ...]
    idle: tuple[Idle, ...]
    waiting: tuple[PaidPod, ...]
    """Pods that have no node yet, where only nodes have a price: they cost nothing so far."""
    problems: tuple[Problem, ...]
    """What could not be billed: the bill is too low by that."""

    @property
    def pods(self) -> tuple[PaidPod, ...]:
        """Those that are charged for, each once."""
        return tuple({charge.pod.key: charge.pod for charge in self.charges}.values())

    @property
    def lacks(self) -> str:
        """What nobody can know to be missing; empty where the bill is about what runs now."""
        return "" if self.period.throughout else GONE

    @property
    def charged(self) -> Fraction:
        """What all pods cost."""
        return sum((charge.cost for charge in self.charges), Fraction(0))

    @property
    def total(self) -> Fraction:
        """What is to be paid: for pods, and for what of the nodes is idle."""
        return self.charged + sum((each.cost for each in self.idle), Fraction(0))


GONE = "pods that were deleted are not in it"


def make_bill(
    pods: Sequence[PaidPod],
    nodes: Iterable[Node],
    sheet: PriceSheet,
    period: Period,
    problems: Iterable[Problem] = (),
) -> Bill:
    """Prices every pod; what has no price is a problem, never free."""
    return _Biller(sheet, period, {node.name: node for node in nodes}).bill(pods, tuple(problems))


@dataclass(frozen=True, slots=True)
class _Biller:
    sheet: PriceSheet
    period: Period
    nodes: Mapping[str, Node]

    def bill(self, pods: Sequence[PaidPod], problems: tuple[Problem, ...]) -> Bill:
        charges: list[Charge] = []
        waiting: list[PaidPod] = []
        unpriced: list[Problem] = []
        for pod in pods:
            try:
                charges += self._charges(pod)
            except _Waits:
                waiting.append(pod)
            except (TooLarge, _NoPrice) as error:
                unpriced.append(Problem("bill", 0, 0, f"pod {pod.key}: {error}"))
        idle = tuple(self._idle(charges))
        return Bill(self.sheet, self.period, tuple(charges), idle, tuple(waiting), (*problems, *unpriced))

    def _charges(self, pod: PaidPod) -> Iterator[Charge]:
        node = self.nodes.get(pod.node)
        price = self.sheet.of_pod(pod.runtime_class, node.labels if node else {})
        if price is not None:
            size, seconds = price.size(pod.requests), price.seconds(pod.seconds, begun=pod.begun)
            return _both(pod, price.name, size, seconds, price.vcpu_second, price.gib_second)
        share, capacity = self._share(pod, node)
        return _both(pod, share.name, pod.requests, pod.seconds, *share.shares(capacity))

    def _share(self, pod: PaidPod, node: Node | None) -> tuple[NodePrice, Resources]:
        if node is not None and node.profile:
            told = f"no price for pods on virtual nodes ({node.profile})"
            raise _NoPrice(f"{told}; add one with their labels as nodeSelector to the sheet's pods")
        if not self.sheet.nodes:
            raise _NoPrice(f"no price for {_class_named(pod.runtime_class)}; add one to the sheet's pods")
        if not pod.node:
            raise _Waits
        if node is None:
            raise _NoPrice(f"its node {pod.node!r} is unknown, and so is what it costs; give the Node")
        price = self.sheet.of_node(node.labels)
        if price is None:
            raise _NoPrice(f"no price for its node {pod.node!r}; add one to the sheet's nodes")
        if not (node.capacity.cpu and node.capacity.memory):
            raise _NoPrice(f"its node {pod.node!r} does not say how large it is (status.capacity)")
        return price, node.capacity

    def _idle(self, charges: Iterable[Charge]) -> Iterator[Idle]:
        """What is left of the price of every node that has one, after its pods' shares."""
        spent: defaultdict[str, dict[Unit, Fraction]] = defaultdict(
            lambda: {"vCPU": Fraction(0), "GiB": Fraction(0)}
        )
        for charge in charges:
            if self._is_share(charge):
                spent[charge.pod.node][charge.unit] += charge.paid
        for node in self.nodes.values():
            price = self.sheet.of_node(node.labels)
            if price is not None and not node.profile and node.capacity.cpu and node.capacity.memory:
                yield self._unused(node, price, spent[node.name])

    def _is_share(self, charge: Charge) -> bool:
        node = self.nodes.get(charge.pod.node)
        return node is not None and self.sheet.of_pod(charge.pod.runtime_class, node.labels) is None

    def _unused(self, node: Node, price: NodePrice, spent: Mapping[Unit, Fraction]) -> Idle:
        vcpu, gib = price.shares(node.capacity)
        hours = self.period.hours
        paid = (spent["vCPU"] * vcpu + spent["GiB"] * gib) * HOUR
        used = Resources(spent["vCPU"] / hours, spent["GiB"] * 2**30 / hours)
        return Idle(
            node.name, price.name, node.capacity - used, price.second * self.period.seconds - paid, hours
        )


class _Waits(Exception):
    """The pod has no node yet."""


class _NoPrice(Exception):
    """Nothing on the sheet is about the pod."""


def _class_named(runtime_class: str) -> str:
    return "pods without a runtime class" if runtime_class == NO_CLASS else f"runtime class {runtime_class!r}"


def _both(
    pod: PaidPod, name: str, size: Resources, seconds: Fraction, vcpu: Fraction, gib: Fraction
) -> Iterator[Charge]:
    """The charge for processors and the charge for memory; prices are of a second."""
    ran, hours = pod.seconds / HOUR, seconds / HOUR
    yield Charge(pod, name, "vCPU", pod.requests.cpu * ran, size.cpu * hours, vcpu * HOUR)
    yield Charge(pod, name, "GiB", pod.requests.gib * ran, size.gib * hours, gib * HOUR)
