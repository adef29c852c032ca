"""Grants of tenants and waivers that give nothing, or give it to all (GK702, GK703, GK704)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from gatekeeper_py.authoring.lint.evasion import EVERYBODY
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.naming import label_value, qualified_name
from gatekeeper_py.tenancy.patterns import host_matches
from gatekeeper_py.tenancy.reading import is_tenancy_document, is_tenant, is_waiver

__all__ = ["entitlements"]

Told = Iterator[tuple[FieldPath, str, str, str]]
"""Where, the code, what is wrong, and what to do."""

NO_HOSTNAME: Final = re.compile(r"[:/\s]")
NO_REGISTRY: Final = re.compile(r"://|\s")
SYSTEM: Final = re.compile(r"kube-.*|default")
"""Namespaces that every cluster has, and that its controllers and administrators use."""


def entitlements(subject: Subject) -> Iterator[Finding]:
    """What documents grant, as far as it can be told without a cluster."""
    documents = list(filter(is_tenancy_document, subject.manifests))
    for document in documents:
        spec = document.object.get("spec")
        if isinstance(spec, dict):
            for path, code, what, remedy in _of(document, spec, subject.kinds):
                yield Finding(document.source.problem(path, what, remedy), code)
    yield from _hosts_of_two([document for document in documents if is_tenant(document)])


def _of(document: Manifest, spec: dict[str, Any], kinds: Kinds) -> Told:
    if is_tenant(document):
        yield from _namespaces(spec)
        yield from _addresses(spec)
        yield from _labels(spec)
        yield from _owners(spec)
        yield from _sharing(document.name, spec, kinds)
    elif is_waiver(document):
        yield from _kinds(("spec", "kinds"), _texts(spec, "kinds"), kinds)


def _texts(holder: Any, field: str) -> list[str]:
    """A list of texts; empty where something else stands, which loading tells."""
    found = holder.get(field) if isinstance(holder, dict) else None
    return [str(each) for each in found] if isinstance(found, list) else []


def _namespaces(spec: dict[str, Any]) -> Told:
    claim = spec.get("namespaces")
    if isinstance(claim, dict) and not any(claim.values()):
        yield ("spec", "namespaces"), "GK702", "this claims no namespace", "Name one, or ask for a label"
    for index, name in enumerate(_texts(claim, "names")):
        if SYSTEM.fullmatch(name) and not spec.get("trusted"):
            what = f"{name} is a namespace of the cluster's own, and this tenant is not trusted"
            remedy = "Leave it to a trusted tenant"
            yield ("spec", "namespaces", "names", index), "GK703", what, remedy


def _addresses(spec: dict[str, Any]) -> Told:
    for field, odd, what, remedy in (
        ("hostnames", NO_HOSTNAME, "is no hostname, so it grants nothing", "Write the DNS name alone"),
        (
            "registries",
            NO_REGISTRY,
            "is no registry, so it grants nothing",
            "Write the host, and a path in it",
        ),
    ):
        for index, text in enumerate(_texts(spec, field)):
            if odd.search(text):
                yield ("spec", field, index), "GK702", f'"{text}" {what}', remedy
            elif text == "*":
                yield ("spec", field, index), "GK703", f"this grants all {field} there are", "Name them"


def _labels(spec: dict[str, Any]) -> Told:
    labels = spec.get("labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if faults := [*qualified_name(str(key)), *label_value(str(value))]:
            what = f'"{key}: {value}" is no label, so no object can carry it: {faults[0]}'
            yield ("spec", "labels", key), "GK702", what, "Write a label"


def _owners(spec: dict[str, Any]) -> Told:
    owners = spec.get("owners")
    for index, owner in enumerate(owners if isinstance(owners, list) else ()):
        if isinstance(owner, dict) and owner.get("kind") == "Group" and owner.get("name") in EVERYBODY:
            what = "everybody is in this group, so everybody owns the tenant"
            yield ("spec", "owners", index, "name"), "GK703", what, "Name a group of the tenant's people"


def _sharing(name: str, spec: dict[str, Any], kinds: Kinds) -> Told:
    sharing = spec.get("sharing")
    for index, grant in enumerate(sharing if isinstance(sharing, list) else ()):
        path: FieldPath = ("spec", "sharing", index)
        if isinstance(grant, dict):
            if not set(_texts(grant, "to")) - {name}:
                yield (
                    (*path, "to"),
                    "GK702",
                    "this shares with nobody else",
                    "Name another tenant, or * for all",
                )
            yield from _kinds((*path, "kinds"), _texts(grant, "kinds"), kinds)


def _kinds(path: FieldPath, names: list[str], kinds: Kinds) -> Told:
    """A kind without a group is one of Kubernetes' own; another may be custom."""
    known = {each.served.kind.kind for each in kinds}
    for index, name in enumerate(names):
        if name not in known and "." not in name and "*" not in name:
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"Did you mean {near[0]}?" if near else "Write the kind, and the group of a custom one"
            yield (*path, index), "GK704", f'no kind is called "{name}"', remedy


def _hosts_of_two(tenants: list[Manifest]) -> Iterator[Finding]:
    """Hostnames that lie within another tenant's."""
    hosts = [
        (tenant, index, host)
        for tenant in tenants
        for index, host in enumerate(_texts(tenant.object.get("spec"), "hostnames"))
        if host != "*"
    ]
    for (one, _, wide), (other, index, host) in combinations(hosts, 2):
        if one.name != other.name and (host_matches(wide, host) or host_matches(host, wide)):
            what = f'"{host}" is also among the hostnames of tenant {one.name}: "{wide}"'
            problem = other.source.problem(("spec", "hostnames", index), what, "Leave it to one of them")
            yield Finding(problem, "GK703")
