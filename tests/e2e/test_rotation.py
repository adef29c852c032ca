"""The engine makes and rotates its own certificates while a tenant applies, and every answer is judged."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography import x509

from gatekeeper_py.pki.authority import make_authority
from gatekeeper_py.pki.rotation import AUTHORITY, Issued, certificates_in, encode
from tests.e2e.conftest import CLASSES, IN_FORCE_SECONDS, admin_of, in_force, namespace
from tests.e2e.gatekeeper import OwnServer, gatekeeper
from tests.e2e.harness import ALICE, GATEKEEPER, ControlPlane, Unavailable, control_plane, wait_for
from tests.e2e.judge import Judge
from tests.shipped import POLICIES

Json = dict[str, Any]

OVERLAP = 20
"""Seconds between two steps of the rotation; in production an hour."""
SECRET = ("secret", "gatekeeper-certificates", "-n", "gatekeeper-system")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    try:
        with control_plane() as running:
            running.kubectl().apply(*CLASSES, namespace("foo"), *admin_of("foo"))
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def servers(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[OwnServer, OwnServer]]:
    """Two replicas that share the Secret; the API server is told to call the first."""
    kubectl = plane.kubectl()
    printed = gatekeeper("install", "--policies", POLICIES, "--url", "https://127.0.0.1:1")
    kubectl("apply", "--server-side", "-f", "-", stdin=printed)
    options = ("--kubeconfig", plane.kubeconfig(GATEKEEPER))
    first = OwnServer(POLICIES, tmp_path_factory.mktemp("first"), options, overlap=OVERLAP)
    second = OwnServer(POLICIES, tmp_path_factory.mktemp("second"), options, overlap=OVERLAP)
    second.register_as = first.url
    try:
        first.start()
        second.start()
        wait_for("the webhooks to be in force", lambda: in_force(plane), IN_FORCE_SECONDS)
        yield first, second
    finally:
        first.stop()
        second.stop()


def data(plane: ControlPlane) -> dict[str, bytes]:
    found: Json = plane.kubectl().get(*SECRET)
    return {name: base64.b64decode(text) for name, text in found["data"].items()}


def bundles(plane: ControlPlane) -> list[bytes]:
    kinds = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
    found: list[Json] = [plane.kubectl().get(kind, "gatekeeper") for kind in kinds]
    return [base64.b64decode(w["clientConfig"]["caBundle"]) for each in found for w in each["webhooks"]]


def shown(server: OwnServer) -> x509.Certificate:
    pem = ssl.get_server_certificate((server.host, server.port))
    return x509.load_pem_x509_certificate(pem.encode())


def put(plane: ControlPlane, held: dict[str, bytes | None]) -> None:
    """Change what the Secret holds, as an operator."""
    text = {name: None if value is None else base64.b64encode(value).decode() for name, value in held.items()}
    found: Json = plane.kubectl().get(*SECRET)
    merged = {name: value for name, value in {**found["data"], **text}.items() if value is not None}
    plane.kubectl()("replace", "-f", "-", stdin=orjson.dumps({**found, "data": merged}).decode())


def test_two_replicas_show_the_same_certificate_and_the_api_server_trusts_its_authority(
    plane: ControlPlane, servers: tuple[OwnServer, OwnServer]
) -> None:
    first, second = servers
    assert shown(first) == shown(second)
    assert set(bundles(plane)) == {data(plane)["ca.crt"]}


def test_a_forced_rotation_goes_unnoticed_by_a_tenant_who_applies_all_the_while(
    plane: ControlPlane, servers: tuple[OwnServer, OwnServer]
) -> None:
    """An operator takes the CA's key away: a new CA is announced, signs, and in the end stands alone."""
    before = certificates_in(data(plane)["ca.crt"])
    old = shown(servers[0])
    with Judge(plane, ALICE, "foo").judging() as judge:
        put(plane, {"ca.key": None})
        wait_for("a second authority", lambda: len(certificates_in(data(plane)["ca.crt"])) == 2, 30)
        wait_for("it to be published", lambda: set(bundles(plane)) == {data(plane)["ca.crt"]}, 30)
        wait_for("a new certificate", lambda: shown(servers[0]) != old, 2 * OVERLAP + 20)
        wait_for("both to show it", lambda: shown(servers[0]) == shown(servers[1]), 20)
        wait_for("the old to go", lambda: len(certificates_in(data(plane)["ca.crt"])) == 1, 2 * OVERLAP + 20)
        wait_for("that to be published", lambda: set(bundles(plane)) == {data(plane)["ca.crt"]}, 30)
        time.sleep(3)
    assert certificates_in(data(plane)["ca.crt"])[0] not in before
    assert judge.wrong == []
    assert judge.answers["unanswered"] == 0
    assert judge.answers["right"] > 100


def test_an_authority_that_ends_within_a_year_is_followed_by_another_in_time(
    plane: ControlPlane, servers: tuple[OwnServer, OwnServer]
) -> None:
    ending = make_authority(datetime.now(UTC) - timedelta(days=3400), AUTHORITY)
    trusted = certificates_in(data(plane)["ca.crt"])
    held = encode(Issued((*trusted, ending.certificate), ending.key))
    with Judge(plane, ALICE, "foo").judging() as judge:
        put(plane, {"ca.crt": held["ca.crt"], "ca.key": held["ca.key"]})
        wait_for("a successor", lambda: len(certificates_in(data(plane)["ca.crt"])) == 3, 30)
        wait_for(
            "it to stand alone", lambda: len(certificates_in(data(plane)["ca.crt"])) == 1, 3 * OVERLAP + 40
        )
        wait_for("that to be published", lambda: set(bundles(plane)) == {data(plane)["ca.crt"]}, 30)
        time.sleep(3)
    (newest,) = certificates_in(data(plane)["ca.crt"])
    assert newest not in (*trusted, ending.certificate)
    assert judge.wrong == []
    assert judge.answers["unanswered"] == 0


def test_a_replica_that_is_killed_is_replaced_by_the_other_and_nothing_is_made_anew(
    plane: ControlPlane, servers: tuple[OwnServer, OwnServer]
) -> None:
    first, second = servers
    before = data(plane)
    with Judge(plane, ALICE, "foo").judging() as judge:
        assert second.process is not None
        second.process.process.kill()
        second.process.process.wait(timeout=10)
        time.sleep(1)
        second.start()
        wait_for("the same certificate", lambda: shown(second) == shown(first), 20)
    assert data(plane) == before
    assert judge.wrong == []
    assert judge.answers["unanswered"] == 0
