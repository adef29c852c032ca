"""Reports follow what is found; what cannot be written waits, is told, and holds up nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gatekeeper_py.audit.publisher import Publisher
from gatekeeper_py.audit.reportkeeper import RETRY_SECONDS, UNREAD_SECONDS, ReportKeeper
from gatekeeper_py.audit.reports.policyreport import WORKING_GROUP
from gatekeeper_py.cluster.connection import Refused
from gatekeeper_py.cluster.staleness import Stale
from tests.audit.test_publisher import Cluster
from tests.audit.watched import POD, SERVICE, Audit, pod, rules


class Kept:
    """A background audit, and the reports of it in a cluster."""

    def __init__(self) -> None:
        self.audit = Audit()
        self.server = Cluster()
        connection: Any = self.server
        publisher = Publisher(lambda: connection, WORKING_GROUP)
        self.keeper = ReportKeeper(publisher, self.audit.background, self.audit.clock)
        self.follow()

    def follow(self) -> list[str]:
        """Until nothing waits; what was asked of the API server."""
        self.server.asked.clear()
        self.audit.clock.time += UNREAD_SECONDS
        while True:
            step = self.audit.background.step()
            asyncio.run(self.keeper.follow(step))
            if not step.looked_at:
                return self.server.asked

    def reports(self) -> dict[str, set[str]]:
        """Results by the name of what they are about; what is not audited stands under ""."""
        return {
            (report.get("scope") or {"name": ""})["name"]: {each["result"] for each in report["results"]}
            for report in self.server.held.values()
        }

    @property
    def problems(self) -> list[str]:
        return list(map(str, self.keeper.problems))


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_only_what_has_changed_is_written(kept: Kept) -> None:
    kept.audit.cluster.put(pod("web", host=True), pod("api"))
    assert kept.follow() == ["apply", "apply"]
    kept.audit.cluster.put(pod("web", host=True, metadata={"labels": {"a": "b"}}))
    assert kept.follow() == []
    kept.audit.cluster.put(pod("web"))
    assert kept.follow() == ["apply"]
    assert kept.reports() == {"foo": {"warn"}, "web": {"pass"}, "api": {"pass"}}
    assert kept.keeper.totals["written"] == 4


def test_what_is_gone_has_no_report(kept: Kept) -> None:
    kept.audit.cluster.put(pod("web"))
    kept.follow()
    kept.audit.cluster.remove(pod("web"))
    assert kept.follow() == ["delete"]
    assert kept.reports() == {"foo": {"warn"}}


def test_what_is_made_anew_at_once_keeps_its_report(kept: Kept) -> None:
    kept.audit.cluster.put(pod("web"))
    kept.follow()
    kept.server.refusals["delete"] = Refused(500, "not now")
    kept.audit.cluster.remove(pod("web"))
    kept.follow()
    kept.audit.cluster.put(pod("web", host=True))
    kept.follow()
    kept.server.refusals.clear()
    kept.audit.clock.time += RETRY_SECONDS
    kept.follow()
    assert kept.reports()["web"] == {"fail"}


def test_what_is_refused_is_told_and_tried_again(kept: Kept) -> None:
    kept.server.refusals["apply"] = Refused(403, "policyreports is forbidden")
    kept.audit.cluster.put(pod("web"))
    assert kept.follow() == ["apply"]
    assert kept.problems == ["reports: 1 could not be kept: policyreports is forbidden"]
    assert kept.follow() == []
    kept.server.refusals.clear()
    kept.audit.clock.time += RETRY_SECONDS
    kept.follow()
    assert (kept.reports()["web"], kept.problems, kept.keeper.totals["failed"]) == ({"pass"}, [], 1)


def test_an_error_of_ours_loses_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.audit.cluster.put(pod("web"))
    with monkeypatch.context() as broken:
        broken.setattr(Publisher, "remove", None)
        with pytest.raises(TypeError):
            kept.follow()
    kept.server.held.clear()
    kept.keeper.publisher._there.clear()
    kept.follow()
    assert "web" in kept.reports()


def test_one_that_is_refused_does_not_hold_up_others(kept: Kept) -> None:
    kept.server.refusals["apply"] = Refused(403, "exceeded quota")
    kept.audit.cluster.put(pod("web"))
    kept.follow()
    kept.server.refusals.clear()
    kept.audit.cluster.put(pod("api"))
    kept.follow()
    assert set(kept.reports()) == {"foo", "api"}


def test_without_the_right_to_list_reports_everything_waits(kept: Kept) -> None:
    other = Kept.__new__(Kept)
    other.audit, other.server = Audit(), Cluster()
    connection: Any = other.server
    other.server.refusals["list"] = Refused(403, "policyreports is forbidden")
    publisher = Publisher(lambda: connection, WORKING_GROUP)
    other.keeper = ReportKeeper(publisher, other.audit.background, other.audit.clock)
    other.follow()
    assert other.problems == ["reports: 1 could not be kept: policyreports is forbidden"]
    other.server.refusals.clear()
    other.audit.clock.time += RETRY_SECONDS
    other.follow()
    assert (set(other.reports()), other.problems) == ({"foo"}, [])


def test_what_is_not_audited_is_a_report_as_long_as_it_is_so(kept: Kept) -> None:
    kept.audit.cluster.stale[SERVICE] = Stale(SERVICE, None, "may not be listed")
    kept.follow()
    assert kept.reports()[""] == {"error"}
    kept.audit.cluster.stale.clear()
    kept.follow()
    assert "" not in kept.reports()


def leave(kept: Kept, place: tuple[str, str, str], name: str) -> None:
    """The same report under another name."""
    report = kept.server.held[place]
    kept.server.held[*place[:2], name] = {**report, "metadata": {**report["metadata"], "name": name}}


def test_a_pass_mends_what_others_did_to_reports(kept: Kept) -> None:
    kept.audit.cluster.put(pod("web", host=True), pod("api"))
    kept.follow()
    web, api = (
        next(place for place, report in kept.server.held.items() if report["scope"]["name"] == name)
        for name in ("web", "api")
    )
    kept.server.held[web]["results"][0]["result"] = "pass"
    leave(kept, api, "left-over")
    del kept.server.held[api]
    kept.audit.rules = rules(2)
    kept.follow()
    assert kept.reports() == {"foo": {"warn"}, "web": {"fail"}, "api": {"pass"}}
    assert len(kept.server.held) == 3


def test_of_a_kind_that_is_not_known_nothing_is_removed(kept: Kept) -> None:
    kept.audit.cluster.put(pod("web"))
    kept.follow()
    (place,) = (at for at, report in kept.server.held.items() if report["scope"]["name"] == "web")
    leave(kept, place, "unknown")
    kept.audit.cluster.stale[POD] = Stale(POD, 40.0, "it is silent")
    kept.audit.rules = rules(2)
    kept.follow()
    assert (*place[:2], "unknown") in kept.server.held
    kept.audit.cluster.stale.clear()
    kept.audit.rules = rules(3)
    kept.follow()
    assert (*place[:2], "unknown") not in kept.server.held
