"""A webhook that refuses nothing and remembers what validating admission was shown."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from tests.e2e.harness import Kubectl, serving_certificate, wait_for

Json = dict[str, Any]
NAME = "recorder"
IN_FORCE_SECONDS = 20


class Recorder:
    """Objects by kind and name, as last shown."""

    def __init__(self) -> None:
        self.shown: dict[tuple[str, str], Json] = {}

    def remember(self, request: Json) -> None:
        value = request.get("object")
        if value is not None:
            self.shown[request["kind"]["kind"], value["metadata"].get("name", "")] = value


@contextmanager
def recording(kubectl: Kubectl, folder: Path) -> Iterator[Recorder]:
    """Registers a recorder for everything, waits until it is in force and takes it away again."""
    recorder = Recorder()
    key, certificate = serving_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(recorder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubectl.apply(_configuration(server.server_port, certificate))
    try:
        wait_for("the recorder", lambda: _in_force(kubectl, recorder), IN_FORCE_SECONDS, 0.3)
        yield recorder
    finally:
        kubectl("delete", "validatingwebhookconfiguration", NAME)
        server.shutdown()
        server.server_close()


def _in_force(kubectl: Kubectl, recorder: Recorder) -> bool:
    kubectl("create", "configmap", "probe", "--dry-run=server")
    return ("ConfigMap", "probe") in recorder.shown


def _configuration(port: int, certificate: Path) -> Json:
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    bundle = base64.b64encode(certificate.read_bytes()).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": "recorder.example.com",
                "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": bundle},
                "rules": [rule],
                "matchPolicy": "Exact",
                "failurePolicy": "Ignore",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            review = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recorder.remember(review["request"])
            response = {"uid": review["request"]["uid"], "allowed": True}
            answer = orjson.dumps({**review, "request": None, "response": response})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
