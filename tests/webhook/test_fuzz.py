"""A slice of what `python -m tests.benchmarks.webhook.soak` tries a hundred thousand times."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from gatekeeper_py.webhook.origin import FromFiles
from tests.cli.support import POLICIES, write
from tests.webhook.fuzz import requests
from tests.webhook.soundness import complaint
from tests.webhook.support import Harness

SLICE = 300


@pytest.mark.parametrize("seed", range(2))
def test_no_request_brings_the_server_down_or_comes_in_unseen(seed: int, tmp_path: Path) -> None:
    origin = FromFiles(write(tmp_path / "policies", all=POLICIES), None)
    harness = Harness(load=origin.load)
    with harness.client() as client:
        loaded = harness.policies.in_force.loaded  # type: ignore[union-attr]
        for request in islice(requests(seed), SLICE):
            answer = client.request(request.method, request.path, content=request.body)
            assert complaint(loaded.review, request, answer.status_code, answer.content) == ""
    assert harness.events("internal error") == []
