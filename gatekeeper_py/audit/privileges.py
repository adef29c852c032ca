"""What RBAC allows tenants though nobody's webhook could refuse it: a finding a binding, tenant and power.

A finding says who may do what and where, by which way (binding, role, rule), and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import orjson

from gatekeeper_py.audit.powers import EVERYTHING, POWERS, Power, holds_everything
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.subjects import Subject, Subjects, Whose, subjects_of
from gatekeeper_py.cluster.authorization import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
    Authorizer,
    StatedRule,
)
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.decision import Action, Finding
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["BINDINGS", "RBAC_KINDS", "Privileges"]

BINDINGS: Final = (CLUSTER_ROLE_BINDING, ROLE_BINDING)
RBAC_KINDS: Final = (*BINDINGS, CLUSTER_ROLE, ROLE)

NAMED: Final = 3
"""Of many subjects, so many are named."""

BORROWING: Final = frozenset(("rbac-everything", "rbac-impersonate", "rbac-tokens"))
"""Powers by which one becomes a ServiceAccount of the same namespace."""
BORROWED: Final = "high"
"""How severe that is where one of these may do what no tenant should."""

UNREAD: Final = "{} names {} {!r}, which was not read: what it grants is not audited"
READ_IT: Final = "Give the role with --cluster, or the right to list it"


@dataclass(frozen=True, slots=True)
class _Holding:
    """A power that a binding grants."""

    power: Power
    way: StatedRule


@dataclass(frozen=True)
class Privileges:
    """Judges bindings by what they grant to whom."""

    tenancy: Tenancy
    cluster: ClusterView
    unread: frozenset[GroupVersionKind] = frozenset()
    """Kinds of RBAC of which there may be more than the cluster shows; default roles are known even so."""

    def judge(self, items: Iterable[Audited | Problem]) -> Iterator[Audited | Problem]:
        """The same objects, bindings with what is wrong with them; and what could not be judged.

        Without tenants nobody is one.
        """
        for item in items:
            if isinstance(item, Problem) or item.manifest.kind not in BINDINGS or not self.tenancy.tenants:
                yield item
            else:
                yield from self._judged(item)

    def _judged(self, item: Audited) -> Iterator[Audited | Problem]:
        try:
            findings = list(self._findings(_placed(item)))
        except LookupError:
            yield item
            yield from self._unread_role(item)
            return
        tenants = tuple(dict.fromkeys(tenant for tenants, _ in findings for tenant in tenants))
        said = tuple(finding for _, finding in findings)
        yield replace(item, findings=(*item.findings, *said), concerns=tenants)

    def _unread_role(self, item: Audited) -> Iterator[Problem]:
        """A role that is not there grants nothing, but one that was not read may."""
        reference = item.manifest.object.get("roleRef") or {}
        kind, name = str(reference.get("kind")), str(reference.get("name"))
        if (CLUSTER_ROLE if kind == "ClusterRole" else ROLE) in self.unread:
            source = item.manifest.source
            place = source.locate(("roleRef", "name"))
            subject = f"{item.manifest.kind.kind} {_name(_placed(item))!r}"
            yield Problem(source.path, *place, UNREAD.format(subject, kind, name), READ_IT)

    def _findings(self, binding: Object) -> Iterator[tuple[Sequence[str], Finding]]:
        """Each with the tenants that it is about."""
        holdings = list(self._holdings(binding))
        if not holdings:
            return
        for whose, subjects in self._grouped(binding).items():
            for holding in holdings:
                finding = self._finding(binding, whose, subjects, holding)
                if finding is not None:
                    yield sorted(whose.tenants), finding

    def _grouped(self, binding: Object) -> Mapping[Whose, list[Subject]]:
        """The subjects of a binding that are not the platform's, by whose they are."""
        found: dict[Whose, list[Subject]] = {}
        for subject in subjects_of(binding):
            whose = self._subjects.whose(subject)
            if whose.relation != "platform":
                found.setdefault(whose, []).append(subject)
        return found

    @cached_property
    def _subjects(self) -> Subjects:
        return Subjects(self.tenancy, self.cluster)

    @cached_property
    def _authorizer(self) -> Authorizer:
        return Authorizer(self.cluster, defaults=bool(self.unread))

    def _holdings(self, binding: Object) -> Iterator[_Holding]:
        """The powers a binding grants, each with the first rule that does; all at once where it is all."""
        rules = list(self._authorizer.rules(binding))
        everything = next((each for each in rules if holds_everything(each.rule)), None)
        if everything is not None:
            yield _Holding(EVERYTHING, everything)
            return
        namespaced = binding["kind"] == "RoleBinding"
        for power in POWERS:
            for each in rules:
                if power.within(each.rule, namespaced=namespaced):
                    yield _Holding(power, each)
                    break

    # --- how bad it is

    def _finding(
        self, binding: Object, whose: Whose, subjects: Sequence[Subject], holding: _Holding
    ) -> Finding | None:
        power, namespace = holding.power, _namespace(binding)
        owner = self._subjects.owner(namespace) if namespace else None
        if namespace and owner is None:
            return None  # nobody's, and outside all rules
        own = owner is not None and whose.shares(owner)
        if own and not power.inside:
            return None
        borrowed = self._powerful_account(namespace) if own and power.name in BORROWING else None
        action: Action = "Audit" if own and borrowed is None else "Deny"
        severity = power.severity if not own else power.inside if borrowed is None else BORROWED
        if whose.relation == "unknown":
            action = "Warn"
        where = "everywhere" if not namespace else f'in namespace "{namespace}"'
        if owner is not None and not own:
            where += f" of {'the platform' if owner.trusted else f'tenant {owner.name!r}'}"
        message = f"{_listed(subjects, whose)} may {power.does} {where}"
        if borrowed is not None:
            message += f", where {borrowed} may do what no tenant should"
        remedy = power.remedy if whose.relation != "unknown" else f"{power.remedy}; or {DECLARE}"
        return Finding(
            power.name,
            str((binding.get("roleRef") or {}).get("name")),
            f"{message}, by {_way(binding, holding.way)}; {remedy}",
            (action,),
            metadata={"severity": severity, "category": "rbac", "remedy": remedy},
        )

    def _powerful_account(self, namespace: str) -> Subject | None:
        """A ServiceAccount of a namespace that may do what no tenant should beyond it."""
        return self._powerful.get(namespace)

    @cached_property
    def _powerful(self) -> Mapping[str, Subject]:
        """By namespace, the first ServiceAccount with a power in others' namespaces or everywhere."""
        found: dict[str, Subject] = {}
        for kind in BINDINGS:
            for binding in self.cluster.list(kind):
                for subject in self._reaching(binding):
                    found.setdefault(subject.namespace, subject)
        return found

    def _reaching(self, binding: Object) -> Iterator[Subject]:
        accounts = [each for each in subjects_of(binding) if each.kind == "ServiceAccount"]
        namespace = _namespace(binding)
        owner = self._subjects.owner(namespace) if namespace else None
        if namespace and owner is None:
            return
        beyond = [each for each in accounts if owner is None or not self._subjects.whose(each).shares(owner)]
        try:
            if beyond and any(self._holdings(binding)):
                yield from beyond
        except LookupError:
            return


