"""Shipped policies marked portable use no word of ours: the API server itself accepts them, and no others."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper_py.policy.loading.load import read
from tests.e2e.harness import ControlPlane
from tests.shipped import POLICIES

MARK = "policy.gatekeeper-py.dev/portable"
"""The label of a portable policy."""
KINDS = {"ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"}

SHIPPED: list[dict[str, Any]] = [
    manifest.object for manifest in read([POLICIES]) if manifest.object["kind"] in KINDS
]


def is_portable(policy: dict[str, Any]) -> bool:
    return bool(policy["metadata"].get("labels", {}).get(MARK) == "true")


def portable() -> dict[str, Any]:
    """A policy as authors may mark it; none that ships does without the words of tenancy."""
    rules = [
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    ]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "portable", "labels": {MARK: "true"}},
        "spec": {
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "object.spec.replicas <= 5"}],
        },
    }


@pytest.mark.parametrize("policy", [*SHIPPED, portable()], ids=lambda policy: policy["metadata"]["name"])
def test_the_api_server_accepts_exactly_the_portable_policies(
    bare_plane: ControlPlane, policy: dict[str, Any]
) -> None:
    stdin = orjson.dumps(policy).decode()
    done = bare_plane.kubectl().run("create", "--dry-run=server", "-f", "-", stdin=stdin)
    assert (done.returncode == 0) is is_portable(policy), done.stderr
