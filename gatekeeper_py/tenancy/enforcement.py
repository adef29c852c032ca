"""How far a request is held to the policies: as its tenant is, or as another where it reaches into that.

A tenant that is only observed must not be a way into one that is enforced. So a request that newly names what
is another tenant's is held as that tenant is, wholly. Four things count, each read off the object itself:

    references     whatever the catalogue knows as a name in a namespace, unless it is shared; and volumes and
                   snapshots, whose names do not tell whose data is in them
    namespaces     labels by which a namespace would become another tenant's
    labels         the label that names a tenant, wherever it stands
    hostnames      names within another tenant's, but for texts that no controller serves by

What a tenant takes by way of a node (a privileged container, a path of the host) names nobody: a tenant that
is not enforced is neither contained nor protected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.decision import Enforcement
from gatekeeper_py.tenancy.context import NAMESPACE, Context
from gatekeeper_py.tenancy.forms import ANYWHERE, Unreadable
from gatekeeper_py.tenancy.tenant import TENANT_LABEL, ContestedNamespace, Tenant

__all__ = ["enforcement_of"]

BY_STRICTNESS: Final[Mapping[Enforcement, int]] = {"observe": 0, "warn": 1, "enforce": 2}

DATA: Final = frozenset({"PersistentVolume", "VolumeSnapshotContent"})
"""Cluster-wide kinds that hold some tenant's data."""

SERVE_NOTHING: Final = frozenset(
    {
        *("Pod", "PodTemplate", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet"),
        *("ReplicaSet", "Job", "CronJob", "ConfigMap", "Secret"),
    }
)
"""Built-in kinds whose texts claim no hostname; their annotations may."""

NO_HOST: Final = re.compile(r"[^A-Za-z0-9.*_-]+", re.ASCII)
"""What stands between hostnames in a text: commas, quotes, the rest of a URL."""

LONGEST_HOST: Final = 254
"""Characters of a DNS name and its last dot (RFC 1035); what is longer is none, and would cost its square."""


def enforcement_of(context: Context) -> Enforcement:
    """How a request is held; where nobody can tell whose it is, or whom it reaches, as strictly as any."""
    strictest = _strictest(context.tenancy.enforcements)
    try:
        own = _own(context)
        if own == strictest or context.request.object is None:
            return own
        return _strictest((own, *_reached(context)))
    except (ContestedNamespace, Unreadable):
        return strictest


def _strictest(enforcements: Iterable[Enforcement]) -> Enforcement:
    return max(enforcements, key=BY_STRICTNESS.__getitem__)


def _own(context: Context) -> Enforcement:
    """That of the request's tenant; of what is cluster-wide, the settings' or of who asks."""
    tenant = context.tenant()
    if tenant is not None:
        return tenant.enforcement
    tenancy = context.tenancy
    names = context.tenants_of(context.request.user) if not context.namespace else ()
    asking = (tenancy.by_name[name].enforcement for name in names if name in tenancy.by_name)
    return _strictest((tenancy.settings.enforcement, *asking))


def _reached(context: Context) -> Iterator[Enforcement]:
    """Of every tenant whose own the request newly names."""
    tenant, tenancy = context.tenant(), context.tenancy
    if tenant is not None and tenant.trusted:
        return
    made, before = context.request.object or {}, context.request.old_object
    yield from _named(context, tenant)
    if context.request.kind == NAMESPACE:
        taken = context.owner_with(context.namespace, labels_of(made))
        yield from () if taken is None else (taken.enforcement,)
    for name in set(_labelled(made)) - set(_labelled(before)):
        yield from (tenancy.by_name[name].enforcement,) if name in tenancy.by_name else ()
    for host in set(_hosts(made)) - set(_hosts(before)):
        if tenant is None or not tenant.owns_hostname(host):
            yield from (owner.enforcement for owner in tenancy.hosts.near(host))


def _named(context: Context, tenant: Tenant | None) -> Iterator[Enforcement]:
    """Of the owners of what the object refers to and may not."""
    request = context.request
    before = context.references(request.old_object) if request.old_object is not None else ()
    known = {_identity(reference) for reference in before}
    for reference in context.references(request.object or {}):
        if _identity(reference) in known:
            continue
        if not reference["namespace"]:
            yield from context.tenancy.enforcements if reference["kind"] in DATA else ()
        elif tenant is None or not context.permits(tenant, reference):
            yield from _owning(context, reference["namespace"])


def _owning(context: Context, namespace: str) -> Iterable[Enforcement]:
    """Of a namespace's owner; of all tenants where it may be any namespace."""
    if ANYWHERE in namespace:
        return context.tenancy.enforcements
    owner = context.owner(namespace)
    return () if owner is None else (owner.enforcement,)


def _identity(reference: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return reference["group"], reference["kind"], reference["namespace"], reference["name"]


def _labelled(value: Object | None) -> Iterator[str]:
    """The tenants that labels name, however deep these stand."""
    for part in _parts(value):
        if isinstance(part, dict) and isinstance(named := part.get(TENANT_LABEL), str):
            yield named


def _hosts(value: Object | None) -> Iterator[str]:
    """What may be a hostname that somebody serves by the object."""
    if value is not None and value.get("kind") in SERVE_NOTHING:
        value = (value.get("metadata") or {}).get("annotations")
    for text in _parts(value):
        if isinstance(text, str):
            yield from (part for part in NO_HOST.split(text) if "." in part and len(part) <= LONGEST_HOST)


def _parts(value: object) -> Iterator[object]:
    """A value and all that is in it, in no order, however deep it is."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
