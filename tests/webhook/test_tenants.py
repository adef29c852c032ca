"""What `kubectl get tenants` shows is true, and written no more often than it must be."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pytest

from gatekeeper_py.cluster.live import ClusterError
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import load_with_tenancy
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS, living
from gatekeeper_py.webhook import tenants as module
from gatekeeper_py.webhook.log import make_log
from gatekeeper_py.webhook.revision import Loaded, Policies
from gatekeeper_py.webhook.tenants import StatusWriter, statuses
from tests.policy.support import bound, manifests, validating
from tests.tenancy.test_standing import FILES, Json, guest, named

NOW, EARLIER = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"
MOMENT = datetime.fromisoformat(NOW)


def tenant(
    name: str, spec: object, generation: int = 1, status: Json | None = None, kind: str = "Tenant"
) -> Json:
    metadata = {"name": name, "uid": f"uid-{name}", "generation": generation, "resourceVersion": "7"}
    value = {**guest(name, spec, kind).object, "metadata": metadata}
    return value if status is None else {**value, "status": status}


def namespace(name: str, **labels: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def told(*objects: Json) -> dict[str, Json]:
    """What is to be written, by name."""
    view = Snapshot(objects, complete=True)
    _, tenancy = load_with_tenancy(read_text(FILES, "t.yaml"), living(view))
    return {document.name: status for document, status in statuses(tenancy, view, MOMENT)}


def ready(**fields: Any) -> Json:
    return {
        "type": "Ready",
        "status": "True",
        "reason": "InForce",
        "message": "in force",
        "observedGeneration": 1,
        "lastTransitionTime": NOW,
        **fields,
    }


def test_a_tenant_in_force_is_ready_and_tells_what_it_owns() -> None:
    spec = {"namespaces": {"names": ["b", "gone"], "selector": {"matchLabels": {"team": "bar"}}}}
    found = told(tenant("bar", spec, 3), namespace("b"), namespace("a", team="bar"), namespace("other"))
    assert found == {
        "bar": {
            "conditions": [ready(observedGeneration=3)],
            "namespaces": ["a", "b"],
            "namespaceCount": 2,
        }
    }


def test_one_that_is_not_tells_why_and_owns_what_is_not_contested() -> None:
    found = told(tenant("evil", named("foo", "mine")), namespace("foo"), namespace("mine"))
    message = (
        "the tenants 'foo' (t.yaml:1) and 'evil' both claim the namespace 'foo'; leave it to one of them"
    )
    assert found["evil"] == {
        "conditions": [ready(status="False", reason="Conflict", message=message)],
        "namespaces": ["mine"],
        "namespaceCount": 1,
    }
    found = told(tenant("foo", named("foo", "more")), namespace("foo"), namespace("more"))
    assert (found["foo"]["conditions"][0]["reason"], found["foo"]["namespaces"]) == ("NameTaken", [])


def test_settings_own_nothing() -> None:
    found = told(tenant("settings", {"protectedCIDRs": ["x"]}, kind="TenancySettings"))
    assert found["settings"].keys() == {"conditions"}
    assert found["settings"]["conditions"][0]["reason"] == "Invalid"


POLICY = validating("p", validations=[{"expression": "true"}])
WAIVER = {
    "policies": ["p"],
    "tenants": ["foo"],
    "reason": "an old agent",
    "approvedBy": "the platform",
    "expires": "2026-01-31",
}


@pytest.mark.parametrize(("expires", "reason"), [("2026-02-01", "InForce"), ("2026-01-31", "Expired")])
def test_a_waiver_is_ready_until_its_day_is_over(expires: str, reason: str) -> None:
    value = tenant("w", {**WAIVER, "expires": expires}, 2, kind="Waiver")
    view = Snapshot([value], complete=True)
    files = (*read_text(FILES, "t.yaml"), *manifests(POLICY, bound(POLICY)))
    _, tenancy = load_with_tenancy(files, living(view))
    ((_, status),) = statuses(tenancy, view, MOMENT)
    message = (
        "in force" if reason == "InForce" else "has ended on 2026-01-31; give it another day, or remove it"
    )
    ended = {"status": "True" if reason == "InForce" else "False", "reason": reason, "message": message}
    assert status == {"conditions": [ready(observedGeneration=2, **ended)]}


def test_a_waiver_that_is_wrong_says_why() -> None:
    (status,) = told(tenant("w", WAIVER, kind="Waiver")).values()
    message = "spec.policies[0] is 'p', which is no policy; correct or remove it"
    assert status["conditions"] == [ready(status="False", reason="Invalid", message=message)]


def test_a_long_list_is_cut_and_counted() -> None:
    namespaces = [namespace(f"n-{number:04}") for number in range(300)]
    found = told(tenant("bar", {"namespaces": {"patterns": ["n-*"]}}), *namespaces)["bar"]
    assert (len(found["namespaces"]), found["namespaceCount"]) == (256, 300)


IN_FORCE = {"namespaces": ["b"], "namespaceCount": 1}


@pytest.mark.parametrize(
    ("before", "since"),
    [
        ({**IN_FORCE, "conditions": [ready(lastTransitionTime=EARLIER)]}, None),
        ({**IN_FORCE, "conditions": [ready(lastTransitionTime=EARLIER, observedGeneration=0)]}, EARLIER),
        ({**IN_FORCE, "conditions": [ready(lastTransitionTime=EARLIER, status="False")]}, NOW),
        ({"conditions": [ready(lastTransitionTime=EARLIER)]}, EARLIER),
        ({"conditions": "odd"}, NOW),
        ({}, NOW),
    ],
    ids=["the same", "of an older spec", "the opposite", "without namespaces", "of another shape", "nothing"],
)
def test_only_what_differs_is_written_and_a_change_has_its_time(before: Json, since: str | None) -> None:
    found = told(tenant("bar", named("b"), status=before), namespace("b"))
    times = [status["conditions"][0]["lastTransitionTime"] for status in found.values()]
    assert times == ([] if since is None else [since])


@dataclass
class Live:
    """A cluster that stores what is written."""

    objects: list[Json]
    written: list[str] = field(default_factory=list)
    error: Exception | None = None
    synced: bool = True
    wrote: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._view = Snapshot(self.objects, complete=True)

    @property
    def view(self) -> ClusterView:
        stale = {kind: Stale(kind, None, "not yet") for kind in TENANCY_KINDS}
        return self._view if self.synced else Guarded(self._view, stale)

    def put(self, value: Json) -> None:
        self._view = self._view.with_object(value)

    def write_status(self, kind: GroupVersionKind, body: Object, seconds: float) -> None:
        assert seconds > 0
        assert body["metadata"] == {"name": body["metadata"]["name"], "resourceVersion": "7"}
        self.written.append(body["metadata"]["name"])
        self.wrote.set()
        if self.error is not None:
            raise self.error
        known = self._view.get(kind, "", body["metadata"]["name"])
        assert known is not None
        self.put({**known, "status": body["status"]})


def writer(live: Live) -> StatusWriter:
    def load() -> Loaded:
        tenancy = load_tenancy(read_text(FILES, "t.yaml"), living(live._view))
        return Loaded(lambda *_: Decision(allowed=True), 1, tenancy=tenancy)

    policies = Policies(load)
    policies.reload()
    return StatusWriter(live, policies, make_log(io.StringIO()))


def test_what_is_written_once_is_not_written_again() -> None:
    live = Live([tenant("bar", named("b")), tenant("baz", named("c")), namespace("b")])
    made = writer(live)
    for _ in range(3):
        made.write()
    assert live.written == ["bar", "baz"]
    live.put(namespace("c"))
    made.write()
    assert live.written == ["bar", "baz", "baz"]


def test_a_new_day_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live([tenant("bar", named("b")), namespace("b")])
    made = writer(live)
    made.write()
    made.write()
    *seen, today = made._seen
    made._seen = (made._seen[0], made._seen[1], date(2026, 1, 1))
    made.write()
    assert made._seen == (*seen, today)


def test_another_replicas_word_stands_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live([tenant("bar", named("b"))])
    made = writer(live)
    made.write()
    other = tenant("bar", named("b"), status={"conditions": [ready(status="False", reason="Invalid")]})
    live.put(other)
    made.write()
    assert live.written == ["bar"]
    monkeypatch.setattr(module, "RESPECT", 0.0)
    made.write()
    assert live.written == ["bar", "bar"]


@pytest.mark.parametrize("error", [ClusterError("forbidden"), None], ids=["refused", "well"])
def test_a_refusal_is_logged_and_tried_again(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESPECT", 0.0)
    live = Live([tenant("bar", named("b"))], error=error)
    made = writer(live)
    made.write()
    made.write()
    assert live.written == (["bar"] if error is None else ["bar", "bar"])


def test_nothing_is_written_of_a_cluster_that_has_not_been_read() -> None:
    live = Live([tenant("bar", named("b"))])
    made = writer(live)
    live.synced = False
    made.write()
    assert live.written == []


def test_what_is_gone_is_forgotten() -> None:
    bar = tenant("bar", named("b"))
    live = Live([bar])
    made = writer(live)
    made.write()
    assert list(made._written) == ["uid-bar"]
    live._view = live._view.without_object(bar)
    made.write()
    assert made._written == {}


def test_it_writes_in_a_thread_of_its_own_and_survives_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PERIOD", 0.01)
    monkeypatch.setattr(module, "RESPECT", 0.0)
    live = Live([tenant("bar", named("b"))], error=KeyError("ours"))
    with writer(live).running():
        assert live.wrote.wait(10)
        live.wrote.clear()
        live.error = None
        assert live.wrote.wait(10)
