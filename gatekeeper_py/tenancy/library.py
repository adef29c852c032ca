"""The words tenancy adds to the language of policies.

    tenant                            the owner of the request's namespace, or null
    requester                         who asks, in terms of tenants
    tenants.ofNamespace(name)         the owner of a namespace
    tenants.ofNamespaceObject(object) the owner a Namespace would have with the labels this object gives it
    tenant.owns(namespace)            whether a namespace is the tenant's
    tenant.permits(reference)         whether the tenant may name what a reference names
    tenant.permitsAudience(audience)  whether its ServiceAccounts may have tokens for an audience
    tenant.permitsKind(group, kind)   whether the tenant was granted a custom kind that needs a grant
    customKind(group, kind)           what the catalogue knows of a custom kind
    tenant.ownsHostname(host), tenant.allowsImage(image), tenant.storageClasses.permits(name) ...
    references(object)                everything an object names
    runtimeClass(name)                a RuntimeClass, its handler and how well it isolates
    lacksRuntimeClass(name)           whether the cluster is known to have no such RuntimeClass
    isProtected(object)               whether it bears the platform's mark, or hangs below what does
    isProtectedOwner(reference)       the same of what an ownerReference names
    isClusterWideOwner(reference)     whether an ownerReference names what lies in no namespace
    reached(object)                   everything protected that an object reaches by selector, target or name
    reaching(object)                  what is there and would reach an object that is about to be
    holdingBudgets(object)            the PodDisruptionBudgets by which a pod is held twice
    jsonSize(object)                  bytes of an object as compact JSON
    hosts(text)                       the hosts a text of settings names
    tenant.mayCall(host)              whether a controller may call a host for the tenant
    ceilingExcess(pod)                what a pod would take that the tenant's ceiling has not left
    tenant.nodes.profile.holds(name, labels)   whether a node is one of the virtual nodes of a profile
    vclusterName(name, namespace, vcluster)  how vcluster calls an object of its own at the host
    marks(object)                     the labels and annotations it hands on to what is made from it
    podCounts(object)                 how many pods a custom resource asks for, field by field
    cluster.get(apiVersion, kind, namespace, name), cluster.list(apiVersion, kind, namespace)
    cluster.isTaken(apiVersion, kind, field, value)  whether another tenant's object has this value in a field

`docs/authors.md` explains each with an example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any, cast

import orjson

from gatekeeper_py.cel import (
    BOOL,
    DYN,
    INT,
    NONE,
    STRING,
    ComputedMap,
    EvaluationError,
    Function,
    Library,
    Message,
    Optional,
    Overload,
    Type,
    list_of,
    map_of,
    object_type,
    opaque,
    optional_of,
)
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.decision import Enforcement
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.evaluation.extension import Extension
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.catalogue import catalogue
from gatekeeper_py.tenancy.ceiling import excess
from gatekeeper_py.tenancy.context import NAMESPACE, Context
from gatekeeper_py.tenancy.custom import CustomKind, custom_kind, known_kinds
from gatekeeper_py.tenancy.enforcement import enforcement_of
from gatekeeper_py.tenancy.forms import MAX_REFERENCES, Unreadable
from gatekeeper_py.tenancy.hosts import hosts_of_settings
from gatekeeper_py.tenancy.isolation import Level, satisfies
from gatekeeper_py.tenancy.lookups import says
from gatekeeper_py.tenancy.refusals import closed, objection
from gatekeeper_py.tenancy.tenant import (
    GROUP,
    TENANT_LABEL,
    Ceiling,
    Choice,
    ContestedNamespace,
    Limits,
    Nodes,
    Tenancy,
    Tenant,
)
from gatekeeper_py.tenancy.vcluster import vcluster_name
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile

__all__ = ["CONTEXT", "extension", "read_ahead"]

CONTEXT = "@tenancy"
"""Where the activation holds the context; no expression can spell it."""

CEILING = object_type("tenancy.Ceiling", {"pods": INT, "cpu": STRING, "memory": STRING})
CHOICE = object_type("tenancy.Choice", {"allowed": list_of(STRING), "default": STRING})
NODE_PROFILE = object_type(
    "tenancy.NodeProfile",
    {
        "name": STRING,
        "selector": map_of(STRING, STRING),
        **dict.fromkeys(("volumes", "csiDrivers", "extendedResources", "lacks"), list_of(STRING)),
    },
)
NODES = object_type(
    "tenancy.Nodes",
    {"selector": map_of(STRING, STRING), "tolerations": list_of(DYN), "profile": NODE_PROFILE},
)
LIMITS = object_type(
    "tenancy.Limits",
    {
        **dict.fromkeys(
            ("namespaces", "loadBalancers", "snapshots", "nodePorts", "replicas", "objectSize"), INT
        ),
        **dict.fromkeys(("cpu", "memory", "hugePages"), STRING),
    },
)
KIND_GRANT = object_type("tenancy.KindGrant", {"group": STRING, "kinds": list_of(STRING)})
FIELDS: Mapping[str, tuple[Type, Callable[[Tenant], object]]] = {
    "name": (STRING, lambda tenant: tenant.name),
    "trusted": (BOOL, lambda tenant: tenant.trusted),
    "claimed": (BOOL, lambda tenant: tenant.claimed),
    "refused": (BOOL, lambda tenant: tenant.refused),
    "isolation": (STRING, lambda tenant: tenant.isolation),
    "runtimeClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.runtime_classes)),
    "storageClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.storage_classes)),
    "ingressClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.ingress_classes)),
    "gatewayClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.gateway_classes)),
    "priorityClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.priority_classes)),
    "snapshotClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.snapshot_classes)),
    "volumeAttributesClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.volume_attributes_classes)),
    "deviceClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.device_classes)),
    "loadBalancerClasses": (CHOICE, lambda tenant: ChoiceValue(tenant.load_balancer_classes)),
    "schedulers": (CHOICE, lambda tenant: ChoiceValue(tenant.usable_schedulers)),
    "extendedResources": (list_of(STRING), lambda tenant: list(tenant.extended_resources)),
    "csiDrivers": (list_of(STRING), lambda tenant: list(tenant.csi_drivers)),
    "hostnames": (list_of(STRING), lambda tenant: list(tenant.hostnames)),
    "registries": (list_of(STRING), lambda tenant: list(tenant.registries)),
    "identities": (list_of(STRING), lambda tenant: list(tenant.identities)),
    "externalIPs": (list_of(STRING), lambda tenant: list(tenant.external_ips)),
    "clusterIssuers": (list_of(STRING), lambda tenant: list(tenant.cluster_issuers)),
    "customResources": (list_of(KIND_GRANT), lambda tenant: _kind_grants(tenant)),
    "nodes": (NODES, lambda tenant: _nodes(tenant.nodes)),
    "podSecurity": (STRING, lambda tenant: tenant.pod_security),
    "requireLimits": (BOOL, lambda tenant: tenant.require_limits),
    "limits": (LIMITS, lambda tenant: _limits(tenant.limits)),
    "ceiling": (CEILING, lambda tenant: _ceiling(tenant.ceiling)),
    "annotations": (list_of(STRING), lambda tenant: list(tenant.annotations)),
    "hostlessRoutes": (BOOL, lambda tenant: tenant.hostless_routes),
    "nameservers": (list_of(STRING), lambda tenant: list(tenant.nameservers)),
    "populators": (list_of(STRING), lambda tenant: list(tenant.populators)),
    "roleRules": (list_of(STRING), lambda tenant: list(tenant.role_rules)),
    "tokenAudiences": (list_of(STRING), lambda tenant: list(tenant.token_audiences)),
    "topologyKeys": (list_of(STRING), lambda tenant: list(tenant.topology_keys)),
    "nodePorts": (list_of(STRING), lambda tenant: list(tenant.node_ports)),
    "openTraffic": (list_of(STRING), lambda tenant: list(tenant.open_traffic)),
    "manualSelectors": (BOOL, lambda tenant: tenant.manual_selectors),
    "labels": (map_of(STRING, STRING), lambda tenant: dict(tenant.workload_labels)),
    "controlPlanes": (list_of(STRING), lambda tenant: list(tenant.synced_by)),
}
"""The fields of `tenant`: their types, and where their values come from."""
TENANT = object_type("tenancy.Tenant", {name: type_ for name, (type_, _) in FIELDS.items()})
REQUESTER = object_type(
    "tenancy.Requester",
    {
        "platform": BOOL,
        "trusted": BOOL,
        "claimed": BOOL,
        "syncs": BOOL,
        "controlPlane": STRING,
        "tenants": list_of(STRING),
        "deploysFor": list_of(STRING),
        "vouched": BOOL,
    },
)
REACH = object_type("tenancy.Reach", {"path": STRING, "kind": STRING, "name": STRING})
MARK = object_type("tenancy.Mark", {"path": STRING, "key": STRING, "value": STRING})
POD_COUNT = object_type("tenancy.PodCount", {"path": STRING, "number": INT})
REFERENCE = object_type(
    "tenancy.Reference",
    {
        "kind": STRING,
        "group": STRING,
        "namespace": STRING,
        "name": STRING,
        "path": STRING,
        "how": STRING,
        "selector": DYN,
    },
)
RUNTIME_CLASS = object_type(
    "tenancy.RuntimeClass",
    {"name": STRING, "handler": STRING, "isolation": STRING, "overhead": map_of(STRING, DYN)},
)
CUSTOM_KIND = object_type(
    "tenancy.CustomKind",
    {"judgement": STRING, "reason": STRING, "rules": list_of(STRING), "version": STRING},
)
TENANTS = opaque("tenancy.Tenants")
CLUSTER = opaque("tenancy.Cluster")
SETTINGS = object_type(
    "tenancy.Settings",
    {
        "reservedPrefixes": list_of(STRING),
        "protectedCIDRs": list_of(STRING),
        "clusterDomain": STRING,
        "unknownKinds": STRING,
        "labelPrefix": STRING,
        "tenantLabel": STRING,
        "protectedLabels": list_of(STRING),
        "reservedTaints": list_of(STRING),
        "handlers": map_of(STRING, STRING),
        "virtualNodes": list_of(NODE_PROFILE),
    },
)

CONTROL_PLANE_TAINTS = (
    "CriticalAddonsOnly",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
    "node-role.kubernetes.io/etcd",
    "node-role.kubernetes.io/infra",
)
"""Taints by which clusters keep workloads off the nodes that run them; no tenant may tolerate these."""
OUT_OF_SERVICE_TAINTS = (
    "DeletionCandidateOfClusterAutoscaler",
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "node.cloudprovider.kubernetes.io/shutdown",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "node.kubernetes.io/out-of-service",
    "node.kubernetes.io/unschedulable",
)
"""Taints of nodes that are being emptied or made ready: who tolerates them holds that up for everybody."""
UNSEEN_KINDS = frozenset(("Secret",))
"""Kinds no policy may look up: an engine that reads them would be worth breaking into."""
REFERENCES_COST = 50
"""Units a walk over an object is charged, about what it takes in calls."""
CEILING_COST = 500
"""Units a walk over a tenant's pods is charged."""
LOOK_UP_COST = 20
"""Units a look-up is charged: about the calls it takes."""


