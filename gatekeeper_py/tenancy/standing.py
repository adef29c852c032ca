"""How documents that are objects of a cluster stand: nobody can refuse them any more.

One that is wrong costs only itself. What the files say holds against it, and so does the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatekeeper_py.manifests.conformity import Fault, problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.selector import SelectorError
from gatekeeper_py.tenancy.disputes import Overlap, overlaps
from gatekeeper_py.tenancy.mistakes import asks_for_label, mistakes, problems_of
from gatekeeper_py.tenancy.placement import placement_faults
from gatekeeper_py.tenancy.reading import claim_of, generation_of, identity_of, name_of, place_of, tenant_of
from gatekeeper_py.tenancy.tenant import PLATFORM, Claim, Owner, Standing, Tenancy, Tenant
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile

__all__ = ["Hosts", "Received", "guest_standing", "settings_standing", "sound_settings"]


@dataclass(frozen=True, slots=True)
class Received:
    """What became of the Tenants of a cluster."""

    accepted: tuple[Tenant, ...]
    rejected: tuple[Tenant, ...]
    """Not in force: they hold nothing but claims and owners, as far as those can be read."""
    contested: frozenset[str]
    """Names of tenants that share a claim with another."""
    standings: Mapping[str, Standing]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Who was there first: the documents that are files, and their tenants with the platform."""

    documents: Sequence[Manifest]
    tenants: Sequence[Tenant]
    template: Tenant
    profiles: Mapping[str, NodeProfile]
    """Of virtual nodes, by the settings."""

    @classmethod
    def of(cls, tenancy: Tenancy) -> Hosts:
        """Those of a tenancy that is in force."""
        guests = {guest.name for guest in tenancy.guests}
        hosts = [tenant for tenant in tenancy.tenants if tenant.name not in guests]
        return cls(tenancy.documents, hosts, tenancy.template, tenancy.settings.virtual_nodes)

    def receive(self, guests: Iterable[Manifest]) -> Received:
        """Let the Tenants of a cluster in, each but for what is wrong with it."""
        found = {identity_of(guest): (guest, self.let_in(guest)) for guest in guests}
        accepted = [each for _, each in found.values() if isinstance(each, Tenant)]
        shared = self._overlaps(accepted)
        standings = {key: _of(guest, _standing(each, shared)) for key, (guest, each) in found.items()}
        return Received(
            tuple(accepted),
            tuple(_legible(guest) for key, (guest, _) in found.items() if standings[key].rejected),
            frozenset(tenant.name for each in shared for tenant in (each.one, each.other)),
            standings,
        )

    def stand(self, guest: Manifest, others: Iterable[Tenant]) -> Standing:
        """How one more Tenant would stand among others of the cluster."""
        found = self.let_in(guest)
        shared = self._overlaps([*others, found]) if isinstance(found, Tenant) else []
        return _of(guest, _standing(found, shared))

    def let_in(self, guest: Manifest) -> Tenant | Standing:
        """The tenant a document declares, or how it stands when it is wrong or a file declares the same."""
        if problems := problems_of(guest):
            return Standing("Invalid", tuple(map(_told, problems)))
        if declared := _declared(self.documents, guest):
            return declared
        tenant = tenant_of(guest, self.template, self.profiles)
        return self._against_settings(guest, tenant) or self._against_platform(tenant) or tenant

    def _against_settings(self, guest: Manifest, tenant: Tenant) -> Standing | None:
        """How a tenant stands that relies on virtual nodes as the settings do not have them."""
        faults = placement_faults(guest.object["spec"], tenant, self.profiles)
        told = tuple(_told(problem_of(fault, guest.source)) for fault in faults)
        return Standing("Invalid", told) if told else None

    def _overlaps(self, guests: Iterable[Tenant]) -> list[Overlap]:
        return list(overlaps([*(host for host in self.tenants if host.source), *guests]))

    def _against_platform(self, guest: Tenant) -> Standing | None:
        """How a tenant stands that claims what is the platform's; an object takes nothing away from it."""
        if guest.name == PLATFORM and not guest.trusted:
            return Standing("PlatformNamespace", (NOT_PLATFORM,))
        platform = [host for host in self.tenants if host.trusted and (host.source or not guest.trusted)]
        told = tuple(
            f"{found.what} is the platform's; leave it to the tenant {found.one.name!r}"
            for found in overlaps([*platform, guest])
            if found.other is guest
        )
        return Standing("PlatformNamespace", told) if told else None


