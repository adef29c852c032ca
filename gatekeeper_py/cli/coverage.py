"""`gatekeeper coverage`: what can a tenant do that no rule knows?"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from gatekeeper_py.audit.aggregation import API_SERVICE, aggregated
from gatekeeper_py.audit.survey import COVERED, Surveyed, survey
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.options import files_option, kubeconfig_option, output_option, policies_option
from gatekeeper_py.cli.sources import input_errors, read_files
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.tenancy.documents import DOCUMENTS, is_tenancy_document, load_tenancy
from gatekeeper_py.webhook.registration import EXEMPT_NAMESPACES, exemptions

__all__ = ["command"]

DEFINITION = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
ADMISSION = "admissionregistration.k8s.io"
WIDTH = 160
"""Columns when the output is no terminal."""
STYLES = {"open": "bold red", "scanned": "yellow", "powerful": "magenta", "refused": "magenta"}


@click.command("coverage")
@policies_option
@output_option("table", "json")
@files_option(required=False)
@kubeconfig_option
@click.pass_context
def command(
    context: click.Context,
    policies: Path,
    output: str,
    files: tuple[str, ...],
    kubeconfig: Path | None,
) -> None:
    """Say of every resource that a cluster serves how it is judged.

    From a live cluster with --kubeconfig, or from files of CustomResourceDefinitions with -f.

    What another API server serves (aggregation) is named on stderr, for its kinds stand in no definition.

    Exit code 0: every kind is known, 1: some are only scanned, judged by nothing, or could not be read,
    2: error.
    """
    if bool(files) == (kubeconfig is not None):
        raise InputError("name what to survey: either -f or --kubeconfig")
    existing, problems = _live(kubeconfig) if kubeconfig is not None else (read_files(files), [])
    surveyed = _survey(policies, existing)
    unread = [*problems, *_aggregated(existing)]
    click.echo(_json(surveyed, unread) if output == "json" else _table(surveyed, _terminal_width()), nl=False)
    for problem in unread:
        click.echo(f"not read: {problem}", err=True)
    unknown = any(each.coverage not in COVERED for each in surveyed)
    context.exit(DENIED if unknown or problems else 0)


def _survey(policies: Path, existing: Sequence[Manifest]) -> list[Surveyed]:
    with input_errors():
        living = [manifest for manifest in existing if is_tenancy_document(manifest)]
        files = loading.read([policies])
        cluster = Snapshot.of(existing)
        engine = Engine.load(files, cluster, living)
        return survey(cluster.kinds, engine.policies, load_tenancy(files, living), _never_sent)


def _live(kubeconfig: Path) -> tuple[Sequence[Manifest], list[str]]:
    """Definitions, API services and tenancy documents of a cluster; and what could not be listed."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    try:
        listing = list_cluster(configuration(kubeconfig), (DEFINITION, API_SERVICE, *DOCUMENTS))
    except ClusterError as error:
        raise InputError(str(error)) from error
    problems = [f"{kind.api_version} {kind.kind}: {problem}" for kind, problem in listing.problems.items()]
    return [Manifest(value, Source("cluster")) for value in listing.objects], problems


def _aggregated(manifests: Iterable[Manifest]) -> list[str]:
    """API groups that another server serves: their resources stand in no definition."""
    return sorted(
        f"{group}/{version}: an aggregated API server serves it; its kinds are "
        "judged by name all the same, but are not listed here"
        for group, version in aggregated(each.object for each in manifests)
    )


def _never_sent(group: str, resource: str) -> str:
    """Why the API server never asks the webhooks about a resource, whoever writes it."""
    if group == ADMISSION:
        return "the API server sends its own objects of admission to no webhook; guard them by RBAC"
    for exemption in exemptions():
        if exemption.users or exemption.prefixes or exemption.groups:
            continue
        if any(each.group == group and resource in each.resources for each in exemption.what):
            return exemption.reason
    return ""


def _excepted(each: Surveyed) -> list[str]:
    """Who is not asked about when writing a resource, and why."""
    resource = each.served.resource
    return [
        f"{', '.join((*exemption.users, *exemption.prefixes, *exemption.groups))}: {exemption.reason}"
        for exemption in exemptions()
        if exemption.users or exemption.prefixes or exemption.groups
        for what in exemption.what
        if what.group == resource.group and resource.resource in what.resources
    ]


# --- reports


def _json(surveyed: Sequence[Surveyed], problems: Sequence[str]) -> str:
    counts: dict[str, int] = dict(sorted(Counter(each.coverage for each in surveyed).items()))
    document = {
        "summary": {"resources": len(surveyed), **counts},
        "exemptNamespaces": list(EXEMPT_NAMESPACES),
        "notRead": list(problems),
        "resources": [_row(each) for each in surveyed],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _row(each: Surveyed) -> dict[str, Any]:
    served = each.served
    return {
        "group": served.kind.group,
        "versions": list(each.versions),
        "kind": served.kind.kind,
        "resource": served.resource.resource,
        "namespaced": served.namespaced,
        "coverage": each.coverage,
        "reason": each.reason,
        "policies": list(each.policies),
        "policiesForEveryKind": list(each.general),
        "versionsRead": each.read,
        "grantedTo": list(each.granted),
        "notAskedAbout": _excepted(each),
    }


def _table(surveyed: Sequence[Surveyed], width: int | None) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    output = io.StringIO()
    console = Console(file=output, width=width or WIDTH, force_terminal=width is not None)
    table = Table("Kind", "Group", "Judged", "By", "Why", "Granted to", box=box.SIMPLE_HEAD, show_edge=False)
    for each in surveyed:
        judged = Text(each.coverage, STYLES.get(each.coverage, ""))
        kind = each.served.kind
        cells = (", ".join(each.policies), each.reason, ", ".join(each.granted))
        table.add_row(Text(kind.kind), Text(kind.group), judged, *map(Text, cells))
    console.print(table)
    counts = Counter(each.coverage for each in surveyed)
    told = ", ".join(f"{count} {coverage}" for coverage, count in sorted(counts.items()))
    console.print(f"{len(surveyed)} resources: {told}", highlight=False)
    console.print(f"nothing in {' and '.join(EXEMPT_NAMESPACES)} is asked about", highlight=False)
    return output.getvalue()


def _terminal_width() -> int | None:
    """Columns of the terminal, or None when the output goes elsewhere."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
