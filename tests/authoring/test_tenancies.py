"""The tenancies that suites name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.runner import tenancy_documents
from gatekeeper_py.authoring.tenancies import TENANCIES, named_tenancy
from gatekeeper_py.tenancy.documents import load_tenancy

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.mark.parametrize("name", TENANCIES)
def test_each_is_a_tenancy(name: str) -> None:
    assert load_tenancy(named_tenancy(name, Path("nowhere")))


def test_the_example_is_what_ships() -> None:
    """Copy the documents of policies/tenants into authoring/data/example.yaml when they change."""
    shipped = [each.object for each in tenancy_documents([POLICIES])]
    assert [each.object for each in named_tenancy("example", Path("nowhere"))] == shipped
