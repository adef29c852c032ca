"""Price sheets: what a pod of its own machine costs by size and second, and what a node costs.

A `PriceSheet` is a document of ours, checked strictly: a price that is misspelt would be a pod for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from gatekeeper_py.golang import quantities
from gatekeeper_py.manifests.conformity import Fault, faults, problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import ManifestError, Problem
from gatekeeper_py.objects.requests import NOTHING, Resources
from gatekeeper_py.objects.schema import ANYTHING, OpenAPI, Schema, openapi_schema

__all__ = [
    "API_VERSION",
    "KIND",
    "NO_CLASS",
    "NodePrice",
    "PodPrice",
    "PriceSheet",
    "TooLarge",
    "price_sheet",
]

API_VERSION = "billing.gatekeeper-py.dev/v1alpha1"
KIND = "PriceSheet"
NO_CLASS = ""
"""The name of no runtime class: pods that the node's own runtime takes."""
EVERY_CLASS = "*"
VCPU_TO_GIB = Fraction("0.031611") / Fraction("0.004237")
"""What a vCPU costs beside a GiB where a node has one price for both: by its default prices for them
OpenCost divides a node's (opencost/configs/default.json)."""
SECONDS = {"second": Fraction(1), "hour": Fraction(3600)}


class TooLarge(ValueError):
    """A pod larger than every machine that a provider has."""


