"""How every resource that a cluster serves is judged: by which policies, scanned only, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Served
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.matching.match import concerns_as_sent, exempt, may_concern
from gatekeeper_py.policy.model import ValidatingPolicy
from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS
from gatekeeper_py.tenancy.custom import CustomKind, custom_kind
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.tenancy.usage import word_is_used

__all__ = ["COVERED", "Coverage", "Surveyed", "survey"]

Coverage: TypeAlias = Literal[
    "ruled", "harmless", "powerful", "scanned", "refused", "cluster-wide", "never sent", "open"
]
"""What becomes of a tenant's requests about a resource:

ruled         judged by policies that know its fields
harmless      read, and nothing to judge
powerful      refused unless a Tenant grants it
scanned       unknown: each value is looked at, no rule has read the kind
refused       unknown, and the settings refuse it
cluster-wide  no tenant may write it
never sent    the API server does not ask about it
open          nothing judges it
"""
COVERED: frozenset[Coverage] = frozenset(
    ("ruled", "harmless", "powerful", "refused", "cluster-wide", "never sent")
)
"""Those of which it is known what a tenant can do with them."""

WORDS: Mapping[Coverage, str] = {
    "powerful": "customKind",
    "refused": "settings.unknownKinds",
    "ruled": "references",
    "scanned": "references",
    "cluster-wide": "requester.claimed",
}
"""What a policy asks that judges so; where no policy does, nothing judges so."""

WRITES: tuple[Operation, ...] = ("CREATE", "UPDATE", "DELETE")

Never: TypeAlias = Callable[[str, str], str]
"""Why the API server never asks about a resource of a group; empty when it does."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One resource, in all its versions."""

    served: Served
    versions: tuple[str, ...]
    coverage: Coverage
    reason: str
    policies: tuple[str, ...]
    """Those that name its group, or judge every kind of its sort."""
    general: tuple[str, ...]
    """Others that are about every group."""
    read: str = ""
    """The versions of a custom kind that were read for the catalogue."""
    granted: tuple[str, ...] = ()
    """Tenants that may use it by a grant."""


def survey(kinds: Kinds, policies: PolicySet, tenancy: Tenancy, never: Never) -> list[Surveyed]:
    """Every resource, by group and name."""
    surveyor = _Surveyor(tuple(policies.validating), tenancy, never)
    return [surveyor.surveyed(versions) for versions in _resources(kinds)]


def _resources(kinds: Kinds) -> Iterable[Sequence[Served]]:
    """The versions of each resource, the one that clients prefer first."""
    found: dict[tuple[str, str], list[Served]] = {}
    for each in kinds:
        resource = each.served.resource
        found.setdefault((resource.group, resource.resource), []).append(each.served)
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Surveyor:
    policies: tuple[ValidatingPolicy, ...]
    tenancy: Tenancy
    never: Never
    _readers: dict[str, bool] = field(default_factory=dict)

    def surveyed(self, versions: Sequence[Served]) -> Surveyed:
        served = versions[0]
        group, kind = served.kind.group, served.kind.kind
        concerned = [policy for policy in self.policies if any(_concerns(policy, each) for each in versions)]
        known = custom_kind(group, kind)
        coverage, reason = self._coverage(served, known, concerned)
        named = tuple(policy.name for policy in concerned if self._judges(policy, group, coverage))
        return Surveyed(
            served,
            tuple(each.kind.version for each in versions),
            coverage,
            reason,
            named,
            tuple(policy.name for policy in concerned if policy.name not in named),
            known.version,
            self._granted(group, kind) if known.judgement in ("powerful", "unknown") else (),
        )

    def _coverage(
        self, served: Served, known: CustomKind, concerned: Sequence[ValidatingPolicy]
    ) -> tuple[Coverage, str]:
        never = self.never(served.resource.group, served.resource.resource)
        if never or exempt(_request(served, "CREATE")):
            return "never sent", never or "the API server asks nobody about what says who asks what"
        if not concerned:
            return "open", "no policy is about it"
        if not served.namespaced:
            return self._if_asked(
                concerned, "cluster-wide", "holds for the whole cluster; no tenant writes it"
            )
        if known.judgement == "built-in":
            return "ruled", known.reason
        return self._of_custom(known, concerned)

    def _of_custom(self, known: CustomKind, concerned: Sequence[ValidatingPolicy]) -> tuple[Coverage, str]:
        names = {policy.name for policy in concerned}
        missing = [rule for rule in known.rules if rule not in names]
        if missing:
            return "open", f"the policy {missing[0]}, which reads it, is not loaded"
        if known.judgement == "harmless":
            return "harmless", known.reason
        if known.judgement == "powerful":
            return self._if_asked(concerned, "powerful", known.reason)
        if known.judgement == "ruled":
            return self._if_asked(concerned, "ruled", known.reason)
        refused = self.tenancy.settings.unknown_kinds == "refuse"
        return self._if_asked(concerned, "refused" if refused else "scanned", known.reason)

    def _if_asked(
        self, concerned: Sequence[ValidatingPolicy], coverage: Coverage, reason: str
    ) -> tuple[Coverage, str]:
        """So it is if some policy asks for it."""
        word = WORDS[coverage]
        if any(self._reads(policy, word) for policy in concerned):
            return coverage, reason
        return "open", f"{reason}; but no policy that is loaded asks for {word}"

    def _judges(self, policy: ValidatingPolicy, group: str, coverage: Coverage) -> bool:
        if any(group in rule.groups for rule in policy.match.rules):
            return True
        return group not in BUILT_IN_GROUPS and coverage in WORDS and self._reads(policy, WORDS[coverage])

    def _reads(self, policy: ValidatingPolicy, word: str) -> bool:
        key = f"{policy.name} {word}"
        if key not in self._readers:
            self._readers[key] = word_is_used(policy, word)
        return self._readers[key]

    def _granted(self, group: str, kind: str) -> tuple[str, ...]:
        tenants = (tenant for tenant in self.tenancy.tenants if not tenant.trusted)
        return tuple(sorted(tenant.name for tenant in tenants if tenant.permits_kind(group, kind)))


def _concerns(policy: ValidatingPolicy, served: Served) -> bool:
    """Whether a policy, by its constraints, is about some write of a resource; and whether it is in force."""
    return bool(policy.bindings) and any(
        may_concern(policy.match.rules, request) and not concerns_as_sent(policy.match.exclude_rules, request)
        for request in _requests(served)
    )


def _requests(served: Served) -> Iterator[AdmissionRequest]:
    return (_request(served, operation) for operation in WRITES)


def _request(served: Served, operation: Operation) -> AdmissionRequest:
    namespace = "default" if served.namespaced else ""
    return AdmissionRequest("", served.kind, served.resource, operation, "name", namespace)
