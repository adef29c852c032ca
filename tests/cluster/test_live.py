"""The live view against an API server of a few lines: lists, watches, and everything that goes wrong."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.cluster import connection, follower
from gatekeeper_py.cluster.inquiries import MOST_ASKED
from gatekeeper_py.cluster.live import (
    BASE_KINDS,
    ClusterError,
    LiveCluster,
    configuration,
    list_cluster,
)
from gatekeeper_py.cluster.staleness import StaleView
from gatekeeper_py.objects.projection import IDENTITY, WHOLE, Projection, union
from gatekeeper_py.objects.resource import GroupVersionKind

Json = dict[str, Any]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")
SECONDS = 10.0
BURST = 2000
"""Events in a watch: more than are read before the test goes on."""

DEFINITION: Json = {
    "metadata": {"name": "widgets.example.com", "resourceVersion": "1"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}


def named(name: str, namespace: str = "", **fields: object) -> Json:
    metadata = {"name": name, "resourceVersion": "1", "managedFields": [{}]}
    return {"metadata": metadata | ({"namespace": namespace} if namespace else {}), **fields}


class Listener(ThreadingHTTPServer):
    request_queue_size = 64
    """All kinds connect at once; one that finds no room tries again after a second."""
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that are gone before their answer are what some tests are about."""


class Api:
    """A fake API server: what it lists, what its watches say, and which paths it refuses."""

    def __init__(self, port: int = 0) -> None:
        self.objects: dict[str, list[Json]] = {}
        self.refused: dict[str, int] = {}
        self.watches: dict[str, queue.Queue[Json | None]] = {}
        self.lists: list[str] = []
        self.unseen: dict[str, Json] = {}
        """Namespaces that no watch tells of."""
        self.found: list[str] = []
        self.tokens: list[str] = []
        self.patches: list[tuple[str, str, Json]] = []
        self.accepted: dict[tuple[str, bool], str] = {}
        """By path, and whether it is a watch."""
        self.server = Listener(("127.0.0.1", port), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def watch(self, path: str) -> queue.Queue[Json | None]:
        """Events put here are sent; None ends the connection."""
        return self.watches.setdefault(path, queue.Queue())

    def _handler(api) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class, which ruff counts as one function
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                api.tokens.append(self.headers["Authorization"])
                api.accepted[url.path, "watch" in url.query] = self.headers["Accept"]
                name = url.path.removeprefix("/api/v1/namespaces/")
                if status := api.refused.get(url.path):
                    self._answer(status, {"kind": "Status", "code": status, "message": f"refused {url.path}"})
                elif name != url.path:
                    self._find(name)
                elif "watch" in parse_qs(url.query):
                    self._stream(api.watch(url.path))
                else:
                    api.lists.append(url.path)
                    items = api.objects.get(url.path, [])
                    self._answer(200, {"metadata": {"resourceVersion": "7"}, "items": items})

            def _find(self, name: str) -> None:
                api.found.append(name)
                held = api.unseen.get(name)
                status = 200 if held else 404
                self._answer(status, held or {"kind": "Status", "code": 404, "message": "not found"})

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.patches.append((self.path, self.headers["Content-Type"], body))
                status = api.refused.get(self.path, 200)
                refusal = {"kind": "Status", "code": status, "message": "refused"}
                self._answer(status, body if status == 200 else refusal)

            def _answer(self, status: int, body: Json) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def _stream(self, events: queue.Queue[Json | None]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.flush()
                with suppress(OSError):  # whoever watched has left
                    while (event := events.get()) is not None:
                        self.wfile.write(json.dumps(event).encode() + b"\n")
                        self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def close(self) -> None:
        for events in self.watches.values():
            events.put(None)
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path) -> Path:
    return write_kubeconfig(tmp_path / "kubeconfig", api.server.server_port)


def write_kubeconfig(path: Path, port: int, token: str = "t") -> Path:
    cluster = {"server": f"http://127.0.0.1:{port}"}
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": token}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "c",
            }
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def follow(kubeconfig: Path) -> Iterator[Callable[..., LiveCluster]]:
    started: list[LiveCluster] = []

    def start(*kinds: GroupVersionKind, **options: Any) -> LiveCluster:
        live = LiveCluster(configuration(kubeconfig), kinds, **options)
        live.start()
        started.append(live)
        return live

    yield start
    for live in started:
        live.stop()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def sees(live: LiveCluster, namespace: str) -> bool:
    return live.seen.get(NAMESPACE, "", namespace) is not None


Follow = Callable[..., LiveCluster]


