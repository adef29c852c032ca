"""Every shipped policy is in force, and names nothing that Kubernetes spells otherwise."""

from __future__ import annotations

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.loading.idle import idle
from tests.policies.stories import policies


def test_nothing_that_ships_is_idle() -> None:
    assert [str(problem) for problem in idle(policies(), Kinds.builtin())] == []
