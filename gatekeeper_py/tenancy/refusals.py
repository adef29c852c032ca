"""What is refused whatever the policies say: bad documents, and work in a namespace of doubtful owner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.control_planes import standing_of
from gatekeeper_py.tenancy.reading import (
    API_VERSION,
    generation_of,
    identity_of,
    is_control_plane,
    is_tenant,
)
from gatekeeper_py.tenancy.standing import Hosts, settings_standing
from gatekeeper_py.tenancy.tenant import GROUP, ContestedNamespace, Tenancy, Tenant

__all__ = ["TENANCY_KINDS", "closed", "document_of", "living", "objection", "worsened"]

TENANCY_KINDS = tuple(
    GroupVersionKind.parse(API_VERSION, kind)
    for kind in ("Tenant", "TenancySettings", "Waiver", "ControlPlane")
)
"""Documents that may also be objects in the cluster."""

WRITES = frozenset({"CREATE", "UPDATE"})


def closed(tenancy: Tenancy, request: AdmissionRequest, cluster: ClusterView) -> str:
    """Why nothing comes into the request's namespace: its owner is in doubt; empty when it is not."""
    if not tenancy.in_doubt:
        return ""
    try:
        Context(tenancy, cluster, request).tenant()
    except ContestedNamespace as error:
        return str(error)
    return ""


def objection(tenancy: Tenancy, request: AdmissionRequest, cluster: ClusterView) -> str:
    """Why a Tenant or settings would not be in force, or would close a namespace; empty when neither.

    In a tenant's own control plane such documents say nothing to us, and are the tenant's own.
    """
    if tenancy.landlord is not None:
        return ""
    return worsened(request, lambda value: _faults(tenancy, value, cluster))


def worsened(request: AdmissionRequest, faults: Callable[[Object], Iterable[str]]) -> str:
    """What a request makes wrong with a tenancy document, by what is wrong with one; empty for nothing.

    What is wrong already, and is not made worse, may be: else it could not be mended step by step.
    """
    if request.kind.group != GROUP or request.object is None:
        return ""
    if request.operation not in WRITES or request.subresource:
        return ""
    before = request.old_object
    if before is not None and before.get("spec") == request.object.get("spec"):
        return ""
    said = dict.fromkeys(faults(request.object))
    for known in faults(before) if before is not None else ():
        said.pop(known, None)
    return "\n".join(f"{request.kind.kind} {request.name!r}: {fault}" for fault in said)


def _faults(tenancy: Tenancy, value: Object, cluster: ClusterView) -> tuple[str, ...]:
    """What would be wrong with a document if it were an object of the cluster, among those that are."""
    document = document_of(value)
    if is_control_plane(document):
        beside = (each for each in living(cluster) if identity_of(each) != identity_of(document))
        return standing_of(document, beside, tenancy).faults
    if not is_tenant(document):
        return settings_standing(tenancy.documents, document).faults
    hosts, identity = Hosts.of(tenancy), identity_of(document)
    others = [other for other in living(cluster) if is_tenant(other) and identity_of(other) != identity]
    return hosts.stand(document, _tenants(others, hosts, tenancy)).faults


def _tenants(documents: Iterable[Manifest], hosts: Hosts, tenancy: Tenancy) -> Iterator[Tenant]:
    """What the Tenants of the cluster declare: as it is in force, unless they are newer."""
    in_force = {guest.name: guest for guest in tenancy.guests}
    for document in documents:
        standing, guest = tenancy.standings.get(identity_of(document)), in_force.get(document.name)
        known = standing is not None and standing.generation == generation_of(document) != 0
        found = guest if known else hosts.let_in(document)
        if isinstance(found, Tenant):
            yield found


def living(cluster: ClusterView) -> tuple[Manifest, ...]:
    """The tenancy documents that are objects of the cluster."""
    return tuple(document_of(value) for kind in TENANCY_KINDS for value in cluster.list(kind))


def document_of(value: Object) -> Manifest:
    """A tenancy document that is an object of the cluster."""
    name = (value.get("metadata") or {}).get("name")
    return Manifest(value, Source(f"cluster/{value['kind']}/{name}"))
