"""A webhook server with an engine of the test's choice, as an application or over TLS on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.cluster.view import Followed
from gatekeeper_py.pki.development import make_certificates
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.app import NOBODY, Application, application
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.log import make_log
from gatekeeper_py.webhook.planes import Planes
from gatekeeper_py.webhook.purse import Deadline
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import Loaded, Policies, Reviewer, Webhook
from gatekeeper_py.webhook.server import Listening, Server
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.tls import Clients, ServingCertificate


def pod_review(**fields: Any) -> dict[str, Any]:
    """The review of a pod's creation, with fields of its request replaced."""
    request = {
        "uid": "uid-1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "web",
        "namespace": "foo",
        "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["foo-admins"]},
        "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}},
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request | fields}


def allow(_request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
    return Decision(allowed=True)


def in_a_worker(review: Reviewer) -> Reviewer:
    """The same, but too long for the event loop, as every engine is that looks at its deadline."""

    def late(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        if isinstance(deadline, Deadline):
            raise DeadlineExceeded("too long for a purse")
        return review(request, webhook, deadline)

    return late


class Held:
    """Allows everything, once `release` is set; `entered` says that a review is waiting for it, in a worker."""

    def __init__(self) -> None:
        self.release, self.entered = threading.Event(), threading.Event()

    def __call__(self, request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        if isinstance(deadline, Deadline):
            raise DeadlineExceeded("too long for a purse")
        self.entered.set()
        self.release.wait(20)
        return allow(request, webhook, deadline)


async def at_once(doors: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """As the server asks where a request has arrived whole, and then as every application is asked."""
    message = await receive()
    url = scope["raw_path"] + b"?" + scope["query_string"]
    answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    if scope["method"] == "POST":
        doors.at_once(url, message["body"], NOBODY, answered.set_result)
    else:
        answered.set_result(None)
    if (answer := await answered) is not None:
        await Response(answer, media_type="application/json")(scope, receive, send)
        return

    async def again() -> Message:
        return message

    await doors(scope, again, send)


@dataclass
class Harness:
    """A service whose log is kept."""

    review: Reviewer = allow
    load: Callable[[], Loaded] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.output = io.StringIO()
        self.policies = Policies(
            self.load or (lambda: Loaded(self.review, 1, owner=lambda namespace: namespace))
        )
        self.record = Record(make_log(self.output), self.output)
        self.service = Service(self.policies, self.record, **self.options)
        self.health = Health(self.policies, self.record)

    def client(self, *, load: bool = True, whole: bool = False) -> TestClient:
        """A client of the application, without a network between; its requests may be answered at once."""
        if load:
            self.policies.reload()
        doors = application(self.service, self.health)

        async def prompt(scope: Scope, receive: Receive, send: Send) -> None:
            await (
                at_once(doors, scope, receive, send)
                if scope["type"] == "http"
                else doors(scope, receive, send)
            )

        near = ("127.0.0.1", 50000)
        made = TestClient(prompt if whole else doors, raise_server_exceptions=False, client=near)
        made.event_hooks["response"].append(lambda _response: asyncio.run(self.service.aclose()))
        return made

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.output.getvalue().splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of one kind of event."""
        return [line for line in self.lines if line["event"] == name]


@dataclass
class Running:
    """A server over TLS on a free port of this machine."""

    harness: Harness
    listening: Listening
    certificates: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.listening.port}"

    @property
    def health_url(self) -> str:
        return f"http://localhost:{self.listening.health_port}"

    def trust(self) -> ssl.SSLContext:
        """A client's TLS context that trusts the server's authority."""
        return ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))


@contextlib.contextmanager
def running(
    harness: Harness,
    directory: Path,
    watched: Sequence[Path] = (),
    clients: Clients | None = None,
    health_port: int | None = None,
    workers: int = 1,
    followed: Followed | None = None,
    planes: Planes | None = None,
) -> Iterator[Running]:
    """Serve until the block ends."""
    made = make_certificates(directory)
    certificate = ServingCertificate(made.certificate, made.key, clients)
    server = Server(
        harness.service,
        harness.health,
        certificate,
        watched,
        host="127.0.0.1",
        port=0,
        health_port=health_port,
        workers=workers,
        followed=followed,
        planes=planes,
    )
    listening = server.listen()
    thread = threading.Thread(target=listening.serve)
    thread.start()
    try:
        yield Running(harness, listening, directory)
    finally:
        listening.stop()
        thread.join(timeout=20)
