"""Whose the subjects of bindings are: the platform's, a deputy's, a tenant's, everybody, or nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from gatekeeper_py.cluster.authorization import ROLE_BINDING
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.tenancy.context import NAMESPACE, SERVICE_ACCOUNT
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy, Tenant

__all__ = ["DEPUTY", "Subject", "Subjects", "Whose", "subjects_of"]

EVERYBODY: Final = frozenset(("system:authenticated", "system:unauthenticated", "system:serviceaccounts"))
ANONYMOUS: Final = "system:anonymous"
ACCOUNTS_OF: Final = "system:serviceaccounts:"
"""Before the namespace, in the group of its ServiceAccounts."""
SYSTEM: Final = "system:"
"""How the control plane's own users and groups begin; nobody else's name may."""

Relation: TypeAlias = Literal["platform", "deputy", "tenant", "everybody", "unknown"]
"""A deputy is the platform's, and also writes as tenants (`writesAs`)."""


class Subject(NamedTuple):
    """A user, a group or a ServiceAccount with its namespace."""

    kind: str
    name: str
    namespace: str = ""

    @property
    def username(self) -> str:
        """By which name the API server knows it; empty for a group."""
        if self.kind == "ServiceAccount":
            return f"{SERVICE_ACCOUNT}{self.namespace}:{self.name}"
        return self.name if self.kind == "User" else ""

    def __str__(self) -> str:
        """`User "alice"`, `ServiceAccount "foo/default"`."""
        return f'{self.kind} "{self.namespace}{"/" if self.namespace else ""}{self.name}"'


@dataclass(frozen=True, slots=True)
class Whose:
    """To whom a subject belongs."""

    relation: Relation
    tenants: frozenset[str] = frozenset()

    def shares(self, owner: Tenant) -> bool:
        """Whether what is in an owner's namespace is all theirs, or shared with all of them."""
        return bool(self.tenants) and all(
            name == owner.name or owner.shares_itself_with(name) for name in self.tenants
        )


PLATFORM, DEPUTY, UNKNOWN = Whose("platform"), Whose("deputy"), Whose("unknown")


def subjects_of(binding: Object) -> Iterator[Subject]:
    """Those a binding names; a ServiceAccount by any of the ways to write one."""
    home = str((binding.get("metadata") or {}).get("namespace") or "")
    stated = binding.get("subjects")
    for each in stated if isinstance(stated, list) else ():
        if isinstance(each, dict) and each.get("name"):
            yield _subject(each, home)


def _subject(stated: Mapping[str, Any], home: str) -> Subject:
    kind, name = str(stated.get("kind")), str(stated["name"])
    if kind == "ServiceAccount":
        return Subject(kind, name, str(stated.get("namespace") or home))
    if kind == "User" and name.startswith(SERVICE_ACCOUNT):
        namespace, _, account = name.removeprefix(SERVICE_ACCOUNT).partition(":")
        return Subject("ServiceAccount", account, namespace)
    return Subject(kind, name)


@dataclass(frozen=True)
class Subjects:
    """Tells whose a subject is, by tenancy and by who is bound in whose namespace."""

    tenancy: Tenancy
    cluster: ClusterView

    def whose(self, subject: Subject) -> Whose:
        """To whom a subject belongs."""
        plane = self.tenancy.syncers.get(subject.username)
        if plane is not None:
            return Whose("tenant", frozenset({plane.tenant}))
        if subject.kind == "ServiceAccount":
            return self._of_namespace(subject.namespace)
        if subject.kind == "Group":
            if subject.name in EVERYBODY:
                return Whose("everybody")
            if subject.name.startswith(ACCOUNTS_OF):
                return self._of_namespace(subject.name.removeprefix(ACCOUNTS_OF))
        if subject.name == ANONYMOUS:
            return Whose("everybody")
        return self._of_person(subject)

    def owner(self, namespace: str) -> Tenant | None:
        """The tenant of a namespace; None when it is nobody's, or in dispute."""
        record = self.cluster.get(NAMESPACE, "", namespace)
        try:
            return self.tenancy.owner(namespace, lambda _name: labels_of(record))
        except ContestedNamespace:
            return None

    def _of_namespace(self, namespace: str) -> Whose:
        owner = self.owner(namespace)
        if owner is None:
            return UNKNOWN
        if owner.trusted:
            return PLATFORM if owner.writes_as_platform else DEPUTY
        return Whose("tenant", frozenset({owner.name}))

    def _of_person(self, subject: Subject) -> Whose:
        settings, group = self.tenancy.settings, subject.kind == "Group"
        known = settings.platform_groups if group else settings.platform_users
        if subject.name in known or subject.name.startswith(SYSTEM):
            return PLATFORM
        owned = self.tenancy.owned_by("" if group else subject.name, [subject.name] if group else [])
        names = frozenset(owned) or self._members.get(subject, frozenset())
        return Whose("tenant", names) if names else UNKNOWN

    @cached_property
    def _members(self) -> Mapping[Subject, frozenset[str]]:
        """Who is bound in a tenant's namespace, and owns none: in the tenants in whose namespaces that is."""
        found: dict[Subject, set[str]] = {}
        for binding in self.cluster.list(ROLE_BINDING):
            owner = self.owner(str((binding.get("metadata") or {}).get("namespace") or ""))
            if owner is not None and not owner.trusted:
                for subject in subjects_of(binding):
                    found.setdefault(subject, set()).add(owner.name)
        return {subject: frozenset(names) for subject, names in found.items()}
