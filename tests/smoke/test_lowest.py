"""What a release has to do whatever libraries it finds: decide the examples, and only over TLS."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator

import pytest

from examples.demo import CLUSTER, Example, Webhooks, examples, faults, policies_in
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from tests.smoke.serving import Serving, serving

LOWEST = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)(?:;.*)?")
"""A requirement as pyproject.toml states it, and how the package's metadata has it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, policies_in(folder), "--cluster", CLUSTER) as running:
        yield running


def lowest() -> dict[str, str]:
    """The lowest version of each package that the server needs."""
    required = importlib.metadata.requires("gatekeeper_py") or []
    matches = [LOWEST.fullmatch(text.replace(" ", "")) for text in required if "extra ==" not in text]
    assert matches
    assert all(matches), required
    return {match[1]: match[2] for match in matches if match}


@pytest.mark.parametrize(("package", "version"), lowest().items())
def test_the_environment_has_the_lowest_version_allowed(package: str, version: str) -> None:
    installed = importlib.metadata.version(package).split(".")
    stated = version.split(".")
    assert installed[: len(stated)] == stated
    assert set(installed[len(stated) :]) <= {"0"}


@pytest.mark.parametrize("example", examples(), ids=lambda example: "/".join(example.path.parts[-3:]))
def test_an_example_becomes_what_its_comment_says(server: Serving, example: Example) -> None:
    with server.client(certificate=True) as client:
        webhooks = Webhooks(client, Snapshot.of(read([CLUSTER])))
        outcomes = [webhooks.submit(manifest, example) for manifest in read([example.path])]
    assert faults(example, outcomes) == []


def test_a_caller_without_a_certificate_is_refused(server: Serving) -> None:
    assert server.lets_in(certificate=True)
    assert not server.lets_in(certificate=False)


def test_plain_http_is_refused(server: Serving) -> None:
    assert not server.answers_plainly()
