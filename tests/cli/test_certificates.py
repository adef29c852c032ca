"""Which options of `gatekeeper serve` about certificates and registration fit each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.cli.certificates import (
    NO_AUTHORITY,
    NO_CERTIFICATE,
    OWN_AUTHORITY,
    UNPUBLISHED,
    OwnCertificates,
    Pair,
    Registration,
    one_certificate,
)
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.pki.development import service_names

FILE, KEY, CA, KUBECONFIG = (Path(name) for name in ("tls.crt", "tls.key", "ca.crt", "config"))
PAIR = Pair(FILE, KEY)
OWN = one_certificate(None, None, "a/b", (), 3600)


def test_a_certificate_is_a_pair_of_files_or_a_secret_for_the_service_or_for_names() -> None:
    assert one_certificate(FILE, KEY, None, (), 3600) == PAIR
    assert isinstance(OWN, OwnCertificates)
    assert (OWN.namespace, OWN.name, OWN.names) == ("a", "b", service_names())
    named = one_certificate(None, None, "a/b", ("10.0.0.7",), 3600)
    assert isinstance(named, OwnCertificates)
    assert named.names == ("10.0.0.7",)


@pytest.mark.parametrize(
    ("certificate", "key", "secret", "names", "message"),
    [
        (None, None, None, (), NO_CERTIFICATE),
        (FILE, None, None, (), NO_CERTIFICATE),
        (FILE, KEY, "a/b", (), NO_CERTIFICATE),
        (None, KEY, "a/b", (), NO_CERTIFICATE),
        (
            FILE,
            KEY,
            None,
            ("x",),
            "--certificate-name needs --certificates-secret: --tls-cert has its own names",
        ),
        (None, None, "a", (), "--certificates-secret a: not of the form NAMESPACE/NAME"),
        (None, None, "a/b/c", (), "--certificates-secret a/b/c: not of the form NAMESPACE/NAME"),
        (None, None, "/b", (), "--certificates-secret /b: not of the form NAMESPACE/NAME"),
    ],
)
def test_a_certificate_that_is_not_one_is_refused(
    certificate: Path | None, key: Path | None, secret: str | None, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        one_certificate(certificate, key, secret, names, 3600)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("register", "authority", "shown", "url"),
    [
        ("service", None, OWN, ""),
        ("https://10.0.0.7:8443", None, OWN, "https://10.0.0.7:8443"),
        ("service", CA, PAIR, ""),
    ],
)
def test_a_server_registers_its_service_or_its_url(
    register: str, authority: Path | None, shown: Pair | OwnCertificates, url: str
) -> None:
    made = Registration.of(register, authority, KUBECONFIG, shown)
    assert made == Registration(KUBECONFIG, url, authority)


def test_a_server_with_files_need_not_register() -> None:
    assert Registration.of(None, None, None, PAIR) is None


@pytest.mark.parametrize(
    ("register", "authority", "kubeconfig", "shown", "message"),
    [
        (None, None, KUBECONFIG, OWN, UNPUBLISHED),
        (None, CA, KUBECONFIG, PAIR, "--register-ca needs --register"),
        ("service", CA, KUBECONFIG, OWN, OWN_AUTHORITY),
        ("service", None, KUBECONFIG, PAIR, NO_AUTHORITY),
        (
            "service",
            CA,
            None,
            PAIR,
            "--register needs --kubeconfig: whom to have asked is an object of the cluster",
        ),
        ("http://x", CA, KUBECONFIG, PAIR, "--register http://x: not of the form https://HOST:PORT"),
    ],
)
def test_a_registration_that_cannot_be_kept_is_refused(
    register: str | None,
    authority: Path | None,
    kubeconfig: Path | None,
    shown: Pair | OwnCertificates,
    message: str,
) -> None:
    with pytest.raises(InputError) as refused:
        Registration.of(register, authority, kubeconfig, shown)
    assert refused.value.message == message
