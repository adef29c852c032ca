"""Which control plane answers on which path, to whom, and what it says while it knows nothing."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User
from starlette.testclient import TestClient

from gatekeeper_py.cluster.bounds import FOREIGN
from gatekeeper_py.cluster.live import LiveCluster
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.engine import Engine, load_with_tenancy
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.pki.authority import make_client
from gatekeeper_py.pki.development import make_certificates
from gatekeeper_py.pki.files import read_pair, write_pair
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.webhook.app import application
from gatekeeper_py.webhook.exchange import CALLER, Callers
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.log import make_log
from gatekeeper_py.webhook.origin import PHASES
from gatekeeper_py.webhook.plane_metrics import PlaneMetrics
from gatekeeper_py.webhook.planes import MOST, Planes
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import Loaded, Policies
from gatekeeper_py.webhook.server import Server
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.tls import Clients, ServingCertificate
from tests.policy.support import bound, validating
from tests.tenancy.test_control_planes import HOST, plane, tenant
from tests.webhook.support import Held, pod_review

Json = dict[str, Any]
NAMESPACE = GroupVersionKind("", "v1", "Namespace")

PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}
OWN = validating(
    "own",
    matchConstraints={"resourceRules": [PODS]},
    validations=[{"expression": "tenant.name == 'foo' && !requester.platform"}],
)


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


class Live:
    """A control plane's view whose news the test decides."""

    def __init__(self) -> None:
        self.seen = Snapshot([namespace("foo"), namespace("kube-system")], complete=True)
        self.synced = False
        self.stale: dict[GroupVersionKind, Stale] = {}
        self.problems: dict[GroupVersionKind, str] = {NAMESPACE: "bad certificate"}
        self.ages = {NAMESPACE: 3.0}
        self.followed: list[GroupVersionKind] = []
        self.started = self.stopped = False

    @property
    def view(self) -> Any:
        return Guarded(self.seen, self.stale) if self.stale else self.seen

    def follow(self, kinds: Iterable[GroupVersionKind]) -> list[GroupVersionKind]:
        self.followed = list(kinds)
        return []

    def inquire(self, name: str) -> bool:
        return True

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.stopped = True


class Board:
    """A host with documents, and control planes that the test opens."""

    def __init__(self, *documents: Manifest, living: tuple[Manifest, ...] = (), **options: Any) -> None:
        self.output = io.StringIO()
        self.documents, self.living = documents, living
        self.policies = Policies(self.load)
        self.record = Record(make_log(self.output), self.output)
        self.service = Service(self.policies, self.record)
        self.lives: list[Live] = []
        self.let_in: list[frozenset[str]] = []
        self.error = ""
        self.now = 1000.0
        self.planes = Planes(
            self.policies,
            self.record,
            cast(Any, self.connect),
            self.service.rounds,
            self.service.long,
            admit=self.let_in.append,
            clock=lambda: self.now,
            follow=cast(Any, self.follow),
            **options,
        )
        self.policies.reload()
        self.planes.look()

    def load(self) -> Loaded:
        files = [Manifest(each, Source("p.yaml")) for each in (OWN, bound(OWN))]
        policies, tenancy = load_with_tenancy((*files, *HOST, *self.documents), self.living)
        host = Snapshot([namespace("foo")], complete=True)
        engine = Engine(policies, host)

        def review(request: Any, webhook: Any, deadline: float) -> Decision:
            return engine.review(request, PHASES[cast(Any, webhook)], deadline=deadline)

        return Loaded(review, 1, engine.owner, policies=policies, tenancy=tenancy, view=lambda: host)

    def change(self, *documents: Manifest, living: tuple[Manifest, ...] = ()) -> None:
        self.documents, self.living = documents, living
        self.policies.reload(at_rest=True)
        self.planes.look()

    def connect(self, _document: Any) -> object:
        if self.error:
            raise ClusterError(self.error)
        return object()

    def follow(self, _config: Any, _document: Any) -> Live:
        self.lives.append(Live())
        return self.lives[-1]

    def open(self) -> None:
        for each in self.lives:
            each.synced = True
        self.planes.look()

    def client(self, *names: str) -> TestClient:
        health = Health(self.policies, self.record)
        doors = application(self.service, health, planes=self.planes)

        async def called(scope: Any, receive: Any, send: Any) -> None:
            await doors({**scope, CALLER: frozenset(names)}, receive, send)

        return TestClient(called, raise_server_exceptions=False)

    def ask(self, path: str, *names: str, **fields: Any) -> tuple[int, Json]:
        answer = self.client(*names).post(path, json=pod_review(**fields))
        is_review = answer.headers["content-type"] == "application/json"
        return answer.status_code, answer.json()["response"] if is_review else {"text": answer.text}

    @property
    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self.output.getvalue().splitlines()]


