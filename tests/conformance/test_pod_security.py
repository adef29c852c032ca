"""Every pod derived from Kubernetes' Pod Security fixtures is decided as its level says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from tests.shared import corpus, needs_shared
from tests.shipped import POLICIES, TENANTS

pytestmark = needs_shared

CASES = corpus("pod-security")


@cache
def engine() -> Engine:
    """The checks of Pod Security and the tenants, without what goes beyond Pod Security."""
    manifests = [
        manifest
        for manifest in read([POLICIES / "host-access", POLICIES / "tenants", TENANTS])
        if "tenancy" in manifest.object["apiVersion"] or _is_pod_security(manifest)
    ]
    return Engine.load(manifests, Snapshot())


def _is_pod_security(manifest: Manifest) -> bool:
    text = Path(manifest.source.path).read_text(encoding="utf-8")
    return "Pod Security Standards:" in text


def decision(case: dict[str, Any]) -> str:
    """`allow` or `deny`: at the restricted level a warning of a restricted check is a refusal."""
    user = make_user("alice", ())
    manifest = Manifest(case["object"], Source("fixture"))
    request = make_request(manifest, engine().cluster, Submission(user=user, namespace="foo"))
    review = engine().review(request)
    refused = not review.allowed or (case["level"] == "restricted" and review.warnings)
    return "deny" if refused else "allow"


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=[f"{c['level']}-{c['check']}-{c['object']['metadata']['name']}-{c['expect']}" for c in CASES],
)
def test_fixture_is_decided_as_its_level_says(case: dict[str, Any]) -> None:
    assert decision(case) == case["expect"]