class TenantValue(Message):
    """A tenant as expressions see it."""

    __slots__ = ("tenant",)

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(TENANT.name, {name: value(tenant) for name, (_, value) in FIELDS.items()})
        self.tenant = tenant


class ContestedTenant(ComputedMap, Message):
    """Stands for the owner of a namespace that two tenants claim: to read anything of it is an error."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        super().__init__(TENANT.name)
        self.reason = reason

    def __missing__(self, key: str) -> Any:
        raise EvaluationError(self.reason)


class Tenants:
    """`tenants`."""

    cel_type = TENANTS


class Cluster:
    """`cluster`."""

    cel_type = CLUSTER


class Requester(ComputedMap, Message):
    """`requester`; what it costs to know is found out when asked."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        super().__init__(REQUESTER.name)
        self.context = context

    def __missing__(self, key: str) -> Any:
        value = self[key] = REQUESTER_FACTS[key](self.context, self.context.request.user)
        return value


REQUESTER_FACTS: Mapping[str, Callable[[Context, UserInfo], bool | str | list[str]]] = {
    "platform": Context.is_platform,
    "trusted": Context.is_trusted,
    "claimed": Context.is_of_declared_tenant,
    "syncs": lambda context, user: context.control_plane_of(user) != "",
    "controlPlane": Context.control_plane_of,
    "tenants": Context.tenants_of,
    "deploysFor": Context.deploys_for,
    "vouched": Context.is_vouched,
}


