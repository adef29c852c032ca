"""The tenancies that suites name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.runner import tenancy_documents
from gatekeeper_py.authoring.tenancies import TENANCIES, named_tenancy
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.tenancy.documents import load_tenancy
from tests.shipped import SHIPPED


@pytest.mark.parametrize("name", TENANCIES)
def test_each_is_a_tenancy(name: str) -> None:
    assert load_tenancy(named_tenancy(name, Path("nowhere")))


def test_the_example_is_what_ships_with_the_tenants_of_the_examples() -> None:
    """Copy the documents into authoring/data/example.yaml when they change."""
    shipped = [each.object for each in tenancy_documents(SHIPPED)]
    example = [each.object for each in named_tenancy("example", Path("nowhere"))]
    assert sorted(example, key=_name) == sorted(shipped, key=_name)


def _name(document: Object) -> str:
    name: str = document["metadata"]["name"]
    return name
