"""Which certificate `gatekeeper serve` shows, and how the API server comes to ask it."""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import https_address
from gatekeeper_py.cli.sources import access_to
from gatekeeper_py.installation.access import Access, AccessError
from gatekeeper_py.installation.custody import Custody, SecretLost
from gatekeeper_py.installation.lease import Lease
from gatekeeper_py.installation.registrar import Registrar
from gatekeeper_py.installation.upkeep import FromFile, FromSecret, Trust, Upkeep
from gatekeeper_py.pki.development import service_names
from gatekeeper_py.pki.rotation import Terms
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["MakeUpkeep", "OwnCertificates", "Pair", "Registration", "one_certificate"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, which somebody else renews."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class OwnCertificates:
    """A CA and a certificate of the engine's own, in a Secret."""

    namespace: str
    name: str
    names: Sequence[str]
    overlap: timedelta

    @contextmanager
    def custody(self, access: Access) -> Iterator[Custody]:
        """Made now if there are none; the files that show them are gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="gatekeeper-") as folder:
            terms = Terms(overlap=self.overlap)
            custody = Custody(access, self.namespace, self.name, self.names, Path(folder), terms)
            try:
                custody.begin()
            except (AccessError, SecretLost) as error:
                raise InputError(f"--certificates-secret {self.namespace}/{self.name}: {error}") from error
            yield custody


def one_certificate(
    certificate: Path | None,
    key: Path | None,
    secret: str | None,
    names: Sequence[str],
    overlap: int,
) -> Pair | OwnCertificates:
    """What to show; raises `InputError` unless the options say exactly one."""
    if secret is None:
        if names:
            raise InputError("--certificate-name needs --certificates-secret: --tls-cert has its own names")
        if certificate is None or key is None:
            raise InputError(NO_CERTIFICATE)
        return Pair(certificate, key)
    if certificate is not None or key is not None:
        raise InputError(NO_CERTIFICATE)
    namespace, _, name = secret.partition("/")
    if not namespace or not name or "/" in name:
        raise InputError(f"--certificates-secret {secret}: not of the form NAMESPACE/NAME")
    return OwnCertificates(namespace, name, names or service_names(), timedelta(seconds=overlap))


@dataclass(frozen=True, slots=True)
class Registration:
    """Whether and how the server has itself asked."""

    kubeconfig: Path
    url: str
    """Where the API server finds it; empty for the Service."""
    authority: Path | None
    """Whom the API server is to trust; None for the engine's own CA."""

    @classmethod
    def of(
        cls,
        register: str | None,
        authority: Path | None,
        kubeconfig: Path | None,
        shown: Pair | OwnCertificates,
    ) -> Registration | None:
        """What the options say; raises `InputError` unless they fit each other."""
        own = isinstance(shown, OwnCertificates)
        if register is None:
            if own:
                raise InputError(UNPUBLISHED)
            if authority is not None:
                raise InputError("--register-ca needs --register")
            return None
        if kubeconfig is None:
            raise InputError("--register needs --kubeconfig: whom to have asked is an object of the cluster")
        if own == (authority is not None):
            raise InputError(OWN_AUTHORITY if own else NO_AUTHORITY)
        url = "" if register == SERVICE else https_address("--register", register)
        return cls(kubeconfig, url, authority)

    @contextmanager
    def keeping(self, shown: Pair | OwnCertificates) -> Iterator[tuple[Pair, MakeUpkeep]]:
        """The files to show, and what looks after them and after the registration."""
        access = access_to(self.kubeconfig)
        if isinstance(shown, Pair):
            assert self.authority is not None
            yield shown, self._upkeep(access, FromFile(self.authority))
            return
        with shown.custody(access) as custody:
            yield Pair(custody.certificate, custody.key), self._upkeep(access, FromSecret(custody))

    def _upkeep(self, access: Access, trust: Trust) -> MakeUpkeep:
        lease = Lease(access, f"{socket.gethostname()}-{secrets.token_hex(4)}")
        registrar = Registrar(access, self.url)
        return lambda tenancy, tell: Upkeep(trust, lease, registrar, tenancy, tell)


MakeUpkeep = Callable[[Callable[[], Tenancy | None], Callable[[str, str], None]], Upkeep]
"""From the tenancy in force and where to tell what is done."""

SERVICE = "service"

# --- what users are told ---------------------------------------------------------------------------------

NO_CERTIFICATE = "name one certificate: either --tls-cert and --tls-key, or --certificates-secret"
UNPUBLISHED = "--certificates-secret needs --register: the API server has to be told of every new CA"
OWN_AUTHORITY = "--register-ca and --certificates-secret exclude each other: the Secret has a CA of its own"
NO_AUTHORITY = "--register needs --register-ca: the API server has to know whose certificate to trust"
