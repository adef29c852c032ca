"""TLS from files that may be replaced while the server runs (cert-manager, `gatekeeper certs dev`)."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

__all__ = ["ServingCertificate", "TLSError"]


class TLSError(Exception):
    """The certificate and key in the files cannot be served; the message names file and reason."""


class ServingCertificate:
    """A server-side TLS context whose certificate follows its files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        self.key = key
        self.context = _new_context()
        self.reload()

    @property
    def files(self) -> tuple[Path, Path]:
        """What to watch."""
        return self.certificate, self.key

    def reload(self) -> float:
        """Serve what the files hold now and return when it expires (seconds since the epoch).

        Raises `TLSError` and keeps the last good pair: half a replacement fails on a scratch context.
        """
        self._load_into(_new_context())
        self._load_into(self.context)
        return self._expiry()

    def _load_into(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except ssl.SSLError as error:
            reason = error.reason or "not PEM"
            raise TLSError(
                f"{self.certificate}, {self.key}: not a certificate and its key ({reason})"
            ) from error
        except OSError as error:
            missing = next((file for file in self.files if not file.is_file()), self.key)
            raise TLSError(f"{missing}: {error.strerror}") from error

    def _expiry(self) -> float:
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return certificate.not_valid_after_utc.timestamp()


def _new_context() -> ssl.SSLContext:
    """Server side, TLS 1.2 or later, no compression and no renegotiation (Python's defaults)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """Asked only for an encrypted key: without this OpenSSL would prompt on the terminal."""
    return ""
