"""A class isolates as well as its handler does, whatever it is called."""

from __future__ import annotations

import pytest

from gatekeeper_py.audit.runtimeclasses import isolation_of
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.tenancy.tenant import Settings, Tenancy


@pytest.mark.parametrize(
    ("handler", "level"),
    [("kata", "vm"), ("runsc", "sandbox"), ("runc", "none"), ("kata-of-mine", "none"), ("mine", "sandbox")],
)
def test_by_the_handler(handler: str, level: str) -> None:
    settings = Settings(handlers={**Settings().handlers, "mine": "sandbox"})
    named = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "kata"}}
    made = Snapshot([{**named, "handler": handler}])
    assert isolation_of(Tenancy(settings=settings), made) == {"kata": level}
