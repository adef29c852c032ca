"""Waivers from documents: which are in force over some policies, and what is wrong with the others.

Whoever waives could change what is whose, and who may waive: so no waiver names a policy that says it
guards that (`WAIVABLE`), and none is about what holds for the whole cluster (`ruling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Final

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.conformity import Fault, problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.compilation import (
    Compiler,
    Environments,
    ExpressionKind,
    InvalidExpression,
)
from gatekeeper_py.policy.evaluation.extension import Extension
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Expression, MutatingPolicy, Policy
from gatekeeper_py.tenancy.lookups import looks_up
from gatekeeper_py.tenancy.mistakes import mistakes
from gatekeeper_py.tenancy.reading import (
    API_VERSION,
    identity_of,
    is_tenancy_document,
    is_waiver,
    name_of,
    place_of,
)
from gatekeeper_py.tenancy.refusals import document_of, worsened
from gatekeeper_py.tenancy.ruling import Ruler
from gatekeeper_py.tenancy.standing import guest_standing
from gatekeeper_py.tenancy.tenant import Standing, Tenancy
from gatekeeper_py.tenancy.waiver import EARLIEST, Waiver

__all__ = ["WAIVABLE", "Waivers", "neglected"]

WAIVABLE: Final = "policy.gatekeeper-py.dev/waivable"
"""`false` on a policy: no waiver names it."""

WAIVER: Final = GroupVersionKind.parse(API_VERSION, "Waiver")

MUTATES: Final = (
    "is {!r}, which changes what is absent and refuses nothing; waive the policy that refuses what is present"
)
UNWAIVABLE: Final = "is {!r}, which is never waived; remove it"
UNKNOWN: Final = "is {!r}, which is no policy; correct or remove it"
MISSPELT: Final = "is {!r}, which no kind is called; did you mean {}?"
LOOKS_UP: Final = "looks up objects of the cluster; ask about the request alone"

NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""When something was written that does not say so readably."""


