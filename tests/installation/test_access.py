"""What is asked of the API server, and what its answers are taken for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gatekeeper_py.cluster.live import configuration
from gatekeeper_py.installation.access import Access, AccessError, Conflict
from gatekeeper_py.installation.identifiers import CONFIGURATIONS, POD, SECRET

OBJECT = {"metadata": {"name": "a", "namespace": "b", "resourceVersion": "1"}}
VALUE = {"apiVersion": "v1", "kind": "Secret", **OBJECT}


class Api:
    """Answers everything with one code, and keeps what was asked."""

    def __init__(self) -> None:
        self.code, self.answer = 200, OBJECT
        self.asked: list[tuple[str, str, dict[str, list[str]], str]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(api) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = json.loads(body).get("kind", "") if body else ""
                api.asked.append((self.command, url.path, parse_qs(url.query), kind))
                status = {"kind": "Status", "code": api.code, "message": "as it is"}
                answer = json.dumps(api.answer if api.code < 300 else status).encode()
                self.send_response(api.code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def access(api: Api, tmp_path: Path) -> Access:
    return reaching(tmp_path, f"http://127.0.0.1:{api.server.server_address[1]}")


def reaching(folder: Path, url: str) -> Access:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return Access(configuration(file))


PATH = "/api/v1/namespaces/b/secrets/a"

CALLS: list[tuple[Callable[[Access], Any], tuple[str, str, dict[str, list[str]], str]]] = [
    (lambda access: access.get(SECRET, "a", "b"), ("GET", PATH, {}, "")),
    (
        lambda access: access.get(CONFIGURATIONS[0], "a"),
        (
            "GET",
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/a",
            {},
            "",
        ),
    ),
    (
        lambda access: access.apply(VALUE),
        ("PATCH", PATH, {"fieldManager": ["gatekeeper-install"], "force": ["true"]}, "Secret"),
    ),
    (lambda access: access.replace(VALUE), ("PUT", PATH, {}, "Secret")),
    (lambda access: access.replace(VALUE, dry_run=True), ("PUT", PATH, {"dryRun": ["All"]}, "Secret")),
    (lambda access: access.delete(SECRET, "a", "b"), ("DELETE", PATH, {}, "")),
    (
        lambda access: access.delete(SECRET, "a", "b", now=True),
        ("DELETE", PATH, {"gracePeriodSeconds": ["0"]}, ""),
    ),
]


@pytest.mark.parametrize(("call", "asked"), CALLS, ids=[asked[0] + asked[1][-8:] for _, asked in CALLS])
def test_each_call_is_one_request(
    api: Api, access: Access, call: Callable[[Access], Any], asked: tuple[str, str, Any, str]
) -> None:
    call(access)
    assert api.asked == [asked]


def test_what_is_read_says_what_it_is(api: Api, access: Access) -> None:
    found = access.get(SECRET, "a", "b")
    assert found is not None
    assert (found["apiVersion"], found["kind"]) == ("v1", "Secret")
    api.answer = {"metadata": {"resourceVersion": "1"}, "items": [OBJECT]}  # type: ignore[dict-item]
    assert [each["kind"] for each in access.list(POD, "b", {"x": "y"})] == ["Pod"]
    assert api.asked[-1][2]["labelSelector"] == ["x=y"]


def test_what_is_not_there_is_none_and_cannot_be_deleted(api: Api, access: Access) -> None:
    api.code = 404
    assert access.get(SECRET, "a", "b") is None
    assert access.delete(SECRET, "a", "b") is False


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [(409, Conflict, "update Secret a: as it is"), (403, AccessError, "update Secret a: as it is")],
)
def test_a_refusal_says_what_was_asked(
    api: Api, access: Access, code: int, error: type[Exception], message: str
) -> None:
    api.code = code
    with pytest.raises(error) as told:
        access.replace(VALUE)
    assert str(told.value) == message


def test_silence_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(AccessError) as told:
        reaching(tmp_path, "http://127.0.0.1:1").get(SECRET, "a", "b")
    assert str(told.value).startswith("get Secret a: the API server does not answer: ")
