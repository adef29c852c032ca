"""From a tenancy document of the right shape to values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.selector import Requirement, Selector
from gatekeeper_py.tenancy.isolation import DEFAULT_HANDLERS
from gatekeeper_py.tenancy.tenant import (
    GROUP,
    PLATFORM,
    PLATFORM_NAMESPACES,
    Ceiling,
    Choice,
    Claim,
    Grant,
    KindGrant,
    Limits,
    Nodes,
    Owner,
    Settings,
    Tenant,
)
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile, profiles_of

__all__ = [
    "API_VERSION",
    "CHOICES",
    "claim_of",
    "declares_tenancy",
    "generation_of",
    "identity_of",
    "is_control_plane",
    "is_settings",
    "is_tenancy_document",
    "is_tenant",
    "is_waiver",
    "name_of",
    "place_of",
    "settings_of",
    "tenant_of",
    "usage_of",
]

API_VERSION = f"{GROUP}/v1alpha1"
CAPSULE_LABEL = "capsule.clastix.io/tenant"
RANCHER_LABEL = "field.cattle.io/projectId"

CHOICES: Mapping[str, str] = {
    "storageClasses": "storage_classes",
    "ingressClasses": "ingress_classes",
    "gatewayClasses": "gateway_classes",
    "priorityClasses": "priority_classes",
    "snapshotClasses": "snapshot_classes",
    "volumeAttributesClasses": "volume_attributes_classes",
    "deviceClasses": "device_classes",
    "loadBalancerClasses": "load_balancer_classes",
}
LISTS: Mapping[str, str] = {
    "extendedResources": "extended_resources",
    "csiDrivers": "csi_drivers",
    "hostnames": "hostnames",
    "registries": "registries",
    "identities": "identities",
    "externalIPs": "external_ips",
    "clusterIssuers": "cluster_issuers",
    "annotations": "annotations",
    "nameservers": "nameservers",
    "populators": "populators",
    "roleRules": "role_rules",
    "tokenAudiences": "token_audiences",
    "topologyKeys": "topology_keys",
    "nodePorts": "node_ports",
    "openTraffic": "open_traffic",
    "silencedWarnings": "silenced_warnings",
}


def is_tenancy_document(manifest: Manifest) -> bool:
    """Whether a manifest is one of ours, whatever its version."""
    api_version = manifest.object.get("apiVersion")
    return isinstance(api_version, str) and api_version.partition("/")[0] == GROUP


def is_tenant(document: Manifest) -> bool:
    """Whether it declares a tenant."""
    return document.object.get("kind") == "Tenant"


def is_settings(document: Manifest) -> bool:
    """Whether it is the settings."""
    return document.object.get("kind") == "TenancySettings"


def is_waiver(document: Manifest) -> bool:
    """Whether it waives something, and says nothing of who owns what."""
    return document.object.get("kind") == "Waiver"


def is_control_plane(document: Manifest) -> bool:
    """Whether it is about an API server of a tenant's own."""
    return document.object.get("kind") == "ControlPlane"


def declares_tenancy(manifest: Manifest) -> bool:
    """Whether a manifest is a tenancy document that says, with others, who owns what."""
    return is_tenancy_document(manifest) and not is_waiver(manifest) and not is_control_plane(manifest)


def name_of(document: Manifest) -> str:
    """Its name, whatever else may be wrong with it."""
    metadata = document.object.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""


def identity_of(document: Manifest) -> str:
    """`Tenant/foo`."""
    return f"{document.object.get('kind')}/{name_of(document)}"


def generation_of(document: Manifest) -> int:
    """Which version of its spec it is; 0 of what no API server has counted."""
    metadata = document.object.get("metadata")
    generation = metadata.get("generation") if isinstance(metadata, dict) else None
    return generation if isinstance(generation, int) else 0


def settings_of(spec: Mapping[str, Any]) -> Settings:
    """The settings that a spec makes."""
    defaults = Settings()
    platform = spec.get("platform", {})
    return Settings(
        enforcement=spec.get("enforcement", defaults.enforcement),
        unclaimed=spec.get("unclaimed", defaults.unclaimed),
        handlers={**DEFAULT_HANDLERS, **spec.get("handlers", {})},
        platform_users=(*defaults.platform_users, *platform.get("users", ())),
        platform_groups=tuple(platform.get("groups", defaults.platform_groups)),
        reserved_prefixes=tuple(spec.get("reservedPrefixes", defaults.reserved_prefixes)),
        protected_cidrs=tuple(spec.get("protectedCIDRs", defaults.protected_cidrs)),
        cluster_domain=spec.get("clusterDomain", defaults.cluster_domain),
        unknown_kinds=spec.get("unknownKinds", defaults.unknown_kinds),
        virtual_nodes=profiles_of(spec.get("virtualNodes", ())),
    )


def tenant_of(document: Manifest, template: Tenant, profiles: Mapping[str, NodeProfile]) -> Tenant:
    """The tenant that a document declares, where these are the profiles of virtual nodes."""
    spec = document.object["spec"]
    used = usage_of(spec, template, profiles)
    fields = {key: getattr(used, key) for key in Tenant.__dataclass_fields__}
    fields |= {
        "name": name_of(document),
        "source": place_of(document),
        "claimed": True,
        "trusted": spec.get("trusted", False),
        "enforcement": spec.get("enforcement", template.enforcement),
        "writes_as_platform": writes_as_platform(document),
        "cluster_wide": tuple(map(_kind_grant, spec.get("clusterWide", ()))),
        "copies_marks": spec.get("copiesMarks", False),
        "claim": claim_of(spec["namespaces"]),
        "owners": tuple(Owner(**owner) for owner in spec.get("owners", ())),
        "sharing": tuple(_grant(grant) for grant in spec.get("sharing", ())),
    }
    return Tenant(**fields)


