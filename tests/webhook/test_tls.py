"""Who may call: callers with a certificate, of the right authority, for the right purpose, of the right name."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from gatekeeper_py.pki.authority import KeyPair, make_authority, make_client, make_serving
from gatekeeper_py.pki.development import CLIENT_NAME, make_certificates
from gatekeeper_py.pki.files import read_pair, write_pair
from gatekeeper_py.webhook.server import Server
from gatekeeper_py.webhook.tls import Clients, ServingCertificate, TLSError, covers
from tests.webhook.support import Harness, Running, pod_review, running

NOW = datetime.now(UTC)
REMEDY = "--client-ca is the PEM certificate of the CA that signs the callers' certificates"

DISTRUSTED = "the caller's certificate: "
"""What follows are OpenSSL's words."""


def authority(certs: Path) -> KeyPair:
    return read_pair(certs / "ca.crt", certs / "ca.key")


def stranger() -> KeyPair:
    """An authority of the same name: only its key is another."""
    return make_authority(NOW)


def client(server: Running, pair: KeyPair | None, version: ssl.TLSVersion | None = None) -> httpx.Client:
    """A caller that shows a certificate, or none."""
    context = server.trust()
    if version is not None:
        context.maximum_version = version
    if pair is not None:
        files = server.certificates / "caller.crt", server.certificates / "caller.key"
        write_pair(pair, *files)
        context.load_cert_chain(*files)
    return httpx.Client(base_url=server.url, verify=context, timeout=20)


def served(http: httpx.Client) -> bool:
    """Whether a review is answered; all the server says to others is the alert of a failed handshake."""
    try:
        return http.post("/validate", json=pod_review()).status_code == 200
    except httpx.TransportError:
        return False


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda ca: make_client(ca, [CLIENT_NAME], NOW), None),
        (lambda _ca: None, "the caller shows no certificate"),
        (lambda _ca: make_client(stranger(), [CLIENT_NAME], NOW), DISTRUSTED),
        (lambda ca: make_serving(ca, [CLIENT_NAME], NOW), DISTRUSTED),
        (lambda ca: make_client(ca, [CLIENT_NAME], NOW - timedelta(days=366)), DISTRUSTED),
    ],
    ids=["right", "none", "another authority", "a server's certificate", "expired"],
)
def test_only_a_clients_certificate_of_the_authority_is_served(
    tmp_path: Path,
    make: Callable[[KeyPair], KeyPair | None],
    reason: str | None,
    version: ssl.TLSVersion,
) -> None:
    harness = Harness()
    with (
        running(harness, tmp_path, clients=Clients(tmp_path / "ca.crt")) as server,
        client(server, make(authority(tmp_path)), version) as http,
    ):
        assert served(http) is (reason is None)
    reasons = [line["reason"] for line in harness.events("handshake failed")]
    assert [each.startswith(str(reason)) for each in reasons] == ([True] if reason else [])
    assert len(harness.events("decision")) == (0 if reason else 1)


@pytest.mark.parametrize(
    ("names", "allowed", "expected"),
    [
        ([CLIENT_NAME], {CLIENT_NAME}, True),
        (["common", "alternative"], {"alternative"}, True),
        (["common", "alternative"], {"common", "another"}, True),
        (["10.0.0.7"], {"10.0.0.7"}, True),
        (["kubelet"], {CLIENT_NAME}, False),
        ([CLIENT_NAME.upper()], {CLIENT_NAME}, False),
        ([f"x{CLIENT_NAME}"], {CLIENT_NAME}, False),
        (["*"], {CLIENT_NAME}, False),
        (["a"], {"*"}, False),
    ],
)
def test_names_are_compared_letter_by_letter(
    tmp_path: Path, names: list[str], allowed: set[str], expected: bool
) -> None:
    harness = Harness()
    clients = Clients(tmp_path / "ca.crt", frozenset(allowed))
    with (
        running(harness, tmp_path, clients=clients) as server,
        client(server, make_client(authority(tmp_path), names, NOW)) as http,
    ):
        assert served(http) is expected
    reasons = [line["reason"] for line in harness.events("handshake failed")]
    refusal = f"the caller's certificate: no name in it may call: {names[0]}"
    assert reasons == ([] if expected else [refusal])


