"""What RBAC allows tenants though nobody's webhook could refuse it: a finding a binding, tenant and power.

A finding says who may do what and where, by which way (binding, role, rule), and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import orjson

from gatekeeper_py.audit.powers import EVERYTHING, POWERS, UNASKED, Power, holds_everything
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.subjects import DEPUTY, Subject, Subjects, Whose, subjects_of
from gatekeeper_py.cluster.authorization import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
    Authorizer,
    StatedRule,
)
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest
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
            if (
                isinstance(item, Problem)
                or item.manifest is None
                or item.target.kind not in BINDINGS
                or not self.tenancy.tenants
            ):
                yield item
            else:
                yield from self._judged(item, item.manifest)

    def _judged(self, item: Audited, manifest: Manifest) -> Iterator[Audited | Problem]:
        try:
            findings = list(self._findings(_placed(item, manifest)))
        except LookupError:
            yield item
            yield from self._unread_role(item, manifest)
            return
        tenants = tuple(dict.fromkeys(tenant for tenants, _ in findings for tenant in tenants))
        said = tuple(finding for _, finding in findings)
        yield replace(item, findings=(*item.findings, *said), concerns=tenants)

    def _unread_role(self, item: Audited, manifest: Manifest) -> Iterator[Problem]:
        """A role that is not there grants nothing, but one that was not read may."""
        reference = manifest.object.get("roleRef") or {}
        kind, name = str(reference.get("kind")), str(reference.get("name"))
        if (CLUSTER_ROLE if kind == "ClusterRole" else ROLE) in self.unread:
            source = manifest.source
            place = source.locate(("roleRef", "name"))
            subject = f"{manifest.kind.kind} {_name(_placed(item, manifest))!r}"
            yield Problem(source.path, *place, UNREAD.format(subject, kind, name), READ_IT)

    def _findings(self, binding: Object) -> Iterator[tuple[Sequence[str], Finding]]:
        """Each with the tenants that it is about."""
        holdings, grouped = list(self._holdings(binding)), self._grouped(binding)
        for unasked in self._unasked(binding, grouped.pop(DEPUTY, [])):
            yield (), unasked
        for whose, subjects in grouped.items():
            for holding in holdings:
                finding = self._finding(binding, whose, subjects, holding)
                if finding is not None:
                    yield sorted(whose.tenants), finding

    def _unasked(self, binding: Object, deputies: Sequence[Subject]) -> Iterator[Finding]:
        """What a deputy may do for a tenant without anybody being asked, by the first rule that grants it."""
        wide = bool(deputies) and binding["kind"] != "RoleBinding"
        for way in self._authorizer.rules(binding) if wide else ():
            if UNASKED.within(way.rule, namespaced=False):
                names = f"{_listed(deputies, DEPUTY)} may {UNASKED.does}"
                message = f"{names}, by {_way(binding, way)}; {UNASKED.remedy}"
                yield _said(UNASKED, binding, message, "Warn", UNASKED.severity, UNASKED.remedy)
                return

    def _grouped(self, binding: Object) -> dict[Whose, list[Subject]]:
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
        message = f"{message}, by {_way(binding, holding.way)}; {remedy}"
        return _said(power, binding, message, action, severity, remedy)

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


def _said(power: Power, binding: Object, message: str, action: Action, severity: str, remedy: str) -> Finding:
    role = str((binding.get("roleRef") or {}).get("name"))
    metadata = {"severity": severity, "category": "rbac", "remedy": remedy}
    return Finding(power.name, role, message, (action,), metadata=metadata)


def _placed(item: Audited, manifest: Manifest) -> Object:
    """A binding with the namespace that it is in, whether it says so or not."""
    value = manifest.object
    return {**value, "metadata": {**value["metadata"], "namespace": item.target.namespace}}


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
    if whose.relation == "deputy":
        return f"{names}, which also {'writes' if len(subjects) == 1 else 'write'} for tenants,"
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
