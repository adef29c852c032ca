"""`gatekeeper audit`: what already exists and should not?"""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.audit.reports import json, table
from gatekeeper_py.audit.scan import scan
from gatekeeper_py.cli.errors import DENIED, InputError
from gatekeeper_py.cli.options import cluster_option, files_option, kubeconfig_option, policies_option
from gatekeeper_py.cli.sources import input_errors, read_files
from gatekeeper_py.cluster.manifest import Manifest, Source, read
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy import loading
from gatekeeper_py.tenancy.loading import is_tenancy_document, load_tenancy

__all__ = ["command"]


@click.command("audit")
@policies_option
@cluster_option
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", help="Form of the report."
)
@files_option(required=False)
@kubeconfig_option
@click.option(
    "--no-defaults", is_flag=True, help="Take files as they are, without the API server's defaults."
)
@click.pass_context
def command(
    context: click.Context,
    policies: Path,
    cluster: Path | None,
    output: str,
    files: tuple[str, ...],
    kubeconfig: Path | None,
    no_defaults: bool,
) -> None:
    """Review what exists: files, or with --kubeconfig everything in a live cluster.

    Every object is judged as it is, as if it were created now; the report also says what mutating policies
    would change. All objects of -f and --cluster exist at the same time.

    Exit code 0: clean, 1: something would be denied, 2: error.
    """
    if bool(files) == (kubeconfig is not None):
        raise InputError("name what to audit: either -f or --kubeconfig")
    if cluster is not None and kubeconfig is not None:
        raise InputError("--cluster and --kubeconfig exclude each other: name one")
    existing = _live(kubeconfig) if kubeconfig is not None else read_files(files)
    with input_errors():
        around = read([cluster]) if cluster is not None else ()
        documents = loading.read([policies])
        if kubeconfig is not None:
            documents += tuple(manifest for manifest in existing if is_tenancy_document(manifest))
        engine = Engine.load(documents, Snapshot.of((*around, *existing)))
        audited = list(
            scan(engine, load_tenancy(documents), existing, defaults=not (no_defaults or kubeconfig))
        )
    if output == "json":
        click.echo(json.report(audited), nl=False)
    else:
        click.echo(table.report(audited, _terminal_width()), nl=False)
    context.exit(DENIED if any(item.violates for item in audited) else 0)


def _live(kubeconfig: Path) -> tuple[Manifest, ...]:
    """Everything that exists in a cluster; what cannot be listed is said on stderr."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    try:
        listing = list_cluster(configuration(kubeconfig))
    except ClusterError as error:
        raise InputError(str(error)) from error
    for kind, problem in listing.problems.items():
        click.echo(f"not audited: {kind.api_version} {kind.kind}: {problem}", err=True)
    return tuple(Manifest(value, Source("cluster")) for value in listing.objects)


def _terminal_width() -> int | None:
    """Columns of the terminal, or None when the output goes elsewhere."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