def test_an_open_one_is_answered_for_its_tenant_by_its_own_view() -> None:
    board = Board(plane())
    board.open()
    for namespace in ("foo", "kube-system"):
        code, answer = board.ask("/t/one/validate", namespace=namespace)
        assert (code, answer["allowed"]) == (200, True)
    decision = next(line for line in board.lines if line["event"] == "decision")
    assert (decision["control_plane"], decision["tenant"]) == ("one", "foo")


def test_the_host_does_not_believe_what_holds_there() -> None:
    board = Board(plane())
    board.open()
    assert board.ask("/validate", namespace="kube-system")[1]["allowed"] is False
    assert all("control_plane" not in line for line in board.lines if line["event"] == "decision")


@pytest.mark.parametrize("door", ["mutate", "validate"])
def test_one_without_a_view_refuses_and_says_why(door: str) -> None:
    board = Board(plane())
    code, answer = board.ask(f"/t/one/{door}")
    assert (code, answer["allowed"]) == (200, False)
    assert answer["status"]["message"].startswith(
        "control plane 'one': its API server has not been read yet: Namespace: bad certificate"
    )


@pytest.mark.parametrize("path", ["/t/two/mutate", "/t//mutate", "/t/one", "/t/one/", "/t/one/audit", "/t/"])
def test_nobody_is_answered_where_no_document_leads(path: str) -> None:
    board = Board(plane())
    board.open()
    assert board.ask(path)[0] == 404


def test_reviews_are_posted() -> None:
    answer = Board(plane()).client().get("/t/one/mutate")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "shown", "code"),
    [
        ("/t/one/validate", ("one.api",), 200),
        ("/t/one/validate", ("two.api",), 403),
        ("/t/one/validate", ("one.api", "two.api"), 403),
        ("/t/one/validate", ("host.api",), 403),
        ("/t/one/validate", (), 403),
        ("/t/open/validate", (), 200),
        ("/t/open/validate", ("host.api",), 200),
        ("/t/open/validate", ("one.api",), 403),
        ("/validate", ("one.api",), 403),
        ("/validate", ("host.api",), 200),
        ("/validate", ("stranger",), 403),
        ("/metrics", ("one.api",), 403),
    ],
)
def test_a_certificate_leads_to_its_own_doors_and_to_no_others(
    path: str, shown: tuple[str, ...], code: int
) -> None:
    documents = plane("one", clientNames=["one.api"]), plane("two", clientNames=["two.api"]), plane("open")
    board = Board(*documents, callers=Callers(frozenset({"host.api"})))
    board.open()
    assert board.ask(path, *shown)[0] == code
    assert board.let_in == [frozenset({"one.api", "two.api"})]


def test_without_certificates_one_that_asks_for_them_is_closed() -> None:
    board = Board(plane(clientNames=["one.api"]), plane("open"), certificates=False)
    board.open()
    assert "callers show none" in board.planes.all[0].reason
    assert board.ask("/t/one/validate", "one.api")[1]["allowed"] is False
    assert board.ask("/t/open/validate")[1]["allowed"] is True