def test_there_is_no_view_before_everything_has_been_listed(api: Api, follow: Follow) -> None:
    api.refused["/api/v1/configmaps"] = 403
    live = follow(CONFIG_MAP)
    assert eventually(lambda: [*live.problems] == [CONFIG_MAP] and "refused" in live.problems[CONFIG_MAP])
    assert not live.synced
    with pytest.raises(StaleView, match=r"ConfigMap \(v1\) has not been read yet: refused"):
        live.view.list(CONFIG_MAP)
    api.refused.clear()
    assert live.wait_until_synced(SECONDS)
    assert live.view.get(NAMESPACE, "", "foo") is None


def test_the_view_holds_what_is_listed_and_says_what_it_is(api: Api, follow: Follow) -> None:
    api.objects["/api/v1/namespaces"] = [named("foo")]
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert live.problems == {}
    metadata = {"name": "foo", "resourceVersion": "1"}
    assert live.view.get(NAMESPACE, "", "foo") == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": metadata,
    }


def test_changes_are_seen_and_a_picture_once_taken_stays(api: Api, follow: Follow) -> None:
    api.objects["/api/v1/namespaces"] = [named("old")]
    live = follow()
    assert live.wait_until_synced(SECONDS)
    before = live.view
    events = api.watch("/api/v1/namespaces")
    events.put({"type": "ADDED", "object": named("new")})
    assert eventually(lambda: sees(live, "new"))
    changed = named("new")
    changed["metadata"]["labels"] = {"a": "b"}
    events.put({"type": "MODIFIED", "object": changed})
    events.put({"type": "DELETED", "object": named("old")})
    assert eventually(lambda: live.view.get(NAMESPACE, "", "old") is None)
    found = live.view.get(NAMESPACE, "", "new")
    assert found is not None
    assert found["metadata"]["labels"] == {"a": "b"}
    assert before.get(NAMESPACE, "", "old") is not None
    assert before.get(NAMESPACE, "", "new") is None


