"""TLS from files that may be replaced while the server runs (cert-manager, `gatekeeper certs dev`)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

__all__ = ["Clients", "ServingCertificate", "TLSError", "caller", "covers"]

NAMES: Final = ("DNS", "URI", "email", "IP Address")
"""Kinds of subjectAltName whose values are compared with the names of clients."""

MINIMUM_VERSION: Final = ssl.TLSVersion.TLSv1_2
"""What kube-apiserver itself accepts at least (k8s.io/component-base/cli/flag/ciphersuites_flag.go)."""

_REMEDY: Final = "--client-ca is the PEM certificate of the CA that signs the callers' certificates"


class TLSError(Exception):
    """What the files hold cannot be served; the message names file and reason."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Who may call: holders of a certificate of these authorities, of one of these names if there are any."""

    authority: Path
    """PEM file of one or more certificates. Each is trusted as it is: an intermediate needs no root."""
    names: frozenset[str] = frozenset()
    """Compared with the common name and every subjectAltName, letter by letter."""


class ServingCertificate:
    """A server-side TLS context whose certificate, and whose clients' authority, follow their files."""

    def __init__(self, certificate: Path, key: Path, clients: Clients | None = None) -> None:
        self.certificate = certificate
        self.key = key
        self.clients = clients
        self.authorities = ""
        """Who signs clients' certificates, as PEM; empty when anybody may call."""
        self.context = _Following()
        self.reload()

    @property
    def files(self) -> tuple[Path, ...]:
        """What to watch."""
        authority = () if self.clients is None else (self.clients.authority,)
        return self.certificate, self.key, *authority

    def tell_refusals(self, tell: Callable[[str], None]) -> None:
        """Have every failed handshake reported: `tell` gets the reason."""
        self.context.tell = tell

    def let_in(self, names: frozenset[str]) -> None:
        """Let in certificates of these names, besides those of `Clients`."""
        self.context.guests = names

    def require(self, served: object) -> None:
        """Raise `TLSError` unless `served`, which every connection is to get, is this certificate's context.

        It has to refuse old versions of TLS, and who shows no certificate where clients have an authority.
        """
        if served is not self.context:
            raise TLSError("TLS is not in force: the HTTP server would not use the serving certificate")
        if self.context.now.minimum_version < MINIMUM_VERSION:
            raise TLSError(f"TLS is not in force: versions before {MINIMUM_VERSION.name} would be accepted")
        if self.clients is not None and self.context.now.verify_mode is not ssl.CERT_REQUIRED:
            raise TLSError("TLS is not in force: callers without a certificate would be let in")

    def reload(self) -> float:
        """Serve what the files hold now and return when it expires (seconds since the epoch).

        Raises `TLSError` and keeps everything as it was: half a replacement is none. A new context knows no
        session of the old one, so nobody comes in by a certificate of an authority that is no longer there.
        """
        context = _new_context(self.context)
        self._load_into(context)
        authorities = "" if self.clients is None else _demand_certificates(context, self.clients)
        expiry = self._expiry()
        self.context.now, self.authorities = context, authorities
        return expiry

    def _load_into(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except ssl.SSLError as error:
            reason = error.reason or "not PEM"
            raise TLSError(
                f"{self.certificate}, {self.key}: not a certificate and its key ({reason})"
            ) from error
        except OSError as error:
            missing = next((file for file in (self.certificate, self.key) if not file.is_file()), self.key)
            raise TLSError(f"{missing}: {error.strerror}") from error

    def _expiry(self) -> float:
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return certificate.not_valid_after_utc.timestamp()


class _Following(ssl.SSLContext):
    """What the event loop holds on to: every new connection gets the context that is there now."""

    now: ssl.SSLContext
    guests: frozenset[str] = frozenset()
    """Names of certificates that may come in besides those of `Clients`; to which doors is told elsewhere."""
    tell: Callable[[str], None] = staticmethod(lambda _reason: None)

    def __new__(cls) -> _Following:
        """A server's context; its own settings are used for nothing."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """One connection."""
        return self.now.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class _Context(ssl.SSLContext):
    """One state of the files."""

    door: _Following
    names: frozenset[str] = frozenset()

    def __new__(cls) -> _Context:
        """A server's context."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)


class _Connection(ssl.SSLObject):
    """Says why a handshake failed, and fails it for a certificate of another name."""

    def do_handshake(self) -> None:
        """One step of the handshake."""
        context = self.context
        assert isinstance(context, _Context)
        try:
            super().do_handshake()
            if context.names:
                _check_names(self.getpeercert() or {}, context.names | context.door.guests)
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            raise  # more has to arrive first
        except ssl.SSLError as error:
            context.door.tell(_reason(error))
            raise


def covers(context: object, connection: object) -> bool:
    """Whether `connection` (an SSLObject; None in plain HTTP) was opened by a certificate's `context`."""
    if not isinstance(connection, _Connection):
        return False
    opener = connection.context
    return isinstance(opener, _Context) and opener.door is context


class _WrongName(ssl.SSLError):
    """The caller's certificate is good, but nobody's who may call."""


def _check_names(certificate: Mapping[str, Any], names: frozenset[str]) -> None:
    common, alternative = _names(certificate)
    if names.isdisjoint([*common, *alternative]):
        raise _WrongName(f"the caller's certificate: no name in it may call: {', '.join(common)}")


def _names(certificate: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The common name, and every subjectAltName."""
    common = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return common, [value for kind, value in certificate.get("subjectAltName", ()) if kind in NAMES]


def caller(connection: object) -> frozenset[str]:
    """The names in the certificate that was shown on a connection; none where none was demanded."""
    if not isinstance(connection, ssl.SSLObject):
        return frozenset()
    common, alternative = _names(connection.getpeercert() or {})
    return frozenset((*common, *alternative))


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the caller's certificate: {error.verify_message}"
    if isinstance(error, _WrongName):
        return str(error.args[0])
    if error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "the caller shows no certificate"
    return error.reason or str(error)


def _new_context(door: _Following) -> _Context:
    """Server side, TLS 1.2 or later, no compression and no renegotiation (Python's defaults)."""
    context = _Context()
    context.door = door
    context.sslobject_class = _Connection
    context.minimum_version = MINIMUM_VERSION
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    return context


def _demand_certificates(context: _Context, clients: Clients) -> str:
    """Let nobody in without a certificate of the clients' authority; returns the authority as PEM."""
    authorities = _read_authorities(clients.authority)
    context.load_verify_locations(cadata=authorities)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.names = clients.names
    return authorities


def _read_authorities(file: Path) -> str:
    """The certificates of a bundle and nothing else: comments in it may be of any letters."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
        return "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in found)
    except OSError as error:
        raise TLSError(f"{file}: {error.strerror}. {_REMEDY}") from error
    except ValueError as error:
        raise TLSError(f"{file}: is no PEM certificate. {_REMEDY}") from error


def _no_password() -> str:
    """Asked only for an encrypted key: without this OpenSSL would prompt on the terminal."""
    return ""
