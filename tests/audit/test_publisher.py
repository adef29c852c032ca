"""Reports in a cluster are what the last audit found, and no request is made for what is there already."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.audit import publisher
from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.publisher import Published, publish
from gatekeeper_py.audit.reports.openreports import OPEN_REPORTS
from gatekeeper_py.audit.reports.policyreport import WORKING_GROUP, is_own
from gatekeeper_py.cluster.connection import Listed, Refused
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.objects.resource import Object, Served
from tests.audit.support import CLEAN, EVERYTHING, NODE, UNLISTED, WEB


class Cluster:
    """An API server that holds objects, and refuses what a test says."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, str], Object] = {}
        self.asked: list[str] = []
        self.refusals: dict[str, Refused] = {}

    def __call__(self, _config: object) -> Cluster:
        return self

    def _ask(self, verb: str, name: str) -> None:
        self.asked.append(verb)
        if refusal := self.refusals.get(verb, self.refusals.get(name)):
            raise refusal

    async def pages(self, served: Served, labels: str) -> AsyncGenerator[Listed, None]:
        self._ask("list", served.kind.kind)
        assert labels == "app.kubernetes.io/managed-by=gatekeeper-py"
        found = [value for (kind, _, _), value in self.held.items() if kind == served.resource.resource]
        for value in found:
            yield Listed([copy.deepcopy(value)], "1")

    async def apply(self, served: Served, namespace: str, name: str, value: Object, manager: str) -> None:
        self._ask("apply", name)
        assert manager == "gatekeeper-audit"
        self.held[served.resource.resource, namespace, name] = value

    async def delete(self, served: Served, namespace: str, name: str) -> None:
        self._ask("delete", name)
        del self.held[served.resource.resource, namespace, name]

    async def close(self) -> None:
        pass


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(publisher, "Connection", made)
    return made


CONFIG: Any = None


def counts(published: Published) -> tuple[int, int, int]:
    return published.written, published.unchanged, published.removed


def test_a_report_of_every_object_is_written_and_read_back(cluster: Cluster) -> None:
    published = publish(CONFIG, EVERYTHING, WORKING_GROUP, whole=True)
    assert (counts(published), list(published.problems())) == ((5, 0, 0), [])
    assert sorted((kind, namespace) for kind, namespace, _ in cluster.held) == [
        ("clusterpolicyreports", ""),
        ("clusterpolicyreports", ""),
        ("policyreports", "bar"),
        ("policyreports", "bar"),
        ("policyreports", "foo"),
    ]
    (web,) = [each for each in cluster.held.values() if (each.get("scope") or {}).get("name") == "web"]
    assert web["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert all(is_own(each) for each in cluster.held.values())


def test_what_is_there_already_is_left_alone(cluster: Cluster) -> None:
    publish(CONFIG, EVERYTHING, WORKING_GROUP, whole=True)
    cluster.asked.clear()
    assert counts(publish(CONFIG, EVERYTHING, WORKING_GROUP, whole=True)) == (0, 5, 0)
    assert cluster.asked == ["list", "list"]


def test_what_changed_is_written_and_what_is_gone_is_removed(cluster: Cluster) -> None:
    publish(CONFIG, EVERYTHING, WORKING_GROUP, whole=True)
    mended = replace(WEB, findings=())
    assert counts(publish(CONFIG, Outcome((mended, CLEAN)), WORKING_GROUP, whole=True)) == (1, 1, 3)
    assert len(cluster.held) == 2


def test_of_a_part_nothing_is_removed(cluster: Cluster) -> None:
    publish(CONFIG, EVERYTHING, WORKING_GROUP, whole=True)
    assert counts(publish(CONFIG, Outcome((CLEAN,)), WORKING_GROUP, whole=False)) == (0, 1, 0)
    assert len(cluster.held) == 5


def test_a_report_written_otherwise_by_somebody_is_written_again(cluster: Cluster) -> None:
    publish(CONFIG, Outcome((WEB,)), WORKING_GROUP, whole=True)
    (report,) = cluster.held.values()
    report["results"][0]["result"] = "pass"
    assert counts(publish(CONFIG, Outcome((WEB,)), WORKING_GROUP, whole=True)) == (1, 0, 0)


def test_the_other_dialect_has_reports_of_its_own(cluster: Cluster) -> None:
    publish(CONFIG, Outcome((WEB, NODE)), WORKING_GROUP, whole=True)
    assert counts(publish(CONFIG, Outcome((WEB, NODE)), OPEN_REPORTS, whole=True)) == (2, 0, 0)
    assert {kind for kind, _, _ in cluster.held} >= {"reports", "clusterreports", "policyreports"}


def test_what_is_refused_is_told_and_nothing_is_removed(cluster: Cluster) -> None:
    publish(CONFIG, EVERYTHING, WORKING_GROUP, whole=True)
    cluster.refusals["apply"] = Refused(403, "policyreports is forbidden")
    published = publish(CONFIG, Outcome((replace(WEB, findings=()),)), WORKING_GROUP, whole=True)
    assert [str(problem) for problem in published.problems()] == [
        "reports: 1 could not be kept: policyreports is forbidden"
    ]
    assert len(cluster.held) == 5


@pytest.mark.parametrize(
    "refusal", [Refused(404, 'namespaces "foo" not found'), Refused(403, "because it is being terminated")]
)
def test_what_went_with_its_namespace_needs_no_report(cluster: Cluster, refusal: Refused) -> None:
    cluster.refusals["apply"] = refusal
    published = publish(CONFIG, Outcome((WEB,)), WORKING_GROUP, whole=True)
    assert (counts(published), list(published.problems())) == ((0, 0, 0), [])


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            Refused(404, "the server could not find the requested resource"),
            "the cluster serves no PolicyReport (wgpolicyk8s.io/v1alpha2). Install its CustomResourceDefinitions",
        ),
        (Refused(403, "policyreports is forbidden"), "policyreports is forbidden"),
    ],
)
def test_without_the_kinds_or_the_right_to_list_them_nothing_is_written(
    cluster: Cluster, refusal: Refused, said: str
) -> None:
    cluster.refusals["list"] = refusal
    with pytest.raises(ClusterError) as error:
        publish(CONFIG, Outcome((WEB,), (UNLISTED,)), WORKING_GROUP, whole=True)
    assert str(error.value) == said
    assert cluster.held == {}


def test_no_report_is_made_of_a_report() -> None:
    own = {"app.kubernetes.io/managed-by": "gatekeeper-py"}
    assert is_own({"apiVersion": "wgpolicyk8s.io/v1alpha2", "metadata": {"labels": own}})
    assert not is_own({"apiVersion": "wgpolicyk8s.io/v1alpha2", "metadata": {}})
    assert not is_own({"apiVersion": "v1", "metadata": {"labels": own}})