def extension(tenancy: Tenancy) -> Extension:
    """What tenancy adds to the language, for the tenants of `tenancy`."""
    settings = Message(SETTINGS.name, _settings(tenancy))

    def activation(request: AdmissionRequest, cluster: ClusterView) -> Mapping[str, object]:
        context = Context(tenancy, cluster, request)
        return {
            CONTEXT: context,
            "tenant": _tenant(context),
            "requester": Requester(context),
            "tenants": ALL_TENANTS,
            "cluster": THE_CLUSTER,
            "settings": settings,
        }

    def owner(namespace: str, cluster: ClusterView) -> str:
        return _owner_name(tenancy, namespace, cluster)

    def enforcement(request: AdmissionRequest, cluster: ClusterView) -> Enforcement:
        return enforcement_of(Context(tenancy, cluster, request))

    def trusts(request: AdmissionRequest, cluster: ClusterView) -> bool:
        return Context(tenancy, cluster, request).concerns_the_platform()

    def silenced(request: AdmissionRequest, cluster: ClusterView) -> frozenset[str]:
        return _silenced(Context(tenancy, cluster, request))

    refusals = partial(closed, tenancy), partial(objection, tenancy)
    return Extension(
        (LIBRARY,),
        VARIABLES,
        activation,
        *refusals,
        owner=owner,
        trusts=trusts,
        silenced=silenced,
        everywhere=tenancy.everywhere,
        enforcement=enforcement,
    )


