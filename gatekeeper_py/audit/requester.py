"""Who an audit asks as: an object that exists does not say who made it, and policies ask.

    where the object is             judged as made by
    no tenant's namespace           a cluster administrator
    a tenant's namespace            the tenant: an owner whom its document names, or an account there
    there, made from a template     the controller that makes such objects, which acts for the tenant
    there, a pod that came down     the syncer of the control plane that it names
    there, kept by a controller     the platform: the controller undoes whatever it did not work out itself
    there, and the platform's own   the platform; what a tenant would be refused is told beside it

What is yet to be submitted is asked about as its tenant would, if that is wanted (`asked_by_tenant`).

What is taken for the platform's own is a short list (`EVIDENCE`) of what no tenant can bring about by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR
from gatekeeper_py.tenancy.context import NAMESPACE, Context
from gatekeeper_py.tenancy.protection import metadata_of
from gatekeeper_py.tenancy.tenant import GROUP, ContestedNamespace, Tenancy, Tenant

__all__ = ["Requester", "asked_by_tenant", "requester_of", "tenant_user"]

ACCOUNT = "system:serviceaccount"
EVERYONE = "system:authenticated"

CONTROLLERS: Mapping[tuple[str, str], str] = {
    ("apps", "DaemonSet"): "daemon-set-controller",
    ("apps", "Deployment"): "deployment-controller",
    ("apps", "ReplicaSet"): "replicaset-controller",
    ("apps", "StatefulSet"): "statefulset-controller",
    ("batch", "CronJob"): "cronjob-controller",
    ("batch", "Job"): "job-controller",
    ("", "ReplicationController"): "replication-controller",
}
"""By the kind of an object's controller, the account in kube-system that makes such objects."""

SERVICE = GroupVersionKind("", "v1", "Service")
ENDPOINTS = GroupVersionKind("", "v1", "Endpoints")
ROOT_CERTIFICATES = "kube-root-ca.crt"
"""In every namespace, by kube-controller-manager (pkg/controller/certificates/rootcacertpublisher)."""
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SERVICE_NAME = "kubernetes.io/service-name"
SLICE_CONTROLLER = "endpointslice-controller.k8s.io"
MIRROR_CONTROLLER = "endpointslicemirroring-controller.k8s.io"

MADE_BY_TENANT = f"{GROUP}/made-by-tenant"
"""The label that `tags-own-bounds` puts on quotas and ranges of a tenant's own, and takes off all others."""
CONTROL_PLANE = f"{GROUP}/control-plane"
"""The label that `tags-stamp-synced` puts on what comes down."""
VCLUSTER = "vcluster.loft.sh/managed-by"
"""Vcluster's own, which such pods have that are older."""
BOUNDS = ("ResourceQuota", "LimitRange")


@dataclass(frozen=True, slots=True)
class Requester:
    """Who is taken to have made an object."""

    user: UserInfo
    platform: str = ""
    """Why an object in a tenant's namespace is taken for the platform's own; empty when it is not."""


def requester_of(context: Context) -> Requester:
    """Who is taken to have made the object that a request is about."""
    try:
        tenant = context.tenant()
    except ContestedNamespace:
        return Requester(ADMINISTRATOR)  # whoever asks is refused, and that is told
    value = context.request.object
    if tenant is None or tenant.trusted or value is None:
        return Requester(ADMINISTRATOR)
    if _is_of_the_api_server(context, value) or _is_kept(context, value):
        return Requester(ADMINISTRATOR)
    if reason := next(filter(None, (evident(context, value) for evident in EVIDENCE)), ""):
        return Requester(ADMINISTRATOR, reason)
    maker = _controller(context, value) or _syncer(context, tenant, value)
    return Requester(maker or tenant_user(context, tenant))


def asked_by_tenant(request: AdmissionRequest, tenancy: Tenancy, cluster: ClusterView) -> AdmissionRequest:
    """The request as the tenant of its namespace would make it; any other as it is.

    Namespaces are made for tenants, and what is in one of a trusted tenant by the platform.
    """
    context = Context(tenancy, cluster, request)
    try:
        tenant = None if request.kind == NAMESPACE else context.tenant()
    except ContestedNamespace:
        return request  # whoever asks is refused, and that is told
    if tenant is None or tenant.trusted:
        return request
    return replace(request, user=tenant_user(context, tenant))