def test_an_intermediate_authority_is_trusted_without_its_root(tmp_path: Path) -> None:
    """And the root is not: what is in the file is all that counts."""
    made = make_certificates(tmp_path / "root")
    (tmp_path / "pinned.crt").write_bytes(made.client.read_bytes())
    with running(Harness(), tmp_path / "root", clients=Clients(tmp_path / "pinned.crt")) as server:
        with client(server, read_pair(made.client, made.client_key)) as http:
            assert served(http)
        with client(server, make_client(authority(tmp_path / "root"), [CLIENT_NAME], NOW)) as http:
            assert not served(http)


def test_probes_need_no_certificate_on_the_health_port_and_get_no_reviews_there(tmp_path: Path) -> None:
    clients = Clients(tmp_path / "ca.crt")
    with (
        running(Harness(), tmp_path, clients=clients, health_port=0) as server,
        httpx.Client(base_url=server.health_url, timeout=20) as http,
    ):
        assert http.get("/healthz").text == "ok"
        assert http.get("/readyz").json()["ready"] is True
        assert "gatekeeper_webhook_failed_handshakes_total 0.0" in http.get("/metrics").text
        for path in ("/mutate", "/validate"):
            assert http.post(path, json=pod_review()).status_code == 404


def test_the_health_port_says_how_long_reviews_are_still_answered(tmp_path: Path) -> None:
    with running(Harness(), tmp_path, health_port=0) as server:
        assert httpx.get(f"{server.health_url}/healthz").status_code == 200
        with client(server, None) as http:
            assert served(http)  # nobody asked for certificates
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.health_url}/healthz")


def test_a_crowd_of_strangers_is_counted_and_makes_one_line(tmp_path: Path) -> None:
    harness = Harness()
    with running(harness, tmp_path, clients=Clients(tmp_path / "ca.crt"), health_port=0) as server:
        with client(server, None) as http:
            start = time.monotonic()
            for _ in range(20):
                assert not served(http)
            seconds = time.monotonic() - start
        counted = httpx.get(f"{server.health_url}/metrics").text
    assert "gatekeeper_webhook_failed_handshakes_total 20.0" in counted
    lines = harness.events("handshake failed")
    assert 1 <= len(lines) <= 1 + seconds
    assert lines[0]["times"] == 1
    assert not harness.events("server error")


def test_a_caller_that_distrusts_the_server_is_logged_without_an_authority_too(tmp_path: Path) -> None:
    harness = Harness()
    with running(harness, tmp_path) as server:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz")
        eventually(lambda: bool(harness.events("handshake failed")))
    assert harness.events("handshake failed")[0]["reason"] == "TLSV1_ALERT_UNKNOWN_CA"


def test_another_authority_takes_over_and_open_connections_of_the_old_one_end(tmp_path: Path) -> None:
    harness, bundle = Harness(), tmp_path / "clients.crt"
    old, new = stranger(), stranger()
    bundle.write_bytes(old.certificate_pem)
    with (
        running(harness, tmp_path / "certs", clients=Clients(bundle)) as server,
        client(server, make_client(old, [CLIENT_NAME], NOW)) as before,
        client(server, make_client(new, [CLIENT_NAME], NOW)) as after,
    ):
        assert (served(before), served(after)) == (True, False)
        bundle.write_bytes(old.certificate_pem + new.certificate_pem)
        eventually(lambda: served(after))
        assert served(before)
        bundle.write_bytes(new.certificate_pem)
        eventually(lambda: not served(before))
        # Its connection may have ended at that moment, and it makes another.
        eventually(lambda: served(after))


