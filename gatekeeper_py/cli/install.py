"""`gatekeeper install`: the webhook configurations, ready for `kubectl apply -f -`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from cryptography import x509

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.output import dump_all
from gatekeeper_py.manifests.manifest import ManifestError, read

__all__ = ["command"]

FILES = ("mutating.yaml", "validating.yaml")
"""The configurations in `webhooks/`, which a built package carries inside itself."""


@click.command("install")
@click.option("--url", metavar="https://HOST:PORT", help="Where a server outside the cluster listens.")
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PEM certificate of the CA that signed the server's certificate.",
)
def command(url: str | None, ca: Path | None) -> None:
    """Print the two webhook configurations.

    With --url for a server outside the cluster; without it those of webhooks/, which call the Service.
    Nothing is applied: pipe the output into `kubectl apply -f -`.
    """
    if url is not None and ca is None:
        raise InputError("--url needs --ca: the API server has to know whose certificate to trust")
    address = _address(url) if url is not None else None
    bundle = _bundle(ca) if ca is not None else None
    click.echo(dump_all(configurations(address, bundle)), nl=False)


def configurations(address: str | None, bundle: str | None) -> list[dict[str, Any]]:
    """Both configurations; `address` without a path, `bundle` in base64."""
    return [_pointed(document, address, bundle) for document in _shipped()]


def _shipped() -> list[dict[str, Any]]:
    package = Path(__file__).parents[1]
    folder = next(path for path in (package / "webhooks", package.parent / "webhooks") if path.is_dir())
    try:
        return [manifest.object for manifest in read(folder / name for name in FILES)]
    except ManifestError as error:
        raise InputError(str(error)) from error


def _pointed(document: dict[str, Any], address: str | None, bundle: str | None) -> dict[str, Any]:
    """The configuration with every webhook's clientConfig for this server."""
    for webhook in document["webhooks"]:
        client = webhook["clientConfig"]
        if address is not None:
            client = {"url": address + client["service"]["path"]}
        webhook["clientConfig"] = {**client, "caBundle": bundle} if bundle else client
    return document


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
