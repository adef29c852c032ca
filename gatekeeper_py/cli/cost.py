"""`gatekeeper audit cost`: what do each tenant's pods cost?"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gatekeeper_py.billing.bill import Bill, make_bill
from gatekeeper_py.billing.grouping import KEYS, LABEL
from gatekeeper_py.billing.period import Period
from gatekeeper_py.billing.pods import NODE, POD, RUNTIME_CLASS, nodes_in, read_pods, with_overhead
from gatekeeper_py.billing.prices import PriceSheet, price_sheet
from gatekeeper_py.billing.reports import chart, data, focus, statement
from gatekeeper_py.billing.workloads import UnknownPods, pods_of
from gatekeeper_py.cli.exits import BAD_INPUT, InputError
from gatekeeper_py.cli.options import (
    STRICT,
    cluster_option,
    files_option,
    kubeconfig_option,
    one_cluster,
    output_option,
    policies_option,
)
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.sources import gather, input_errors, load_engine, read_cluster, read_policies, sift
from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, Reading, Source, read
from gatekeeper_py.objects.requests import UnreadableQuantity
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.tenancy.documents import DOCUMENTS, is_tenancy_document, load_tenancy

__all__ = ["command"]

MONTH = 730
"""Hours that providers take a month for."""
REPORTS: Mapping[str, Callable[[Bill, Sequence[str]], str]] = {
    "table": lambda bill, keys: statement.report(bill, keys, _width()),
    "csv": focus.report,
    "json": data.report,
    "html": chart.report,
}


@dataclass(frozen=True, slots=True)
class _Pods:
    """What is to be billed, and what is known of the cluster around it."""

    pods: tuple[Manifest, ...]
    cluster: Snapshot
    living: tuple[Manifest, ...]
    """Tenancy documents of the cluster."""
    problems: tuple[Problem, ...]


@click.command("audit cost")
@policies_option
@click.option(
    "--prices",
    required=True,
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="The PriceSheet: what a pod of its own machine costs, and what a node.",
)
@cluster_option
@output_option(*REPORTS)
@files_option(required=False)
@kubeconfig_option
@click.option("--existing", is_flag=True, help="Take -f for what exists: Pods as they are, and no others.")
@click.option(
    "--by",
    "keys",
    multiple=True,
    default=("tenant",),
    metavar="KEY",
    help=f"{', '.join(KEYS)} or {LABEL}NAME. May be repeated. [default: tenant]",
)
@click.option(
    "--hours",
    type=click.IntRange(1, 10 * 12 * MONTH),
    help=f"Bill as if what runs now ran so long. [default: {MONTH}, a month]",
)
@click.option("--from", "start", metavar="TIME", help="Bill how long pods ran since this time (RFC 3339).")
@click.option("--to", "end", metavar="TIME", help="And until this one. [default: now]")
@click.option("--allow-not-billed", is_flag=True, help="Exit code 2 no more for what cannot be billed.")
@click.pass_context
def command(
    context: click.Context,
    /,
    policies: Path,
    prices: Path,
    cluster: Path | None,
    output: str,
    files: tuple[str, ...],
    kubeconfig: Path | None,
    existing: bool,
    keys: tuple[str, ...],
    hours: int | None,
    start: str | None,
    end: str | None,
    allow_not_billed: bool,
) -> None:
    """Say what each tenant's pods cost: what they ask for, by the scheduler's rule, times a price sheet.

    Of a live cluster (--kubeconfig), of what exists in files (-f with --existing), or of manifests that
    authors are about to apply (-f): these get the policies' runtime class first.

    Exit code 0: all is billed, 2: error, or something could not be billed.
    """
    if bool(files) == (kubeconfig is not None):
        raise InputError("name what to bill: either -f or --kubeconfig")
    one_cluster(cluster, kubeconfig)
    _check(keys)
    period = _period(hours, start, end)
    sheet = _sheet(prices)
    if kubeconfig is not None:
        found = _live(kubeconfig)
    else:
        found = _stored(files, cluster) if existing else _planned(policies, files, cluster)
    bill = _bill(policies, found, sheet, period)
    click.echo(REPORTS[output](bill, keys), nl=False)
    if bill.lacks:
        click.echo(f"note: {bill.lacks} (docs/cost.md)", err=True)
    for problem in bill.problems:
        click.echo(printable(f"not billed: {problem}"), err=True)
    context.exit(BAD_INPUT if bill.problems and not allow_not_billed else 0)


def _check(keys: Sequence[str]) -> None:
    for key in keys:
        if key not in KEYS and not key.removeprefix(LABEL) != key:
            raise InputError(f"--by {key}: must be one of {', '.join(KEYS)}, or {LABEL}NAME")


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _period(hours: int | None, start: str | None, end: str | None) -> Period:
    now = datetime.now(UTC).replace(microsecond=0)
    if start is None:
        if end is not None:
            raise InputError("--to needs --from")
        return Period(now, now + timedelta(hours=hours or MONTH), throughout=True)
    if hours is not None:
        raise InputError("--hours and --from exclude each other: name one")
    first, last = _time("--from", start), _time("--to", end) if end is not None else now
    if last <= first:
        raise InputError(f"--to {last.isoformat()}: must be after {first.isoformat()}")
    if last > now:
        raise InputError(f"--to {last.isoformat()}: has not come yet; --hours bills what is to come")
    return Period(first, last, throughout=False)


def _time(option: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} {text}: must be a time such as 2026-11-30T00:00:00Z") from error
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _sheet(path: Path) -> PriceSheet:
    with input_errors():
        documents = read([path])
        if not documents:
            raise InputError(f"{path}: holds no price sheet")
        return price_sheet(documents)


def _live(kubeconfig: Path) -> _Pods:
    """All pods of a cluster, with nodes, classes, namespaces and tenants."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    try:
        listing = list_cluster(configuration(kubeconfig), (POD, NODE, RUNTIME_CLASS, NAMESPACE, *DOCUMENTS))
    except ClusterError as error:
        raise InputError(str(error)) from error
    problems = [
        Problem(f"{kind.api_version} {kind.kind}", 0, 0, why) for kind, why in listing.problems.items()
    ]
    existing = tuple(Manifest(value, Source("cluster")) for value in listing.objects)
    living = tuple(filter(is_tenancy_document, existing))
    cluster = Snapshot.of(existing, complete=not problems)
    return _Pods(tuple(_pods(existing)), cluster, living, tuple(problems))


