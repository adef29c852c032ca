"""`gatekeeper serve`: the webhook server."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import click

from gatekeeper_py.cli.errors import InputError
from gatekeeper_py.cli.options import cluster_option, policies_option
from gatekeeper_py.cluster.manifest import ManifestError, read
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, Phase
from gatekeeper_py.policy import loading
from gatekeeper_py.policy.decision import Decision
from gatekeeper_py.policy.request import AdmissionRequest
from gatekeeper_py.webhook.app import Service
from gatekeeper_py.webhook.log import make_log
from gatekeeper_py.webhook.policies import BadPolicies, Policies, Review, Webhook
from gatekeeper_py.webhook.server import Server
from gatekeeper_py.webhook.tls import ServingCertificate, TLSError

__all__ = ["command"]

PHASES: Mapping[Webhook, frozenset[Phase]] = {
    "mutate": frozenset({"mutate"}),
    "validate": frozenset({"validate"}),
}


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
def command(
    policies: Path, tls_cert: Path, tls_key: Path, host: str, port: int, cluster: Path | None
) -> None:
    """Answer the API server over HTTPS: POST /mutate and /validate, GET /healthz, /readyz and /metrics.

    An edit of the policies, of --cluster or of the certificate is in force within a second. A bad edit is
    refused whole: the log and /readyz say why, and the last good policies stay in force.
    """
    policies_in_force = Policies(lambda: load(policies, cluster))
    watched = [policies] if cluster is None else [policies, cluster]
    try:
        certificate = ServingCertificate(tls_cert, tls_key)
        server = Server(Service(policies_in_force, make_log()), certificate, watched, host, port)
        listening = server.listen()
    except TLSError as error:
        raise InputError(str(error)) from error
    except BadPolicies as error:
        raise InputError("\n".join(error.problems)) from error
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror or error}") from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # uvicorn takes them over while it runs and repeats them after
    listening.serve()


def load(policies: Path, cluster: Path | None) -> tuple[Review, int]:
    """What the files hold now; raises `BadPolicies`."""
    try:
        view = Snapshot.of(read([cluster]) if cluster is not None else ())
        engine = Engine.load(loading.read([policies]), view)
    except ManifestError as error:
        raise BadPolicies(tuple(map(str, error.problems))) from error

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        return engine.review(request, PHASES[webhook], deadline=deadline)

    return review, len(engine.policies.mutating) + len(engine.policies.validating)
