"""A ceiling over a tenant: what all its pods together may ask for, in all its namespaces.

A ResourceQuota counts within one namespace. Here counts what the scheduler counts (objects/requests.py), with
the overhead of runtime classes, of every pod that has not ended: of those that are known, and of those that
were admitted and are not known yet (`AdmissionRequest.promised`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

from gatekeeper_py.cel import EvaluationError
from gatekeeper_py.golang import quantities
from gatekeeper_py.objects.projection import Projection
from gatekeeper_py.objects.requests import NOTHING, Resources, UnreadableQuantity, requests_of
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.tenancy.context import NAMESPACE, Context
from gatekeeper_py.tenancy.tenant import Ceiling, ContestedNamespace, Tenant

__all__ = ["POD", "READ", "Excess", "excess"]

POD: Final = GroupVersionKind("", "v1", "Pod")
ENDED: Final = ("Succeeded", "Failed")
"""Phases in which a pod takes nothing any more (pkg/quota/v1/evaluator/core/pods.go, QuotaV1Pod)."""
_CONTAINER: Final = ("name", "resources", "restartPolicy")
_STATUS: Final = ("name", "resources", "allocatedResources")
READ: Final = Projection.of(
    *(f"spec.{key}[].{field}" for key in ("containers", "initContainers") for field in _CONTAINER),
    *("spec.resources", "spec.overhead"),
    *("status.phase", "status.resources", "status.allocatedResources"),
    *("status.conditions[].type", "status.conditions[].reason"),
    *(
        f"status.{key}[].{field}"
        for key in ("containerStatuses", "initContainerStatuses")
        for field in _STATUS
    ),
)
"""What is read of a pod to say what it asks for."""
REMEMBERED: Final = 20_000
"""Known pods of which is kept what they ask for: as long as a pod does not change it is the same object."""
UNKNOWN: Final = (
    "nobody knows which pods there are, so nobody can tell what is left of the tenant's ceiling; ask where "
    "the cluster is known (--kubeconfig)"
)


class Excess(NamedTuple):
    """What a pod would take that its tenant has not left; all amounts as Kubernetes writes quantities."""

    what: str
    """`pods`, `cpu` or `memory`."""
    asked: str
    """By the pod."""
    used: str
    """By the tenant's other pods."""
    most: str


@dataclass(frozen=True, slots=True)
class _Usage:
    pods: int
    resources: Resources

    def of(self, what: str) -> Fraction:
        return Fraction(self.pods) if what == "pods" else getattr(self.resources, what)


def excess(context: Context, tenant: Tenant, pod: Object) -> Excess | None:
    """The first bound of the tenant's ceiling that its pods would pass with this one.

    A pod that takes no more than before passes nothing, however much the others ask for. Raises
    `EvaluationError` where nobody can tell.
    """
    bounds = _bounds(tenant.ceiling)
    if not bounds:
        return None
    if context.request.promised is None or not context.cluster.knows(POD):
        raise EvaluationError(UNKNOWN)
    old = context.request.old_object
    asked, before = _Usage(1, _asked(context, pod)), _Usage(0, NOTHING)
    if old is not None:
        before = _Usage(1, _read(old))
    used = _used(context, tenant, str(pod["metadata"].get("name", "")))
    for what, most in bounds.items():
        grows = asked.of(what) > before.of(what)
        if grows and used.of(what) + asked.of(what) > most:
            amounts = (asked.of(what), used.of(what), most)
            return Excess(what, *(_told(what, amount) for amount in amounts))
    return None


def _bounds(ceiling: Ceiling) -> Mapping[str, Fraction]:
    stated = {"pods": str(ceiling.pods), "cpu": ceiling.cpu, "memory": ceiling.memory}
    amounts = {what: parsed[0] for what, text in stated.items() if (parsed := quantities.parse(text))}
    return {what: amount for what, amount in amounts.items() if amount}


def _used(context: Context, tenant: Tenant, name: str) -> _Usage:
    """By the pods of a tenant that have not ended, but for the request's own."""
    held = dict(_known(context, tenant))
    for promise in context.request.promised or ():
        if _owns(context, tenant, promise.namespace):
            key = (promise.namespace, promise.name)
            known = held.get(key, NOTHING)
            cpu, memory = max(known.cpu, promise.resources.cpu), max(known.memory, promise.resources.memory)
            held[key] = Resources(cpu, memory)
    held.pop((context.request.namespace, name), None)
    return _Usage(len(held), sum(held.values(), NOTHING))


def _known(context: Context, tenant: Tenant) -> Iterator[tuple[tuple[str, str], Resources]]:
    for namespace in _namespaces(context, tenant):
        for pod in context.cluster.list(POD, namespace):
            if (pod.get("status") or {}).get("phase") not in ENDED:
                yield (namespace, str(pod["metadata"]["name"])), _remembered(_Same(pod))


def _namespaces(context: Context, tenant: Tenant) -> set[str]:
    """Those of a tenant; who claims by name alone has no others."""
    found = {context.request.namespace, *tenant.claim.names}
    if tenant.claim.patterns or tenant.claim.selectors:
        found.update(str(each["metadata"]["name"]) for each in context.cluster.list(NAMESPACE))
    return {namespace for namespace in found if _owns(context, tenant, namespace)}


def _owns(context: Context, tenant: Tenant, namespace: str) -> bool:
    """Whether a namespace is the tenant's; into one that another claims, too, nothing new comes anyway."""
    try:
        return context.owns(tenant, namespace)
    except ContestedNamespace:
        return False


def _asked(context: Context, pod: Object) -> Resources:
    """What a pod of the request asks for, with the overhead of its class where it does not say so itself."""
    spec = pod["spec"]
    known = context.runtime_class(str(spec.get("runtimeClassName") or "")) or {}
    overhead = (known.get("overhead") or {}).get("podFixed")
    if overhead and not spec.get("overhead"):
        pod = {**pod, "spec": {**spec, "overhead": overhead}}
    return _read(pod)


def _read(pod: Object) -> Resources:
    try:
        return requests_of(pod)
    except (UnreadableQuantity, KeyError, TypeError) as error:
        metadata: Any = pod.get("metadata") or {}
        raise EvaluationError(
            f"what pod {metadata.get('name')!r} asks for cannot be read: {error}"
        ) from error


class _Same:
    """An object, the same as itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


@lru_cache(REMEMBERED)
def _remembered(same: _Same) -> Resources:
    return _read(same.value)


def _told(what: str, amount: Fraction) -> str:
    """An amount as a quantity: `3`, `250m`, `512Mi`; a part that is left is rounded up."""
    if what == "pods" or (what == "cpu" and amount.denominator == 1):
        return str(amount)
    unit, name = (Fraction(1, 1000), "m") if what == "cpu" else (Fraction(2**20), "Mi")
    return f"{-(-amount // unit)}{name}"
