"""From documents to a `Tenancy`: strict, and every problem is told with its place and its remedy."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from gatekeeper_py.manifests.conformity import Fault, faults, problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import ManifestError, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.schema import ANYTHING, OpenAPI, Schema, openapi_schema
from gatekeeper_py.objects.selector import Requirement, Selector, SelectorError
from gatekeeper_py.tenancy.fields import SETTINGS_SPEC, TENANT_NAME_LENGTH, TENANT_SPEC
from gatekeeper_py.tenancy.isolation import DEFAULT_HANDLERS
from gatekeeper_py.tenancy.patterns import Globs, glob_matches, globs_overlap
from gatekeeper_py.tenancy.tenant import (
    GROUP,
    Choice,
    Claim,
    Grant,
    Limits,
    Nodes,
    Owner,
    Settings,
    Tenancy,
    Tenant,
)

__all__ = ["API_VERSION", "PLATFORM_NAMESPACES", "TenancyError", "is_tenancy_document", "load_tenancy"]

API_VERSION = f"{GROUP}/v1alpha1"
PLATFORM = "platform"
PLATFORM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
"""Trusted even when no document says so: an engine that stops kube-system stops the cluster."""
SETTINGS_NAME = "settings"
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
}


class TenancyError(ManifestError):
    """The documents make no tenancy; lists every problem."""


def is_tenancy_document(manifest: Manifest) -> bool:
    """Whether a manifest is one of ours, whatever its version."""
    api_version = manifest.object.get("apiVersion")
    return isinstance(api_version, str) and api_version.partition("/")[0] == GROUP


def load_tenancy(manifests: Iterable[Manifest]) -> Tenancy:
    """The tenancy the documents among `manifests` describe; other manifests are passed over.

    Without any document nothing is a tenant's. Raises `TenancyError`.
    """
    documents = [manifest for manifest in manifests if is_tenancy_document(manifest)]
    if not documents:
        return Tenancy(settings=Settings(unclaimed="ignore"))
    problems = [problem for document in documents for problem in _document_problems(document)]
    problems += _repetitions(documents)
    if problems:
        raise TenancyError(problems)
    return _tenancy(documents)


def _tenancy(documents: Sequence[Manifest]) -> Tenancy:
    settings_spec: Mapping[str, Any] = {}
    for document in documents:
        if document.object["kind"] == "TenancySettings":
            settings_spec = document.object["spec"]
    template = _usage(settings_spec.get("defaults", {}), Tenant(name="", claimed=False, registries=("*",)))
    sources = {d.object["metadata"]["name"]: d for d in documents if d.object["kind"] == "Tenant"}
    tenants = [_tenant(name, document.object["spec"], template) for name, document in sources.items()]
    problems = list(_overlaps(tenants, sources))
    if problems:
        raise TenancyError(problems)
    return Tenancy(_with_platform(tenants), _settings(settings_spec), template)


def _with_platform(tenants: Sequence[Tenant]) -> tuple[Tenant, ...]:
    """Add the platform tenant, unless declared, with those of its namespaces that nobody else claims."""
    if any(tenant.name == PLATFORM for tenant in tenants):
        return tuple(tenants)
    claimed = {name for tenant in tenants for name in tenant.claim.names}
    names = tuple(name for name in PLATFORM_NAMESPACES if name not in claimed)
    return (Tenant(name=PLATFORM, trusted=True, claim=Claim(names=names)), *tenants)


# --- what may be wrong with one document


def _document_problems(document: Manifest) -> Iterator[Problem]:
    shape = list(_document_faults(document.object))
    for fault in shape or list(_meaning_faults(document.object)):
        yield problem_of(fault, document.source)


def _document_faults(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("apiVersion") != API_VERSION:
        yield ("apiVersion",), f"is {body.get('apiVersion')!r}; this version understands {API_VERSION}"
        return
    schema = _schemas().get(str(body.get("kind")))
    if schema is None:
        yield ("kind",), f"is {body.get('kind')!r}; it must be Tenant or TenancySettings"
        return
    yield from faults(dict(body), schema)


@cache
def _schemas() -> Mapping[str, Schema]:
    specs = {"Tenant": TENANT_SPEC, "TenancySettings": SETTINGS_SPEC}
    return {kind: openapi_schema(_document_schema(spec)) for kind, spec in specs.items()}


def _document_schema(spec: OpenAPI) -> OpenAPI:
    return {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    **dict.fromkeys(SERVER_METADATA, ANYTHING),
                },
            },
            "spec": spec,
            "status": ANYTHING,
        },
        "required": ["metadata", "spec"],
    }


SERVER_METADATA = (
    "annotations",
    "creationTimestamp",
    "finalizers",
    "generation",
    "labels",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "uid",
)
"""What an API server adds to a document that lives in it."""


def _meaning_faults(body: Mapping[str, Any]) -> Iterator[Fault]:
    spec = body["spec"]
    if body["kind"] == "Tenant":
        yield from _tenant_faults(body["metadata"]["name"], spec)
        yield from _usage_faults(spec, ("spec",))
    else:
        if body["metadata"]["name"] != SETTINGS_NAME:
            yield ("metadata", "name"), f"must be {SETTINGS_NAME}: there is one set of settings"
        yield from _usage_faults(spec.get("defaults", {}), ("spec", "defaults"))
        yield from _cidr_faults(spec.get("protectedCIDRs", ()), ("spec", "protectedCIDRs"))


def _tenant_faults(name: str, spec: Mapping[str, Any]) -> Iterator[Fault]:
    if len(name) > TENANT_NAME_LENGTH or "." in name:
        yield (
            ("metadata", "name"),
            f"is {name!r}, which makes no label; give at most {TENANT_NAME_LENGTH} characters without dots",
        )
    namespaces = spec["namespaces"]
    if spec.get("trusted"):
        for key in namespaces:
            if key != "names":
                yield (
                    ("spec", "namespaces", key),
                    "is not for a trusted tenant; list its namespaces by exact name",
                )
    if "selector" in namespaces:
        yield from _selector_faults(namespaces["selector"], ("spec", "namespaces", "selector"))
    for index, owner in enumerate(spec.get("owners", ())):
        if (owner["kind"] == "ServiceAccount") != ("namespace" in owner):
            yield ("spec", "owners", index), "gives namespace for ServiceAccounts only, and they need one"


def _selector_faults(selector: Mapping[str, Any], path: FieldPath) -> Iterator[Fault]:
    try:
        parsed = Selector.of(selector)
    except SelectorError as error:
        yield path, f"is no selector: {error}"
        return
    if not any(requirement.operator in ("In", "Exists") for requirement in parsed.requirements):
        yield path, "would claim namespaces that lack a label; ask for at least one label with In or Exists"


def _usage_faults(spec: Mapping[str, Any], path: FieldPath) -> Iterator[Fault]:
    for key in ("runtimeClasses", *CHOICES, "schedulers"):
        choice = spec.get(key, {})
        allowed = choice.get("allowed")
        default = choice.get("default")
        if default is not None and allowed is not None and default not in allowed and "*" not in allowed:
            yield (
                (*path, key, "default"),
                f"is {default!r}, which is not among the allowed; add it to allowed",
            )
    if spec.get("runtimeClasses", {}).get("isolation") == "virtual-node" and not spec.get("nodes", {}).get(
        "selector"
    ):
        yield (
            (*path, "runtimeClasses", "isolation"),
            "is virtual-node, so nodes.selector must say which nodes; add it",
        )
    if any(key.startswith(f"{GROUP}/") for key in spec.get("labels", {})):
        yield (*path, "labels"), f"uses the prefix {GROUP}/, which is reserved; choose another"
    yield from _cidr_faults(spec.get("externalIPs", ()), (*path, "externalIPs"))


def _cidr_faults(values: Sequence[str], path: FieldPath) -> Iterator[Fault]:
    for index, value in enumerate(values):
        try:
            ipaddress.ip_network(value)
        except ValueError:
            yield (*path, index), f"is {value!r}, which is no network; write it as 10.0.0.0/8"


# --- what may be wrong between documents


def _repetitions(documents: Sequence[Manifest]) -> Iterator[Problem]:
    first: dict[tuple[Any, Any], Manifest] = {}
    for document in documents:
        metadata = document.object.get("metadata")
        if not isinstance(metadata, dict):
            continue
        key = (document.object.get("kind"), str(metadata.get("name")))
        if key in first:
            other = first[key].source
            message = f"{key[0]} {key[1]!r} is declared at {other.path}:{other.line} too; keep one"
            yield problem_of((("metadata", "name"), message), document.source)
        first.setdefault(key, document)


def _overlaps(tenants: Sequence[Tenant], sources: Mapping[str, Manifest]) -> Iterator[Problem]:
    for one, other in _suspects(tenants):
        for what in _shared_claims(one.claim, other.claim):
            source = sources[one.name].source
            message = (
                f"the tenants {one.name!r} ({source.path}:{source.line}) and {other.name!r} "
                f"both claim {what}; leave it to one of them"
            )
            yield problem_of((("spec", "namespaces"), message), sources[other.name].source)


def _suspects(tenants: Sequence[Tenant]) -> Iterator[tuple[Tenant, Tenant]]:
    """The pairs whose claims may overlap: of thousands of tenants not every pair can be looked at."""
    claims = Globs((text, at) for at, each in enumerate(tenants) for text in _texts(each.claim))
    selecting: dict[Selector, list[int]] = {}
    for at, each in enumerate(tenants):
        for selector in each.claim.selectors:
            selecting.setdefault(selector, []).append(at)
    pairs = {(min(pair), max(pair)) for pair in claims.akin() if pair[0] != pair[1]}
    pairs |= {pair for places in selecting.values() for pair in pairwise(dict.fromkeys(places))}
    yield from ((tenants[at], tenants[other]) for at, other in sorted(pairs))


def _texts(claim: Claim) -> tuple[str, ...]:
    return (*claim.names, *claim.patterns)


def _shared_claims(one: Claim, other: Claim) -> Iterator[str]:
    yield from (f"the namespace {name!r}" for name in one.names if name in other.names)
    for names, patterns in ((one.names, other.patterns), (other.names, one.patterns)):
        for name in names:
            for pattern in patterns:
                if glob_matches(pattern, name):
                    yield f"the namespace {name!r}, by name and by the pattern {pattern!r}"
    for left in one.patterns:
        for right in other.patterns:
            if globs_overlap(left, right):
                yield f"namespaces that fit both {left!r} and {right!r}"
    if any(selector in other.selectors for selector in one.selectors):
        yield "the namespaces of the same selector"


# --- from a document of the right shape to values


def _settings(spec: Mapping[str, Any]) -> Settings:
    defaults = Settings()
    platform = spec.get("platform", {})
    return Settings(
        unclaimed=spec.get("unclaimed", defaults.unclaimed),
        handlers={**DEFAULT_HANDLERS, **spec.get("handlers", {})},
        platform_users=(*defaults.platform_users, *platform.get("users", ())),
        platform_groups=tuple(platform.get("groups", defaults.platform_groups)),
        reserved_prefixes=tuple(spec.get("reservedPrefixes", defaults.reserved_prefixes)),
        protected_cidrs=tuple(spec.get("protectedCIDRs", defaults.protected_cidrs)),
        cluster_domain=spec.get("clusterDomain", defaults.cluster_domain),
    )


def _tenant(name: str, spec: Mapping[str, Any], template: Tenant) -> Tenant:
    used = _usage(spec, template)
    fields = {key: getattr(used, key) for key in Tenant.__dataclass_fields__}
    fields |= {
        "name": name,
        "claimed": True,
        "trusted": spec.get("trusted", False),
        "claim": _claim(spec["namespaces"]),
        "owners": tuple(Owner(**owner) for owner in spec.get("owners", ())),
        "sharing": tuple(_grant(grant) for grant in spec.get("sharing", ())),
    }
    return Tenant(**fields)


def _usage(spec: Mapping[str, Any], base: Tenant) -> Tenant:
    fields: dict[str, Any] = {key: getattr(base, key) for key in Tenant.__dataclass_fields__}
    for key, attribute in CHOICES.items():
        if key in spec:
            fields[attribute] = _choice(spec[key])
    for key, attribute in LISTS.items():
        if key in spec:
            fields[attribute] = tuple(spec[key])
    if "schedulers" in spec:
        fields["schedulers"] = _choice({"default": "default-scheduler", **spec["schedulers"]})
    if "runtimeClasses" in spec:
        fields |= _runtime_classes(spec["runtimeClasses"], base)
    if "nodes" in spec:
        fields["nodes"] = Nodes(
            spec["nodes"].get("selector", {}), tuple(spec["nodes"].get("tolerations", ()))
        )
    fields["pod_security"] = spec.get("podSecurity", base.pod_security)
    fields["require_limits"] = spec.get("requireLimits", base.require_limits)
    limits = spec.get("limits", {})
    fields["limits"] = Limits(
        namespaces=limits.get("namespaces", base.limits.namespaces),
        load_balancers=limits.get("loadBalancers", base.limits.load_balancers),
        snapshots=limits.get("snapshots", base.limits.snapshots),
    )
    fields["labels"] = {**base.labels, **spec.get("labels", {})}
    return Tenant(**fields)


def _runtime_classes(spec: Mapping[str, Any], base: Tenant) -> dict[str, Any]:
    choice = base.runtime_classes
    if "default" in spec or "allowed" in spec:
        choice = _choice(spec)
    return {"runtime_classes": choice, "isolation": spec.get("isolation", base.isolation)}


def _choice(spec: Mapping[str, Any]) -> Choice:
    return Choice(tuple(spec.get("allowed", ())), spec.get("default", ""))


def _claim(spec: Mapping[str, Any]) -> Claim:
    selectors = [Selector.of(spec["selector"])] if "selector" in spec else []
    for key, label in (("capsuleTenant", CAPSULE_LABEL), ("rancherProject", RANCHER_LABEL)):
        if key in spec:
            selectors.append(Selector((Requirement(label, "In", frozenset([spec[key]])),)))
    return Claim(tuple(spec.get("names", ())), tuple(spec.get("patterns", ())), tuple(selectors))


def _grant(spec: Mapping[str, Any]) -> Grant:
    return Grant(
        to=tuple(spec["to"]),
        kinds=tuple(spec["kinds"]),
        names=tuple(spec.get("names", ("*",))),
        namespaces=tuple(spec.get("namespaces", ("*",))),
    )
