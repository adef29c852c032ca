from __future__ import annotations

from pathlib import Path

from gatekeeper_py.authoring.catalogue import entries, render

ROOT = Path(__file__).parents[2]


def test_the_page_of_policies_is_fresh() -> None:
    assert (ROOT / "docs" / "policies.md").read_text(encoding="utf-8") == render(ROOT / "policies")


def test_every_policy_says_what_it_stops() -> None:
    for entry in entries(ROOT / "policies"):
        assert entry.summary, entry.name
        assert entry.stops, entry.name
        assert entry.severity in ("low", "medium", "high", "critical"), entry.name
