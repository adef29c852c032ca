"""What `gatekeeper certs dev` leaves in a directory."""

from __future__ import annotations

import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper_py.pki.authority import CertificateError, KeyPair, make_authority, signed_by
from gatekeeper_py.pki.development import CLIENT_NAME, make_certificates
from gatekeeper_py.pki.files import read_pair, write_pair

NOW = datetime.now(UTC)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_it_makes_an_authority_and_the_certificates_it_signed(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certs")
    assert (made.made_authority, made.made_serving, made.made_client) == (True, True, True)
    assert signed_by(certificate(made.certificate), certificate(made.authority))
    assert signed_by(certificate(made.client), certificate(made.authority))
    assert not signed_by(certificate(made.authority), certificate(made.certificate))


def test_the_serving_certificate_names_localhost_and_the_service(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    names = (
        certificate(made.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "gatekeeper.gatekeeper-system.svc",
        "gatekeeper.gatekeeper-system.svc.cluster.local",
        "gatekeeper.gatekeeper-system",
        "gatekeeper",
        "localhost",
    }
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    }


def purposes(path: Path) -> list[x509.ObjectIdentifier]:
    return list(certificate(path).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_neither_certificate_passes_as_the_other(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    assert purposes(made.certificate) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert purposes(made.client) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    (name,) = certificate(made.client).subject
    assert name.value == CLIENT_NAME == "kube-apiserver-webhook-client"


def test_a_directory_of_before_gets_its_client_certificate_and_keeps_the_rest(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    for name in ("client.crt", "client.key"):
        (tmp_path / name).unlink()
    again = make_certificates(tmp_path)
    assert (again.made_authority, again.made_serving, again.made_client) == (False, False, True)
    assert read_pair(again.client, again.client_key)


def test_only_the_owner_can_read_the_keys(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {
        **{f"{name}.crt": 0o644 for name in ("ca", "tls", "client")},
        **{f"{name}.key": 0o600 for name in ("ca", "tls", "client")},
    }


def test_openssl_accepts_the_pair_strictly(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    client = ssl.create_default_context(cafile=str(made.authority))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    handshake(client, server)


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A TLS handshake in memory for the name the API server would ask for."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    a = client.wrap_bio(to_client, to_server, server_hostname="gatekeeper.gatekeeper-system.svc")
    b = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (a, b):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert a.version() == "TLSv1.3"


def test_a_second_run_keeps_everything(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = make_certificates(tmp_path)
    assert (again.made_authority, again.made_serving, again.made_client) == (False, False, False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("later", "names"),
    [(timedelta(days=340), None), (timedelta(0), ["localhost", "gatekeeper.example"])],
    ids=["about to expire", "lacks a name"],
)
def test_a_stale_serving_certificate_is_made_again_under_the_same_authority(
    tmp_path: Path, later: timedelta, names: list[str] | None
) -> None:
    first = make_certificates(tmp_path)
    authority = first.authority.read_bytes()
    again = make_certificates(tmp_path, names, NOW + later)
    assert (again.made_authority, again.made_serving) == (False, True)
    assert first.authority.read_bytes() == authority
    assert signed_by(certificate(again.certificate), certificate(again.authority))


def foreign_authority() -> KeyPair:
    """An authority that a stranger made: with another name."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    ours = make_authority(NOW)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Corp Root")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ours.key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1000))
    )
    return KeyPair(builder.sign(ours.key, hashes.SHA256()), ours.key)


def test_a_foreign_authority_is_never_overwritten(tmp_path: Path) -> None:
    write_pair(foreign_authority(), tmp_path / "ca.crt", tmp_path / "ca.key")
    before = (tmp_path / "ca.crt").read_bytes()
    with pytest.raises(CertificateError) as refused:
        make_certificates(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}/ca.crt: was not made by gatekeeper certs dev; "
        f"choose another directory or move the .crt and .key files out of {tmp_path}"
    )
    assert (tmp_path / "ca.crt").read_bytes() == before


@pytest.mark.parametrize("name", ["tls", "client"])
def test_a_foreign_certificate_is_never_overwritten(tmp_path: Path, name: str) -> None:
    write_pair(foreign_authority(), tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
    with pytest.raises(CertificateError, match=rf"{name}\.crt: was not made by gatekeeper certs dev"):
        make_certificates(tmp_path)
    assert not (tmp_path / "ca.crt").exists()


def test_a_serving_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    write_pair(make_authority(NOW), tmp_path / "ca.crt", tmp_path / "ca.key")
    with pytest.raises(CertificateError, match=r"tls\.crt: was not made by gatekeeper certs dev"):
        make_certificates(tmp_path)
    assert made.certificate.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ca.crt", "no certificate", "ca.crt: is no PEM certificate"),
        ("ca.key", "no key", "ca.key: is no unencrypted PEM private key"),
        ("ca.key", None, "ca.key: No such file or directory"),
        ("tls.crt", "", "tls.crt: is no PEM certificate"),
        ("tls.key", None, "tls.key: No such file or directory"),
        ("client.crt", "", "client.crt: is no PEM certificate"),
        ("client.key", None, "client.key: No such file or directory"),
    ],
)
def test_broken_files_are_named_and_kept(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    make_certificates(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(CertificateError) as refused:
        make_certificates(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path}/{message}; choose another directory")


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    make_certificates(tmp_path / "other")
    (tmp_path / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    with pytest.raises(CertificateError, match=r"ca\.key: is not the key of .*ca\.crt"):
        read_pair(tmp_path / "ca.crt", tmp_path / "ca.key")


def test_an_expired_authority_is_named(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    with pytest.raises(CertificateError, match=r"ca\.crt: expires \d{4}-\d\d-\d\d; choose another directory"):
        make_certificates(tmp_path, now=NOW + timedelta(days=3640))


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="file: "):
        make_certificates(tmp_path / "file")
