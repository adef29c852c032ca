"""`gatekeeper certs`: certificates for development."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.cli.errors import InputError
from gatekeeper_py.pki.development import make_certificates
from gatekeeper_py.pki.errors import CertificateError

__all__ = ["command"]


@click.group("certs")
def command() -> None:
    """Make certificates for development; certs/README.md says how production gets them."""


@command.command("dev")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def development(directory: Path) -> None:
    """Make a CA and a serving certificate for localhost and the Service's names in DIRECTORY.

    What is there and still good is kept; files that this command did not make are never overwritten.
    """
    try:
        made = make_certificates(directory)
    except CertificateError as error:
        raise InputError(str(error)) from error
    for path, new in ((made.authority, made.made_authority), (made.certificate, made.made_serving)):
        click.echo(f"{'made' if new else 'kept'} {path}")