def _silenced(context: Context) -> frozenset[str]:
    """The policies whose warnings are kept to audits; none where nobody can tell whose a request is."""
    try:
        tenant = context.tenant()
    except ContestedNamespace:
        return frozenset()
    return frozenset(tenant.silenced_warnings) if tenant is not None else frozenset()


def _owner_name(tenancy: Tenancy, namespace: str, cluster: ClusterView) -> str:
    """The tenant of a namespace; empty when it is disputed, or neither exists nor is claimed by name."""
    record = cluster.get(NAMESPACE, "", namespace)
    try:
        tenant = tenancy.owner(namespace, lambda _name: labels_of(record))
    except ContestedNamespace:
        return ""
    known = tenant is not None and (tenant.claimed or record is not None)
    return tenant.name if tenant is not None and known else ""


ALL_TENANTS = Tenants()
THE_CLUSTER = Cluster()
VARIABLES: Mapping[str, Type] = {
    "tenant": TENANT,
    "requester": REQUESTER,
    "tenants": TENANTS,
    "cluster": CLUSTER,
    "settings": SETTINGS,
}


def _settings(tenancy: Tenancy) -> dict[str, object]:
    settings = tenancy.settings
    labels = {TENANT_LABEL}
    taints = {*CONTROL_PLANE_TAINTS, *OUT_OF_SERVICE_TAINTS}
    taints.update(*(each.taints for each in settings.virtual_nodes.values()))
    for tenant in tenancy.tenants:
        labels |= set(tenant.labels)
        taints |= {str(toleration["key"]) for toleration in tenant.nodes.tolerations}
        labels |= {r.key for selector in tenant.claim.selectors for r in selector.requirements}
    return {
        "reservedPrefixes": list(settings.reserved_prefixes),
        "protectedCIDRs": list(settings.protected_cidrs),
        "clusterDomain": settings.cluster_domain,
        "unknownKinds": settings.unknown_kinds,
        "labelPrefix": f"{GROUP}/",
        "tenantLabel": TENANT_LABEL,
        "protectedLabels": sorted(labels),
        "reservedTaints": sorted(taints),
        "handlers": dict(settings.handlers),
        "virtualNodes": [NodeProfileValue(profile) for profile in settings.virtual_nodes.values()],
    }


def _tenant(context: Context) -> Message | None:
    try:
        tenant = context.tenant()
    except ContestedNamespace as error:
        return ContestedTenant(str(error))
    return None if tenant is None else _value(tenant)


def _value(tenant: Tenant) -> TenantValue:
    """The value of a tenant, made once and kept with it."""
    found = tenant.__dict__.get(_VALUE)
    if found is None:
        found = tenant.__dict__[_VALUE] = TenantValue(tenant)
    return cast(TenantValue, found)


_VALUE = "_cel_value"
"""Where a tenant keeps its value: beside the fields, so that it lives as long as the tenant."""


