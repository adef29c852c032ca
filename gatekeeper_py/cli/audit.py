"""`gatekeeper audit`: what already exists and should not?"""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.audit.reports import json, table
from gatekeeper_py.audit.scan import scan
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.options import (
    allow_no_objects_option,
    allow_no_policies_option,
    cluster_option,
    defaults_option,
    files_option,
    kubeconfig_option,
    one_cluster,
    output_option,
    policies_option,
)
from gatekeeper_py.cli.sources import (
    input_errors,
    make_engine,
    read_cluster,
    read_files,
    read_policies,
    warn,
)
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.tenancy.documents import is_tenancy_document, load_tenancy

__all__ = ["command"]


@click.command("audit")
@policies_option
@cluster_option
@output_option("table", "json")
@files_option(required=False)
@kubeconfig_option
@defaults_option
@allow_no_policies_option
@allow_no_objects_option
@click.pass_context
def command(
    context: click.Context,
    policies: Path,
    cluster: Path | None,
    output: str,
    files: tuple[str, ...],
    kubeconfig: Path | None,
    no_defaults: bool,
    allow_no_policies: bool,
    allow_no_objects: bool,
) -> None:
    """Review what exists: files, or with --kubeconfig everything in a live cluster.

    Every object is judged as it is, as if it were created now; the report also says what mutating policies
    would change. All objects of -f and --cluster exist at the same time.

    Exit code 0: clean, 1: something would be denied, 2: error.
    """
    if bool(files) == (kubeconfig is not None):
        raise InputError("name what to audit: either -f or --kubeconfig")
    one_cluster(cluster, kubeconfig)
    if kubeconfig is not None:
        existing, complete = _live(kubeconfig)
        living = tuple(manifest for manifest in existing if is_tenancy_document(manifest))
        snapshot = Snapshot.of(existing, complete=complete)
    else:
        existing, living = read_files(files, allow_none=allow_no_objects), ()
        snapshot = read_cluster(cluster, existing)
    manifests = read_policies(policies)
    engine = make_engine(policies, manifests, snapshot, living, allow_none=allow_no_policies)
    tenancy = load_tenancy(manifests, living)
    warn(tenancy.problems)
    defaults = kubeconfig is None and not no_defaults
    with input_errors():
        audited = list(scan(engine, tenancy, existing, defaults=defaults))
    if output == "json":
        click.echo(json.report(audited), nl=False)
    else:
        click.echo(table.report(audited, _terminal_width()), nl=False)
    context.exit(DENIED if any(item.violates for item in audited) else 0)


def _live(kubeconfig: Path) -> tuple[tuple[Manifest, ...], bool]:
    """What exists in a cluster, and whether that is all; what cannot be listed is said on stderr."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    try:
        listing = list_cluster(configuration(kubeconfig))
    except ClusterError as error:
        raise InputError(str(error)) from error
    for kind, problem in listing.problems.items():
        click.echo(f"not audited: {kind.api_version} {kind.kind}: {problem}", err=True)
    return tuple(Manifest(value, Source("cluster")) for value in listing.objects), not listing.problems


def _terminal_width() -> int | None:
    """Columns of the terminal, or None when the output goes elsewhere."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
