"""Every reference of the catalogue that may leave the namespace is refused, or admitted for a reason that is listed."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from tests.policies.hostile_references import HostileReference, Object, hostile_references
from tests.policies.test_attack_matrix import HERE, engine, reasons
from tests.shared import SHARED

CATALOGUE = SHARED / "research" / "reference-catalogue.yaml"
ADMITTED: dict[str, dict[str, list[str]]] = yaml.load(
    (HERE / "admitted_references.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
)
HELD_BACK = 1000
"""How many hostile objects there must at least be, so that a change of the catalogue's form does not pass unseen."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CATALOGUE.is_file(), reason=f"no reference catalogue at {CATALOGUE}"),
]


def _load(path: Any) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


@cache
def hostile() -> tuple[tuple[HostileReference, Decision], ...]:
    """Every hostile object with what becomes of it at the hands of alice, owner of foo."""
    made = hostile_references(_load(CATALOGUE), _load(HERE / "hostile_values.yaml"))
    return tuple((reference, _review(reference)) for reference in made)


def _review(reference: HostileReference) -> Decision:
    old: Object | None = reference.base if reference.subresource == "status" else None
    submission = Submission(user=make_user("alice", ()), subresource=reference.subresource)
    manifest = Manifest(reference.object, Source(reference.name))
    return engine().review(make_request(manifest, engine().cluster, submission, old))


def test_every_reference_is_refused_or_admitted_for_a_reason() -> None:
    admitted = {reference.name for reference, decision in hostile() if decision.allowed}
    listed = {f"{kind} {path}" for kinds in ADMITTED.values() for kind in kinds for path in kinds[kind]}
    assert sorted(admitted - listed) == []
    assert sorted(listed - admitted) == []


def test_no_reference_is_refused_by_an_error() -> None:
    assert [r.name for r, decision in hostile() if "resulted in error" in reasons(decision)] == []


def test_no_base_is_refused_but_of_kinds_that_no_tenant_writes() -> None:
    refused = {r.kind for r, decision in hostile() if not decision.allowed and not _base_passes(r, decision)}
    assert refused <= WHOLLY_REFUSED | {r.kind for r, _ in hostile() if "namespace" not in r.base["metadata"]}


WHOLLY_REFUSED = frozenset(
    (
        "argoproj.io/v1alpha1/AppProject",
        "argoproj.io/v1alpha1/ApplicationSet",
        "certificates.k8s.io/v1beta1/PodCertificateRequest",
        "core/v1/Binding",
        "extensions.istio.io/v1alpha1/WasmPlugin",
        "k8s.cni.cncf.io/v1/NetworkAttachmentDefinition",
        "networking.istio.io/v1/Gateway",
        "networking.istio.io/v1alpha3/EnvoyFilter",
        "storage.k8s.io/v1/CSIStorageCapacity",
        "velero.io/v1/Backup",
        "velero.io/v1/Restore",
    )
)
"""Namespaced kinds that are refused whatever they say."""


@cache
def _causes(kind: str) -> str:
    base = next(reference.base for reference, _ in hostile() if reference.kind == kind)
    manifest = Manifest(base, Source(kind))
    decision = engine().review(
        make_request(manifest, engine().cluster, Submission(user=make_user("alice", ())))
    )
    return "" if decision.allowed else reasons(decision)


def _base_passes(reference: HostileReference, decision: Decision) -> bool:
    """Whether it is the field that is refused, not what is around it."""
    return bool(reference.subresource) or _causes(reference.kind) == ""


def test_there_are_enough_of_them() -> None:
    assert len(hostile()) >= HELD_BACK
