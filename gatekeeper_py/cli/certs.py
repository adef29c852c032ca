"""`gatekeeper certs`: certificates for development."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.pki.authority import CertificateError
from gatekeeper_py.pki.development import make_certificates

__all__ = ["command"]


@click.group("certs")
def command() -> None:
    """Make certificates for development; certs/README.md says how production gets them."""


@command.command("dev")
@click.argument("directory", type=Pathname(file_okay=False, path_type=Path))
def development(directory: Path) -> None:
    """Make a CA, the server's certificate and the API server's in DIRECTORY.

    The server's names localhost and the Service's names, the other is for `gatekeeper serve --client-ca`.
    What is there and still good is kept; files that this command did not make are never overwritten.
    """
    try:
        made = make_certificates(directory)
    except CertificateError as error:
        raise InputError(str(error)) from error
    for path, new in (
        (made.authority, made.made_authority),
        (made.certificate, made.made_serving),
        (made.client, made.made_client),
    ):
        click.echo(f"{'made' if new else 'kept'} {path}")