def test_a_forgotten_version_is_listed_anew(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    api.objects["/api/v1/namespaces"] = [named("meanwhile")]
    gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
    api.watch("/api/v1/namespaces").put({"type": "ERROR", "object": gone})
    assert eventually(lambda: sees(live, "meanwhile"))
    assert api.lists.count("/api/v1/namespaces") == 2


def test_a_watch_that_ends_is_taken_up_again(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    events = api.watch("/api/v1/namespaces")
    events.put(None)
    events.put({"type": "ADDED", "object": named("after")})
    assert eventually(lambda: sees(live, "after"))


def test_the_last_view_stays_while_the_api_server_fails(api: Api, follow: Follow) -> None:
    api.objects["/api/v1/namespaces"] = [named("foo")]
    live = follow()
    assert live.wait_until_synced(SECONDS)
    api.refused["/api/v1/namespaces"] = 500
    api.watch("/api/v1/namespaces").put(None)
    assert eventually(lambda: NAMESPACE in live.problems)
    assert live.view.get(NAMESPACE, "", "foo") is not None
    api.refused.clear()
    assert eventually(lambda: NAMESPACE not in live.problems)


def test_a_custom_kind_is_followed_by_its_definition(api: Api, follow: Follow) -> None:
    api.objects["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"] = [DEFINITION]
    api.objects["/apis/example.com/v1/widgets"] = [named("w", "foo", spec={"a": 1})]
    live = follow(WIDGET)
    assert live.wait_until_synced(SECONDS)
    assert [found["spec"] for found in live.view.list(WIDGET, "foo")] == [{"a": 1}]


def test_a_kind_the_cluster_does_not_serve_is_empty_until_it_is(api: Api, follow: Follow) -> None:
    live = follow(WIDGET)
    assert live.wait_until_synced(SECONDS)
    assert live.problems == {WIDGET: "the cluster serves no example.com/v1 Widget"}
    assert list(live.view.list(WIDGET)) == []
    api.objects["/apis/example.com/v1/widgets"] = [named("w", "foo")]
    api.watch("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").put(
        {"type": "ADDED", "object": DEFINITION}
    )
    assert eventually(lambda: bool(list(live.view.list(WIDGET))))


def test_a_kind_can_be_followed_later(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    api.objects["/api/v1/configmaps"] = [named("c", "foo", data={"a": "b"})]
    live.follow(dict.fromkeys((CONFIG_MAP, NAMESPACE), WHOLE))
    assert live.wait_until_synced(SECONDS)
    found = live.view.get(CONFIG_MAP, "foo", "c")
    assert found is not None
    assert found["data"] == {"a": "b"}


def test_no_more_is_kept_of_an_object_than_was_asked_for(api: Api, follow: Follow) -> None:
    api.objects["/api/v1/configmaps"] = [named("c", "foo", data={"a": "1", "b": "2"}, binaryData={})]
    live = follow()
    live.follow({CONFIG_MAP: union((IDENTITY, Projection.of("data.a")))})
    assert live.wait_until_synced(SECONDS)
    assert kept_of_c(live) == {"data": {"a": "1"}}
    api.watch("/api/v1/configmaps").put(
        {"type": "MODIFIED", "object": named("c", "foo", data={"a": "3", "b": "2"})}
    )
    assert eventually(lambda: kept_of_c(live) == {"data": {"a": "3"}})


def test_a_kind_of_which_more_is_read_is_listed_anew_and_may_be_looked_up_meanwhile(
    api: Api, follow: Follow
) -> None:
    api.objects["/api/v1/configmaps"] = [named("c", "foo", data={"a": "1", "b": "2"})]
    live = follow()
    live.follow({CONFIG_MAP: union((IDENTITY, Projection.of("data.a")))})
    assert live.wait_until_synced(SECONDS)
    api.refused["/api/v1/configmaps"] = 403
    assert live.follow({CONFIG_MAP: Projection.of("data.b")}) == []
    assert not live.synced
    assert eventually(lambda: CONFIG_MAP in live.problems)
    assert kept_of_c(live) == {"data": {"a": "1"}}
    api.refused.clear()
    assert live.wait_until_synced(SECONDS)
    assert kept_of_c(live) == {"data": {"a": "1", "b": "2"}}


def kept_of_c(live: LiveCluster) -> Json:
    found = live.view.get(CONFIG_MAP, "foo", "c")
    assert found is not None
    return {name: value for name, value in found.items() if name not in IDENTITY.fields}


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (IDENTITY, "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"),
        (union((IDENTITY, Projection.of("data.a"))), "application/json"),
        (WHOLE, "application/json"),
    ],
)
def test_metadata_alone_is_asked_for_where_no_more_is_kept(
    api: Api, follow: Follow, kept: Projection, asked: str
) -> None:
    live = follow()
    live.follow({CONFIG_MAP: kept})
    path = "/api/v1/configmaps"
    assert eventually(lambda: (path, True) in api.accepted)
    assert (api.accepted[path, False], api.accepted[path, True]) == (asked.format("List"), asked.format(""))


def test_a_kind_that_is_followed_no_more_is_no_problem_any_more(api: Api, follow: Follow) -> None:
    api.refused["/api/v1/configmaps"] = 403
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert live.follow(dict.fromkeys((CONFIG_MAP, NAMESPACE), WHOLE)) == [CONFIG_MAP]
    assert eventually(lambda: "refused" in live.problems[CONFIG_MAP])
    live.unfollow([CONFIG_MAP])
    assert live.synced
    assert (live.problems, live.stale) == ({}, {})
    api.refused.clear()
    live.follow({CONFIG_MAP: WHOLE})
    assert live.wait_until_synced(SECONDS)


def test_it_stops_in_the_midst_of_events(api: Api, follow: Follow) -> None:
    events = api.watch("/api/v1/namespaces")
    for _ in range(BURST):
        events.put({"type": "MODIFIED", "object": named("busy")})
    live = follow()
    assert eventually(lambda: sees(live, "busy"))
    live.stop()
    assert not live.running


def test_a_namespace_that_no_watch_told_of_is_asked_for(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    api.unseen["made-just-now"] = named("made-just-now")
    assert not live.inquire("made-just-now")
    assert eventually(lambda: live.inquire("made-just-now"))
    assert sees(live, "made-just-now")
    assert api.found == ["made-just-now"]


def test_an_unknown_namespace_is_asked_for_once_however_many_wait(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    asked = [live.inquire("nowhere") for _ in range(50)]
    assert not any(asked[:1])
    assert eventually(lambda: live.inquire("nowhere"))
    assert not sees(live, "nowhere")
    assert api.found == ["nowhere"]


@pytest.mark.parametrize("name", ["../configmaps", "a/b", "a?b", "A", "", "x" * 64])
def test_what_is_no_name_is_not_asked_for(api: Api, follow: Follow, name: str) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert live.inquire(name)
    assert not sees(live, name)
    assert api.found == []


def test_many_made_up_names_are_not_all_asked_for(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    for number in range(500):
        live.inquire(f"made-up-{number}")
    assert eventually(lambda: live.inquire("made-up-0"))
    assert len(api.found) <= MOST_ASKED


def test_what_is_stale_cannot_be_looked_up_and_the_rest_can(api: Api, follow: Follow) -> None:
    api.objects["/api/v1/configmaps"] = [named("c", "foo")]
    told: queue.Queue[tuple[GroupVersionKind, bool]] = queue.Queue()
    live = follow(CONFIG_MAP, tell=lambda stale, is_stale: told.put((stale.kind, is_stale)), max_age=60.0)
    assert live.wait_until_synced(SECONDS)
    api.refused["/api/v1/configmaps"] = 403
    api.watch("/api/v1/configmaps").put(None)
    assert eventually(lambda: CONFIG_MAP in live.problems)
    live._followers[CONFIG_MAP].confirmed -= 100
    said = r"^ConfigMap \(v1\) was last known 1\d\d s ago: refused /api/v1/configmaps\. Allow the engine"
    with pytest.raises(StaleView, match=said) as caught:
        live.view.list(CONFIG_MAP)
    assert [found["metadata"]["name"] for found in caught.value.last.list(CONFIG_MAP)] == ["c"]
    assert live.view.get(NAMESPACE, "", "foo") is None
    assert told.get(timeout=SECONDS) == (CONFIG_MAP, True)
    api.objects["/api/v1/configmaps"] = [named("d", "foo")]
    api.refused.clear()
    assert told.get(timeout=SECONDS) == (CONFIG_MAP, False)
    assert live.view.get(CONFIG_MAP, "foo", "d") is not None


def test_a_connection_that_says_nothing_is_given_up(
    api: Api, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 0.3)
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert eventually(lambda: NAMESPACE in live.problems)
    assert live.problems[NAMESPACE] == "ReadTimeout: the API server says nothing of it"


def test_credentials_are_read_anew_when_the_old_ones_are_refused(
    api: Api, follow: Follow, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0.0)
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert set(api.tokens) == {"Bearer t"}
    write_kubeconfig(kubeconfig, api.server.server_port, "renewed")
    api.refused["/api/v1/namespaces"] = 401
    api.watch("/api/v1/namespaces").put(None)
    assert eventually(lambda: "Bearer renewed" in api.tokens)


def test_a_kubeconfig_that_is_being_written_changes_nothing(
    api: Api, follow: Follow, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0.0)
    live = follow()
    assert live.wait_until_synced(SECONDS)
    kubeconfig.write_text("", encoding="utf-8")
    api.refused["/api/v1/namespaces"] = 401
    api.watch("/api/v1/namespaces").put(None)
    assert eventually(lambda: NAMESPACE in live.problems)
    api.refused.clear()
    api.watch("/api/v1/namespaces").put({"type": "ADDED", "object": named("after")})
    assert eventually(lambda: NAMESPACE not in live.problems)


def test_the_view_is_right_again_after_the_api_server_was_away(
    api: Api, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "LONGEST_PAUSE", 0.25)
    live = follow()
    assert live.wait_until_synced(SECONDS)
    port = api.server.server_port
    api.close()
    assert eventually(lambda: len(live.problems) == len(BASE_KINDS))
    again = Api(port)
    again.objects["/api/v1/namespaces"] = [named("meanwhile")]
    gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
    again.watch("/api/v1/namespaces").put({"type": "ERROR", "object": gone})
    assert eventually(lambda: sees(live, "meanwhile"))
    assert live.stale == {}
    again.close()


def test_a_cluster_is_listed_whole_and_what_is_forbidden_is_said(api: Api, kubeconfig: Path) -> None:
    api.objects["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"] = [DEFINITION]
    api.objects["/apis/example.com/v1/widgets"] = [named("w", "foo")]
    api.objects["/api/v1/pods"] = [named("p", "foo")]
    api.objects["/apis/autoscaling/v2/horizontalpodautoscalers"] = [named("h", "foo")]
    api.refused["/api/v1/secrets"] = 403
    listing = list_cluster(configuration(kubeconfig))
    found = {(value["kind"], value["metadata"]["name"]) for value in listing.objects}
    assert found == {
        ("CustomResourceDefinition", "widgets.example.com"),
        ("Widget", "w"),
        ("Pod", "p"),
        ("HorizontalPodAutoscaler", "h"),
    }
    assert listing.problems == {GroupVersionKind("", "v1", "Secret"): "refused /api/v1/secrets"}
    assert "/apis/autoscaling/v1/horizontalpodautoscalers" not in api.lists
    assert "/api/v1/events" not in api.lists
    assert "/api/v1/bindings" not in api.lists


def test_only_the_kinds_asked_for_are_listed(api: Api, kubeconfig: Path) -> None:
    api.objects["/api/v1/namespaces"] = [named("foo")]
    listing = list_cluster(configuration(kubeconfig), [NAMESPACE])
    assert [value["kind"] for value in listing.objects] == ["Namespace"]
    assert "/api/v1/pods" not in api.lists


def test_a_cluster_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="the cluster does not answer"):
        list_cluster(configuration(write_kubeconfig(tmp_path / "kubeconfig", 1)))


def logging_in(config: Path, login: str) -> SingleConfig:
    given = yaml.safe_load(write_kubeconfig(config, 1).read_text())
    given["users"][0]["user"] = yaml.safe_load(login)
    config.write_text(yaml.safe_dump(given))
    return configuration(config)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("{tokenFile: /none/token}", "the kubeconfig cannot be used: Token file /none/token not found"),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /none/helper}}",
            "the kubeconfig cannot be used: [Errno 2] No such file or directory: '/none/helper'",
        ),
        (
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'echo expired >&2; exit 1']}}",
            "the kubeconfig cannot be used: Exec sh returned 1: expired",
        ),
    ],
)
def test_a_login_that_fails_is_not_a_cluster_that_does_not_answer(
    tmp_path: Path, login: str, said: str
) -> None:
    with pytest.raises(ClusterError) as raised:
        list_cluster(logging_in(tmp_path / "kubeconfig", login))
    assert str(raised.value) == said