@dataclass(frozen=True, slots=True)
class Waivers:
    """Those of documents that are right, over some policies, and what is wrong with the others."""

    known: Mapping[str, Policy]
    """The policies there are, by name."""
    environments: Environments
    """In which conditions are compiled."""
    whole: bool = True
    """Whether there are no other policies that documents may name."""
    files: tuple[Manifest, ...] = ()
    accepted: tuple[Waiver, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """Of the documents that are objects of the cluster, by `Waiver/foo`."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with documents that are files."""

    @classmethod
    def of(
        cls, policies: PolicySet, manifests: Iterable[Manifest], living: Iterable[Manifest], *, whole: bool
    ) -> Waivers:
        """The waivers among documents. Of what is not `whole` they may name policies that are elsewhere."""
        every: tuple[Policy, ...] = (*policies.mutating, *policies.validating)
        known = {policy.name: policy for policy in every}
        files = tuple(filter(_is_waiver, manifests))
        bare = cls(known, Environments.shared(policies.extensions), whole, files)
        read = [(file, bare.faults(file.object)) for file in files]
        guests = {identity_of(each): each for each in filter(_is_waiver, living)}
        standings = {identity: bare.standing(guest) for identity, guest in guests.items()}
        good = [file for file, faults in read if not faults]
        named = set(map(name_of, files))
        good += [
            guest for key, guest in guests.items() if standings[key].ready and name_of(guest) not in named
        ]
        return replace(
            bare,
            accepted=tuple(map(bare.waiver, good)),
            standings=standings,
            problems=tuple(problem_of(fault, file.source) for file, faults in read for fault in faults),
        )

    # --- documents

    def faults(self, body: Object) -> list[Fault]:
        """Everything that is wrong with a document."""
        return mistakes(body) or [
            *self._policy_faults(body["spec"]["policies"]),
            *_kind_faults(body["spec"].get("kinds", ())),
            *self._condition_faults(body["spec"].get("condition")),
        ]

    def _policy_faults(self, names: Iterable[str]) -> Iterator[Fault]:
        for index, name in enumerate(names):
            path, policy = ("spec", "policies", index), self.known.get(name)
            if policy is None:
                yield from [(path, UNKNOWN.format(name))] if self.whole else ()
            elif isinstance(policy, MutatingPolicy):
                yield path, MUTATES.format(name)
            elif policy.annotations.get(WAIVABLE) == "false":
                yield path, UNWAIVABLE.format(name)

    def _condition_faults(self, text: str | None) -> Iterator[Fault]:
        if text is None:
            return
        try:
            if looks_up(self._compiled(text)):
                yield ("spec", "condition"), LOOKS_UP
        except InvalidExpression as error:
            yield ("spec", "condition"), f"does not compile: {error}"

    def _compiled(self, text: str) -> Expression:
        compiler = Compiler(self.environments, params=False, composed=False)
        return compiler.compile(ExpressionKind.MATCH_CONDITION, text)

    def standing(self, guest: Manifest) -> Standing:
        """How a document stands that is an object of the cluster."""
        return guest_standing(self.files, guest, self.faults(guest.object))

    def waiver(self, document: Manifest) -> Waiver:
        """What a document says that is right."""
        spec = document.object["spec"]
        condition = spec.get("condition")
        return Waiver(
            name=name_of(document),
            policies=frozenset(spec["policies"]),
            expires=date.fromisoformat(spec["expires"]),
            reason=spec["reason"],
            approved_by=spec["approvedBy"],
            tenants=frozenset(spec.get("tenants", ())),
            namespaces=tuple(spec.get("namespaces", ())),
            kinds=tuple(spec.get("kinds", ())),
            names=tuple(spec.get("names", ())),
            condition=None if condition is None else self._compiled(condition),
            since=_written(document.object),
            source=place_of(document),
        )

    def objection(self, request: AdmissionRequest) -> str:
        """Why a Waiver that is written would not be in force; empty when it would."""
        return worsened(request, lambda value: self.standing(document_of(value)).faults)

    # --- in force

    def over_tenancy(self, tenancy: Tenancy) -> Tenancy:
        """A tenancy with these waivers."""
        return replace(tenancy, waivers=self.accepted, standings={**tenancy.standings, **self.standings})

    def over_policies(self, policies: PolicySet, tenancy: Tenancy) -> PolicySet:
        """Policies whose refusals these waivers may admit, for the tenants of a tenancy."""
        return replace(
            policies, extensions=tuple(self._extended(each, tenancy) for each in policies.extensions)
        )

    def _extended(self, extension: Extension, tenancy: Tenancy) -> Extension:
        def objection(request: AdmissionRequest, cluster: ClusterView) -> str:
            if request.kind == WAIVER:
                return self.objection(request)
            return extension.objection(request, cluster)

        waive = Ruler.of(self.accepted, tenancy).rule if self.accepted else None
        return replace(extension, objection=objection, waive=waive)


def _is_waiver(manifest: Manifest) -> bool:
    return is_tenancy_document(manifest) and is_waiver(manifest)


def _written(value: Object) -> datetime:
    """When a document was written: an API server says so, a file does not."""
    stated = value["metadata"].get("creationTimestamp")
    if stated is None:
        return EARLIEST
    try:
        written = datetime.fromisoformat(stated)
    except (TypeError, ValueError):
        return NEVER
    return NEVER if written.tzinfo is None else max(written, EARLIEST)


def _kind_faults(kinds: Iterable[str]) -> Iterator[Fault]:
    """Resources, and names in small letters, in the place of built-in kinds: they would waive nothing."""
    for index, written in enumerate(kinds):
        kind = _kinds_by_other_names().get(written.partition(".")[0])
        if kind is not None:
            yield ("spec", "kinds", index), MISSPELT.format(written, kind)


@cache
def _kinds_by_other_names() -> Mapping[str, str]:
    """`pods` and `pod`, for `Pod`."""
    return {
        other: resource.served.kind.kind
        for resource in Kinds.builtin()
        for other in (resource.served.resource.resource, resource.served.kind.kind.lower())
    }


def neglected(tenancy: Tenancy, moment: datetime) -> Iterator[str]:
    """Waivers that waive nothing, with what to do about them."""
    for waiver in tenancy.waivers:
        where = f"{waiver.source}: the waiver {waiver.name!r}"
        if waiver.has_ended(moment):
            yield f"{where} has ended on {waiver.expires}: what it admitted is refused again. {RENEW}"
        for name in sorted(waiver.tenants - tenancy.by_name.keys()):
            yield f"{where} is for the tenant {name!r}, which there is none of. Correct the name"


RENEW: Final = "Give it another day, or remove it"