def test_a_kubeconfig_that_cannot_be_used_is_told_and_tried_again() -> None:
    board = Board(plane())
    board.change(plane(server="https://elsewhere:1"))
    board.error = "no such file"
    board.change(plane(kubeconfig={"file": "/etc/other"}))
    assert board.planes.notices() == ["control plane 'one': no such file. Its own requests are refused"]
    board.error = ""
    board.planes.look()
    assert board.planes.all[0].reason == "no such file"
    board.now += 10
    board.planes.look()
    board.open()
    assert board.planes.notices() == []


def test_what_is_stale_there_is_refused_there_and_the_host_goes_on() -> None:
    board = Board(plane())
    board.open()
    board.lives[0].stale = {NAMESPACE: Stale(NAMESPACE, 40.0, "it hangs")}
    assert board.planes.notices() == [
        "control plane 'one': Namespace (v1) was last known 40 s ago: it hangs. What needs it is refused there"
    ]
    health = Health(board.policies, board.record, notices=board.planes.notices)
    ready, details = health.readiness(verbose=False)
    assert ready
    assert details["problems"] == board.planes.notices()


def test_a_document_that_is_not_in_force_closes_its_own_and_says_why() -> None:
    living = plane("one", "cluster/ControlPlane/one")
    board = Board(living=(living,))
    board.open()
    bad = replace(living, object={**living.object, "spec": {**living.object["spec"], "tenant": "nobody"}})
    board.change(living=(bad,))
    code, answer = board.ask("/t/one/validate")
    assert (code, answer["allowed"]) == (200, False)
    assert "names the tenant 'nobody'" in answer["status"]["message"]
    time.sleep(0.05)
    assert board.lives[0].stopped


def test_one_whose_document_is_gone_is_gone() -> None:
    board = Board(plane())
    board.open()
    board.change()
    assert board.planes.all == ()
    assert board.ask("/t/one/validate")[0] == 404


def test_revisions_are_each_ones_own_and_nothing_is_loaded_without_need() -> None:
    board = Board(plane("one"), plane("two", tenant="bar"))
    board.open()
    before = [each.policies.in_force.revision for each in board.planes.all if each.policies.in_force]
    board.planes.look()
    board.planes.look()
    after = [each.policies.in_force.revision for each in board.planes.all if each.policies.in_force]
    assert before == after == [3, 3]
    board.change(*board.documents, tenant("new"))
    assert [each.policies.in_force.revision for each in board.planes.all if each.policies.in_force] == [4, 4]


def test_more_than_a_server_follows_are_closed() -> None:
    board = Board(*(plane(f"p{number:02}") for number in range(MOST + 1)))
    board.open()
    closed = [each for each in board.planes.all if each.reason]
    assert [(each.name, each.reason.partition(":")[0]) for each in closed] == [
        (f"p{MOST:02}", f"more than {MOST} control planes")
    ]