def _nodes(nodes: Nodes) -> Message:
    fields = {
        "selector": dict(nodes.every_selector),
        "tolerations": [dict(toleration) for toleration in nodes.every_toleration],
        "profile": NodeProfileValue(nodes.profile or NO_PROFILE),
    }
    return Message(NODES.name, fields)


def _limits(limits: Limits) -> Message:
    counts = {
        "namespaces": limits.namespaces,
        "loadBalancers": limits.load_balancers,
        "snapshots": limits.snapshots,
        "nodePorts": limits.node_ports,
        "replicas": limits.replicas,
        "cpu": limits.cpu,
        "memory": limits.memory,
        "hugePages": limits.huge_pages,
        "objectSize": limits.bytes_of_an_object,
    }
    return Message(LIMITS.name, counts)


def _ceiling(ceiling: Ceiling) -> Message:
    fields = {"pods": ceiling.pods, "cpu": ceiling.cpu, "memory": ceiling.memory}
    return Message(CEILING.name, fields)


def _kind_grants(tenant: Tenant) -> list[Message]:
    grants = tenant.custom_resources
    return [Message(KIND_GRANT.name, {"group": each.group, "kinds": list(each.kinds)}) for each in grants]


class ChoiceValue(Message):
    """A choice as expressions see it."""

    __slots__ = ("choice",)

    def __init__(self, choice: Choice) -> None:
        super().__init__(CHOICE.name, {"allowed": list(choice.allowed), "default": choice.default})
        self.choice = choice


class NodeProfileValue(Message):
    """A profile of virtual nodes as expressions see it; one without a name is none."""

    __slots__ = ("profile",)

    def __init__(self, profile: NodeProfile) -> None:
        fields = {
            "name": profile.name,
            "selector": dict(profile.selector),
            "volumes": list(profile.volumes),
            "csiDrivers": list(profile.csi_drivers),
            "extendedResources": list(profile.extended_resources),
            "lacks": list(profile.lacks),
        }
        super().__init__(NODE_PROFILE.name, fields)
        self.profile = profile


NO_PROFILE = NodeProfile("")

# --- functions


def _context(activation: Mapping[str, object]) -> Context:
    return cast(Context, activation[CONTEXT])