NOT_PLATFORM = f"the tenant {PLATFORM!r} is the platform; make it trusted, or choose another name"


def _standing(found: Tenant | Standing, shared: Iterable[Overlap]) -> Standing:
    """How a Tenant stands among others, if it was let in."""
    if isinstance(found, Standing):
        return found
    mine = tuple(str(each) for each in shared if found is each.one or found is each.other)
    return Standing("Conflict", mine) if mine else Standing("InForce")


def _declared(documents: Iterable[Manifest], guest: Manifest) -> Standing | None:
    """How an object stands that the files declare, too; None when they do not."""
    host = next((each for each in documents if identity_of(each) == identity_of(guest)), None)
    if host is None:
        return None
    if host.object["spec"] == guest.object.get("spec"):
        return Standing("InForce")
    kind = guest.kind.kind
    told = f"{kind} {name_of(guest)!r} is declared at {place_of(host)}, which holds; keep one of them"
    return Standing("NameTaken", (told,))


def settings_standing(documents: Iterable[Manifest], guest: Manifest) -> Standing:
    """How settings stand that are an object of the cluster."""
    return guest_standing(documents, guest, mistakes(guest.object))


def guest_standing(documents: Iterable[Manifest], guest: Manifest, faults: Iterable[Fault]) -> Standing:
    """How an object of the cluster stands with which this is wrong, beside the documents of the files."""
    problems = tuple(_told(problem_of(fault, guest.source)) for fault in faults)
    wrong = Standing("Invalid", problems) if problems else _declared(documents, guest)
    return _of(guest, wrong or Standing("InForce"))


def _of(guest: Manifest, standing: Standing) -> Standing:
    """A standing, of the object as it is now."""
    return replace(standing, generation=generation_of(guest))


def sound_settings(guest: Manifest) -> Mapping[str, Any]:
    """The fields of settings with which nothing is wrong."""
    spec = guest.object.get("spec")
    faults = mistakes(guest.object)
    if not isinstance(spec, dict) or any(path[:1] != ("spec",) for path, _ in faults):
        return {}
    wrong = {path[1] for path, _ in faults if len(path) > 1}
    return {key: value for key, value in spec.items() if key not in wrong}


def _told(problem: Problem) -> str:
    """A problem without its place: an object has none."""
    remedy = f"; {problem.remedy[:1].lower()}{problem.remedy[1:]}" if problem.remedy else ""
    return problem.what + remedy


# --- what can be read of a Tenant that is not in force -----------------------------------------------


def _legible(guest: Manifest) -> Tenant:
    spec = guest.object.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    # What is not the platform's after all is nobody's: the rules for tenants hold there.
    claim = Claim() if spec.get("trusted") is True else _claim(spec.get("namespaces"))
    owners = tuple(_owners(spec.get("owners")))
    return Tenant(name_of(guest), claim=claim, owners=owners, source=place_of(guest))


def _claim(namespaces: Any) -> Claim:
    """Of a claim that may be wrong in parts, the parts that are not."""
    parts = namespaces.items() if isinstance(namespaces, dict) else ()
    claims = [_part({key: value}) for key, value in parts]
    return Claim(
        tuple(name for claim in claims for name in claim.names if isinstance(name, str)),
        tuple(pattern for claim in claims for pattern in claim.patterns if isinstance(pattern, str)),
        tuple(selector for claim in claims for selector in claim.selectors if asks_for_label(selector)),
    )


def _part(namespaces: Mapping[str, Any]) -> Claim:
    try:
        return claim_of(namespaces)
    except (AttributeError, LookupError, SelectorError, TypeError, ValueError):
        return Claim()


def _owners(owners: Any) -> Iterator[Owner]:
    for owner in owners if isinstance(owners, list) else ():
        sound = isinstance(owner, dict) and all(isinstance(value, str) for value in owner.values())
        if sound and {"kind", "name"} <= owner.keys() <= {"kind", "name", "namespace"}:
            yield Owner(**owner)
