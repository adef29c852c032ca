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


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy["metadata"]["name"])
def test_the_api_server_accepts_exactly_the_portable_policies(
    bare_plane: ControlPlane, policy: dict[str, Any]
) -> None:
    stdin = orjson.dumps(policy).decode()
    done = bare_plane.kubectl().run("create", "--dry-run=server", "-f", "-", stdin=stdin)
    assert (done.returncode == 0) is is_portable(policy), done.stderr


def test_some_policies_are_portable() -> None:
    assert any(map(is_portable, SHIPPED))