def _references(activation: Mapping[str, object], value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        raise EvaluationError("references() takes an object")
    try:
        return _context(activation).references(value)
    except Unreadable as error:
        raise EvaluationError(str(error)) from error
    except RecursionError:
        raise EvaluationError("what the object names is nested too deep to be read") from None


def _runtime_class(activation: Mapping[str, object], name: str) -> Optional:
    context = _context(activation)
    found = context.runtime_class(name)
    if found is None:
        return NONE
    handler = str(found.get("handler", ""))
    overhead = found.get("overhead")
    fixed = overhead.get("podFixed") if isinstance(overhead, dict) else None
    isolation = context.tenancy.settings.handlers.get(handler, "none")
    fields = {
        "name": name,
        "handler": handler,
        "isolation": isolation,
        "overhead": fixed if isinstance(fixed, dict) else {},
    }
    return Optional(Message(RUNTIME_CLASS.name, fields))


def _lacks_runtime_class(activation: Mapping[str, object], name: str) -> bool:
    return _context(activation).lacks_runtime_class(name)


def _of_namespace(activation: Mapping[str, object], _tenants: Tenants, namespace: str) -> Optional:
    tenant = _context(activation).owner(namespace)
    return NONE if tenant is None else Optional(_value(tenant))


def _of_namespace_object(activation: Mapping[str, object], _tenants: Tenants, value: Any) -> Optional:
    if not isinstance(value, dict):
        raise EvaluationError("tenants.ofNamespaceObject() takes a Namespace")
    name = str((value.get("metadata") or {}).get("name", ""))
    tenant = _context(activation).owner_with(name, labels_of(value))
    return NONE if tenant is None else Optional(_value(tenant))


def _owns(activation: Mapping[str, object], tenant: TenantValue, namespace: str) -> bool:
    try:
        return _context(activation).owns(tenant.tenant, namespace)
    except ContestedNamespace:
        return False


def _permits(activation: Mapping[str, object], tenant: TenantValue, reference: Any) -> bool:
    if not isinstance(reference, dict) or not reference.keys() >= REFERENCE_FIELDS:
        raise EvaluationError("tenant.permits() takes a reference")
    return _context(activation).permits(tenant.tenant, reference)


def _permits_audience(activation: Mapping[str, object], tenant: TenantValue, audience: str) -> bool:
    own = _context(activation).tenancy.settings.server_audiences
    return audience in own or tenant.tenant.permits_audience(audience)


def _is_protected(activation: Mapping[str, object], value: Any) -> bool:
    return isinstance(value, dict) and _context(activation).protection.covers(value)


def _is_protected_owner(activation: Mapping[str, object], owner: Any) -> bool:
    return isinstance(owner, dict) and _context(activation).protection.covers_owner(owner)


def _is_cluster_wide_owner(activation: Mapping[str, object], owner: Any) -> bool:
    return isinstance(owner, dict) and _context(activation).is_cluster_wide(owner)


def _read(find: Callable[[Context, Any], list[Any]]) -> Callable[[Any, Any], list[Any]]:
    """What is found in an object; of what is no object nothing, and an error where nobody could tell."""

    def read(activation: Mapping[str, object], value: Any) -> list[Any]:
        try:
            return find(_context(activation), value) if isinstance(value, dict) else []
        except Unreadable as error:
            raise EvaluationError(str(error)) from error

    return read


def _hosts(text: str) -> list[str]:
    found = list(islice(hosts_of_settings(text), MAX_REFERENCES))
    if len(found) == MAX_REFERENCES:
        raise EvaluationError(f"the text names more than {MAX_REFERENCES} hosts: shorten it")
    return found


def _json_size(value: Any) -> int:
    try:
        return len(orjson.dumps(value))
    except (TypeError, RecursionError) as error:  # deeper than JSON is read, or no object at all
        raise EvaluationError(f"jsonSize() takes an object: {error}") from error


def _ceiling_excess(activation: Mapping[str, object], pod: Any) -> list[str]:
    if not isinstance(pod, dict):
        raise EvaluationError("ceilingExcess() takes a Pod")
    context = _context(activation)
    tenant = context.tenant()
    return list(excess(context, tenant, pod) or ()) if tenant is not None else []


def _may_call(activation: Mapping[str, object], tenant: TenantValue, host: str) -> bool:
    return _context(activation).may_call(tenant.tenant, host)


REFERENCE_FIELDS = frozenset(("kind", "group", "namespace", "name"))


def _grants(choice: ChoiceValue, name: str) -> bool:
    return choice.choice.permits(name)


def _is_at_least(runtime_class: Mapping[str, Any], level: str) -> bool:
    return satisfies(cast(Level, runtime_class["isolation"]), level)


def _custom_kind(group: str, kind: str) -> Message:
    return _custom_kind_value(custom_kind(group, kind))


@cache
def _custom_kind_value(known: CustomKind) -> Message:
    """The value of an entry of the catalogue: there are as many as entries."""
    fields = {
        "judgement": known.judgement,
        "reason": known.reason,
        "rules": list(known.rules),
        "version": known.version,
    }
    return Message(CUSTOM_KIND.name, fields)


def _get(
    activation: Mapping[str, object],
    _cluster: Cluster,
    api_version: str,
    kind: str,
    namespace: str,
    name: str,
) -> Optional:
    context = _context(activation)
    wanted = _visible(context, api_version, kind, namespace)
    found = context.cluster.get(wanted, namespace, name)
    return NONE if found is None else Optional(found)


def _list(
    activation: Mapping[str, object], _cluster: Cluster, api_version: str, kind: str, namespace: str
) -> list[Any]:
    context = _context(activation)
    wanted = _visible(context, api_version, kind, namespace)
    return list(context.cluster.list(wanted, namespace or None))


def _is_taken(
    activation: Mapping[str, object], _cluster: Cluster, api_version: str, kind: str, field: str, value: str
) -> bool:
    """Whether a namespace that is not the request's tenant's holds an object whose field has this value.

    That much, and no more, is told of other tenants' objects: names that are unique in something shared.
    """
    context = _context(activation)
    if kind in UNSEEN_KINDS:
        raise EvaluationError(f"look-up refused: no policy may read a {kind}")
    steps = field.split(".")
    found = context.cluster.list(GroupVersionKind.parse(api_version, kind), None)
    return any(_at(each, steps) == value and not _is_own(context, each) for each in found)


def _at(value: Any, steps: Sequence[str]) -> Any:
    """What a field holds; None where there is none."""
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _is_own(context: Context, value: Mapping[str, Any]) -> bool:
    tenant = context.tenant()
    try:
        return tenant is not None and context.owns(tenant, str(value["metadata"].get("namespace", "")))
    except ContestedNamespace:
        return False


def _visible(context: Context, api_version: str, kind: str, namespace: str) -> GroupVersionKind:
    """The kind asked for, if the request's tenant may be told of it; a look-up beyond it is refused."""
    wanted = GroupVersionKind.parse(api_version, kind)
    if kind in UNSEEN_KINDS:
        raise EvaluationError(f"look-up refused: no policy may read a {kind}")
    served = context.cluster.served(wanted)
    if not namespace and (served is None or not served.namespaced):
        return wanted  # of a kind the cluster does not serve there is nothing to see
    if not namespace:
        raise EvaluationError(f"look-up refused: name the namespace in which to look for {kind}")
    tenant = context.tenant()
    if tenant is not None and not tenant.trusted and not context.owns(tenant, namespace):
        raise EvaluationError(f"look-up refused: namespace {namespace!r} is not the tenant's")
    return wanted


def _member(
    name: str, identifier: str, parameters: tuple[Type, ...], result: Type, function: Any, **more: Any
) -> Function:
    return Function(name, (Overload(identifier, parameters, result, function, member=True, **more),))


LIBRARY = Library(
    name="tenancy",
    functions=(
        Function(
            "references",
            (
                Overload(
                    "tenancy_references",
                    (DYN,),
                    list_of(REFERENCE),
                    _references,
                    cost=lambda *_: REFERENCES_COST,
                    contextual=True,
                ),
            ),
        ),
        *(
            Function(
                name,
                (
                    Overload(
                        f"tenancy_{word}",
                        (DYN,),
                        result,
                        function,
                        cost=lambda *_: REFERENCES_COST,
                        contextual=True,
                    ),
                ),
            )
            for name, word, result, function in (
                ("isProtected", "is_protected", BOOL, _is_protected),
                ("isProtectedOwner", "is_protected_owner", BOOL, _is_protected_owner),
                ("isClusterWideOwner", "is_cluster_wide_owner", BOOL, _is_cluster_wide_owner),
                ("reached", "reached", list_of(REACH), _read(Context.reached)),
                ("reaching", "reaching", list_of(REACH), _read(Context.reaching)),
                ("holdingBudgets", "holding_budgets", list_of(STRING), _read(Context.holding_budgets)),
                ("marks", "marks", list_of(MARK), _read(Context.marks)),
                ("podCounts", "pod_counts", list_of(POD_COUNT), _read(Context.pod_counts)),
            )
        ),
        Function(
            "ceilingExcess",
            (
                Overload(
                    "tenancy_ceiling_excess",
                    (DYN,),
                    list_of(STRING),
                    _ceiling_excess,
                    cost=lambda *_: CEILING_COST,
                    contextual=True,
                ),
            ),
        ),
        Function(
            "runtimeClass",
            (
                Overload(
                    "tenancy_runtime_class",
                    (STRING,),
                    optional_of(RUNTIME_CLASS),
                    _runtime_class,
                    cost=lambda *_: LOOK_UP_COST,
                    contextual=True,
                ),
            ),
        ),
        Function(
            "lacksRuntimeClass",
            (
                Overload(
                    "tenancy_lacks_runtime_class",
                    (STRING,),
                    BOOL,
                    _lacks_runtime_class,
                    cost=lambda *_: LOOK_UP_COST,
                    contextual=True,
                ),
            ),
        ),
        _member(
            "ofNamespace",
            "tenants_of_namespace",
            (TENANTS, STRING),
            optional_of(TENANT),
            _of_namespace,
            contextual=True,
        ),
        _member(
            "ofNamespaceObject",
            "tenants_of_namespace_object",
            (TENANTS, DYN),
            optional_of(TENANT),
            _of_namespace_object,
            contextual=True,
        ),
        _member("mayCall", "tenant_may_call", (TENANT, STRING), BOOL, _may_call, contextual=True),
        Function(
            "hosts",
            (Overload("tenancy_hosts", (STRING,), list_of(STRING), _hosts, cost=lambda *_: REFERENCES_COST),),
        ),
        Function(
            "jsonSize",
            (Overload("tenancy_json_size", (DYN,), INT, _json_size, cost=lambda *_: REFERENCES_COST),),
        ),
        Function(
            "vclusterName",
            (
                Overload(
                    "tenancy_vcluster_name",
                    (STRING, STRING, STRING),
                    STRING,
                    vcluster_name,
                    cost=lambda *_: LOOK_UP_COST,
                ),
            ),
        ),
        Function(
            "customKind",
            (Overload("tenancy_custom_kind", (STRING, STRING), CUSTOM_KIND, _custom_kind),),
        ),
        _member(
            "permitsKind",
            "tenant_permits_kind",
            (TENANT, STRING, STRING),
            BOOL,
            lambda tenant, group, kind: tenant.tenant.permits_kind(group, kind),
        ),
        _member(
            "permitsAudience",
            "tenant_permits_audience",
            (TENANT, STRING),
            BOOL,
            _permits_audience,
            contextual=True,
        ),
        _member("owns", "tenant_owns", (TENANT, STRING), BOOL, _owns, contextual=True),
        Function(
            "permits",
            (
                Overload("tenant_permits", (TENANT, DYN), BOOL, _permits, member=True, contextual=True),
                Overload("choice_permits", (CHOICE, STRING), BOOL, _grants, member=True),
            ),
        ),
        _member(
            "excess",
            "tenant_excess",
            (TENANT, list_of(DYN)),
            list_of(STRING),
            lambda tenant, resources: list(tenant.tenant.limits.excess(resources) or ()),
        ),
        _member(
            "admits",
            "tenant_admits",
            (TENANT, list_of(STRING)),
            BOOL,
            lambda tenant, names: any(tenant.tenant.shares_itself_with(name) for name in names),
        ),
        _member(
            "ownsHostname",
            "tenant_owns_hostname",
            (TENANT, STRING),
            BOOL,
            lambda t, host: t.tenant.owns_hostname(host),
        ),
        _member(
            "allowsImage",
            "tenant_allows_image",
            (TENANT, STRING),
            BOOL,
            lambda t, image: t.tenant.allows_image(image),
        ),
        _member(
            "holds",
            "node_profile_holds",
            (NODE_PROFILE, STRING, map_of(STRING, DYN)),
            BOOL,
            lambda value, name, labels: value.profile.holds(name, labels),
        ),
        _member("isAtLeast", "runtime_class_is_at_least", (RUNTIME_CLASS, STRING), BOOL, _is_at_least),
        _member(
            "get",
            "cluster_get",
            (CLUSTER, STRING, STRING, STRING, STRING),
            optional_of(DYN),
            _get,
            cost=lambda *_: LOOK_UP_COST,
            contextual=True,
        ),
        _member(
            "list",
            "cluster_list",
            (CLUSTER, STRING, STRING, STRING),
            list_of(DYN),
            _list,
            cost=lambda *_: LOOK_UP_COST,
            contextual=True,
        ),
        _member(
            "isTaken",
            "cluster_is_taken",
            (CLUSTER, STRING, STRING, STRING, STRING),
            BOOL,
            _is_taken,
            cost=lambda *_: LOOK_UP_COST,
            contextual=True,
        ),
    ),
    types=(
        CEILING,
        CHOICE,
        CLUSTER,
        CUSTOM_KIND,
        KIND_GRANT,
        LIMITS,
        MARK,
        NODES,
        NODE_PROFILE,
        POD_COUNT,
        REACH,
        REFERENCE,
        REQUESTER,
        RUNTIME_CLASS,
        SETTINGS,
        TENANT,
        TENANTS,
    ),
)

WORDS = frozenset({*VARIABLES, *(function.name for function in LIBRARY.functions)})
"""What policies say of tenancy by: variables, functions and methods."""


def read_ahead(policies: PolicySet, tenancy: Tenancy) -> None:
    """Read what references are found by, where a decision may look for some: it reads no file.

    Policies without a word of ours look for none, nor does what is enforced everywhere alike. To read it took
    a seventh of the time of the smallest suite.
    """
    if tenancy.everywhere is None or says(policies, WORDS):
        catalogue(), known_kinds()
