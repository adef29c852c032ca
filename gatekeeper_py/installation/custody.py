"""The engine's own certificates: kept in a Secret, shown from files that the server follows."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from gatekeeper_py.installation.access import Access, AccessError, Conflict
from gatekeeper_py.installation.identifiers import SECRET
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.pki.files import write_pair
from gatekeeper_py.pki.rotation import Issued, Terms, advance, decode, encode, usable

__all__ = ["Custody", "SecretLost"]


class SecretLost(Exception):
    """There is no Secret to keep certificates in; the message says what to do."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Custody:
    """A Secret, and the pair of files that shows what is in it."""

    access: Access
    namespace: str
    name: str
    names: Sequence[str]
    """What the certificate has to be good for."""
    folder: Path
    """Private, and best in memory: the key is written here."""
    terms: Terms = field(default_factory=Terms)
    clock: Callable[[], datetime] = _now
    _shown: x509.Certificate | None = field(default=None, init=False)
    _held: Issued = field(default_factory=Issued, init=False)
    _secret: Object = field(default_factory=dict, init=False)
    """As it was read last."""

    @property
    def certificate(self) -> Path:
        """What the server shows."""
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.folder / "tls.key"

    def begin(self) -> Issued:
        """What the Secret holds, once there is something to show: the first replica makes it.

        Raises `SecretLost`, and `AccessError` when the API server does not answer.
        """
        issued = self.follow()
        while not usable(issued, self.names, self.clock()):
            with suppress(Conflict):
                self.advance(issued)
            issued = self.follow()
        return issued

    def follow(self) -> Issued:
        """What the Secret holds now, shown.

        When somebody has emptied it, what it held: a rotation follows from there, and nobody is cut off.
        """
        self._secret = self._read()
        issued = decode(_data(self._secret))
        if not issued.authorities:
            issued = replace(self._held, signer=None)
        self._hold(issued)
        return issued

    def advance(self, issued: Issued) -> Issued:
        """The next step from what `follow` gave, kept and shown; `issued` itself when there is none yet.

        Raises `Conflict` when another replica has written since: it is followed at the next look.
        """
        following = advance(issued, self.names, self.clock(), self.terms)
        if following is not issued:
            self._write(following)
            self._hold(following)
        return following

    def _hold(self, issued: Issued) -> None:
        self._show(issued)
        self._held = issued

    def _show(self, issued: Issued) -> None:
        if issued.serving is not None and issued.serving.certificate != self._shown:
            write_pair(issued.serving, self.certificate, self.key)
            self._shown = issued.serving.certificate

    def _read(self) -> Object:
        found = self.access.get(SECRET, self.name, self.namespace)
        if found is None:
            raise SecretLost(
                f"there is no Secret {self.namespace}/{self.name}. Install it: gatekeeper install"
            )
        return found

    def _write(self, issued: Issued) -> None:
        """Only in the version that was read: of several replicas one is first, the others follow it."""
        secret = self._secret
        data = {name: base64.b64encode(value).decode("ascii") for name, value in encode(issued).items()}
        self.access.replace({**secret, "data": {**(secret.get("data") or {}), **data}})


def _data(secret: Object) -> dict[str, bytes]:
    try:
        return {name: base64.b64decode(text) for name, text in (secret.get("data") or {}).items()}
    except ValueError as error:  # the API server lets nothing else in
        raise AccessError("the Secret's data is no base64") from error
