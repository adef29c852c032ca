"""A ceiling over a tenant: what all its pods together may ask for, in all its namespaces.

A ResourceQuota counts within one namespace. Here counts what the scheduler counts (objects/requests.py), with
the overhead of runtime classes, of every pod that has not ended: of those that are known, and of those that
were admitted and are not known yet (`AdmissionRequest.promised`).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final, NamedTuple

from gatekeeper_py.cel import EvaluationError
from gatekeeper_py.golang import quantities
from gatekeeper_py.objects.projection import Projection
from gatekeeper_py.objects.requests import Resources, UnreadableQuantity, requests_of
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
NO_STATUS: Final[Mapping[str, object]] = {}
MOST_CEILINGS: Final = 1000
"""Different ceilings that are kept as numbers: most tenants have none, or one of a few."""
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


class _Amounts(NamedTuple):
    """Whole numbers of UNITS: to sum up fractions of a thousand pods takes six times as long."""

    pods: int
    cpu: int
    memory: int


UNITS: Final[Mapping[str, int]] = {"pods": 1, "cpu": 10**9, "memory": 1000}
"""Of each amount, into how many parts one is cut: no quantity of Kubernetes is finer."""
NONE: Final = _Amounts(0, 0, 0)


def excess(context: Context, tenant: Tenant, pod: Object) -> Excess | None:
    """The first bound of the tenant's ceiling that its pods would pass with this one.

    A pod that takes no more than before passes nothing, however much the others ask for. Raises
    `EvaluationError` where nobody can tell.
    """
    bounds = _bounds(tenant.ceiling)
    if bounds == NONE:
        return None
    if context.request.promised is None or not context.cluster.knows(POD):
        raise EvaluationError(UNKNOWN)
    old = context.request.old_object
    asked, before = _asked(context, pod), _read(old) if old is not None else NONE
    used = _used(context, tenant, str(pod["metadata"].get("name", "")))
    for what, *amounts in zip(UNITS, asked, used, bounds, before, strict=True):
        own, others, most, previous = amounts
        if most and own > previous and others + own > most:
            return Excess(what, *(_told(what, amount) for amount in (own, others, most)))
    return None


@lru_cache(MOST_CEILINGS)
def _bounds(ceiling: Ceiling) -> _Amounts:
    parsed = (quantities.parse(text) for text in (ceiling.cpu, ceiling.memory))
    cpu, memory = (found[0] if found else Fraction(0) for found in parsed)
    return _amounts(Resources(cpu, memory))._replace(pods=ceiling.pods)


def _amounts(resources: Resources) -> _Amounts:
    """Of one pod; what is finer than the units is rounded up."""
    cpu, memory = resources.cpu * UNITS["cpu"], resources.memory * UNITS["memory"]
    return _Amounts(1, ceil(cpu), ceil(memory))


def _used(context: Context, tenant: Tenant, name: str) -> _Amounts:
    """By the pods of a tenant that have not ended, but for the request's own."""
    held: dict[tuple[str, str], _Amounts] = {}
    for namespace in _namespaces(context, tenant):
        for pod in context.cluster.list(POD, namespace):
            if (pod.get("status") or NO_STATUS).get("phase") not in ENDED:
                held[namespace, pod["metadata"]["name"]] = _remembered(_Same(pod))
    for promise in context.request.promised or ():
        if _owns(context, tenant, promise.namespace):
            key, promised = (promise.namespace, promise.name), _amounts(promise.resources)
            held[key] = _Amounts(*map(max, promised, held.get(key, NONE)))
    held.pop((context.request.namespace, name), None)
    return _Amounts(
        len(held), sum(each.cpu for each in held.values()), sum(each.memory for each in held.values())
    )


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


def _asked(context: Context, pod: Object) -> _Amounts:
    """What a pod of the request asks for, with the overhead of its class where it does not say so itself."""
    spec = pod["spec"]
    known = context.runtime_class(str(spec.get("runtimeClassName") or "")) or {}
    overhead = (known.get("overhead") or {}).get("podFixed")
    if overhead and not spec.get("overhead"):
        pod = {**pod, "spec": {**spec, "overhead": overhead}}
    return _read(pod)


def _read(pod: Object) -> _Amounts:
    try:
        return _amounts(requests_of(pod))
    except (UnreadableQuantity, KeyError, TypeError) as error:
        name = (pod.get("metadata") or {}).get("name")
        raise EvaluationError(f"what pod {name!r} asks for cannot be read: {error}") from error


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
def _remembered(same: _Same) -> _Amounts:
    return _read(same.value)


def _told(what: str, amount: int) -> str:
    """An amount as a quantity: `3`, `250m`, `512Mi`; a part that is left is rounded up."""
    whole, part = divmod(amount, UNITS[what])
    if what == "memory":
        return f"{ceil(Fraction(amount, UNITS[what] * 2**20))}Mi"
    return f"{ceil(Fraction(amount * 1000, UNITS[what]))}m" if part else str(whole)
