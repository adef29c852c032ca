"""`gatekeeper uninstall`: takes away what `gatekeeper install` or `kubectl apply -k webhooks/` brought."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.sources import access_to
from gatekeeper_py.installation.access import AccessError
from gatekeeper_py.installation.removal import NotGone, Removal

__all__ = ["command"]


@click.command("uninstall")
@click.option(
    "--kubeconfig",
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="The cluster. [default: $KUBECONFIG, ~/.kube/config]",
)
@click.option(
    "--tenants",
    is_flag=True,
    help="Take away the definitions of Tenant and TenancySettings too, and with them every one there is.",
)
@click.option(
    "--timeout",
    default=120,
    show_default=True,
    metavar="SECONDS",
    type=click.IntRange(1),
    help="How long all of it may take to go.",
)
def command(kubeconfig: Path | None, tenants: bool, timeout: int) -> None:
    """Take the engine out of the cluster, the webhooks first.

    Needs no engine that runs, and no node. Workloads stay as they are; from now on nothing isolates new ones.
    May be repeated.
    """
    try:
        removed = Removal(access_to(kubeconfig), timeout).remove(tenants=tenants)
    except (AccessError, NotGone) as error:
        raise InputError(str(error)) from error
    for text in removed:
        click.echo(f"deleted {text}")
    if not removed:
        click.echo("nothing was installed")
