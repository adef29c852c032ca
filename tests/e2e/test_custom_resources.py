"""Custom resources on a real API server, through kubectl: hostile ones, the ordinary use of their kinds, and coverage."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import orjson
import pytest

from tests.e2e.gatekeeper import COMMAND
from tests.e2e.harness import ADMIN, ControlPlane
from tests.e2e.test_attacks import REFUSED_BY_US, Attempt, prepare, serve
from tests.policies.test_custom_resources import ROWS, cases
from tests.shipped import POLICIES

ATTEMPTS = [
    *(Attempt(case, True) for case in cases("hostile")),
    *(Attempt(case, False) for case in cases("benign")),
]
POSSIBLE = [attempt for attempt in ATTEMPTS if attempt.is_possible]


@pytest.fixture(scope="module")
def plane(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that serves every kind of the rows under an open schema, with our webhook."""
    prepare(bare_plane.kubectl(), POSSIBLE, ROWS["cluster"])
    server = serve(bare_plane, tmp_path_factory.mktemp("custom-resources"))
    try:
        yield bare_plane
    finally:
        server.stop()


@pytest.mark.parametrize("attempt", POSSIBLE, ids=lambda attempt: attempt.name)
def test_hostile_resources_are_refused_and_ordinary_ones_pass(plane: ControlPlane, attempt: Attempt) -> None:
    done = plane.kubectl().run(*attempt.command(), stdin=orjson.dumps(attempt.object).decode())
    if attempt.hostile:
        assert REFUSED_BY_US in done.stderr, done.stdout
    else:
        assert done.returncode == 0, done.stderr


def test_coverage_tells_of_every_kind_that_is_served(plane: ControlPlane) -> None:
    arguments = ("--policies", str(POLICIES), "--kubeconfig", str(plane.kubeconfig(ADMIN)), "-o", "json")
    done = subprocess.run([*COMMAND, "coverage", *arguments], capture_output=True, text=True, timeout=120)
    report = orjson.loads(done.stdout)
    told = {f"{row['kind']}.{row['group']}": row["coverage"] for row in report["resources"]}
    assert (done.returncode, done.stderr) == (1, "")
    assert told["Widget.example.com"] == "scanned"
    assert told["TargetGroupBinding.elbv2.k8s.aws"] == "powerful"
    assert told["KafkaTopic.kafka.strimzi.io"] == "harmless"
    assert told["HTTPRoute.gateway.networking.k8s.io"] == "ruled"
    assert {f"{attempt.served.kind.kind}.{attempt.served.kind.group}" for attempt in POSSIBLE} <= set(told)
    assert report["notRead"] == []
