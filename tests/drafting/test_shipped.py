"""What an installation brings along."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.drafting import shipped
from gatekeeper_py.policy.loading.load import read
from tests.shipped import POLICIES


def test_every_policy_ships_and_no_suite() -> None:
    names = dict(shipped.policies())
    files = {Path(manifest.source.path).relative_to(POLICIES).as_posix() for manifest in read([POLICIES])}
    assert names.keys() == files - set(shipped.DRAFTED)


def test_no_tenant_ships_but_the_platform() -> None:
    kinds = {manifest.object["kind"]: manifest.name for manifest in read([POLICIES])}
    tenants = [manifest.name for manifest in read([POLICIES]) if manifest.object["kind"] == "Tenant"]
    assert (tenants, kinds["TenancySettings"]) == (["platform"], "settings")


def test_an_installation_without_policies_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "PLACES", (tmp_path / "a", tmp_path / "b"))
    with pytest.raises(shipped.NotShipped, match="no policies came with this installation"):
        list(shipped.policies())