def resumed(server: Running, caller: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
    """One request, by an earlier session when there is one; the session to come back with, or None if refused."""
    with socket.create_connection(("127.0.0.1", server.listening.port), 10) as plain:
        try:
            with caller.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = secure.recv(4096)
                assert not answer or secure.session_reused is (session is not None)
                return secure.session if answer else None
        except OSError:
            return None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_earlier_session_is_worth_no_more_than_its_certificate(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    harness, bundle, ca = Harness(), tmp_path / "clients.crt", stranger()
    bundle.write_bytes(ca.certificate_pem)
    clients = Clients(bundle, frozenset([CLIENT_NAME]))
    with running(harness, tmp_path / "certs", clients=clients) as server:
        files = tmp_path / "caller.crt", tmp_path / "caller.key"
        write_pair(make_client(ca, [CLIENT_NAME], NOW), *files)
        caller = server.trust()
        caller.maximum_version = version
        caller.load_cert_chain(*files)
        session = resumed(server, caller, None)
        assert session is not None
        assert resumed(server, caller, session) is not None

        bundle.write_bytes(stranger().certificate_pem)
        eventually(lambda: bool(harness.events("certificate loaded")))
        assert resumed(server, caller, session) is None


def test_a_bad_edit_of_the_authority_is_refused_and_the_last_good_one_stays(tmp_path: Path) -> None:
    harness, bundle = Harness(), tmp_path / "clients.crt"
    ca = stranger()
    bundle.write_bytes(ca.certificate_pem)
    with running(harness, tmp_path / "certs", clients=Clients(bundle)) as server:
        bundle.write_text("")
        eventually(lambda: bool(harness.events("certificate refused, the last good one stays")))
        with client(server, make_client(ca, [CLIENT_NAME], NOW)) as http:
            assert served(http)
        with client(server, None) as http:
            assert not served(http)
    (refused,) = harness.events("certificate refused, the last good one stays")
    assert refused["problem"] == f"{bundle}: is no PEM certificate. {REMEDY}"


def test_a_comment_in_the_bundle_may_be_of_any_letters_and_changes_nothing(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    serving = ServingCertificate(made.certificate, made.key, Clients(made.authority))
    before = serving.authorities
    made.authority.write_text(f"# Zürich\n{made.authority.read_text()}", encoding="utf-8")
    serving.reload()
    assert serving.authorities == before != ""


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "No such file or directory"),
        ("", "is no PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is no PEM certificate"),
    ],
)
def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path, content: str | None, what: str) -> None:
    made = make_certificates(tmp_path)
    file = tmp_path / "clients.crt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(TLSError) as refused:
        ServingCertificate(made.certificate, made.key, Clients(file))
    assert str(refused.value) == f"{file}: {what}. {REMEDY}"


class OldConfig(uvicorn.Config):
    """As before uvicorn 0.47: it takes no TLS context."""

    def __init__(self, app: Any, **options: Any) -> None:
        if "ssl_context_factory" in options:
            raise TypeError("Config.__init__() got an unexpected keyword argument 'ssl_context_factory'")
        super().__init__(app, **options)


class CarelessConfig(uvicorn.Config):
    """Takes whatever it is given, and forgets it."""

    def __init__(self, app: Any, **options: Any) -> None:
        options.pop("ssl_context_factory", None)
        super().__init__(app, **options)


class SelfWilledConfig(uvicorn.Config):
    """Serves TLS, but not ours."""

    def load(self) -> None:
        super().load()
        self.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


NOT_OURS = "TLS is not in force: the HTTP server would not use the serving certificate"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            OldConfig,
            f"uvicorn {uvicorn.__version__} cannot serve: Config.__init__() got an unexpected keyword argument "
            "'ssl_context_factory'. Upgrade uvicorn",
        ),
        (CarelessConfig, NOT_OURS),
        (SelfWilledConfig, NOT_OURS),
    ],
)
def test_a_library_that_would_not_serve_our_tls_opens_no_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: type[uvicorn.Config], message: str
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("gatekeeper_py.webhook.server.listen", lambda *address: opened.append(address))
    monkeypatch.setattr("uvicorn.Config", config)
    made = make_certificates(tmp_path)
    server = Server(
        (harness := Harness()).service,
        harness.health,
        ServingCertificate(made.certificate, made.key),
        (),
        health_port=0,
    )
    with pytest.raises(TLSError) as refused:
        server.listen()
    assert (str(refused.value), opened) == (message, [])


def loosen_version(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED


def ask_no_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_NONE


def want_a_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL


@pytest.mark.parametrize(
    ("loosen", "message"),
    [
        (loosen_version, "TLS is not in force: versions before TLSv1_2 would be accepted"),
        (ask_no_certificate, "TLS is not in force: callers without a certificate would be let in"),
        (want_a_certificate, "TLS is not in force: callers without a certificate would be let in"),
    ],
)
def test_a_context_that_lets_more_in_than_it_may_is_refused(
    tmp_path: Path, loosen: Callable[[ssl.SSLContext], None], message: str
) -> None:
    made = make_certificates(tmp_path)
    certificate = ServingCertificate(made.certificate, made.key, Clients(made.authority))
    certificate.require(certificate.context)
    loosen(certificate.context.now)
    with pytest.raises(TLSError) as refused:
        certificate.require(certificate.context)
    assert str(refused.value) == message


def test_only_connections_through_a_certificates_own_context_are_covered(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    ours, other = (ServingCertificate(made.certificate, made.key) for _ in range(2))
    connection = ours.context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    foreign = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    assert covers(ours.context, connection)
    assert not covers(other.context, connection)
    assert not covers(ours.context, foreign)
    assert not covers(ours.context, None)
    assert not covers(None, None)
