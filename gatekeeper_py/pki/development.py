"""What `gatekeeper certs dev DIR` makes: an authority, what the server shows, and what the API server shows.

`ca.crt` and `ca.key` are made once and kept: who trusts them keeps trusting them. The serving certificate
`tls.crt` and the client certificate `client.crt` are made again when they are about to expire or lack a name.
Files that we did not make are never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from gatekeeper_py.pki.authority import (
    AUTHORITY_NAME,
    CertificateError,
    KeyPair,
    make_authority,
    make_client,
    make_serving,
    names_of,
    signed_by,
)
from gatekeeper_py.pki.files import read_pair, write_pair

__all__ = ["CLIENT_NAME", "NAMESPACE", "SERVICE", "Certificates", "make_certificates", "service_names"]

SERVICE = "gatekeeper"
NAMESPACE = "gatekeeper-system"
"""The Service and Namespace of `webhooks/`."""

CLIENT_NAME = "kube-apiserver-webhook-client"
"""Who the API server is to the server: what `gatekeeper serve --client-name` may ask for."""

RENEW_BEFORE = timedelta(days=30)
"""A certificate with less time left is made again."""

MakeLeaf: TypeAlias = Callable[[KeyPair, Sequence[str], datetime], KeyPair]


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are, and what was done."""

    directory: Path
    made_authority: bool
    made_serving: bool
    made_client: bool

    @property
    def authority(self) -> Path:
        """The CA, whose key lies beside it in `ca.key`."""
        return self.directory / "ca.crt"

    @property
    def certificate(self) -> Path:
        """What the server shows."""
        return self.directory / "tls.crt"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.directory / "tls.key"

    @property
    def client(self) -> Path:
        """What the API server shows."""
        return self.directory / "client.crt"

    @property
    def client_key(self) -> Path:
        """Its key."""
        return self.directory / "client.key"


def service_names() -> tuple[str, ...]:
    """Every name the server answers to: the API server asks for `<service>.<namespace>.svc`."""
    qualified = f"{SERVICE}.{NAMESPACE}"
    return (
        f"{qualified}.svc",
        f"{qualified}.svc.cluster.local",
        qualified,
        SERVICE,
        "localhost",
        "127.0.0.1",
        "::1",
    )


def make_certificates(
    directory: Path, names: Sequence[str] | None = None, now: datetime | None = None
) -> Certificates:
    """Make what is missing or stale; `CertificateError` rather than replace a stranger's file."""
    names = service_names() if names is None else names
    now = datetime.now(UTC) if now is None else now
    _make_directory(directory)
    try:
        authority, made_authority = _authority(directory, now)
        made_serving = _leaf(directory, "tls", authority, make_serving, names, now)
        made_client = _leaf(directory, "client", authority, make_client, (CLIENT_NAME,), now)
    except OSError as error:
        raise CertificateError(f"{error.filename or directory}: {error.strerror}") from error
    return Certificates(directory, made_authority, made_serving, made_client)


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CertificateError(f"{directory}: {error.strerror}") from error


def _authority(directory: Path, now: datetime) -> tuple[KeyPair, bool]:
    """The authority of the directory and whether it is new."""
    certificate_file, key_file = directory / "ca.crt", directory / "ca.key"
    if not certificate_file.exists() and not key_file.exists():
        for name in ("tls", "client"):
            if (directory / f"{name}.crt").exists() or (directory / f"{name}.key").exists():
                raise _foreign(directory / f"{name}.crt")
        pair = make_authority(now)
        write_pair(pair, certificate_file, key_file)
        return pair, True
    try:
        pair = read_pair(certificate_file, key_file)
    except CertificateError as error:
        raise CertificateError(f"{error}; {_remedy(directory)}") from error
    if _common_name(pair.certificate) != AUTHORITY_NAME:
        raise _foreign(certificate_file)
    if pair.certificate.not_valid_after_utc < now + RENEW_BEFORE:
        expiry = pair.certificate.not_valid_after_utc
        raise CertificateError(f"{certificate_file}: expires {expiry:%Y-%m-%d}; {_remedy(directory)}")
    return pair, False


def _leaf(
    directory: Path, name: str, authority: KeyPair, make: MakeLeaf, names: Sequence[str], now: datetime
) -> bool:
    """Make a certificate unless the one there still serves; whether it was made."""
    certificate_file, key_file = directory / f"{name}.crt", directory / f"{name}.key"
    if certificate_file.exists() or key_file.exists():
        try:
            current = read_pair(certificate_file, key_file)
        except CertificateError as error:
            raise CertificateError(f"{error}; {_remedy(directory)}") from error
        if not signed_by(current.certificate, authority.certificate):
            raise _foreign(certificate_file)
        if _serves(current.certificate, names, now):
            return False
    write_pair(make(authority, names, now), certificate_file, key_file)
    return True


def _serves(certificate: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    return names_of(certificate).issuperset(names) and certificate.not_valid_after_utc >= now + RENEW_BEFORE


def _common_name(certificate: x509.Certificate) -> str:
    attributes = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def _foreign(path: Path) -> CertificateError:
    return CertificateError(f"{path}: was not made by gatekeeper certs dev; {_remedy(path.parent)}")


def _remedy(directory: Path) -> str:
    return f"choose another directory or move the .crt and .key files out of {directory}"
