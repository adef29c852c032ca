"""`gatekeeper init`: a first folder of policies for a cluster that runs already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gatekeeper_py.cli.exits import BAD_INPUT, InputError
from gatekeeper_py.cli.options import kubeconfig_option
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.drafting.draft import draft
from gatekeeper_py.drafting.shipped import NotShipped
from gatekeeper_py.drafting.sightings import KINDS

__all__ = ["command"]


@click.command("init")
@click.argument("folder", default="policies", metavar="[DIR]", type=Pathname(path_type=Path))
@kubeconfig_option
@click.pass_context
def command(context: click.Context, /, folder: Path, kubeconfig: Path | None) -> None:
    """Look at a cluster and write a first folder of policies for it, `policies` unless DIR is another.

    Nothing of it changes or refuses anything: it observes. It holds the policies that ship, which namespaces
    look like the platform's and why, the RuntimeClasses that isolate, and a Tenant for everything else with
    what is in use as grants. Read tenants/ before anything is enforced. The cluster is only read.

    Exit code 0: written, 2: DIR is not empty (nothing is overwritten), the cluster cannot be asked, or
    something could not be looked at: what is written lacks it.
    """
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    if kubeconfig is None:
        raise InputError("name the cluster to look at with --kubeconfig")
    _require_empty(folder)
    try:
        listing = list_cluster(configuration(kubeconfig), KINDS)
        made = draft(listing.objects, listing.problems)
    except (ClusterError, NotShipped) as error:
        raise InputError(str(error)) from error
    _write(folder, made.files)
    for kind, problem in listing.problems.items():
        click.echo(f"not looked at: {kind.api_version} {kind.kind}: {problem}", err=True)
    click.echo(
        f"{folder}: {made.policies} policies, {made.trusted} namespaces that look like the platform's, "
        f"{made.tenants} tenants, enforcement: observe\nRead {folder / 'tenants'}, and go on with "
        "`gatekeeper audit` and docs/first-day.md"
    )
    if listing.problems:
        context.exit(BAD_INPUT)


def _require_empty(folder: Path) -> None:
    try:
        found = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from error
    if found:
        raise InputError(f"{folder}: is there already, and nothing is overwritten. Name another folder")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Each file anew: one that has come meanwhile is not overwritten either."""
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