CONTEXT = "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Configuration file {} not found"),
        ("", "{}: is no kubeconfig"),
        ("{}", "{}: is no kubeconfig, or lacks 'clusters'"),
        ("a: [", "{}: is no YAML at line 1, column 5"),
        ("- a", "{}: is no kubeconfig"),
        ("clusters: 1", "{}: is no kubeconfig"),
        (f"{CONTEXT}clusters: []\nusers: []\n", "{}: is no kubeconfig, or lacks 'b'"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_an_error(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterError) as raised:
        configuration(path)
    assert f"{said.format(path)}. Name a kubeconfig file with a current context." in str(raised.value)


def test_the_base_kinds_are_those_the_api_server_always_serves(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert len(api.lists) == len(BASE_KINDS)


# --- what is written


STATUS = "/api/v1/namespaces/foo/status"
BODY: Json = {"metadata": {"name": "foo", "resourceVersion": "1"}, "status": {"a": "b"}}


def test_a_status_is_merged_into_the_object_that_was_seen(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    live.write_status(NAMESPACE, BODY, SECONDS)
    assert api.patches == [(STATUS, "application/merge-patch+json", BODY)]


@pytest.mark.parametrize(("status", "told"), [(404, False), (409, False), (403, True), (500, True)])
def test_what_is_gone_or_newer_is_left_alone_and_a_refusal_is_told(
    api: Api, follow: Follow, status: int, told: bool
) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    api.refused[STATUS] = status
    with pytest.raises(ClusterError) if told else nullcontext():
        live.write_status(NAMESPACE, BODY, SECONDS)


def test_a_status_of_a_kind_that_nobody_serves_cannot_be_written(follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    with pytest.raises(ClusterError, match="the cluster serves no Gauge"):
        live.write_status(GroupVersionKind("example.com", "v1", "Gauge"), BODY, SECONDS)


def test_nobody_waits_for_a_kind_that_no_decision_needs(api: Api, follow: Follow) -> None:
    api.refused["/api/v1/configmaps"] = 403
    live = follow()
    assert live.wait_until_synced(SECONDS)
    assert live.follow({CONFIG_MAP: WHOLE}, awaited=False) == [CONFIG_MAP]
    assert eventually(lambda: "refused" in live.problems.get(CONFIG_MAP, ""))
    assert live.synced
    assert CONFIG_MAP in live.stale
    assert live.follow({CONFIG_MAP: WHOLE}) == []
    assert not live.synced


def test_a_change_is_waited_for(api: Api, follow: Follow) -> None:
    live = follow()
    assert live.wait_until_synced(SECONDS)
    seen = live.seen
    assert not live.wait_for_change(seen, 0)
    api.watch("/api/v1/namespaces").put({"type": "ADDED", "object": named("new")})
    assert live.wait_for_change(seen, SECONDS)
    assert sees(live, "new")


def test_everything_that_can_be_watched_is_all_but_chatter_and_states() -> None:
    from gatekeeper_py.cluster.live import listable, watchable
    from gatekeeper_py.cluster.snapshot import Snapshot

    listed, watched = ({each.kind.kind for each in every(Snapshot())} for every in (listable, watchable))
    assert listed - watched == {"ComponentStatus"}
    assert {"Pod", "Secret", "ClusterRole"} <= watched
    assert not watched & {"Event", "Lease", "SubjectAccessReview"}
