"""What LimitRanges give a pod is what a real API server gives."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.e2e.conftest import namespace
from tests.e2e.harness import ControlPlane
from tests.objects.test_limit_ranges import CASES, admitted

Json = dict[str, Any]


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_fills_in_the_same(bare_plane: ControlPlane, case: str) -> None:
    ranges, pod, _ = CASES[case]
    kubectl = bare_plane.kubectl()
    kubectl.apply(namespace("ranged"), namespace("elsewhere"), *ranges)
    answer = kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=orjson.dumps(pod).decode())
    for each in ranges:
        metadata = each["metadata"]
        kubectl("delete", "limitrange", metadata["name"], "-n", metadata["namespace"])
    live: Json = orjson.loads(answer)
    ours = admitted(ranges, pod)
    assert live["metadata"].get("annotations") == ours["metadata"].get("annotations")
    for field in ("containers", "initContainers"):
        stated = [[each["resources"] for each in value["spec"].get(field) or ()] for value in (live, ours)]
        assert stated[0] == stated[1]
    assert live["status"]["qosClass"] == ours["status"]["qosClass"]