@dataclass(frozen=True, slots=True)
class PodPrice:
    """What a provider asks for a machine of a pod's own."""

    name: str
    runtime_classes: tuple[str, ...]
    node_selector: Mapping[str, str]
    vcpu_second: Fraction
    gib_second: Fraction
    added: Resources = NOTHING
    """What the provider adds to what the pod asks for."""
    step: Fraction = Fraction(1)
    """Seconds that time is rounded up to."""
    least: Fraction = Fraction(0)
    """Seconds that are paid at least."""
    sizes: tuple[Resources, ...] = ()
    """The machines there are, the cheapest first; any when empty."""

    def size(self, asked: Resources) -> Resources:
        """The machine that a pod gets; raises `TooLarge`."""
        needed = asked + self.added
        if not self.sizes:
            return needed
        found = next((size for size in self.sizes if needed.fits(size)), None)
        if found is None:
            raise TooLarge(f"it is larger than every size of {self.name}")
        return found

    def seconds(self, ran: Fraction, *, begun: bool) -> Fraction:
        """What is paid of the time that a pod ran; the least only where it began in the period."""
        if not ran:
            return ran
        rounded = -(-ran // self.step) * self.step
        return max(rounded, self.least) if begun else rounded


@dataclass(frozen=True, slots=True)
class NodePrice:
    """What a node costs, and how its price is divided among its pods."""

    name: str
    node_selector: Mapping[str, str]
    second: Fraction
    capacity: Resources | None
    """Of a node of this kind, where none is there to look at."""
    vcpu_to_gib: Fraction = VCPU_TO_GIB

    def shares(self, capacity: Resources) -> tuple[Fraction, Fraction]:
        """The price of a second of one vCPU and of one GiB of such a node: together they make the node's."""
        gib = self.second / (self.vcpu_to_gib * capacity.cpu + capacity.gib)
        return self.vcpu_to_gib * gib, gib


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """All prices; of several that fit, the first holds, and a pod's own before its node's."""

    currency: str
    provider: str
    region: str
    pods: tuple[PodPrice, ...]
    nodes: tuple[NodePrice, ...]

    def of_pod(self, runtime_class: str, node_labels: Mapping[str, str]) -> PodPrice | None:
        """The price of a machine for a pod of this class on a node with these labels."""
        for price in self.pods:
            named = runtime_class in price.runtime_classes or EVERY_CLASS in price.runtime_classes
            if named and price.node_selector.items() <= node_labels.items():
                return price
        return None

    def of_node(self, labels: Mapping[str, str]) -> NodePrice | None:
        """The price of a node with these labels."""
        return next((price for price in self.nodes if price.node_selector.items() <= labels.items()), None)


def price_sheet(documents: Iterable[Manifest]) -> PriceSheet:
    """The one sheet among some documents; raises `ManifestError` with everything that is wrong."""
    sheets = list(documents)
    problems = [problem for sheet in sheets for problem in _problems(sheet)]
    problems += [sheet.source.problem((), SECOND_SHEET) for sheet in sheets[1:]]
    if problems:
        raise ManifestError(problems)
    return _sheet(sheets[0].object["spec"])


SECOND_SHEET = "is a second document; a bill has one price sheet"


def _problems(document: Manifest) -> Iterator[Problem]:
    body = document.object
    if (body.get("apiVersion"), body.get("kind")) != (API_VERSION, KIND):
        yield document.source.problem(("kind",), f"must be a {KIND} of {API_VERSION}")
        return
    found = list(faults(dict(body), _schema())) or list(_meaning(body["spec"]))
    yield from (problem_of(fault, document.source) for fault in found)


def _meaning(spec: Mapping[str, Any]) -> Iterator[Fault]:
    if not spec.get("pods") and not spec.get("nodes"):
        yield ("spec",), "has no price; give pods or nodes"
    for index, price in enumerate(spec.get("nodes", ())):
        capacity = _resources(price["capacity"]) if "capacity" in price else None
        if capacity is not None and not (capacity.cpu and capacity.memory):
            yield ("spec", "nodes", index, "capacity"), "is nothing; give cpu and memory"


def _sheet(spec: Mapping[str, Any]) -> PriceSheet:
    return PriceSheet(
        spec["currency"],
        spec.get("provider", ""),
        spec.get("region", ""),
        tuple(map(_pod_price, spec.get("pods", ()))),
        tuple(map(_node_price, spec.get("nodes", ()))),
    )


def _pod_price(price: Mapping[str, Any]) -> PodPrice:
    seconds = SECONDS[price.get("per", "hour")]
    return PodPrice(
        price["name"],
        tuple(price["runtimeClasses"]),
        price.get("nodeSelector", {}),
        Fraction(price["vcpu"]) / seconds,
        Fraction(price["gib"]) / seconds,
        Resources(memory=_quantity(price.get("addedMemory", "0"))),
        Fraction(price.get("roundSeconds", 1)),
        Fraction(price.get("minimumSeconds", 0)),
        tuple(sorted(_sizes(price.get("sizes", ())), key=lambda size: (size.cpu, size.memory))),
    )


def _sizes(sizes: Iterable[Mapping[str, Any]]) -> Iterator[Resources]:
    for size in sizes:
        cpu = _quantity(size["cpu"])
        yield from (Resources(cpu, _quantity(memory)) for memory in size["memory"])


def _node_price(price: Mapping[str, Any]) -> NodePrice:
    capacity = price.get("capacity")
    return NodePrice(
        price["name"],
        price.get("nodeSelector", {}),
        Fraction(price["price"]) / SECONDS[price.get("per", "hour")],
        _resources(capacity) if capacity is not None else None,
        Fraction(price["vcpuToGib"]) if "vcpuToGib" in price else VCPU_TO_GIB,
    )


def _resources(amounts: Mapping[str, Any]) -> Resources:
    return Resources(_quantity(amounts["cpu"]), _quantity(amounts["memory"]))


def _quantity(text: object) -> Fraction:
    """A quantity that the schema has let through."""
    parsed = quantities.parse(str(text))
    assert parsed is not None, text
    return parsed[0]


# --- its shape

PRICE = r"^[0-9]+(\.[0-9]+)?$"
QUANTITY = "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


def _text(**rules: Any) -> OpenAPI:
    return {"type": "string", "minLength": 1, "maxLength": 253, **rules}


def _object(properties: Mapping[str, OpenAPI], *required: str) -> OpenAPI:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _list(items: OpenAPI) -> OpenAPI:
    return {"type": "array", "items": items}


_AMOUNT = _text(pattern=QUANTITY)
_MONEY = _text(pattern=PRICE)
_UNIT = _text(enum=list(SECONDS))
_LABELS: OpenAPI = {"type": "object", "additionalProperties": {"type": "string"}}
_SECONDS: OpenAPI = {"type": "integer", "minimum": 1, "maximum": 86_400}
_POD = _object(
    {
        "name": _text(),
        "runtimeClasses": _list({"type": "string"}),
        "nodeSelector": _LABELS,
        "per": _UNIT,
        "vcpu": _MONEY,
        "gib": _MONEY,
        "addedMemory": _AMOUNT,
        "roundSeconds": _SECONDS,
        "minimumSeconds": _SECONDS,
        "sizes": _list(_object({"cpu": _AMOUNT, "memory": _list(_AMOUNT)}, "cpu", "memory")),
    },
    *("name", "runtimeClasses", "vcpu", "gib"),
)
_NODE = _object(
    {
        "name": _text(),
        "nodeSelector": _LABELS,
        "per": _UNIT,
        "price": _MONEY,
        "capacity": _object({"cpu": _AMOUNT, "memory": _AMOUNT}, "cpu", "memory"),
        "vcpuToGib": _MONEY,
    },
    *("name", "price"),
)
_SPEC = _object(
    {
        "currency": _text(pattern="^[A-Z]{3}$"),
        "provider": _text(),
        "region": _text(),
        "pods": _list(_POD),
        "nodes": _list(_NODE),
    },
    "currency",
)


@cache
def _schema() -> Schema:
    metadata = _object({"name": _text()}, "name")
    return openapi_schema(
        _object(
            {"apiVersion": ANYTHING, "kind": ANYTHING, "metadata": metadata, "spec": _SPEC},
            "metadata",
            "spec",
        )
    )
