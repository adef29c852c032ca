"""The server over TLS on a real port: what it listens to, what it follows, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import httpx
import pytest

from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.tenancy.waiver import Waiver
from gatekeeper_py.webhook.revision import BadPolicies, Loaded
from gatekeeper_py.webhook.server import SWITCH
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.tls import ServingCertificate, TLSError
from tests.webhook.support import Harness, Held, Running, allow, pod_review, running


def client(server: Running) -> httpx.Client:
    return httpx.Client(base_url=server.url, verify=server.trust(), timeout=20)


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until the condition holds; how soon is measured elsewhere."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


def test_it_answers_over_tls(tmp_path: Path) -> None:
    with running(Harness(), tmp_path) as server, client(server) as http:
        assert sys.getswitchinterval() == pytest.approx(SWITCH)
        answer = http.post("/mutate?timeout=10s", json=pod_review())
        assert answer.json()["response"] == {"uid": "uid-1", "allowed": True}
        assert http.get("/readyz").json()["ready"] is True
        assert "server" not in answer.headers


def test_a_short_review_is_answered_without_a_look_at_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Service, "_decided_in_time")
    body = json.dumps(pod_review()).encode()
    head = b"POST /validate?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        running(Harness(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
        server.trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        for _ in range(2):
            secure.sendall(head + body)  # in one piece, as the API server does
            answer = b""
            while not answer.endswith(b"}}"):
                answer += secure.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_it_refuses_tls_before_1_2(tmp_path: Path) -> None:
    with running(Harness(), tmp_path) as server:
        old = server.trust()
        old.minimum_version = ssl.TLSVersion.TLSv1_1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with (
            socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
            pytest.raises(ssl.SSLError),
        ):
            old.wrap_socket(plain, server_hostname="localhost")


def test_a_body_without_end_is_answered_as_soon_as_it_is_too_long(tmp_path: Path) -> None:
    with (
        running(Harness(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
        server.trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"POST /validate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(7 * 16 + 1):
            secure.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        assert secure.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_never_comes_is_408(tmp_path: Path) -> None:
    with (
        running(Harness(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
        server.trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"POST /validate?timeout=200ms HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert secure.recv(4096).startswith(b"HTTP/1.1 408 ")


def dropped(secure: ssl.SSLSocket) -> bool:
    """Whether the server ends the connection without an answer."""
    try:
        return secure.recv(4096) == b""
    except OSError:
        return True


def test_endless_headers_end_the_connection(tmp_path: Path) -> None:
    with (
        running(Harness(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
        server.trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"POST /validate HTTP/1.1\r\n")
        with contextlib.suppress(OSError):
            for number in range(100):
                secure.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))
        assert dropped(secure)


def test_a_head_that_never_comes_ends_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.protocol.HEAD_SECONDS", 0.2)
    with (
        running(Harness(), tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
        server.trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"POST /validate HTTP/1.1\r\n")
        assert dropped(secure)


def test_health_answers_while_reviews_are_decided(tmp_path: Path) -> None:
    held = Held()
    answers: list[httpx.Response] = []
    with running(Harness(held), tmp_path) as server, client(server) as http:
        asking = threading.Thread(target=lambda: answers.append(http.post("/validate", json=pod_review())))
        asking.start()
        assert held.entered.wait(10)
        assert http.get("/healthz").status_code == 200
        held.release.set()
        asking.join()
    assert answers[0].status_code == 200


def test_reviews_under_way_are_finished_at_shutdown(tmp_path: Path) -> None:
    held = Held()
    answers: list[httpx.Response] = []
    with running(Harness(held), tmp_path) as server, client(server) as http:
        asking = threading.Thread(target=lambda: answers.append(http.post("/validate", json=pod_review())))
        asking.start()
        assert held.entered.wait(10)
        server.listening.stop()
        time.sleep(0.3)
        held.release.set()
        asking.join()
    assert answers[0].json()["response"]["allowed"] is True


def verdict_of(file: Path) -> Callable[[], Loaded]:
    """Policies that are one word in a file: `allow`, `deny`, or something bad."""

    def load() -> Loaded:
        word = file.read_text().strip()
        if word not in ("allow", "deny"):
            raise BadPolicies((f"{file}:1:1: no such word {word}",))
        denial = None if word == "allow" else Status(403, "Forbidden", "no")
        return Loaded(lambda request, webhook, deadline: Decision(denial is None, denial), 1)

    return load


def allowed(http: httpx.Client) -> bool:
    response = http.post("/validate", json=pod_review()).json()["response"]
    return bool(response["allowed"])


def test_an_edit_is_put_in_force_and_a_bad_one_refused_whole(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    file = folder / "word"
    file.write_text("allow")
    harness = Harness(load=verdict_of(file))
    with running(harness, tmp_path / "certs", [folder]) as server, client(server) as http:
        assert allowed(http)
        file.write_text("deny")

        eventually(lambda: not allowed(http))
        file.write_text("dney")
        eventually(lambda: http.get("/readyz").json()["problems"] == [f"{file}:1:1: no such word dney"])
        assert not allowed(http)
        assert "gatekeeper_policies_stale 1.0" in http.get("/metrics").text
        file.write_text("allow")
        eventually(lambda: allowed(http))
        assert http.get("/readyz").json()["problems"] == []
        assert "gatekeeper_policies_stale 0.0" in http.get("/metrics").text
    refused = harness.events("edit refused, the last good policies stay in force")
    assert [line["problem"] for line in refused] == [f"{file}:1:1: no such word dney"]


YEAR = 365 * 24 * 3600


@pytest.mark.parametrize("jump", [-YEAR, YEAR])
def test_a_wall_clock_that_jumps_changes_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    file = folder / "word"
    file.write_text("deny")
    with (
        running(Harness(load=verdict_of(file)), tmp_path / "certs", [folder]) as server,
        client(server) as http,
    ):
        there = time.time
        monkeypatch.setattr(time, "time", lambda: there() + jump)
        assert not allowed(http)
        file.write_text("allow")
        eventually(lambda: allowed(http))


def test_the_link_swap_of_a_mounted_configmap_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    for name, word in (("..1", "allow"), ("..2", "deny")):
        (folder / name).mkdir(parents=True)
        (folder / name / "word").write_text(word)
    (folder / "..data").symlink_to("..1")
    (folder / "word").symlink_to("..data/word")
    harness = Harness(load=verdict_of(folder / "word"))
    with running(harness, tmp_path / "certs", [folder]) as server, client(server) as http:
        assert allowed(http)
        (folder / "..new").symlink_to("..2")
        os.rename(folder / "..new", folder / "..data")

        eventually(lambda: not allowed(http))


def test_a_folder_that_is_replaced_is_still_followed(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "word").write_text("allow")
    harness = Harness(load=verdict_of(folder / "word"))
    with running(harness, tmp_path / "certs", [folder]) as server, client(server) as http:
        assert allowed(http)
        folder.rename(tmp_path / "old")
        eventually(lambda: http.get("/readyz").json()["problems"] != [])
        assert allowed(http)
        folder.mkdir()
        (folder / "word").write_text("deny")

        eventually(lambda: not allowed(http))


def serial(server: Running) -> str:
    with (
        socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain,
        server.trust().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        certificate = secure.getpeercert() or {}
        return str(certificate["serialNumber"])


def test_a_renewed_certificate_is_served_and_half_a_renewal_is_not(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from gatekeeper_py.pki.authority import make_serving
    from gatekeeper_py.pki.files import read_pair

    certs = tmp_path / "certs"
    harness = Harness()
    with running(harness, certs) as server:
        first = serial(server)
        authority = read_pair(certs / "ca.crt", certs / "ca.key")
        renewed = make_serving(authority, ["localhost"], datetime.now(UTC))
        (certs / "tls.crt").write_bytes(renewed.certificate_pem)
        eventually(lambda: bool(harness.events("certificate refused, the last good one stays")))
        assert serial(server) == first
        (certs / "tls.key").write_bytes(renewed.key_pem)
        eventually(lambda: serial(server) != first)
        assert int(serial(server), 16) == renewed.certificate.serial_number


def test_a_failed_first_load_opens_no_port(tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("dney")
    with (
        pytest.raises(BadPolicies, match="word:1:1: no such word dney"),
        running(Harness(load=verdict_of(file)), tmp_path / "certs"),
    ):
        pass


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        (None, None, "tls.crt: No such file or directory"),
        (b"x", b"x", "tls.crt, {folder}/tls.key: not a certificate and its key (not PEM)"),
    ],
)
def test_files_that_cannot_be_served_are_named(
    tmp_path: Path, certificate: bytes | None, key: bytes | None, message: str
) -> None:
    for name, content in (("tls.crt", certificate), ("tls.key", key)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(TLSError) as refused:
        ServingCertificate(tmp_path / "tls.crt", tmp_path / "tls.key")
    assert str(refused.value) == f"{tmp_path}/{message.format(folder=tmp_path)}"


def test_a_waiver_that_has_ended_is_told_once_a_load(tmp_path: Path) -> None:
    waiver = Waiver("old", frozenset({"p"}), date(2026, 1, 31), "r", "a", source="w.yaml:1")
    loaded = Loaded(allow, 1, tenancy=Tenancy(waivers=(waiver,)))
    harness = Harness(load=lambda: loaded)
    told = "w.yaml:1: the waiver 'old' has ended on 2026-01-31: what it admitted is refused again. "
    with running(harness, tmp_path) as server, client(server) as http:
        assert http.get("/readyz").json()["warnings"] == [f"{told}Give it another day, or remove it"]
    assert [line["problem"].startswith(told) for line in harness.events("does nothing")] == [True]