def _placed(item: Audited) -> Object:
    """A binding with the namespace that it is in, whether it says so or not."""
    value = item.manifest.object
    return {**value, "metadata": {**value["metadata"], "namespace": item.request.namespace}}


DECLARE: Final = "say in TenancySettings that it is the platform's, or in a Tenant whose it is"


def _namespace(binding: Object) -> str:
    if binding["kind"] == "ClusterRoleBinding":
        return ""
    return str((binding.get("metadata") or {}).get("namespace") or "")


def _listed(subjects: Sequence[Subject], whose: Whose) -> str:
    """The first of them, and whose they are."""
    more = len(subjects) - NAMED
    names = ", ".join(map(str, subjects[:NAMED])) + (f" and {more} more" if more > 0 else "")
    if whose.relation == "tenant":
        tenants = " and ".join(repr(name) for name in sorted(whose.tenants))
        return f"{names} of tenant {tenants}"
    return names if whose.relation == "everybody" else f"{names}, of whom nobody says whose,"


def _way(binding: Object, way: StatedRule) -> str:
    """`ClusterRoleBinding "b" -> ClusterRole "edit" -> ClusterRole "more" (aggregated) -> rules[2] {...}`."""
    reference = binding.get("roleRef") or {}
    steps = [f'{binding["kind"]} "{_name(binding)}"', f'{reference.get("kind")} "{reference.get("name")}"']
    if _name(way.role) != reference.get("name"):
        steps.append(f'ClusterRole "{_name(way.role)}" (aggregated)')
    return " -> ".join((*steps, f"rules[{way.number}] {_rule(way.rule)}"))


def _rule(rule: Mapping[str, Any]) -> str:
    stated = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    parts = (f"{key} {orjson.dumps(rule[key]).decode()}" for key in stated if rule.get(key))
    return f"({'; '.join(parts)})"


def _name(value: Object) -> str:
    return str((value.get("metadata") or {}).get("name") or "")
