"""From documents to a `Tenancy`: strict, and every problem is told with its place and its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gatekeeper_py.manifests.conformity import problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import ManifestError, Problem
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.decision import Enforcement
from gatekeeper_py.tenancy.control_planes import ControlPlanes
from gatekeeper_py.tenancy.disputes import overlaps
from gatekeeper_py.tenancy.mistakes import problems_of
from gatekeeper_py.tenancy.placement import placement_faults
from gatekeeper_py.tenancy.reading import (
    API_VERSION,
    declares_tenancy,
    identity_of,
    is_control_plane,
    is_settings,
    is_tenancy_document,
    is_tenant,
    name_of,
    settings_of,
    tenant_of,
    usage_of,
)
from gatekeeper_py.tenancy.standing import Hosts, settings_standing, sound_settings
from gatekeeper_py.tenancy.tenant import (
    PLATFORM,
    PLATFORM_NAMESPACES,
    Claim,
    Settings,
    Standing,
    Tenancy,
    Tenant,
)

__all__ = ["API_VERSION", "DOCUMENTS", "TenancyError", "is_tenancy_document", "load_tenancy"]

DOCUMENTS = tuple(GroupVersionKind.parse(API_VERSION, kind) for kind in ("Tenant", "TenancySettings"))
"""The kinds that a cluster may hold."""


class TenancyError(ManifestError):
    """The documents make no tenancy; lists every problem."""


def load_tenancy(manifests: Iterable[Manifest], living: Iterable[Manifest] = ()) -> Tenancy:
    """The tenancy that documents describe; other manifests are passed over.

    `manifests` are files: one that is wrong raises `TenancyError`. `living` are objects of a cluster: one
    that is wrong is not in force, and `Tenancy.standings` says why. Without any document nothing is a
    tenant's.
    """
    documents = list(filter(is_tenancy_document, manifests))
    problems = [problem for document in documents for problem in problems_of(document)]
    problems += _repetitions(documents)
    if problems:
        raise TenancyError(problems)
    there = tuple(living)
    tenancy = _declared(documents, there)
    planes = ControlPlanes.of(documents, there, tenancy)
    if planes.problems:
        raise TenancyError(planes.problems)
    return planes.over(tenancy)


def _declared(documents: Sequence[Manifest], living: Sequence[Manifest]) -> Tenancy:
    """Tenants and settings, files and objects of a cluster."""
    files, guests = list(filter(declares_tenancy, documents)), list(filter(declares_tenancy, living))
    planes = tuple(filter(is_control_plane, documents))
    if not files and not guests:
        return Tenancy(settings=Settings(unclaimed="ignore"), documents=planes)
    return replace(_tenancy(files, guests), documents=(*files, *planes))


def _tenancy(files: Sequence[Manifest], guests: Sequence[Manifest]) -> Tenancy:
    spec, standing = _settings(files, guests)
    settings = settings_of(spec)
    nobody = Tenant(name="", claimed=False, registries=("*",), enforcement=settings.enforcement)
    profiles = settings.virtual_nodes
    template = usage_of(spec.get("defaults", {}), nobody, profiles)
    declared = [(document, tenant_of(document, template, profiles)) for document in filter(is_tenant, files)]
    tenants = [tenant for _, tenant in declared]
    if problems := [*_misplaced(declared, settings), *_overlaps(tenants, files)]:
        raise TenancyError(problems)
    held = _with_platform(tenants, settings.enforcement)
    received = Hosts(files, held, template, profiles).receive(filter(is_tenant, guests))
    return Tenancy(
        _with_platform((*tenants, *received.accepted), settings.enforcement),
        settings,
        template,
        guests=received.accepted,
        rejected=received.rejected,
        contested=received.contested,
        standings={**standing, **received.standings},
        documents=tuple(files),
    )


def _settings(
    files: Sequence[Manifest], guests: Sequence[Manifest]
) -> tuple[Mapping[str, Any], Mapping[str, Standing]]:
    """The settings that hold, those of the files before those of the cluster, and how the latter stand."""
    held = next((document.object["spec"] for document in files if is_settings(document)), None)
    guest = next((guest for guest in guests if is_settings(guest)), None)
    if guest is None:
        return held or {}, {}
    spec = sound_settings(guest) if held is None else held
    return spec, {identity_of(guest): settings_standing(files, guest)}


def _with_platform(tenants: Sequence[Tenant], enforcement: Enforcement) -> tuple[Tenant, ...]:
    """Give the platform those of its namespaces that nobody else claims; add it, unless it is declared."""
    claimed = {name for tenant in tenants for name in tenant.claim.names}
    names = tuple(name for name in PLATFORM_NAMESPACES if name not in claimed)
    if not any(tenant.name == PLATFORM for tenant in tenants):
        platform = Tenant(
            name=PLATFORM,
            trusted=True,
            writes_as_platform=True,
            enforcement=enforcement,
            claim=Claim(names=names),
        )
        return (platform, *tenants)
    return tuple(_with_names(tenant, names) for tenant in tenants)


def _with_names(tenant: Tenant, names: tuple[str, ...]) -> Tenant:
    """A tenant that has these namespaces, too, if it is the platform."""
    if tenant.name != PLATFORM or not tenant.trusted or not names:
        return tenant
    return replace(tenant, claim=replace(tenant.claim, names=(*tenant.claim.names, *names)))


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


def _misplaced(declared: Iterable[tuple[Manifest, Tenant]], settings: Settings) -> Iterator[Problem]:
    """What tenants say of virtual nodes and the settings do not bear out."""
    for document, tenant in declared:
        for fault in placement_faults(document.object["spec"], tenant, settings.virtual_nodes):
            yield problem_of(fault, document.source)


def _overlaps(tenants: Sequence[Tenant], files: Iterable[Manifest]) -> Iterator[Problem]:
    sources = {name_of(document): document.source for document in files if is_tenant(document)}
    for found in overlaps(tenants):
        yield problem_of((("spec", "namespaces"), str(found)), sources[found.other.name])
