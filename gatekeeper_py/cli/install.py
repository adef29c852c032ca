"""`gatekeeper install`: everything the engine needs in a cluster, printed or applied.

python -m gatekeeper_py.cli.install webhooks policies   # writes what `kubectl apply -k webhooks/` applies
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click
from cryptography import x509

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import https_address
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.plane_install import PlaneInstallation, plane_installation
from gatekeeper_py.cli.sources import access_to, input_errors
from gatekeeper_py.engine import load_policies, load_with_tenancy
from gatekeeper_py.installation import kustomization
from gatekeeper_py.installation.access import AccessError
from gatekeeper_py.installation.config_maps import BadFile
from gatekeeper_py.installation.contents import IMAGE, REPLICAS, Audits, Installation
from gatekeeper_py.installation.deployment import Spread
from gatekeeper_py.installation.installer import Installer, NotReady
from gatekeeper_py.manifests.dumping import dump_all
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersion, Object
from gatekeeper_py.policy.loading.idle import nothing_in
from gatekeeper_py.policy.loading.load import PolicySet, read
from gatekeeper_py.policy.matching.versions import versions_needed
from gatekeeper_py.webhook.registration import Client, configurations

__all__ = ["command"]


@click.command("install")
@click.option(
    "--policies",
    metavar="DIR",
    type=Pathname(path_type=Path),
    help="Policies to bring as ConfigMaps; what the engine may read follows from them.",
)
@click.option("--image", default=IMAGE, show_default=True, metavar="IMAGE", help="The server's image.")
@click.option(
    "--replicas", default=REPLICAS, show_default=True, type=click.IntRange(1), help="How many servers."
)
@click.option(
    "--spread",
    type=click.Choice(["required", "preferred"]),
    default="required",
    show_default=True,
    help="Whether each replica must have a node of its own.",
)
@click.option(
    "--audit",
    type=click.Choice(["hourly", "background"]),
    help="Audit what exists, too, and keep reports of it in the cluster: every hour, or all the time.",
)
@click.option("--url", metavar="https://HOST:PORT", help="A server outside the cluster, which listens there.")
@click.option(
    "--ca",
    metavar="FILE",
    type=Pathname(dir_okay=False, path_type=Path),
    help="PEM of the CA of a server that does not register itself: print the filled-in registration alone.",
)
@click.option(
    "--control-plane",
    metavar="NAME",
    help="Register with the API server of a tenant's own, which this ControlPlane describes.",
)
@click.option(
    "--manifests",
    metavar="DIR",
    type=Pathname(file_okay=False, path_type=Path),
    help="With --control-plane: write files for its API server (KEP-5793), which nobody there can delete.",
)
@click.option(
    "--manifests-at",
    metavar="PATH",
    type=Pathname(path_type=Path),
    help="Where its API server finds --manifests. [default: there]",
)
@click.option(
    "--client-cert",
    metavar="FILE",
    type=Pathname(dir_okay=False, path_type=Path),
    help="With --manifests: PEM certificate that its API server is to show, and",
)
@click.option(
    "--client-key",
    metavar="FILE",
    type=Pathname(dir_okay=False, path_type=Path),
    help="its key.",
)
@click.option(
    "--rights",
    is_flag=True,
    help="With --control-plane: print what lets the engine read the Secret with its kubeconfig.",
)
@click.option("--apply", "applied", is_flag=True, help="Apply it, and wait until the engine is asked.")
@click.option(
    "--kubeconfig",
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="Where to apply it. [default: $KUBECONFIG, ~/.kube/config]",
)
@click.option(
    "--timeout",
    default=300,
    show_default=True,
    metavar="SECONDS",
    type=click.IntRange(1),
    help="How long the engine may take to come up.",
)
def command(
    policies: Path | None,
    image: str,
    replicas: int,
    spread: Spread,
    audit: Audits | None,
    url: str | None,
    ca: Path | None,
    control_plane: str | None,
    manifests: Path | None,
    manifests_at: Path | None,
    client_cert: Path | None,
    client_key: Path | None,
    rights: bool,
    applied: bool,
    kubeconfig: Path | None,
    timeout: int,
) -> None:
    """Print or --apply all that the engine needs in a cluster.

    The webhook configurations in it hold no webhook: the engine fills them in when the API server has been
    seen to reach it. So nobody is locked out when the image does not come, and the output may be piped into
    `kubectl apply --server-side -f -`. `gatekeeper uninstall` takes it all away.

    With --url nothing runs in the cluster; start `gatekeeper serve --register URL` there. With --ca, too, the
    two configurations are printed as they are when they are filled in, for a server that does not register.

    With --control-plane the same is done for a tenant's own API server: --url and --ca say where it finds the
    engine, and --manifests has it read that from files.
    """
    documents = _manifests(policies)
    if control_plane is not None:
        plane = plane_installation(control_plane, documents, kubeconfig)
        login = _pair(client_cert, client_key)
        _install_plane(plane, url, ca, rights, manifests, manifests_at, login, applied, kubeconfig)
        return
    if rights or any((manifests, manifests_at, client_cert, client_key)):
        raise InputError("--manifests, --client-cert, --client-key and --rights need --control-plane")
    if ca is not None:
        click.echo(dump_all(_filled_in(_client(url, ca), documents)), nl=False)
        return
    if policies is None:
        raise InputError("name the policies with --policies: what the engine may read follows from them")
    loaded = _loaded(policies, documents)
    inside = url is None
    files = _texts(policies, documents) if inside else {}
    if audit is not None and not inside:
        raise InputError(
            "--audit runs in the cluster, and reaches it as the server there does: leave out --url"
        )
    installation = Installation(loaded, files, image, replicas, spread, inside, audit)
    try:
        objects = installation.objects()
    except BadFile as error:
        raise InputError(str(error)) from error
    if not applied:
        click.echo(dump_all(objects), nl=False)
        return
    _apply(installation, kubeconfig, timeout)


def _install_plane(
    plane: PlaneInstallation,
    url: str | None,
    ca: Path | None,
    rights: bool,
    manifests: Path | None,
    manifests_at: Path | None,
    login: tuple[Path, Path] | None,
    applied: bool,
    kubeconfig: Path | None,
) -> None:
    """What the options ask for, which is one of four."""
    if rights:
        plane.print_rights()
        return
    if url is None or ca is None:
        raise InputError("--control-plane needs --url and --ca: where its API server finds the engine")
    client = _client(url, ca)
    if manifests is not None:
        plane.write(client, manifests, manifests_at, login)
    elif applied:
        plane.apply(client, kubeconfig)
    else:
        plane.print(client)


def _pair(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise InputError("--client-cert and --client-key belong together")
    return certificate, key


def _apply(installation: Installation, kubeconfig: Path | None, timeout: int) -> None:
    installer = Installer(access_to(kubeconfig), timeout)
    try:
        if shortage := installer.shortage(installation):
            click.echo(shortage, err=True)
        installer.install(installation)
    except (AccessError, NotReady) as error:
        raise InputError(str(error)) from error
    click.echo("installed: the API server asks the engine")


def _manifests(policies: Path | None) -> tuple[Manifest, ...]:
    with input_errors():
        return read([policies]) if policies is not None else ()


def _loaded(folder: Path, manifests: tuple[Manifest, ...]) -> PolicySet:
    """The policies; there must be some, for an engine that has none would not start."""
    with input_errors():
        loaded = load_policies(manifests)
    if not loaded.validating and not loaded.mutating:
        raise InputError(str(nothing_in(folder)))
    return loaded


def _filled_in(client: Client, manifests: tuple[Manifest, ...]) -> list[Object]:
    """Both configurations: about what the policies need, or about everything where nobody named any."""
    with input_errors():
        policies, tenancy = load_with_tenancy(manifests)
    named = policies if manifests else None
    return configurations(client, tenancy, _conversions(policies, manifests), named)


def _conversions(policies: PolicySet, manifests: tuple[Manifest, ...]) -> frozenset[GroupVersion]:
    """The versions in which policies judge what may be sent in others, as far as kinds are known."""
    kinds = Kinds.builtin().with_definitions(
        each.object for each in manifests if each.kind == CUSTOM_RESOURCE_DEFINITION
    )
    return versions_needed((*policies.validating, *policies.mutating), kinds)


def _texts(folder: Path, manifests: tuple[Manifest, ...]) -> dict[str, str]:
    """Every file that holds a manifest, by its path below the folder."""
    root = folder if folder.is_dir() else folder.parent
    paths = sorted({Path(manifest.source.path) for manifest in manifests})
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _client(url: str | None, ca: Path) -> Client:
    return Client("" if url is None else https_address("--url", url), _bundle(ca))


def _bundle(ca: Path) -> str:
    try:
        content = ca.read_bytes()
        x509.load_pem_x509_certificates(content)
    except OSError as error:
        raise InputError(f"{ca}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{ca}: is no PEM certificate") from error
    return base64.b64encode(content).decode("ascii")


def write(webhooks: Path, policies: Path) -> None:
    """The installation as files of a kustomization, and the component that brings the policies."""
    manifests = read([policies])
    made = kustomization.webhooks(load_policies(manifests))
    audits = {
        f"{folder}/{name}": file
        for folder, files in (("audit", kustomization.audit()), ("background", kustomization.background()))
        for name, file in files.items()
    }
    for name, (head, documents) in {**made, **audits}.items():
        (webhooks / name).write_text(head + dump_all(documents).removeprefix("---\n"), encoding="utf-8")
    head, component = kustomization.policies(_texts(policies, manifests))
    text = head + dump_all([component]).removeprefix("---\n")
    (policies / kustomization.FILE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