def tenant_user(context: Context, tenant: Tenant) -> UserInfo:
    """A user who is of a tenant, and of the platform in no way."""
    named = next((owner.username for owner in tenant.owners if owner.username), "")
    groups = tuple(owner.group for owner in tenant.owners if owner.group)
    person = UserInfo(named or _account(context.namespace), groups=(*groups, EVERYONE))
    if not context.is_trusted(person):
        return person
    return UserInfo(_account(context.namespace), groups=(EVERYONE,))


def _account(namespace: str) -> str:
    return f"{ACCOUNT}:{namespace}:default"


def _controller(context: Context, value: Object) -> UserInfo | None:
    """The controller that made an object from the template of another, which is there."""
    owner = _controlling(value)
    kind = GroupVersionKind.parse(str(owner.get("apiVersion", "")), str(owner.get("kind", "")))
    account = CONTROLLERS.get((kind.group, kind.kind))
    if account is None:
        return None
    found = context.cluster.get(kind, context.namespace, str(owner.get("name", "")))
    if found is None or metadata_of(found).get("uid") != owner.get("uid"):
        return None
    return UserInfo(f"{ACCOUNT}:kube-system:{account}", groups=(f"{ACCOUNT}s", EVERYONE))


def _syncer(context: Context, tenant: Tenant, value: Object) -> UserInfo | None:
    """What brought a pod down from a control plane of the tenant's own, where the pod tells that."""
    labels = labels_of(value)
    own = [each for each in context.tenancy.control_planes if each.tenant == tenant.name and each.syncers]
    named = [each for each in own if each.name == labels.get(CONTROL_PLANE)]
    if value.get("kind") != "Pod" or not (named or (VCLUSTER in labels and len(own) == 1)):
        return None
    return UserInfo((named or own)[0].syncers[0], groups=(EVERYONE,))


def _controlling(value: Object) -> Mapping[str, Any]:
    owners = metadata_of(value).get("ownerReferences")
    each = owners if isinstance(owners, list) else ()
    return next((owner for owner in each if isinstance(owner, dict) and owner.get("controller") is True), {})


# --- what tells that an object is the platform's -----------------------------------------------------


def _is_namespace(context: Context, _value: Object) -> str:
    return "a Namespace does not say who made it" if context.request.kind == NAMESPACE else ""


def _is_protected(context: Context, value: Object) -> str:
    """Marks that `tags-reserved-keys` keeps from tenants."""
    covered = context.protection.covers(value)
    return "it bears the platform's mark, or hangs below what bears it" if covered else ""


def _is_unmarked_bound(_context: Context, value: Object) -> str:
    unmarked = value.get("kind") in BOUNDS and MADE_BY_TENANT not in labels_of(value)
    return f"it lacks the label {MADE_BY_TENANT}, which a tenant's own bears" if unmarked else ""


Evident = Callable[[Context, Object], str]
"""Says why an object is the platform's own; empty when it does not seem so."""

EVIDENCE: tuple[Evident, ...] = (_is_namespace, _is_protected, _is_unmarked_bound)


# --- what the control plane works out by itself ------------------------------------------------------


def _is_of_the_api_server(context: Context, value: Object) -> bool:
    """`default/kubernetes` (pkg/controlplane/controller/kubernetesservice)."""
    kinds = ("Service", "Endpoints", "EndpointSlice")
    place = (context.namespace, metadata_of(value).get("name"))
    return value.get("kind") in kinds and place == ("default", "kubernetes")


def _is_kept(context: Context, value: Object) -> bool:
    """What a controller rewrites whenever it is not what it works out."""
    if value.get("kind") == "ConfigMap":
        return metadata_of(value).get("name") == ROOT_CERTIFICATES
    if value.get("kind") == "Endpoints":
        return _selects(context, str(metadata_of(value).get("name", "")))
    return value.get("kind") == "EndpointSlice" and _is_kept_slice(context, labels_of(value))


def _is_kept_slice(context: Context, labels: Mapping[str, Any]) -> bool:
    """A slice that follows a Service's selector, or that mirrors Endpoints which are judged themselves."""
    keeper, service = labels.get(MANAGED_BY), str(labels.get(SERVICE_NAME, ""))
    if keeper == SLICE_CONTROLLER:
        return _selects(context, service)
    mirrored = keeper == MIRROR_CONTROLLER
    return mirrored and context.cluster.get(ENDPOINTS, context.namespace, service) is not None


def _selects(context: Context, service: str) -> bool:
    """Whether there is a Service that selects pods: its endpoints are not its author's choice."""
    found = context.cluster.get(SERVICE, context.namespace, service)
    spec = (found or {}).get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"
