"""What may be wrong with where pods run: profiles of virtual nodes, and tenants that rely on one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gatekeeper_py.manifests.conformity import Fault
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.tenancy.reading import usage_of
from gatekeeper_py.tenancy.tenant import Tenant
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile, known_profiles, profiles_of

__all__ = ["placement_faults", "profile_faults"]

DEMANDED = ("selector", "volumes", "lacks")
"""What a profile must say that does not ship: of what it left out nobody could tell what it means."""


def profile_faults(settings: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the profiles of settings, and with their defaults where these rely on one."""
    stated: Mapping[str, Any] = {}
    for index, profile in enumerate(settings.get("virtualNodes", ())):
        path: FieldPath = ("spec", "virtualNodes", index)
        if profile["name"] in stated:
            yield (*path, "name"), f"is {profile['name']!r} a second time; keep one"
        yield from _incomplete(profile, path)
        stated = {**stated, profile["name"]: profile}
    profiles, defaults = profiles_of(stated.values()), settings.get("defaults", {})
    usage = usage_of(defaults, Tenant(""), profiles)
    yield from placement_faults(defaults, usage, profiles, ("spec", "defaults"))


def _incomplete(profile: Mapping[str, Any], path: FieldPath) -> Iterator[Fault]:
    missing = [key for key in DEMANDED if key not in profile]
    if missing and profile["name"] not in known_profiles():
        yield (
            path,
            f"is a profile of its own, {profile['name']!r}, and lacks {' and '.join(missing)}; "
            "add them, an empty list for none",
        )


def placement_faults(
    spec: Mapping[str, Any],
    tenant: Tenant,
    profiles: Mapping[str, NodeProfile],
    path: FieldPath = ("spec",),
) -> Iterator[Fault]:
    """What is wrong with the virtual nodes of a tenant that a spec makes, where these are the profiles."""
    name = spec.get("nodes", {}).get("profile")
    if tenant.trusted:
        return
    if name is not None and name not in profiles:
        yield (
            (*path, "nodes", "profile"),
            f"is {name!r}, which is no profile of virtual nodes; name one of {', '.join(sorted(profiles))}, "
            "or add it to virtualNodes of the TenancySettings",
        )
    elif tenant.isolation == "virtual-node":
        yield from _unproven(tenant.nodes.profile, (*path, "runtimeClasses", "isolation"))
    if tenant.nodes.profile is not None:
        yield from _classes(tenant.nodes.profile, tenant, path)
        yield from _contradictions(tenant.nodes.profile, tenant.nodes.selector, (*path, "nodes", "selector"))


def _unproven(profile: NodeProfile | None, path: FieldPath) -> Iterator[Fault]:
    """What `isolation: virtual-node` lacks: nodes that the settings count as virtual machines."""
    if profile is None:
        yield path, "is virtual-node, so nodes.profile must say which virtual nodes; add it"
    elif profile.isolation != "vm":
        yield (
            path,
            f"is virtual-node, and nobody says that virtual nodes of profile {profile.name!r} isolate; "
            f"if each pod there is a virtual machine, add {{name: {profile.name}, isolation: vm}} to "
            "virtualNodes of the TenancySettings",
        )


def _classes(profile: NodeProfile, tenant: Tenant, path: FieldPath) -> Iterator[Fault]:
    """What a tenant asks of runtime classes, on nodes that know none."""
    if "runtimeClasses" not in profile.lacks:
        return
    if tenant.isolation not in ("none", "virtual-node"):
        yield (
            (*path, "nodes", "profile"),
            f"is {profile.name!r}, whose nodes know no runtime class, so no pod there would have isolation "
            f"{tenant.isolation}; set runtimeClasses.isolation to virtual-node or none",
        )
    if tenant.runtime_classes.default:
        yield (
            (*path, "runtimeClasses", "default"),
            f"is {tenant.runtime_classes.default!r}, and nodes of profile {profile.name!r} know no runtime "
            "class; remove it",
        )


def _contradictions(profile: NodeProfile, selector: Mapping[str, str], path: FieldPath) -> Iterator[Fault]:
    """The labels of nodes that a tenant selects and nodes of its profile do not have."""
    for key in profile.contradicts(selector):
        yield (
            path,
            f"has {key}={selector[key]}, and nodes of profile {profile.name!r} have "
            f"{key}={profile.selector[key]}; remove it",
        )
