"""`gatekeeper playground`: a page on this machine on which policies are tried while they are written."""

from __future__ import annotations

import os
import socket
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper_py.cli.exits import InputError

if TYPE_CHECKING:
    from gatekeeper_py.authoring.playground.samples import Sample

__all__ = ["command"]

PORT = 8765
PACKAGE = Path(__file__).parents[1]
DOCS = (PACKAGE / "docs", PACKAGE.parent / "docs")
"""In a wheel beside the code, in a checkout beside the package."""


@click.command("playground")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, help="Port of this machine; 0 is any free one."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def command(port: int, opens: bool) -> None:
    """Serve a page on which a policy, a manifest and tenants are tried while you type.

    It listens on this machine alone, asks no other, and keeps nothing: a link holds the whole page.
    """
    import uvicorn

    from gatekeeper_py.authoring.playground.site import LOOPBACK, make_site

    try:
        listener = socket.create_server((LOOPBACK, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise InputError(f"--port {port}: {reason}; name another") from error
    address = f"http://localhost:{listener.getsockname()[1]}/"
    click.echo(f"{address} (end with Ctrl-C)")
    if opens:
        webbrowser.open(address)
    server = uvicorn.Server(uvicorn.Config(make_site(_samples), log_level="warning", access_log=False))
    server.run(sockets=[listener])


def _samples() -> list[Sample]:
    """Every example that came with this installation."""
    from gatekeeper_py.authoring.playground.samples import samples
    from gatekeeper_py.drafting.shipped import NotShipped, folder

    try:
        policies: Path | None = folder()
    except NotShipped:
        policies = None
    return samples(next((place for place in DOCS if place.is_dir()), None), policies)
