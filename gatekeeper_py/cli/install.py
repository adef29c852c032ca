"""`gatekeeper install`: the webhook configurations, ready for `kubectl apply -f -`.

python -m gatekeeper_py.cli.install webhooks    # writes what `kubectl apply -k webhooks/` registers
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import click
from cryptography import x509

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.output import dump_all
from gatekeeper_py.cli.sources import input_errors
from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.policy.matching.versions import versions_needed
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.webhook.registration import Client, configurations

__all__ = ["command"]

HEADS = {
    "mutating.yaml": "Asks /mutate about everything that is created or updated.",
    "validating.yaml": "Asks /validate about everything that is written, deleted or connected to.",
}
NOTE = """
# Made from gatekeeper_py/webhook/exemptions.yaml: python -m gatekeeper_py.cli.install webhooks
#
# The API server's own objects of admission (webhook configurations and admission policies) are never sent to
# webhooks; everything else is, but for what the match conditions name: docs/registration.md has the reasons.
"""


@click.command("install")
@click.option("--url", metavar="https://HOST:PORT", help="Where a server outside the cluster listens.")
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PEM certificate of the CA that signed the server's certificate.",
)
@click.option(
    "--policies",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Policies whose trusted tenants and settings the registration knows.",
)
def command(url: str | None, ca: Path | None, policies: Path | None) -> None:
    """Print the two webhook configurations.

    With --url for a server outside the cluster; without it those of webhooks/, which call the Service.
    With --policies what trusted namespaces do among themselves is not asked about, so that agents of network
    and storage outside kube-system come back while the engine is gone; and the API server converts what
    policies judge in another version than it may be sent in.
    Nothing is applied: pipe the output into `kubectl apply -f -`.
    """
    if url is not None and ca is None:
        raise InputError("--url needs --ca: the API server has to know whose certificate to trust")
    address = _address(url) if url is not None else ""
    client = Client(address, _bundle(ca) if ca is not None else "")
    with input_errors():
        manifests = read([policies]) if policies is not None else ()
        tenancy, conversions = load_tenancy(manifests), _conversions(manifests)
    click.echo(dump_all(configurations(client, tenancy, conversions)), nl=False)


def _conversions(manifests: Iterable[Manifest]) -> frozenset[GroupVersion]:
    """The versions to which the API server has to convert for policies, as far as kinds are known."""
    documents = tuple(manifests)
    policies = load_policies(documents)
    kinds = Kinds.builtin().with_definitions(
        each.object for each in documents if each.kind == CUSTOM_RESOURCE_DEFINITION
    )
    return versions_needed((*policies.validating, *policies.mutating), kinds)


def _address(url: str) -> str:
    """The URL as the API server accepts it in a webhook: https, no user, query or fragment."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or parts.username is not None or parts.query or parts.fragment:
        raise InputError(f"--url {url}: not of the form https://HOST:PORT")
    return url.rstrip("/")


def _bundle(ca: Path) -> str:
    try:
        content = ca.read_bytes()
        x509.load_pem_x509_certificates(content)
    except OSError as error:
        raise InputError(f"{ca}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{ca}: is no PEM certificate") from error
    return base64.b64encode(content).decode("ascii")


def write(folder: Path) -> None:
    """The configurations as files of a kustomization."""
    for (name, head), document in zip(HEADS.items(), configurations(), strict=True):
        body = dump_all([document]).removeprefix("---\n")
        (folder / name).write_text(f"# {head}{NOTE}{body}", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
