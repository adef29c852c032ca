"""The story's tests share one stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.harness import ControlPlane
from tests.e2e.node import enclosure
from tests.e2e.story.stage import Plane, Stage, stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """As the tests on a node: it leaves much behind."""
    if not enclosure.inside():
        for item in items:
            if "tests/e2e/story/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="runs in an enclosure of its own: make e2e-story"))


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything, running."""
    with stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture(scope="session")
def host(played: Stage) -> ControlPlane:
    """The super-user's."""
    return played.host


@pytest.fixture(scope="session")
def planes(played: Stage) -> Mapping[str, Plane]:
    """The tenants' own, by name."""
    return played.planes