def writes_as_platform(document: Manifest) -> bool:
    """Whether `writesAs` says so; the platform's own document and that of kube-system need not."""
    spec = document.object["spec"]
    names = spec["namespaces"].get("names", ())
    is_platform = name_of(document) == PLATFORM or not set(PLATFORM_NAMESPACES).isdisjoint(names)
    stated = spec.get("writesAs", "platform" if is_platform else "tenant")
    return spec.get("trusted") is True and stated == "platform"


def place_of(document: Manifest) -> str:
    """`policies/tenants/foo.yaml:3`, or `cluster/Tenant/foo` of what has no lines."""
    source = document.source
    return f"{source.path}:{source.line}" if source.text else source.path


def usage_of(spec: Mapping[str, Any], base: Tenant, profiles: Mapping[str, NodeProfile]) -> Tenant:
    """What may be used; what `spec` leaves out is that of `base`."""
    fields: dict[str, Any] = {key: getattr(base, key) for key in Tenant.__dataclass_fields__}
    for key, attribute in CHOICES.items():
        if key in spec:
            fields[attribute] = _choice(spec[key])
    for key, attribute in LISTS.items():
        if key in spec:
            fields[attribute] = tuple(spec[key])
    if "schedulers" in spec:
        fields["schedulers"] = _choice({"default": "default-scheduler", **spec["schedulers"]})
    if "customResources" in spec:
        fields["custom_resources"] = tuple(map(_kind_grant, spec["customResources"]))
    if "nodes" in spec:
        fields["nodes"] = _nodes(spec["nodes"], profiles)
    fields |= _runtime_classes(spec.get("runtimeClasses", {}), base, fields["nodes"].profile)
    fields["pod_security"] = spec.get("podSecurity", base.pod_security)
    fields["require_limits"] = spec.get("requireLimits", base.require_limits)
    fields["hostless_routes"] = spec.get("hostlessRoutes", base.hostless_routes)
    fields["manual_selectors"] = spec.get("manualSelectors", base.manual_selectors)
    limits = spec.get("limits", {})
    fields["limits"] = Limits(
        namespaces=limits.get("namespaces", base.limits.namespaces),
        load_balancers=limits.get("loadBalancers", base.limits.load_balancers),
        snapshots=limits.get("snapshots", base.limits.snapshots),
        node_ports=limits.get("nodePorts", base.limits.node_ports),
        replicas=limits.get("replicas", base.limits.replicas),
        cpu=limits.get("cpu", base.limits.cpu),
        memory=limits.get("memory", base.limits.memory),
        huge_pages=limits.get("hugePages", base.limits.huge_pages),
        object_size=limits.get("objectSize", base.limits.object_size),
    )
    ceiling = spec.get("ceiling", {})
    fields["ceiling"] = Ceiling(
        pods=ceiling.get("pods", base.ceiling.pods),
        cpu=ceiling.get("cpu", base.ceiling.cpu),
        memory=ceiling.get("memory", base.ceiling.memory),
    )
    fields["quota"] = {**base.quota, **spec.get("quota", {})}
    fields["labels"] = {**base.labels, **spec.get("labels", {})}
    return Tenant(**fields)


def _nodes(spec: Mapping[str, Any], profiles: Mapping[str, NodeProfile]) -> Nodes:
    profile = profiles.get(spec.get("profile", ""))
    return Nodes(spec.get("selector", {}), tuple(spec.get("tolerations", ())), profile)


def _runtime_classes(spec: Mapping[str, Any], base: Tenant, profile: NodeProfile | None) -> dict[str, Any]:
    choice = base.runtime_classes
    if "default" in spec or "allowed" in spec:
        choice = _choice(spec)
    elif profile is not None and "runtimeClasses" in profile.lacks:
        choice = Choice()  # those of the defaults are for machines that have the handlers
    return {"runtime_classes": choice, "isolation": spec.get("isolation", base.isolation)}


def _choice(spec: Mapping[str, Any]) -> Choice:
    return Choice(tuple(spec.get("allowed", ())), spec.get("default", ""))


def claim_of(spec: Mapping[str, Any]) -> Claim:
    """Which namespaces `spec.namespaces` claims."""
    selectors = [Selector.of(spec["selector"])] if "selector" in spec else []
    for key, label in (("capsuleTenant", CAPSULE_LABEL), ("rancherProject", RANCHER_LABEL)):
        if key in spec:
            selectors.append(Selector((Requirement(label, "In", frozenset([spec[key]])),)))
    return Claim(tuple(spec.get("names", ())), tuple(spec.get("patterns", ())), tuple(selectors))


def _kind_grant(spec: Mapping[str, Any]) -> KindGrant:
    return KindGrant(spec["group"], tuple(spec["kinds"]))


def _grant(spec: Mapping[str, Any]) -> Grant:
    return Grant(
        to=tuple(spec["to"]),
        kinds=tuple(spec["kinds"]),
        names=tuple(spec.get("names", ("*",))),
        namespaces=tuple(spec.get("namespaces", ("*",))),
    )
