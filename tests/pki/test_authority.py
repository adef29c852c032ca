"""What our authority may sign, and what its certificates are good for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import ClientVerifier, PolicyBuilder, Store, VerificationError

from gatekeeper_py.pki.authority import (
    AUTHORITY_NAME,
    KeyPair,
    make_authority,
    make_client,
    make_serving,
    signed_by,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AUTHORITY = make_authority(NOW)
OTHER = make_authority(NOW)
NAMES = ("gatekeeper.svc", "127.0.0.1", "::1")
SERVING = make_serving(AUTHORITY, NAMES, NOW)
CLIENT = make_client(AUTHORITY, ("kube-apiserver",), NOW)

Make = Callable[[KeyPair, Sequence[str], datetime], KeyPair]


def builder(authority: KeyPair = AUTHORITY, at: datetime = NOW) -> PolicyBuilder:
    return PolicyBuilder().store(Store([authority.certificate])).time(at)


def clients(authority: KeyPair = AUTHORITY, at: datetime = NOW) -> ClientVerifier:
    return builder(authority, at).build_client_verifier()


@pytest.mark.parametrize(
    "name", [x509.DNSName("gatekeeper.svc"), *(x509.IPAddress(ipaddress.ip_address(n)) for n in NAMES[1:])]
)
def test_a_strict_verifier_takes_the_serving_certificate_for_each_of_its_names(
    name: x509.DNSName | x509.IPAddress,
) -> None:
    assert builder().build_server_verifier(name).verify(SERVING.certificate, [])


def test_a_strict_verifier_takes_the_client_certificate() -> None:
    assert clients().verify(CLIENT.certificate, [])


def test_a_client_cannot_pass_as_a_server_nor_a_server_as_a_client() -> None:
    with pytest.raises(VerificationError):
        builder().build_server_verifier(x509.DNSName("kube-apiserver")).verify(CLIENT.certificate, [])
    with pytest.raises(VerificationError):
        clients().verify(SERVING.certificate, [])


def test_a_serving_certificate_is_for_no_other_name() -> None:
    with pytest.raises(VerificationError):
        builder().build_server_verifier(x509.DNSName("other.svc")).verify(SERVING.certificate, [])


def test_another_authority_of_the_same_name_vouches_for_nothing() -> None:
    assert OTHER.certificate.subject == AUTHORITY.certificate.subject
    with pytest.raises(VerificationError):
        clients(OTHER).verify(CLIENT.certificate, [])


@pytest.mark.parametrize(
    ("pair", "days"),
    [(AUTHORITY, 3650), (SERVING, 365), (CLIENT, 365)],
    ids=["authority", "serving", "client"],
)
def test_a_certificate_holds_from_a_little_before_now_for_its_lifetime(pair: KeyPair, days: int) -> None:
    held = pair.certificate
    assert held.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert held.not_valid_after_utc == NOW + timedelta(days=days)


def test_the_authority_signs_certificates_and_no_authorities() -> None:
    extensions = AUTHORITY.certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (True, True, False)
    assert AUTHORITY.certificate.subject.rfc4514_string() == f"CN={AUTHORITY_NAME}"


@pytest.mark.parametrize(
    ("make", "purpose"),
    [(make_serving, ExtendedKeyUsageOID.SERVER_AUTH), (make_client, ExtendedKeyUsageOID.CLIENT_AUTH)],
    ids=["serving", "client"],
)
def test_what_the_authority_signs_signs_nothing(make: Make, purpose: x509.ObjectIdentifier) -> None:
    leaf = make(AUTHORITY, ("a",), NOW).certificate
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (False, False, True)
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [purpose]


def test_no_two_certificates_share_a_key_or_a_serial_number() -> None:
    pairs = (AUTHORITY, OTHER, SERVING, CLIENT, make_client(AUTHORITY, ("kube-apiserver",), NOW))
    assert len({pair.certificate.serial_number for pair in pairs}) == len(pairs)
    assert len({pair.key.private_numbers().private_value for pair in pairs}) == len(pairs)


def test_only_the_key_tells_who_signed() -> None:
    found = {
        "its own": signed_by(SERVING.certificate, AUTHORITY.certificate),
        "itself": signed_by(AUTHORITY.certificate, AUTHORITY.certificate),
        "a namesake": signed_by(SERVING.certificate, OTHER.certificate),
        "a leaf": signed_by(SERVING.certificate, CLIENT.certificate),
    }
    assert found == {"its own": True, "itself": True, "a namesake": False, "a leaf": False}
    with pytest.raises(InvalidSignature):
        SERVING.certificate.verify_directly_issued_by(OTHER.certificate)


def test_pem_gives_back_the_certificate_and_its_key() -> None:
    key = serialization.load_pem_private_key(SERVING.key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert x509.load_pem_x509_certificate(SERVING.certificate_pem) == SERVING.certificate
    assert key.public_key() == SERVING.certificate.public_key()
