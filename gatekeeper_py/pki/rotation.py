"""A CA and a serving certificate that replace themselves, one step at a time, and never by surprise.

Whoever calls trusts a bundle of authorities. So a new authority is in the bundle for a while before it signs,
and an old one for a while after the last certificate of its own was shown. Between two steps the bundle is
published. Which step is next is told by the certificates alone, by when they were made: nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gatekeeper_py.pki.authority import (
    CLOCK_SKEW,
    KeyPair,
    make_authority,
    make_serving,
    names_of,
    signed_by,
)

__all__ = [
    "AUTHORITY",
    "BUNDLE",
    "Issued",
    "Terms",
    "advance",
    "certificates_in",
    "decode",
    "encode",
    "usable",
]

AUTHORITY: Final = "gatekeeper_py CA"
"""Common name of the authorities of an installed engine."""

BUNDLE: Final = "ca.crt"
"""The key of a Secret that holds whom to trust, as cert-manager names it."""

Data: TypeAlias = Mapping[str, bytes]
"""What a Secret holds: `ca.crt`, `ca.key`, `tls.crt`, `tls.key` in PEM."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things are good for."""

    serving: timedelta = timedelta(days=90)
    renew_serving: timedelta = timedelta(days=45)
    """A serving certificate with less time left is made again: long before the warning at 30 days."""
    authority: timedelta = timedelta(days=3650)
    renew_authority: timedelta = timedelta(days=365)
    """An authority with less time left gets a successor: every certificate that it signs expires before."""
    overlap: timedelta = timedelta(hours=1)
    """How long an authority is trusted before it signs and after its last certificate was replaced. API
    servers and replicas learn of a change within seconds; one that was cut off gets an hour."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What there is."""

    authorities: tuple[x509.Certificate, ...] = ()
    """Whom to trust, the newest last: that one signs."""
    signer: ec.EllipticCurvePrivateKey | None = None
    """The key of the newest."""
    serving: KeyPair | None = None

    @property
    def bundle(self) -> bytes:
        """Whom to trust, in PEM."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in self.authorities)


def advance(issued: Issued, names: Sequence[str], now: datetime, terms: Terms) -> Issued:
    """The next step, or `issued` itself when there is nothing to do yet."""
    if issued.signer is None or _left(issued.authorities[-1], now) < terms.renew_authority:
        return _with_successor(issued, now, terms)
    newest = issued.authorities[-1]
    if not usable(issued, names, now):
        return _signed(issued, names, now, terms)
    assert issued.serving is not None
    shown = issued.serving.certificate
    if signed_by(shown, newest) and _left(shown, now) >= terms.renew_serving:
        return _without_old(issued, now, terms)
    return _signed(issued, names, now, terms) if _age(newest, now) >= terms.overlap else issued


def usable(issued: Issued, names: Sequence[str], now: datetime) -> bool:
    """Whether the serving certificate is trusted, in time, and good for the names."""
    if issued.serving is None or not names_of(issued.serving.certificate).issuperset(names):
        return False
    shown = issued.serving.certificate
    in_time = shown.not_valid_before_utc <= now < shown.not_valid_after_utc
    return in_time and any(signed_by(shown, authority) for authority in issued.authorities)


def _with_successor(issued: Issued, now: datetime, terms: Terms) -> Issued:
    made = make_authority(now, AUTHORITY, terms.authority)
    return replace(issued, authorities=(*issued.authorities, made.certificate), signer=made.key)


def _signed(issued: Issued, names: Sequence[str], now: datetime, terms: Terms) -> Issued:
    assert issued.signer is not None
    authority = KeyPair(issued.authorities[-1], issued.signer)
    return replace(issued, serving=make_serving(authority, names, now, terms.serving))


def _without_old(issued: Issued, now: datetime, terms: Terms) -> Issued:
    """Trust only the newest once everybody shows a certificate of its own."""
    assert issued.serving is not None
    if len(issued.authorities) == 1 or _age(issued.serving.certificate, now) < terms.overlap:
        return issued
    return replace(issued, authorities=issued.authorities[-1:])


def _left(certificate: x509.Certificate, now: datetime) -> timedelta:
    return certificate.not_valid_after_utc - now


def _age(certificate: x509.Certificate, now: datetime) -> timedelta:
    return now - certificate.not_valid_before_utc - CLOCK_SKEW


# --- as a Secret -----------------------------------------------------------------------------------------


def encode(issued: Issued) -> dict[str, bytes]:
    """What a Secret is to hold."""
    data = {BUNDLE: issued.bundle}
    if issued.signer is not None:
        data["ca.key"] = KeyPair(issued.authorities[-1], issued.signer).key_pem
    if issued.serving is not None:
        data |= {"tls.crt": issued.serving.certificate_pem, "tls.key": issued.serving.key_pem}
    return data


def decode(data: Data) -> Issued:
    """What a Secret holds. What is missing, is no PEM or does not belong together is not there."""
    authorities = certificates_in(data.get(BUNDLE, b""))
    signer = _key(data.get("ca.key", b""))
    shown, key = certificates_in(data.get("tls.crt", b"")), _key(data.get("tls.key", b""))
    serving = KeyPair(shown[0], key) if shown and key and _belong(shown[0], key) else None
    if signer is not None and not (authorities and _belong(authorities[-1], signer)):
        signer = None
    return Issued(authorities, signer, serving)


def certificates_in(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a bundle, none when it is no PEM."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        return ()


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _belong(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return bool(certificate.public_key() == key.public_key())
