"""`gatekeeper serve`: the webhook server."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click

from gatekeeper_py.cli.certificates import (
    MakeUpkeep,
    OwnCertificates,
    Pair,
    Registration,
    one_certificate,
)
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import (
    allow_no_policies_option,
    cluster_option,
    kubeconfig_option,
    one_cluster,
    policies_option,
)
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.plane_serving import Address, make_planes, serving
from gatekeeper_py.cli.processors import MANY, affordable, processors
from gatekeeper_py.installation.upkeep import LOOK
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.log import Log, lines_dropped, make_log, route_stray_errors
from gatekeeper_py.webhook.memory import frugal
from gatekeeper_py.webhook.metrics import Metrics, Observed
from gatekeeper_py.webhook.origin import Demands, FromCluster, FromFiles, Origin
from gatekeeper_py.webhook.record import Announcer, Record
from gatekeeper_py.webhook.revision import BadPolicies, Policies
from gatekeeper_py.webhook.server import PortError, Server
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.sink import standard_output
from gatekeeper_py.webhook.tenants import StatusWriter
from gatekeeper_py.webhook.tls import Clients, ServingCertificate, TLSError
from gatekeeper_py.webhook.turns import SharedTurns
from gatekeeper_py.webhook.worker import service_among

__all__ = ["command"]


def default_workers() -> int:
    """One a core, as far as memory lasts; it takes Linux to look after several."""
    return min(processors(), affordable()) if sys.platform == "linux" else 1


@click.command("serve")
@policies_option
@click.option("--tls-cert", metavar="FILE", type=Pathname(path_type=Path), help="PEM certificate chain, and")
@click.option("--tls-key", metavar="FILE", type=Pathname(path_type=Path), help="its key; or")
@click.option(
    "--certificates-secret",
    metavar="NAMESPACE/NAME",
    help="a Secret in which the engine keeps a CA and a certificate of its own, and rotates them.",
)
@click.option(
    "--certificate-name",
    "certificate_names",
    multiple=True,
    metavar="NAME",
    help="A name or address that its own certificate is for. May be repeated. [default: the Service's]",
)
@click.option(
    "--rotation-overlap",
    metavar="SECONDS",
    default=3600,
    show_default=True,
    type=click.IntRange(2 * int(LOOK)),
    help="How long a new CA is trusted before it signs, and an old one after.",
)
@click.option(
    "--register",
    metavar="service|URL",
    help="Have the API server ask this server, as soon as it reaches it, and keep that as it should be.",
)
@click.option(
    "--register-ca",
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="PEM of the CA of --tls-cert, for --register.",
)
@click.option(
    "--control-plane-url",
    metavar="https://HOST:PORT",
    help="Where API servers of tenants' own find this server: have them ask, and keep that as it should be.",
)
@click.option(
    "--control-plane-ca",
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="PEM of the CA of --tls-cert, for --control-plane-url.",
)
@click.option(
    "--control-plane-manifests",
    metavar="DIR",
    type=Pathname(file_okay=False, path_type=Path),
    help="Keep DIR/NAME, the files of each control plane that registers by files, as they should be.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 or :: for all."
)
@click.option(
    "--port", default=8443, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option(
    "--client-ca",
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="Admit only callers with a certificate of these PEM CAs.",
)
@click.option(
    "--client-name",
    "client_names",
    multiple=True,
    metavar="NAME",
    help="Admit only certificates of this name (CN or subjectAltName). May be repeated.",
)
@click.option(
    "--health-port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="Answer GET /healthz, /readyz and /metrics here in plain HTTP, too.",
)
@click.option(
    "--events/--no-events",
    default=True,
    show_default=True,
    help="Tell denials as Events in their namespace; needs --kubeconfig.",
)
@click.option(
    "--workers",
    metavar="NUMBER",
    type=click.IntRange(1, MANY),
    help="Processes that answer reviews. [default: one for each core]",
)
@cluster_option
@kubeconfig_option
@click.option(
    "--max-view-age",
    default=30,
    show_default=True,
    metavar="SECONDS",
    type=click.IntRange(15),
    help="With --kubeconfig: how old what is known of a kind may be. All goes well at 12 s.",
)
@allow_no_policies_option
@click.option(
    "--allow-no-tenants",
    is_flag=True,
    help="Serve although policies ask about tenants and there is no tenancy document: nothing is a tenant's.",
)
def command(
    policies: Path,
    tls_cert: Path | None,
    tls_key: Path | None,
    certificates_secret: str | None,
    certificate_names: tuple[str, ...],
    rotation_overlap: int,
    register: str | None,
    register_ca: Path | None,
    control_plane_url: str | None,
    control_plane_ca: Path | None,
    control_plane_manifests: Path | None,
    host: str,
    port: int,
    client_ca: Path | None,
    client_names: tuple[str, ...],
    health_port: int | None,
    events: bool,
    workers: int | None,
    cluster: Path | None,
    kubeconfig: Path | None,
    max_view_age: int,
    allow_no_policies: bool,
    allow_no_tenants: bool,
) -> None:
    """Answer the API server over HTTPS: POST /mutate and /validate, GET /healthz, /readyz and /metrics.

    An edit of the policies, of --cluster or of the certificates is in force within a second. A bad edit is
    refused whole: the log and /readyz say why, and the last good policies stay in force. An edit that takes
    something away is believed when the files have been at rest for three seconds; one that leaves no policy,
    no tenancy document, or a policy without the binding it had, is not.

    Without --client-ca whoever reaches the port is answered. With it probes need --health-port: a kubelet has
    no certificate to show. certs/README.md says how the API server gets one.

    A ControlPlane document has the API server of a tenant's own answered, too, at /t/NAME/mutate and
    /t/NAME/validate, over a view of its own. With --control-plane-url the engine registers itself there.

    With --certificates-secret the engine makes and rotates a CA and a certificate of its own; several
    replicas share the Secret. With --register it has the API server ask it, by the webhook configurations
    that `gatekeeper install` made, once the API server has been seen to reach it.

    --kubeconfig follows a live cluster instead of --cluster; Tenants may then be objects in it, too. What
    needs a kind of which nobody knows how it was --max-view-age ago is refused, but for the platform.
    """
    one_cluster(cluster, kubeconfig)
    workers = _workers(workers)
    clients = _clients(client_ca, client_names)
    if health_port is not None and health_port == port != 0:
        raise InputError(f"--health-port {health_port}: is --port, too. Name another")
    demands = Demands(policies=not allow_no_policies, tenants=not allow_no_tenants)
    shown = one_certificate(tls_cert, tls_key, certificates_secret, certificate_names, rotation_overlap)
    registration = Registration.of(register, register_ca, kubeconfig, shown)
    own = isinstance(shown, OwnCertificates)
    address = Address.of(control_plane_url, control_plane_ca, control_plane_manifests, own=own)
    frugal()
    output = standard_output(lines_dropped)
    log = make_log(output)
    route_stray_errors(log)
    with (
        closing(output),
        _origin(policies, cluster, kubeconfig, demands, max_view_age, log) as origin,
        _kept(shown, registration) as (pair, make_upkeep),
    ):
        in_force = Policies(origin.load, demand_tenants=demands.tenants)
        metrics = Metrics(Observed(origin.ages, lambda: output.dropped))
        record = Record(log, output, metrics, _announcer(kubeconfig, metrics) if events else None)
        service = _service(workers, in_force, record)
        health = Health(in_force, record, output, origin.ages, notices=partial(_notices, origin, service))
        planes = make_planes(service, kubeconfig, clients, max_view_age, health)
        with _bad_input(host, port):
            certificate = ServingCertificate(pair.certificate, pair.key, clients)
            server = Server(
                service,
                health,
                certificate,
                origin.watched,
                origin.fingerprint,
                host,
                port,
                health_port,
                workers,
                origin.live if isinstance(origin, FromCluster) else None,
                planes,
            )
            listening = server.listen()
        # uvicorn takes the signals over while it runs, and repeats them after.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        with (
            _telling(origin, service),
            _looking_after(health, make_upkeep) as published,
            serving(planes, certificate, address, published, kubeconfig),
        ):
            listening.serve()


def _workers(number: int | None) -> int:
    number = default_workers() if number is None else number
    if number > 1 and sys.platform != "linux":
        raise InputError(f"--workers {number}: more than one needs Linux")
    return number


def _service(workers: int, policies: Policies, record: Record) -> Service:
    return (
        Service(policies, record) if workers == 1 else service_among(workers, policies, record, SharedTurns())
    )


def _notices(origin: Origin, service: Service) -> list[str]:
    return [*origin.notices(), *service.unregistered()]


@contextmanager
def _bad_input(host: str, port: int) -> Iterator[None]:
    """Why a server cannot begin, in the words of its options."""
    try:
        yield
    except TLSError as error:
        raise InputError(str(error)) from error
    except BadPolicies as error:
        raise InputError("\n".join(error.problems)) from error
    except PortError as error:
        option = "--port" if error.port == port else "--health-port"
        raise InputError(f"--host {host} {option} {error.port}: {error.reason}") from error


@contextmanager
def _kept(
    shown: Pair | OwnCertificates, registration: Registration | None
) -> Iterator[tuple[Pair, MakeUpkeep | None]]:
    """The files to show, and what looks after them when anything does."""
    if registration is not None:
        with registration.keeping(shown) as kept:
            yield kept
    else:
        assert isinstance(shown, Pair)
        yield shown, None


@contextmanager
def _looking_after(health: Health, make_upkeep: MakeUpkeep | None) -> Iterator[Callable[[], bytes]]:
    """Certificate and registration, while the server runs; whom API servers are to trust by them."""
    if make_upkeep is None:
        yield bytes
        return
    upkeep = make_upkeep(partial(_tenancy, health.policies), partial(_tell, health.record.log))
    upkeep.conversions = partial(_conversions, health.policies)
    upkeep.policies = partial(_set, health.policies)
    before = health.notices
    health.notices = lambda: [*before(), upkeep.problem]
    upkeep.start()
    try:
        yield lambda: upkeep.published
    finally:
        upkeep.stop()


def _tenancy(policies: Policies) -> Tenancy | None:
    """Of the policies in force."""
    in_force = policies.in_force
    return in_force.loaded.tenancy if in_force is not None else None


def _conversions(policies: Policies) -> frozenset[GroupVersion]:
    """In which versions the policies in force have the API server ask."""
    in_force = policies.in_force
    return in_force.loaded.conversions() if in_force is not None else frozenset()


def _set(policies: Policies) -> PolicySet | None:
    """The policies in force."""
    in_force = policies.in_force
    return in_force.loaded.policies if in_force is not None else None


def _tell(log: Log, level: str, message: str) -> None:
    getattr(log, level)("upkeep", message=message)


def _telling(origin: Origin, service: Service) -> AbstractContextManager[None]:
    """Tell in a live cluster how its Tenants stand."""
    if not isinstance(origin, FromCluster):
        return nullcontext()
    return StatusWriter(origin.live, service.policies, service.record.log).running()


def _announcer(kubeconfig: Path | None, metrics: Metrics) -> Announcer | None:
    """Who tells tenants of denials; without a cluster there is nowhere to tell."""
    if kubeconfig is None:
        return None
    from gatekeeper_py.cluster.live import configuration
    from gatekeeper_py.webhook.events import Events, cluster_writer

    return Events(cluster_writer(configuration(kubeconfig)), metrics.events)


def _clients(authority: Path | None, names: tuple[str, ...]) -> Clients | None:
    if authority is None and names:
        raise InputError("--client-name needs --client-ca: a name is worth what its CA is")
    return None if authority is None else Clients(authority, frozenset(names))


@contextmanager
def _origin(
    policies: Path, cluster: Path | None, kubeconfig: Path | None, demands: Demands, max_age: int, log: Log
) -> Iterator[Origin]:
    if kubeconfig is None:
        yield FromFiles(policies, cluster, demands)
        return
    from gatekeeper_py.cli.following import following
    from gatekeeper_py.cluster.live import ClusterError, configuration

    try:
        config = configuration(kubeconfig)
    except ClusterError as error:
        raise InputError(str(error)) from error
    with following(config, log, max_age=max_age, loss="refused") as live:
        yield FromCluster(policies, live, demands)
