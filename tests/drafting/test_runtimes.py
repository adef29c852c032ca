"""Which classes isolate, and what is asked of tenants because of it."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.drafting.runtimes import NONE_ISOLATES, Runtimes
from tests.drafting.support import runtime_class


@pytest.mark.parametrize(
    ("classes", "spec"),
    [
        (
            {"runc": "runc", "kata": "kata-qemu", "fc": "kata-fc", "gvisor": "runsc"},
            {"default": "kata", "allowed": ["fc", "kata"], "isolation": "vm"},
        ),
        ({"fc": "kata-fc"}, {"default": "fc", "allowed": ["fc"], "isolation": "vm"}),
        ({"gvisor": "runsc"}, {"default": "gvisor", "allowed": ["gvisor"], "isolation": "sandbox"}),
        ({"kata": "runc"}, {"isolation": "vm"}),
        ({}, {"isolation": "vm"}),
    ],
)
def test_tenants_are_held_to_the_best_that_is_there(classes: dict[str, str], spec: dict[str, Any]) -> None:
    assert Runtimes.of(runtime_class(*each) for each in classes.items()).spec() == spec


def test_each_class_is_told_with_its_handler() -> None:
    told = Runtimes.of([runtime_class("odd", "mystery"), runtime_class("kata", "kata-qemu")]).comments()
    assert list(told) == [
        "RuntimeClass kata: handler kata-qemu gives isolation vm",
        "RuntimeClass odd: handler mystery is not known to isolate",
    ]


def test_where_nothing_isolates_it_is_said_with_the_ways_out() -> None:
    assert list(Runtimes.of([]).comments()) == NONE_ISOLATES.splitlines()