def _pods(manifests: Sequence[Manifest]) -> Iterator[Manifest]:
    return (manifest for manifest in manifests if manifest.kind == POD)


def _stored(files: tuple[str, ...], cluster: Path | None) -> _Pods:
    """The Pods of files, and what stands beside them."""
    found = gather(files)
    snapshot = read_cluster(cluster, found.manifests)
    fit = sift(found.manifests, snapshot, STRICT)
    return _Pods(tuple(_pods(fit.manifests)), snapshot, (), (*found.problems, *fit.problems))


def _planned(policies: Path, files: tuple[str, ...], cluster: Path | None) -> _Pods:
    """The pods that manifests will make, as they will be admitted."""
    found = gather(files)
    snapshot = read_cluster(cluster, found.manifests)
    fit = sift(found.manifests, snapshot, STRICT)
    engine = load_engine(policies, snapshot)
    pods: list[Manifest] = []
    problems = [*found.problems, *fit.problems]
    for manifest in fit.manifests:
        made = _admitted(engine, manifest)
        pods += made.manifests
        problems += made.problems
    return _Pods(tuple(pods), snapshot, (), tuple(problems))


def _admitted(engine: Engine, manifest: Manifest) -> Reading:
    """The pods of an object, mutated; or why there are none."""
    try:
        pods = pods_of(manifest, Snapshot().kinds)
    except UnknownPods as error:
        return Reading((), (_problem(manifest, str(error)),))
    admitted = []
    for pod in pods:
        try:
            submission = Submission("CREATE", asked_at=datetime.now(UTC))
            decision = engine.review(make_request(pod, engine.cluster, submission))
        except ManifestError as error:
            return Reading((), error.problems)
        if not decision.allowed:
            message = decision.status.message if decision.status else ""
            return Reading((), (_problem(manifest, f"its pods would be refused: {message}"),))
        admitted.append(Manifest(with_overhead(decision.object or pod.object, engine.cluster), pod.source))
    return Reading(tuple(admitted))


def _problem(manifest: Manifest, what: str) -> Problem:
    return manifest.source.problem((), f"{manifest.kind.kind} {manifest.name}: {what}")


def _bill(policies: Path, found: _Pods, sheet: PriceSheet, period: Period) -> Bill:
    with input_errors():
        tenancy = load_tenancy(read_policies(policies), found.living)
    read = read_pods(found.pods, found.cluster, tenancy, period)
    problems = [*found.problems, *read.problems]
    if not found.pods and not problems:
        problems.append(Problem("bill", 0, 0, "there is no pod to bill"))
    try:
        nodes = nodes_in(found.cluster, tenancy)
    except UnreadableQuantity as error:
        raise InputError(f"the nodes: {error}") from error
    return make_bill(read.pods, nodes, sheet, period, problems)
