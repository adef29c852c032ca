"""Certificates and keys in files: keys are readable by their owner only, writes are whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gatekeeper_py.pki.authority import CertificateError, KeyPair

__all__ = ["CERTIFICATE_MODE", "KEY_MODE", "read_pair", "write_pair"]

KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644


def read_pair(certificate_file: Path, key_file: Path) -> KeyPair:
    """The certificate and its key; `CertificateError` when one cannot be read or they do not match."""
    certificate = _read_certificate(certificate_file)
    key = _read_key(key_file)
    if certificate.public_key() != key.public_key():
        raise CertificateError(f"{key_file}: is not the key of {certificate_file}")
    return KeyPair(certificate, key)


def write_pair(pair: KeyPair, certificate_file: Path, key_file: Path) -> None:
    """Write both, the key first: a reader that sees the new certificate finds its key."""
    _write(key_file, pair.key_pem, KEY_MODE)
    _write(certificate_file, pair.certificate_pem, CERTIFICATE_MODE)


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise CertificateError(f"{path}: is no PEM certificate") from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{path}: is no unencrypted PEM private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{path}: is no elliptic curve key")
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file in one step. The temporary file is private from its first byte (mkstemp: 0600)."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
