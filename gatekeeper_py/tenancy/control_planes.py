"""Control planes from documents: which are in force, what is wrong with the others, and what holds in one.

In a tenant's own control plane every namespace is the tenant's, and whoever is administrator there is the
tenant. So nobody there is trusted but for what stays there: what is cluster-wide there holds for nobody else,
and Kubernetes' own controllers keep account of what the tenant made. What comes down is judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Final

from gatekeeper_py.cluster.authorization import controllers
from gatekeeper_py.manifests.conformity import Fault, problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.tenancy.control_plane import ControlPlane, OwnPods, SecretKey, SubTenant
from gatekeeper_py.tenancy.mistakes import mistakes
from gatekeeper_py.tenancy.patterns import globs_overlap
from gatekeeper_py.tenancy.reading import identity_of, is_control_plane, name_of, place_of
from gatekeeper_py.tenancy.standing import guest_standing
from gatekeeper_py.tenancy.tenant import (
    PLATFORM,
    PLATFORM_NAMESPACES,
    PLATFORM_USERS,
    Claim,
    Standing,
    Tenancy,
    Tenant,
)

__all__ = ["ControlPlanes", "control_plane_of", "inside", "standing_of", "why_closed"]

NO_TENANT: Final = "names the tenant {!r}, which there is none of; correct the name, or add the Tenant"
TRUSTED: Final = "names the tenant {!r}, which is the platform's; a control plane is a tenant's own"
TWICE: Final = "has namespaces that fit {!r} as well; leave them to one Tenant"
PLATFORMS_SYNCER: Final = "is {!r}, who is the platform; give the syncer an account of its own"
SHARED: Final = "the control planes {!r} ({}) and {!r} ({}) both have {}; leave it to one of them"

SERVICE_ACCOUNT: Final = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class ControlPlanes:
    """Those of documents that are right, and what is wrong with the others."""

    accepted: tuple[ControlPlane, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """Of the documents that are objects of the cluster, by `ControlPlane/foo`."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with documents that are files."""

    @classmethod
    def of(cls, manifests: Iterable[Manifest], living: Iterable[Manifest], tenancy: Tenancy) -> ControlPlanes:
        """The control planes among documents, for these tenants. Files have no shape's mistakes."""
        files = list(filter(is_control_plane, manifests))
        guests = {identity_of(each): each for each in filter(is_control_plane, living)}
        problems = [problem_of(fault, each.source) for each in files for fault in _faults(each, tenancy)]
        problems += _collisions(files)
        held = [] if problems else [control_plane_of(each) for each in files]
        standings = _standings(files, held, list(guests.values()), tenancy)
        mine = {name_of(each) for each in files}
        accepted = [
            control_plane_of(guest)
            for key, guest in guests.items()
            if standings[key].ready and name_of(guest) not in mine
        ]
        return cls((*held, *accepted), standings, tuple(problems))

    def over(self, tenancy: Tenancy) -> Tenancy:
        """A tenancy with these control planes."""
        names: dict[str, tuple[str, ...]] = {}
        for each in self.accepted:
            if each.syncers:
                names[each.tenant] = (*names.get(each.tenant, ()), each.name)
        tenants = tuple(
            replace(tenant, synced_by=names[tenant.name]) if tenant.name in names else tenant
            for tenant in tenancy.tenants
        )
        standings = {**tenancy.standings, **self.standings}
        return replace(tenancy, tenants=tenants, control_planes=self.accepted, standings=standings)


def standing_of(document: Manifest, others: Iterable[Manifest], tenancy: Tenancy) -> Standing:
    """How one more control plane would stand beside those of the cluster and of the files."""
    files = list(filter(is_control_plane, tenancy.documents))
    guests = [*filter(is_control_plane, others), document]
    held = list(map(control_plane_of, files))
    return _standings(files, held, guests, tenancy)[identity_of(document)]


def why_closed(tenancy: Tenancy, name: str) -> str:
    """Why nothing is admitted in a control plane that some document names; empty when none does."""
    standing = tenancy.standings.get(f"ControlPlane/{name}")
    if standing is None or standing.ready:
        return ""
    return f"the control plane {name!r} is not in force: {'; '.join(standing.faults)}"


def _standings(
    files: Sequence[Manifest], held: Sequence[ControlPlane], guests: Sequence[Manifest], tenancy: Tenancy
) -> Mapping[str, Standing]:
    """How each of the cluster's stands: what is wrong in itself, and what it shares with another."""
    found = {
        identity_of(guest): guest_standing(files, guest, mistakes(guest.object) or _faults(guest, tenancy))
        for guest in guests
    }
    good = [guest for guest in guests if found[identity_of(guest)].ready]
    mine = {name_of(each) for each in files}
    planes = [*held, *(control_plane_of(each) for each in good if name_of(each) not in mine)]
    for one, other in combinations(planes, 2):
        for told in _shared(one, other):
            for each in (one, other):
                key = f"ControlPlane/{each.name}"
                if key in found and each.name not in mine:
                    found[key] = replace(found[key], reason="Conflict", faults=(*found[key].faults, told))
    return found


def _faults(document: Manifest, tenancy: Tenancy) -> list[Fault]:
    """What is wrong with a well-formed document beside the tenants there are."""
    return list(_found_faults(document.object["spec"], tenancy))


