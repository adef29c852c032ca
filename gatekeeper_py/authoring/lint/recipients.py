"""Grants that name nobody (GK7xx)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = ["recipients"]

EVERYBODY = "*"


def recipients(subject: Subject) -> Iterator[Finding]:
    """Names in `sharing[].to` that are no tenant's."""
    tenants = [each for each in subject.manifests if is_tenancy_document(each) and each.kind.kind == "Tenant"]
    names = {tenant.name for tenant in tenants}
    for tenant in tenants:
        for path, name in _named(tenant):
            if name != EVERYBODY and name not in names:
                yield _nobody(tenant, path, name, names)


def _named(tenant: Manifest) -> Iterator[tuple[FieldPath, str]]:
    sharing = (tenant.object.get("spec") or {}).get("sharing") or ()
    for index, grant in enumerate(sharing):
        for number, name in enumerate(grant.get("to") or ()):
            yield ("spec", "sharing", index, "to", number), str(name)


def _nobody(tenant: Manifest, path: FieldPath, name: str, names: set[str]) -> Finding:
    near = difflib.get_close_matches(name, names - {tenant.name}, 1)
    remedy = f"Did you mean {near[0]}?" if near else "Write the name of a Tenant, or * for all"
    return Finding(tenant.source.problem(path, f'no Tenant is called "{name}"', remedy), "GK701")
