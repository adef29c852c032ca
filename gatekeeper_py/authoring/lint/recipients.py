"""Grants that name nobody (GK7xx)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.tenancy.reading import is_tenancy_document, is_tenant, is_waiver

__all__ = ["recipients"]

EVERYBODY = "*"


def recipients(subject: Subject) -> Iterator[Finding]:
    """Names in `sharing[].to`, and in `tenants` of waivers, that are no tenant's."""
    documents = list(filter(is_tenancy_document, subject.manifests))
    names = {document.name for document in documents if is_tenant(document)}
    for document in documents:
        known = {*names, EVERYBODY} if is_tenant(document) else names
        for path, name in _named(document):
            if name not in known:
                yield _nobody(document, path, name, names)


def _named(document: Manifest) -> Iterator[tuple[FieldPath, str]]:
    spec = document.object.get("spec") or {}
    for index, grant in enumerate(spec.get("sharing") or ()):
        for number, name in enumerate(grant.get("to") or ()):
            yield ("spec", "sharing", index, "to", number), str(name)
    for index, name in enumerate(spec.get("tenants") or () if is_waiver(document) else ()):
        yield ("spec", "tenants", index), str(name)


def _nobody(document: Manifest, path: FieldPath, name: str, names: set[str]) -> Finding:
    near = difflib.get_close_matches(name, names - {document.name}, 1)
    everybody = ", or * for all" if is_tenant(document) else ""
    remedy = f"Did you mean {near[0]}?" if near else f"Write the name of a Tenant{everybody}"
    return Finding(document.source.problem(path, f'no Tenant is called "{name}"', remedy), "GK701")
