"""`gatekeeper serve`: the webhook server."""

from __future__ import annotations

import signal
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import click

from gatekeeper_py.cli.errors import InputError
from gatekeeper_py.cli.options import cluster_option, kubeconfig_option, policies_option
from gatekeeper_py.cluster.manifest import Manifest, ManifestError, Source, read
from gatekeeper_py.cluster.resource import GroupVersionKind
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, Phase, load_policies
from gatekeeper_py.policy import loading
from gatekeeper_py.policy.decision import Decision
from gatekeeper_py.policy.request import AdmissionRequest
from gatekeeper_py.tenancy.loading import API_VERSION
from gatekeeper_py.tenancy.lookups import looked_up
from gatekeeper_py.webhook.app import Service
from gatekeeper_py.webhook.log import make_log
from gatekeeper_py.webhook.policies import BadPolicies, Policies, Review, Webhook
from gatekeeper_py.webhook.server import Server
from gatekeeper_py.webhook.tls import ServingCertificate, TLSError
from gatekeeper_py.webhook.watch import fingerprint

if TYPE_CHECKING:
    from gatekeeper_py.cluster.live import LiveCluster

__all__ = ["command"]

PHASES: Mapping[Webhook, frozenset[Phase]] = {
    "mutate": frozenset({"mutate"}),
    "validate": frozenset({"validate"}),
}

SYNC_SECONDS: Final = 60
"""How long the cluster may take to be read for the first time."""

NEW_NAMESPACE_SECONDS: Final = 1.0
"""How long to wait for news of a new namespace; the API server knows it, or would not ask."""

TENANCY_KINDS = tuple(GroupVersionKind.parse(API_VERSION, kind) for kind in ("Tenant", "TenancySettings"))
"""Documents that may also be objects in the cluster."""


@click.command("serve")
@policies_option
@click.option(
    "--tls-cert",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="PEM certificate chain.",
)
@click.option("--tls-key", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Its key.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 or :: for all."
)
@click.option(
    "--port", default=8443, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@cluster_option
@kubeconfig_option
def command(
    policies: Path,
    tls_cert: Path,
    tls_key: Path,
    host: str,
    port: int,
    cluster: Path | None,
    kubeconfig: Path | None,
) -> None:
    """Answer the API server over HTTPS: POST /mutate and /validate, GET /healthz, /readyz and /metrics.

    An edit of the policies, of --cluster or of the certificate is in force within a second. A bad edit is
    refused whole: the log and /readyz say why, and the last good policies stay in force.

    --kubeconfig follows a live cluster instead of --cluster; Tenants may then be objects in it, too.
    """
    if cluster is not None and kubeconfig is not None:
        raise InputError("--cluster and --kubeconfig exclude each other: name one")
    with _source(policies, cluster, kubeconfig) as source:
        service = Service(Policies(source.load), make_log())
        try:
            certificate = ServingCertificate(tls_cert, tls_key)
            server = Server(service, certificate, source.watched, source.look, host, port)
            listening = server.listen()
        except TLSError as error:
            raise InputError(str(error)) from error
        except BadPolicies as error:
            raise InputError("\n".join(error.problems)) from error
        except OSError as error:
            raise InputError(f"--host {host} --port {port}: {error.strerror or error}") from error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(
                number, signal.SIG_IGN
            )  # uvicorn takes them over while it runs and repeats them after
        listening.serve()


class _Source(Protocol):
    """Where policies and the picture of the cluster come from."""

    @property
    def watched(self) -> list[Path]:
        """Files and folders to watch."""

    def look(self) -> Hashable:
        """A fingerprint of what `load` reads."""

    def load(self) -> tuple[Review, int]:
        """What is there now, and the number of policies; raises `BadPolicies`."""


@contextmanager
def _source(policies: Path, cluster: Path | None, kubeconfig: Path | None) -> Iterator[_Source]:
    if kubeconfig is None:
        yield _Files(policies, cluster)
        return
    from gatekeeper_py.cluster.live import ClusterError, LiveCluster, configuration

    try:
        live = LiveCluster(configuration(kubeconfig), TENANCY_KINDS)
    except ClusterError as error:
        raise InputError(str(error)) from error
    live.start()
    try:
        yield _Live(policies, live)
    finally:
        live.stop()


class _Files:
    """Policies and the cluster as files."""

    def __init__(self, policies: Path, cluster: Path | None) -> None:
        self.policies = policies
        self.cluster = [] if cluster is None else [cluster]

    @property
    def watched(self) -> list[Path]:
        return [self.policies, *self.cluster]

    def look(self) -> Hashable:
        return fingerprint(self.watched)

    def load(self) -> tuple[Review, int]:
        try:
            engine = Engine.load(loading.read([self.policies]), Snapshot.of(read(self.cluster)))
        except ManifestError as error:
            raise BadPolicies(tuple(map(str, error.problems))) from error

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            return engine.review(request, PHASES[webhook], deadline=deadline)

        return review, len(engine.policies.mutating) + len(engine.policies.validating)


class _Live:
    """Policies as files, the cluster as it is from moment to moment."""

    def __init__(self, policies: Path, live: LiveCluster) -> None:
        self.policies = policies
        self.live = live

    @property
    def watched(self) -> list[Path]:
        return [self.policies]

    def look(self) -> Hashable:
        """The files, and the Tenants of the cluster."""
        if not self.live.synced:
            return None
        tenants = (document.object["metadata"] for document in self._tenancy())
        return fingerprint(self.watched), tuple((m.get("uid"), m.get("resourceVersion")) for m in tenants)

    def load(self) -> tuple[Review, int]:
        self._sync()
        try:
            policies = load_policies((*loading.read([self.policies]), *self._tenancy()))
        except ManifestError as error:
            raise BadPolicies(tuple(map(str, error.problems))) from error
        self.live.follow(looked_up(policies))
        self._sync()

        def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
            if request.namespace and request.resource.resource != "namespaces":
                self.live.wait_for_namespace(request.namespace, NEW_NAMESPACE_SECONDS)
            return Engine(policies, self.live.view).review(request, PHASES[webhook], deadline=deadline)

        return review, len(policies.mutating) + len(policies.validating)

    def _sync(self) -> None:
        if not self.live.wait_until_synced(SYNC_SECONDS):
            raise BadPolicies(
                tuple(f"the cluster: {kind.kind}: {why}" for kind, why in self.live.problems.items())
            )

    def _tenancy(self) -> list[Manifest]:
        """Tenants and settings that are objects of the cluster, each named as a file would be."""
        found = (value for kind in TENANCY_KINDS for value in self.live.view.list(kind))
        return [Manifest(value, Source(f"cluster/{value['kind']}/{_name(value)}")) for value in found]


def _name(value: Mapping[str, object]) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""
