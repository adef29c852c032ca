"""What `gatekeeper serve` is told of control planes, and what it does for them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.plane_serving import Address, make_planes, serving
from gatekeeper_py.pki.development import make_certificates
from gatekeeper_py.webhook.tls import Clients, ServingCertificate
from tests.webhook.support import Harness

URL = "https://10.0.0.7:8443"


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    make_certificates(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("url", "authority", "own", "told"),
    [
        (None, Path("ca"), False, "--control-plane-ca needs --control-plane-url"),
        (URL, None, False, "--control-plane-url needs --control-plane-ca"),
        (URL, Path("ca"), True, "--control-plane-ca and --certificates-secret exclude each other"),
        ("http://10.0.0.7", None, True, "--control-plane-url http://10.0.0.7: not of the form"),
    ],
)
def test_options_that_do_not_fit_each_other_are_told(
    url: str | None, authority: Path | None, own: bool, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        Address.of(url, authority, own=own)
    assert told in str(caught.value.message)


def test_without_an_address_nothing_is_registered() -> None:
    assert Address.of(None, None, own=False) is None


def test_whom_to_trust_is_a_file_or_what_the_engine_publishes(certificates: Path) -> None:
    content = (certificates / "ca.crt").read_bytes()
    file = Address.of(URL, certificates / "ca.crt", own=False)
    published = Address.of(URL, None, own=True)
    assert file is not None
    assert published is not None
    known = file.client(b"")
    assert known is not None
    assert (known.url, base64.b64decode(known.authority)) == (URL, content)
    assert published.client(content) == known
    assert published.client(b"") is None


def test_control_planes_take_part_in_health_metrics_and_handshakes(certificates: Path) -> None:
    harness = Harness()
    harness.policies.reload()
    clients = Clients(certificates / "ca.crt", frozenset({"host.api"}))
    planes = make_planes(harness.service, None, clients, 30, harness.health)
    shown = ServingCertificate(certificates / "tls.crt", certificates / "tls.key", clients)
    assert (planes.callers.host, planes.certificates, planes.rounds) == (
        frozenset({"host.api"}),
        True,
        harness.service.rounds,
    )
    with serving(planes, shown, None, bytes, None):
        planes.admit(frozenset({"one.api"}))
    assert shown.context.guests == frozenset({"one.api"})
    assert harness.health.status()["controlPlanes"] == []
    assert b"gatekeeper_policies" in harness.record.metrics.exposition()