def test_an_error_of_ours_costs_that_one_only(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(plane("one"), plane("two"))
    board.open()
    monkeypatch.setattr(board.lives[0], "follow", None)
    board.change(*board.documents, tenant("new"))
    assert [each.reason for each in board.planes.all] == ["error of the engine: TypeError", ""]


def test_how_it_is_is_told_on_one_screen() -> None:
    board = Board(plane())
    board.open()
    (status,) = board.planes.statuses()
    assert (status["name"], status["tenant"], status["open"], status["restored"]) == ("one", "foo", True, 0)
    assert board.planes.all[0].ages() == {"Namespace": 3.0}


def test_what_is_counted_stands_beside_the_hosts_with_the_name() -> None:
    board = Board(plane())
    board.open()
    board.record.metrics.registry.register(PlaneMetrics(lambda: board.planes.all))
    board.ask("/t/one/validate", namespace="foo")
    labels = {"webhook": "validate", "operation": "CREATE", "tenant": "foo", "verdict": "allowed"}
    value = board.record.metrics.registry.get_sample_value
    name = "control_plane_webhook_reviews_total"
    assert value(f"gatekeeper_{name}", {"control_plane": "one", **labels}) == 1
    assert value("gatekeeper_webhook_reviews_total", labels) is None
    assert value("gatekeeper_control_plane_open", {"control_plane": "one"}) == 1


def test_the_thread_follows_the_documents_until_the_end() -> None:
    board = Board(plane())
    with board.planes.running():
        board.lives[0].synced = True
        deadline = time.monotonic() + 10
        while board.planes.all[0].reason and time.monotonic() < deadline:
            time.sleep(0.02)
        assert board.planes.all[0].reason == ""
    assert board.planes.all[0].live is None


def test_a_live_cluster_is_what_is_followed() -> None:
    assert {
        "view",
        "seen",
        "synced",
        "stale",
        "problems",
        "ages",
        "follow",
        "inquire",
        "start",
        "stop",
    } <= set(dir(LiveCluster))


# --- what one has the others have not


def test_of_a_service_nothing_is_shared_but_the_event_loops_rounds_and_the_turns_of_processes() -> None:
    """A queue, thread or memory that two control planes share would be one that a hostile one could use up."""
    board = Board(plane("one"), plane("two", tenant="bar"))
    one, two = (each.service for each in board.planes.all)
    values = {each.name: (getattr(one, each.name), getattr(two, each.name)) for each in fields(Service)}
    plain = {name for name, (mine, _) in values.items() if mine is None or isinstance(mine, int)}
    assert plain == {"max_body", "max_in_flight", "workers", "max_memory", "successor", "registered"}
    assert {name for name in values.keys() - plain if values[name][0] is values[name][1]} == {
        "rounds",
        "long",
    }
    assert one.long is board.service.long
    assert (one.record.log, one.record.metrics) != (two.record.log, two.record.metrics)


def test_of_what_follows_it_nothing_is_shared_but_the_count_of_who_rests() -> None:
    cluster = Cluster(server="http://127.0.0.1:9")
    config = KubeConfig.from_one(cluster=cluster, user=User(token="t")).get()
    assert config is not None
    one, two = (LiveCluster(config, bounds=FOREIGN) for _ in range(2))
    shared = {name for name, value in vars(one).items() if value is vars(two)[name]}
    constant = {"_remedy", "_max_age", "_tell", "_changes", "_is_told", "_loop", "_stopping"}
    assert shared == constant
    assert one._connections.current._client is not two._connections.current._client


def stuck(board: Board, name: str) -> threading.Event:
    """Have every decision of a control plane's last until it is released."""
    held = Held()
    (found,) = [each for each in board.planes.all if each.name == name]
    found.loading = lambda: Loaded(held, 1, lambda _: "foo")
    found.policies.reload(at_rest=True)
    return held.release


def concurrently(board: Board, many: list[str], then: str) -> tuple[int, Json]:
    """One is asked while many others are waited for."""
    doors = application(board.service, Health(board.policies, board.record), planes=board.planes)

    async def ask() -> tuple[int, Json]:
        transport = httpx.ASGITransport(doors)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            body = pod_review(namespace="foo")
            waiting = [asyncio.create_task(client.post(each, json=body)) for each in many]
            await asyncio.sleep(0.1)
            answer = await asyncio.wait_for(client.post(then, json=body), 5)
            assert not any(each.done() for each in waiting)
            for each in waiting:
                each.cancel()
            return answer.status_code, answer.json()["response"]

    return asyncio.run(ask())


@pytest.mark.parametrize("then", ["/t/two/validate", "/validate"])
def test_look_ups_of_one_that_never_end_take_no_turn_of_anothers(then: str) -> None:
    board = Board(plane("one"), plane("two"))
    board.open()
    release = stuck(board, "one")
    try:
        code, answer = concurrently(board, ["/t/one/validate"] * 40, then)
    finally:
        release.set()
    assert (code, answer["uid"]) == (200, pod_review()["request"]["uid"])


def never_known(name: str) -> bool:
    """What is said of a namespace that is asked for and not answered."""
    return False


def test_a_namespace_that_one_never_tells_of_keeps_nobody_else_waiting() -> None:
    board = Board(plane("one"), plane("two"))
    board.lives[0].inquire = never_known  # type: ignore[method-assign]
    board.open()
    board.lives[0].seen = Snapshot([], complete=True)
    code, answer = concurrently(board, ["/t/one/validate"] * 40, "/t/two/validate")
    assert (code, answer["allowed"]) == (200, True)


def test_one_whose_connections_will_not_close_keeps_the_look_after_the_others_going() -> None:
    board = Board(plane("one"), plane("two"))
    board.open()
    never = threading.Event()
    board.lives[0].stop = never.wait  # type: ignore[assignment, method-assign]
    board.change(plane("two"))
    never.set()
    assert [each.name for each in board.planes.all] == ["two"]
    assert board.ask("/t/two/validate")[1]["allowed"] is True


@pytest.mark.parametrize(
    ("url", "shown", "answered"),
    [
        (b"/t/one/validate?timeout=5s", ("one.api",), True),
        (b"/t/one/validate/apps_v1?timeout=5s", ("one.api",), True),
        (b"/t/one/validate", ("two.api",), False),
        (b"/t/one/validate", (), False),
        (b"/t/%6fne/validate", ("one.api",), False),
        (b"/t/nobody/validate", ("one.api",), False),
        (b"/t/one/audit", ("one.api",), False),
        (b"/validate", ("one.api",), False),
    ],
)
def test_a_short_review_is_answered_where_it_arrives_to_whom_it_is_for(
    url: bytes, shown: tuple[str, ...], answered: bool
) -> None:
    board = Board(plane("one", clientNames=["one.api"]), plane("two", clientNames=["two.api"]))
    board.open()
    doors = application(board.service, Health(board.policies, board.record), planes=board.planes)
    body = json.dumps(pod_review(namespace="foo")).encode()

    async def ask() -> bytes | None:
        answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        doors.at_once(url, body, frozenset(shown), answered.set_result)
        return await answered

    answer = asyncio.run(ask())
    assert (answer is not None) == answered
    assert answer is None or json.loads(answer)["response"]["allowed"] is True


def test_over_tls_a_certificate_leads_to_its_own_doors(tmp_path: Path) -> None:
    documents = plane("one", clientNames=["one.api"]), plane("two", clientNames=["two.api"])
    board = Board(*documents, callers=Callers(frozenset({"host.api"})))
    board.open()
    made = make_certificates(tmp_path)
    serving = ServingCertificate(made.certificate, made.key, Clients(made.authority, frozenset({"host.api"})))
    board.planes.admit = serving.let_in
    board.planes.callers = Callers(frozenset({"host.api"}))
    board.planes.look()
    health = Health(board.policies, board.record)
    server = Server(board.service, health, serving, (), host="127.0.0.1", port=0, planes=board.planes)
    listening = server.listen()
    thread = threading.Thread(target=listening.serve)
    thread.start()
    try:
        found = {
            name: [
                _status(listening.port, tmp_path, name, path)
                for path in ("/t/one/validate", "/t/two/validate", "/validate")
            ]
            for name in ("one.api", "two.api", "host.api", "stranger")
        }
    finally:
        listening.stop()
        thread.join(timeout=20)
    assert found == {
        "one.api": [200, 403, 403],
        "two.api": [403, 200, 403],
        "host.api": [403, 403, 200],
        "stranger": [0, 0, 0],
    }


def _status(port: int, folder: Path, name: str, path: str) -> int:
    """Of an answer to a caller with a certificate of this name; 0 where the handshake fails."""
    pair = make_client(read_pair(folder / "ca.crt", folder / "ca.key"), [name], datetime.now(UTC))
    files = folder / "caller.crt", folder / "caller.key"
    write_pair(pair, *files)
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(*files)
    with httpx.Client(base_url=f"https://localhost:{port}", verify=context, timeout=20) as http:
        try:
            return http.post(path, json=pod_review(namespace="foo")).status_code
        except httpx.TransportError:
            return 0
