"""A tenant's own API server is had ask, and kept so whatever its administrator does."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import Cluster, User

from gatekeeper_py.installation.plane_files import manifests
from gatekeeper_py.installation.plane_folders import PlaneFolders
from gatekeeper_py.installation.plane_registrar import STATIC, Known, PlaneRegistrar, registration_of
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.webhook.registration import Client
from tests.policy.support import bound, validating
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
        self.asked = 0
        self.broken = b""
        self.status = 0
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
                api.asked += 1
                self.send_response(api.status or status)
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
            clock=lambda: self.now,
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


def test_a_look_that_took_long_is_not_followed_by_another_at_once(api: Api) -> None:
    kept = Kept(api)
    kept.registrar.worked = lambda: 2.0
    known = kept.registrar._known.setdefault("one", Known())
    kept.registrar._look(kept.plane, known)
    assert known.rests_until == 18.0
    before = api.asked
    for kept.now in (5.0, 17.0):
        kept.registrar.look_all()
    assert (known.busy, api.asked) == (False, before)
    kept.now = 18.0
    kept.registrar.look_all()
    assert known.begun == 18.0


def test_what_it_says_for_itself_is_told_in_a_few_words(api: Api) -> None:
    kept = Kept(api)
    api.broken = b'{"message": "' + b"no" * 20_000 + b'"}'
    api.status = 403
    kept.look()
    assert len(kept.plane.registration) < 600


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


# --- files that the API server reads


def by_files(api: Api, folder: Path | None = None, registration: str = "static") -> Kept:
    """One that reads its webhooks from files, as they were written first."""
    kept = Kept(api, registration=registration)
    if folder is not None:
        for name, text in manifests(wanted(kept), folder / "one", "https://10.0.0.7:8443").items():
            (folder / "one" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "one" / name).write_text(text)
        kept.registrar.folders = PlaneFolders(folder)
    return kept


def wanted(kept: Kept) -> list[Json]:
    document, in_force = kept.plane.document, kept.plane.policies.in_force
    assert document is not None
    assert in_force is not None
    assert kept.client is not None
    return registration_of(document, in_force, kept.client, STATIC)


def ask(kept: Kept, registration: list[Json]) -> None:
    """Its API server asks as such a registration has it."""
    url = registration[1]["webhooks"][0]["clientConfig"]["url"]
    assert kept.board.ask(url.removeprefix("https://10.0.0.7:8443"), namespace="foo")[0] == 200


def other_policies(kept: Kept) -> None:
    """The host's policies are edited: they ask about more."""
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}
    more = validating(
        "more", matchConstraints={"resourceRules": [rule]}, validations=[{"expression": "true"}]
    )
    documents = [Manifest(each, Source("more.yaml")) for each in (more, bound(more))]
    kept.board.change(*kept.board.documents, *documents)


def test_files_for_the_policies_in_force_are_nothing_to_tell_of(api: Api) -> None:
    kept = by_files(api)
    ask(kept, wanted(kept))
    kept.look()
    assert kept.plane.registration == ""


def test_files_for_other_policies_are_told_with_the_remedy(api: Api) -> None:
    kept = by_files(api)
    before = wanted(kept)
    other_policies(kept)
    ask(kept, before)
    kept.look()
    assert kept.plane.registration == (
        "its registration is old: it asks for other policies than those in force. Write its files again: "
        "gatekeeper install --control-plane one --manifests DIR, or have serve do it (--control-plane-manifests)"
    )
    ask(kept, wanted(kept))
    kept.look()
    assert kept.plane.registration == ""


@pytest.mark.parametrize(
    "client", [Client("https://10.0.0.7:8443", "bmV3"), Client("https://10.0.0.8:8443", "Y2E=")]
)
def test_files_for_another_ca_or_address_are_told(api: Api, client: Client) -> None:
    kept = by_files(api)
    ask(kept, wanted(kept))
    kept.client = client
    kept.look()
    assert kept.plane.registration.startswith(
        "its registration is old: it was written for another address or another CA of the engine's than now. "
    )
    assert kept.told == [kept.plane.registration]


def test_what_somebody_else_registers_is_told_when_it_is_old(api: Api) -> None:
    kept = by_files(api, registration="none")
    kept.look()
    assert kept.plane.registration == ""
    before = wanted(kept)
    other_policies(kept)
    ask(kept, before)
    kept.look()
    assert kept.plane.registration.endswith("Print it again: gatekeeper install --control-plane one")


def test_one_that_asks_nothing_is_not_known_to_be_right(api: Api) -> None:
    kept = by_files(api)
    kept.look()
    assert kept.plane.registration == ""
    kept.now = 400.0
    kept.look()
    assert kept.plane.registration == (
        "its API server has asked nothing for 400 s, as long as this server has looked: whether its files are "
        "there, and for these policies, is not known"
    )
    ask(kept, wanted(kept))
    kept.look()
    assert kept.plane.registration == ""


def test_files_are_written_anew_where_that_may_be_and_then_only_have_to_be_read(
    api: Api, tmp_path: Path
) -> None:
    kept = by_files(api, tmp_path)
    before = wanted(kept)
    ask(kept, before)
    kept.look()
    other_policies(kept)
    kept.look()
    file = tmp_path / "one" / "validating" / "gatekeeper.yaml"
    assert yaml.safe_load(file.read_text()) == wanted(kept)[1]
    assert [
        line["control_plane"] for line in kept.board.lines if line["event"] == "control plane's files written"
    ] == ["one"]
    assert kept.plane.registration.endswith(
        "Its files have been written again; its API server has not read them yet"
    )
    ask(kept, wanted(kept))
    kept.look()
    assert kept.plane.registration == ""


def test_files_that_cannot_be_kept_are_told_with_the_remedy(api: Api, tmp_path: Path) -> None:
    kept = by_files(api, tmp_path)
    (tmp_path / "one" / "admission.yaml").unlink()
    kept.look()
    assert kept.plane.registration == (
        f"its files cannot be kept: {tmp_path}/one: there are no files of gatekeeper install --manifests. Have the "
        "engine's user write there, or write them again where its API server reads them: gatekeeper install "
        "--control-plane one --manifests DIR"
    )