def _found_faults(spec: Mapping[str, Any], tenancy: Tenancy) -> Iterator[Fault]:
    yield from _tenant_faults(("spec", "tenant"), spec["tenant"], tenancy)
    parts = spec.get("subTenants", ())
    for index, part in enumerate(parts):
        yield from _tenant_faults(("spec", "subTenants", index, "tenant"), part["tenant"], tenancy)
        for before in parts[:index]:
            for text in _common(part, before):
                yield ("spec", "subTenants", index), TWICE.format(text)
    for index, user in enumerate(spec.get("syncer", {}).get("users", ())):
        if _is_of_the_platform(user, tenancy):
            yield ("spec", "syncer", "users", index), PLATFORMS_SYNCER.format(user)


def _tenant_faults(path: tuple[str | int, ...], name: str, tenancy: Tenancy) -> Iterator[Fault]:
    tenant = tenancy.by_name.get(name)
    if tenant is None:
        yield path, NO_TENANT.format(name)
    elif tenant.trusted:
        yield path, TRUSTED.format(name)


def _common(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """What of another's namespaces some name fits that is of one, too."""
    mine = (*one.get("names", ()), *one.get("patterns", ()))
    for text in (*other.get("names", ()), *other.get("patterns", ())):
        if any(globs_overlap(each, text) for each in mine):
            yield text


def _is_of_the_platform(user: str, tenancy: Tenancy) -> bool:
    """Whether the host itself depends on what a user may do."""
    home = user.removeprefix(SERVICE_ACCOUNT).partition(":")[0] if user.startswith(SERVICE_ACCOUNT) else ""
    return user in tenancy.settings.platform_users or home in PLATFORM_NAMESPACES


def _collisions(files: Sequence[Manifest]) -> Iterator[Problem]:
    for one, other in combinations(files, 2):
        for told in _shared(control_plane_of(one), control_plane_of(other)):
            yield problem_of((("spec",), told), other.source)


def _shared(one: ControlPlane, other: ControlPlane) -> Iterator[str]:
    """What two control planes have in common by which they could not be told apart."""
    yield from (_told(one, other, f"the syncer {user!r}") for user in one.syncers if user in other.syncers)
    for name in sorted(one.client_names & other.client_names):
        yield _told(one, other, f"the client name {name!r}")
    if (one.file, one.secret, one.server) == (other.file, other.secret, other.server):
        yield _told(one, other, f"the kubeconfig {one.file or one.secret}")


def _told(one: ControlPlane, other: ControlPlane, what: str) -> str:
    return SHARED.format(one.name, one.source, other.name, other.source, what)


# --- from a document


def control_plane_of(document: Manifest) -> ControlPlane:
    """What a document declares that is right."""
    spec = document.object["spec"]
    platform, kubeconfig = spec.get("platform", {}), spec["kubeconfig"]
    return ControlPlane(
        name=name_of(document),
        tenant=spec["tenant"],
        file=kubeconfig.get("file", ""),
        secret=_secret(kubeconfig.get("secret")),
        server=spec.get("server", ""),
        client_names=frozenset(spec.get("clientNames", ())),
        sub_tenants=tuple(map(_sub_tenant, spec.get("subTenants", ()))),
        platform_users=tuple(platform.get("users", ())),
        platform_groups=tuple(platform.get("groups", ())),
        platform_namespaces=tuple(platform.get("namespaces", ())),
        syncers=tuple(spec.get("syncer", {}).get("users", ())),
        pods=tuple(
            OwnPods(each["namespace"], Selector.of(each["selector"])) for each in spec.get("pods", ())
        ),
        registration=spec.get("registration", "api"),
        source=place_of(document),
    )


def _secret(spec: Mapping[str, str] | None) -> SecretKey | None:
    return None if spec is None else SecretKey(spec["namespace"], spec["name"], spec.get("key", "config"))


def _sub_tenant(spec: Mapping[str, Any]) -> SubTenant:
    return SubTenant(spec["tenant"], tuple(spec.get("names", ())), tuple(spec.get("patterns", ())))


# --- what holds in one


def inside(plane: ControlPlane, host: Tenancy) -> Tenancy:
    """Whose is what in a control plane, by the tenants of the host.

    No person there is known to be anybody's: other authenticators, other names. Of the tenant's document
    holds what may come down; what stays there, as roles and tokens, the tenant grants itself.
    """
    parts = tuple(_part(host.by_name[each.tenant], each) for each in plane.sub_tenants)
    whole = Claim() if parts else Claim(patterns=("*",))
    landlord = replace(_at_home(host.by_name[plane.tenant]), claim=whole)
    settings = replace(
        host.settings,
        enforcement=landlord.enforcement,
        unclaimed="own-tenant",
        platform_users=(*PLATFORM_USERS, *controllers(), *plane.platform_users),
        platform_groups=plane.platform_groups,
        reserved_prefixes=(),
    )
    return Tenancy(
        (*_platform(plane, landlord), *parts, landlord),
        settings,
        replace(landlord, claim=Claim(), claimed=False),
        landlord=landlord,
        host=host,
    )


def _platform(plane: ControlPlane, landlord: Tenant) -> tuple[Tenant, ...]:
    """The namespaces that the document leaves to those who run the control plane."""
    if not plane.platform_namespaces:
        return ()
    claim = Claim(names=plane.platform_namespaces)
    return (
        Tenant(
            name=PLATFORM,
            trusted=True,
            writes_as_platform=True,
            claim=claim,
            enforcement=landlord.enforcement,
        ),
    )


def _part(tenant: Tenant, part: SubTenant) -> Tenant:
    return replace(_at_home(tenant), claim=Claim(names=part.names, patterns=part.patterns))


def _at_home(tenant: Tenant) -> Tenant:
    """A tenant where it is administrator itself: what holds nowhere else is its own to say."""
    return replace(tenant, owners=(), role_rules=("*",), token_audiences=("*",), synced_by=())
