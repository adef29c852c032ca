"""What is counted of control planes: the host's metrics once more, each series with a name."""

from __future__ import annotations

from gatekeeper_py.webhook.plane_metrics import PlaneMetrics
from tests.tenancy.test_control_planes import plane
from tests.webhook.test_planes import Board


def names(*documents: str) -> dict[str, set[str]]:
    """The control planes that each metric tells of."""
    board = Board(*(plane(name) for name in documents))
    board.planes.all[0].restored = 2
    found: dict[str, set[str]] = {}
    for metric in PlaneMetrics(lambda: board.planes.all).collect():
        for sample in metric.samples:
            found.setdefault(metric.name, set()).add(sample.labels["control_plane"])
    return found


def test_every_series_names_its_control_plane_and_there_are_as_many_as_documents() -> None:
    found = names("one", "two")
    assert found["gatekeeper_control_plane_open"] == {"one", "two"}
    assert found["gatekeeper_control_plane_policy_revision"] == {"one", "two"}
    assert found["gatekeeper_control_plane_view_age_seconds"] == {"one", "two"}
    assert all(name.startswith("gatekeeper_control_plane_") for name in found)


def test_what_there_is_once_a_server_is_not_told_again() -> None:
    assert not {name for name in names("one") if "log_dropped" in name or "certificate" in name}


def test_how_often_a_registration_was_set_right_is_counted() -> None:
    board = Board(plane())
    board.planes.all[0].restored = 2
    board.planes.all[0].registration = "its registration was deleted"
    values = {
        sample.name: sample.value
        for metric in PlaneMetrics(lambda: board.planes.all).collect()
        for sample in metric.samples
    }
    assert values["gatekeeper_control_plane_registrations_restored_total"] == 2
    assert values["gatekeeper_control_plane_registration_problem"] == 1
    assert values["gatekeeper_control_plane_open"] == 0


def test_the_collector_asks_nothing_before_it_is_asked() -> None:
    assert list(PlaneMetrics(lambda: 1 / 0).describe()) == []  # type: ignore[arg-type,return-value]
