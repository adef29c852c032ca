"""A tenant's own API server is had ask, and kept so whatever its administrator does."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import Cluster, User

from gatekeeper_py.installation.plane_registrar import Known, PlaneRegistrar
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.webhook.registration import Client
from tests.tenancy.test_control_planes import plane
from tests.webhook.test_planes import Board

Json = dict[str, Any]
KINDS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
NAME = "gatekeeper-control-plane"


class Api:
    """An API server that holds webhook configurations, and says what it is told to."""

    def __init__(self) -> None:
        self.held: dict[str, Json] = {}
        self.version = 0
        self.broken = b""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = "/".join(self.path.split("?")[0].rsplit("/", 2)[-2:])
                found = api.held.get(name)
                self._answer(200 if found else 404, found or {"message": "not found"})

            def do_POST(self) -> None:
                self._write(self.path.split("?")[0].rsplit("/", 1)[-1])

            def do_PUT(self) -> None:
                self._write(self.path.split("?")[0].rsplit("/", 2)[-2])

            def _write(self, kind: str) -> None:
                value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.version += 1
                value["metadata"]["resourceVersion"] = str(api.version)
                api.held[f"{kind}/{value['metadata']['name']}"] = value
                self._answer(200, value)

            def _answer(self, status: int, value: Json) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(api.broken or json.dumps(value).encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def config(self, _document: object = None) -> SingleConfig:
        cluster = Cluster(server=f"http://127.0.0.1:{self.server.server_port}")
        found = KubeConfig.from_one(cluster=cluster, user=User(token="t")).get()
        assert found is not None
        return found

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


class Kept:
    """A control plane whose registration is looked after."""

    def __init__(self, api: Api, **spec: Any) -> None:
        self.board = Board(plane(**spec))
        self.board.open()
        self.plane = self.board.planes.all[0]
        self.events: list[Json] = []
        self.client: Client | None = Client("https://10.0.0.7:8443", "Y2E=")
        self.now = 0.0
        self.registrar = PlaneRegistrar(
            self.board.planes,
            api.config,
            lambda: self.client,
            self.board.record.log,
            self.events.append,
            lambda: self.now,
        )

    def look(self) -> None:
        self.registrar.look(self.plane)

    @property
    def told(self) -> list[str]:
        return [
            line["problem"] for line in self.board.lines if line["event"] == "control plane's registration"
        ]


def test_it_is_registered_on_its_own_path_and_with_no_namespace_exempt(api: Api) -> None:
    kept = Kept(api)
    kept.look()
    assert set(api.held) == {f"{kind}/{NAME}" for kind in KINDS}
    for value in api.held.values():
        for webhook in value["webhooks"]:
            assert webhook["clientConfig"]["url"].startswith("https://10.0.0.7:8443/t/one/")
            assert webhook["clientConfig"]["caBundle"] == "Y2E="
            assert (webhook["failurePolicy"], webhook["namespaceSelector"]) == ("Fail", {})
    assert (kept.plane.restored, kept.plane.registration, kept.events) == (0, "", [])


def test_namespaces_that_the_document_leaves_to_others_are_not_asked_about(api: Api) -> None:
    Kept(api, platform={"namespaces": ["kube-system"]}).look()
    (webhook, *_) = api.held[f"{KINDS[0]}/{NAME}"]["webhooks"]
    assert webhook["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system"]


def test_what_is_as_it_should_be_is_not_written(api: Api) -> None:
    kept = Kept(api)
    kept.look()
    version = api.version
    for value in api.held.values():
        for webhook in value["webhooks"]:
            webhook["objectSelector"] = {}
    kept.look()
    assert (api.version, kept.plane.restored) == (version, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": [{"apiGroups": ["none"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]},
        {"failurePolicy": "Ignore"},
        {"objectSelector": {"matchLabels": {"a": "b"}}},
        {"namespaceSelector": {"matchLabels": {"a": "b"}}},
        {"clientConfig": {"url": "https://elsewhere"}},
        {"matchConditions": [{"name": "never", "expression": "false"}]},
        {"timeoutSeconds": 1},
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_its_administrator_narrows_is_seen_told_and_set_right(api: Api, kind: str, change: Json) -> None:
    kept = Kept(api)
    kept.look()
    before = copy.deepcopy(api.held[f"{kind}/{NAME}"]["webhooks"])
    api.held[f"{kind}/{NAME}"]["webhooks"][0].update(change)
    kept.look()
    assert api.held[f"{kind}/{NAME}"]["webhooks"] == before
    assert kept.plane.restored == 1
    assert kept.plane.registration.startswith(
        "its registration was changed by somebody there, and has been set"
    )
    assert kept.told == [kept.plane.registration]
    (event,) = kept.events
    assert (event["reason"], event["involvedObject"]["name"]) == ("RegistrationRestored", "one")
    assert event["message"] == kept.plane.registration


@pytest.mark.parametrize("gone", [KINDS[:1], KINDS[1:], KINDS])
def test_what_is_deleted_is_made_anew_and_told_once(api: Api, gone: tuple[str, ...]) -> None:
    kept = Kept(api)
    kept.look()
    for kind in gone:
        del api.held[f"{kind}/{NAME}"]
    kept.look()
    kept.look()
    assert set(api.held) == {f"{kind}/{NAME}" for kind in KINDS}
    assert kept.plane.restored == 1
    assert "was deleted by somebody there" in kept.plane.registration
    assert kept.board.planes.notices() == [f"control plane 'one': {kept.plane.registration}"]


def test_after_an_hour_it_is_told_no_more(api: Api) -> None:
    kept = Kept(api)
    kept.look()
    api.held.clear()
    kept.look()
    kept.now = 3601
    kept.look()
    assert (kept.plane.registration, kept.plane.restored) == ("", 1)


def test_what_other_policies_need_is_told_and_no_alarm(api: Api) -> None:
    kept = Kept(api)
    kept.look()
    kept.client = Client("https://10.0.0.8:8443", "Y2E=")
    kept.look()
    (webhook, *_) = api.held[f"{KINDS[0]}/{NAME}"]["webhooks"]
    assert webhook["clientConfig"]["url"].startswith("https://10.0.0.8:8443/t/one/")
    assert kept.plane.restored == 0


@pytest.mark.parametrize("broken", [b"<html>", b"[]", b'{"webhooks": [1], "metadata": {}}', b" " * (5 << 20)])
def test_whatever_it_answers_that_is_told_and_tried_again(api: Api, broken: bytes) -> None:
    kept = Kept(api)
    kept.look()
    api.broken = broken
    kept.look()
    assert kept.plane.registration.startswith("whether its API server asks the engine is not known: ")
    api.broken = b""
    kept.look()
    assert kept.plane.registration == ""


@pytest.mark.parametrize("registration", ["static", "none"])
def test_what_others_keep_is_left_alone(api: Api, registration: str) -> None:
    Kept(api, registration=registration).look()
    assert api.held == {}


def test_nothing_is_registered_while_nobody_knows_whom_to_trust_or_it_is_closed(api: Api) -> None:
    kept = Kept(api)
    kept.client = None
    kept.look()
    kept.client, kept.plane.reason = Client("https://10.0.0.7:8443", "Y2E="), "closed"
    kept.look()
    assert api.held == {}


def test_one_that_hangs_keeps_no_other_waiting(api: Api) -> None:
    kept = Kept(api)
    kept.now = 7.0
    known = kept.registrar._known.setdefault("one", Known())
    known.busy, known.begun = True, 2.0
    kept.registrar.look_all()
    assert kept.plane.registration == "its API server has not answered for 5 s"


def test_an_event_that_cannot_be_written_costs_nothing(api: Api) -> None:
    kept = Kept(api)
    kept.look()

    def fail(_event: Json) -> None:
        raise OSError("no network")

    kept.registrar.write_event = fail
    api.held.clear()
    kept.look()
    assert kept.plane.restored == 1
    assert isinstance(kept.plane.document, ControlPlane)
