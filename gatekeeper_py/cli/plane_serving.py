"""What `gatekeeper serve` does for the control planes of tenants: answers them, and has them ask."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import https_address
from gatekeeper_py.cli.sources import access_to
from gatekeeper_py.installation.kubeconfigs import Kubeconfigs
from gatekeeper_py.installation.plane_folders import PlaneFolders
from gatekeeper_py.installation.plane_registrar import PlaneRegistrar
from gatekeeper_py.pki.rotation import certificates_in
from gatekeeper_py.webhook.exchange import Callers
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.plane_metrics import PlaneMetrics
from gatekeeper_py.webhook.planes import Planes
from gatekeeper_py.webhook.registration import Client
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.tls import Clients, ServingCertificate

__all__ = ["Address", "make_planes", "serving"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where API servers of tenants find this server, and whom they are to trust."""

    url: str
    authority: Path | None
    """None for the engine's own CA."""
    manifests: Path | None = None
    """Below which the files are of those that read their webhooks from files."""

    @classmethod
    def of(
        cls, url: str | None, authority: Path | None, manifests: Path | None = None, *, own: bool
    ) -> Address | None:
        """What the options say; raises `InputError` unless they fit each other."""
        if url is None:
            for option, value in (("ca", authority), ("manifests", manifests)):
                if value is not None:
                    raise InputError(f"--control-plane-{option} needs --control-plane-url")
            return None
        if own == (authority is not None):
            raise InputError(OWN if own else NO_AUTHORITY)
        return cls(https_address("--control-plane-url", url), authority, manifests)

    def client(self, published: bytes) -> Client | None:
        """For a registration; None while the engine's own CA is not known."""
        trusted = published if self.authority is None else self.authority.read_bytes()
        if not certificates_in(trusted):
            return None
        return Client(self.url, base64.b64encode(trusted).decode("ascii"))


def make_planes(
    service: Service,
    kubeconfig: Path | None,
    clients: Clients | None,
    max_age: float,
    health: Health,
) -> Planes:
    """The control planes of a server; what is counted of them stands with the host's metrics."""
    planes = Planes(
        service.policies,
        service.record,
        Kubeconfigs(None if kubeconfig is None else access_to(kubeconfig)),
        service.rounds,
        service.long,
        Callers(frozenset() if clients is None else clients.names),
        clients is not None,
        max_age=float(max_age),
    )
    service.record.metrics.registry.register(PlaneMetrics(lambda: planes.all))
    before = health.notices
    health.notices = lambda: [*before(), *planes.notices()]
    health.planes = planes.statuses
    return planes


@contextmanager
def serving(
    planes: Planes,
    certificate: ServingCertificate,
    address: Address | None,
    published: Callable[[], bytes],
    kubeconfig: Path | None,
) -> Iterator[None]:
    """Follow them, and keep their registration where an address says what it is, or tell that it is old."""
    planes.admit = certificate.let_in
    with planes.running():
        folder = None if address is None else address.manifests
        registrar = PlaneRegistrar(
            planes,
            planes.connect,
            lambda: None if address is None else address.client(published()),
            planes.record.log,
            _writer(kubeconfig),
            None if folder is None else PlaneFolders(folder),
        )
        registrar.start()
        try:
            yield
        finally:
            registrar.stop()


def _writer(kubeconfig: Path | None) -> Callable[[dict[str, object]], None] | None:
    if kubeconfig is None:
        return None
    from gatekeeper_py.cluster.connection import configuration
    from gatekeeper_py.webhook.events import cluster_writer

    return cluster_writer(configuration(kubeconfig))


# --- what users are told ---------------------------------------------------------------------------------

OWN = "--control-plane-ca and --certificates-secret exclude each other: the Secret has a CA of its own"
NO_AUTHORITY = "--control-plane-url needs --control-plane-ca: whose certificate API servers are to trust"
