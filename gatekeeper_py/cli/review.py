"""`gatekeeper review`: what would become of these objects?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from gatekeeper_py.audit.requester import asked_by_tenant
from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.options import (
    IGNORE,
    allow_no_objects_option,
    allow_no_policies_option,
    cluster_option,
    files_option,
    output_option,
    policies_option,
    submission_options,
    validate_option,
)
from gatekeeper_py.cli.sources import (
    NO_TENANT_ASKED,
    demand_tenants,
    gather,
    load_policies,
    make_engine,
    read_cluster,
    read_files,
    sift,
    warn,
)
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, Reading
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.admission_review import KIND, ReviewError, parse_review, render_review
from gatekeeper_py.policy.admission.changes import changes, graft
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request
from gatekeeper_py.policy.admission.text import change_line, printable
from gatekeeper_py.tenancy.context import RUNTIME_CLASS
from gatekeeper_py.tenancy.tenant import Tenancy

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Reviewed", "command", "review"]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One object, what was asked about it, and the answer."""

    manifest: Manifest
    request: AdmissionRequest
    decision: Decision

    @property
    def plain(self) -> bool:
        """Whether it was given as a manifest rather than as an AdmissionReview."""
        return self.manifest.kind.kind != KIND

    @property
    def submitted(self) -> Object | None:
        """The object as it was given."""
        return self.manifest.object if self.plain else self.request.object

    @property
    def admitted(self) -> Object | None:
        """The object as admitted: a plain manifest as its author wrote it, with what policies changed."""
        before, after = self.request.object, self.decision.object
        if not self.plain or before is None or after is None:
            return after
        return graft(self.manifest.object, before, after)


@click.command("review")
@policies_option
@cluster_option
@output_option("table", "json", "yaml", "diff")
@files_option(required=False)
@submission_options
@click.option("--old", metavar="FILE", help="The objects as they are before an UPDATE or DELETE.")
@validate_option
@allow_no_policies_option
@allow_no_objects_option
@click.pass_context
def command(
    context: click.Context,
    policies: Path,
    cluster: Path | None,
    output: str,
    files: tuple[str, ...],
    old: str | None,
    submission: Submission,
    as_tenant: bool,
    validate: str,
    allow_no_policies: bool,
    allow_no_objects: bool,
) -> None:
    """Decide about AdmissionReviews or plain manifests: mutate, then validate the result.

    Plain manifests are submitted in order, as `kubectl apply` would: what is admitted exists for those after
    it. --cluster is what exists before.

    What cannot be read, or is of no known kind or field, costs only itself: it is told on stderr.

    Exit code 0: all allowed, 1: something denied, 2: bad input.
    """
    snapshot = read_cluster(cluster)
    engine = make_engine(loaded := load_policies(policies), snapshot, allow_none=allow_no_policies)
    tenants = demand_tenants(loaded) if as_tenant else None
    olds = read_files([old], allow_none=allow_no_objects) if old is not None else ()
    deleted = not files and submission.verb == "DELETE"
    found = Reading(olds) if deleted else gather(_named(files), allow_none=allow_no_objects)
    whole = submission.verb in WHOLE and not submission.subresource
    fit = sift(found.manifests, snapshot, validate if whole else IGNORE)
    reviewed, refused = review(engine, snapshot, fit.manifests, submission, olds, tenants)
    if as_tenant and reviewed and all(item.request.user == ADMINISTRATOR for item in reviewed):
        warn([NO_TENANT_ASKED])
    problems = (*found.problems, *fit.problems, *refused)
    if reviewed or not problems:
        PRINTERS[output](reviewed)
        if assumed := _assumed_classes(reviewed, snapshot):
            click.echo(f"{ASSUMED}: {', '.join(assumed)}. Name what it has with --cluster", err=True)
    if problems:
        raise InputError("\n".join(map(str, problems)))
    context.exit(0 if all(item.decision.allowed for item in reviewed) else DENIED)


WHOLE = ("CREATE", "UPDATE")
"""What is asked about an object as its author wrote it."""


def _named(files: tuple[str, ...]) -> tuple[str, ...]:
    """The files of -f, of which there must be some; only a deletion is wholly described by --old."""
    if not files:
        raise InputError("name what to review with -f")
    return files


def review(
    engine: Engine,
    cluster: Snapshot,
    manifests: Sequence[Manifest],
    submission: Submission,
    olds: Sequence[Manifest] = (),
    tenants: Tenancy | None = None,
) -> tuple[list[Reviewed], list[Problem]]:
    """Every answer in order of input, and what is wrong with input that cannot be asked about.

    With `tenants` each is asked as the one whose the namespace is.
    """
    reviewed: list[Reviewed] = []
    problems: list[Problem] = []
    for manifest in manifests:
        try:
            request = request_for(manifest, cluster, submission, _old(manifest, manifests, olds), tenants)
        except ManifestError as error:
            problems += error.problems
            continue
        decision = Engine(engine.policies, cluster).review(request)
        item = Reviewed(manifest, request, decision)
        reviewed.append(item)
        if _now_exists(item):
            cluster = cluster.with_object(decision.object or {})
    return reviewed, problems


def request_for(
    manifest: Manifest,
    cluster: Snapshot,
    submission: Submission,
    old: Object | None = None,
    tenants: Tenancy | None = None,
) -> AdmissionRequest:
    """What is asked about a manifest, or what an AdmissionReview asks; raises `ManifestError`."""
    if manifest.kind.kind != KIND:
        request = make_request(manifest, cluster, submission, old)
        return request if tenants is None else asked_by_tenant(request, tenants, cluster)
    try:
        return replace(parse_review(manifest.object), asked_at=submission.asked_at)
    except ReviewError as error:
        source = manifest.source
        problem = Problem(source.path, *source.locate(()), str(error), "Send what an API server sends")
        raise ManifestError([problem]) from error


def _old(manifest: Manifest, manifests: Sequence[Manifest], olds: Sequence[Manifest]) -> Object | None:
    """What `--old` holds of the object: the one of its kind and name, or the only one for the only one."""
    for old in olds:
        same_name = (old.kind, old.name) == (manifest.kind, manifest.name)
        if same_name and (old.namespace or manifest.namespace) == (manifest.namespace or old.namespace):
            return old.object
    return olds[0].object if len(olds) == len(manifests) == 1 else None


def _now_exists(item: Reviewed) -> bool:
    """Whether the object is part of the cluster from now on."""
    request = item.request
    written = request.operation in ("CREATE", "UPDATE") and not request.subresource
    return item.plain and written and item.decision.allowed and bool(request.name)


ASSUMED = "note: nothing is known of the cluster's RuntimeClasses; policies gave objects this one unchecked"


def _assumed_classes(reviewed: Sequence[Reviewed], cluster: Snapshot) -> list[str]:
    """The RuntimeClasses that policies have named though nobody knows whether they exist."""
    if cluster.knows(RUNTIME_CLASS):
        return []
    given = (operation for item in reviewed for operation in item.decision.patch)
    return sorted({str(each["value"]) for each in given if each["path"].endswith("/runtimeClassName")})


def _print_json(reviewed: Sequence[Reviewed]) -> None:
    for item in reviewed:
        answer = render_review(item.request.uid, item.decision, patch=True, in_tree=True)
        click.echo(orjson.dumps(answer))


def _print_yaml(reviewed: Sequence[Reviewed]) -> None:
    """Admitted objects on stdout, the rest on stderr."""
    from gatekeeper_py.manifests.dumping import dump_all

    admitted = [item.admitted for item in reviewed if item.decision.allowed]
    click.echo(dump_all(value for value in admitted if value is not None), nl=False)
    _print_verdicts(reviewed)


def _print_diff(reviewed: Sequence[Reviewed]) -> None:
    """What mutation changes in every admitted object, as a unified diff of YAML; the rest on stderr."""
    for item in reviewed:
        if item.decision.allowed:
            click.echo("".join(_diff(item)), nl=False)
    _print_verdicts(reviewed)


def _diff(item: Reviewed) -> Iterator[str]:
    from gatekeeper_py.manifests.dumping import dump_all

    before, after = item.submitted, item.admitted
    if before is None or after is None or before == after:
        return
    submitted, admitted = (dump_all([value]).splitlines(keepends=True) for value in (before, after))
    place = printable(_place(item))
    yield from unified_diff(submitted, admitted, f"{place} (submitted)", f"{place} (admitted)")


def _print_verdicts(reviewed: Sequence[Reviewed]) -> None:
    """Warnings and denials, on stderr."""
    for item in reviewed:
        for warning in item.decision.warnings:
            click.echo(printable(f"{_place(item)}: {name_of(item.request)}: warning: {warning}"), err=True)
        if not item.decision.allowed:
            for line in _reasons(item.decision):
                click.echo(f"{_place(item)}: {name_of(item.request)} is denied: {line}", err=True)


def _print_table(reviewed: Sequence[Reviewed]) -> None:
    from rich.console import Console

    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = 140
    console.print(table(reviewed))
    denied = sum(not item.decision.allowed for item in reviewed)
    console.print(f"{len(reviewed) - denied} allowed, {denied} denied", highlight=False)


PRINTERS = {"table": _print_table, "json": _print_json, "yaml": _print_yaml, "diff": _print_diff}


def table(reviewed: Sequence[Reviewed]) -> Table:
    """One row an object: what it is, the verdict, and what policies changed or found wrong."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        "Object", "Verdict", "What becomes of it", box=box.SIMPLE_HEAD, show_edge=False, expand=False
    )
    for item in reviewed:
        verdict = Text("allowed", "green") if item.decision.allowed else Text("denied", "bold red")
        made.add_row(Text(name_of(item.request)), verdict, Text("\n".join(outcome(item))))
    return made


def outcome(item: Reviewed) -> Iterator[str]:
    """What became of an object, line by line: changes or reasons, then warnings."""
    decision = item.decision
    if decision.allowed:
        yield from map(change_line, changes(item.request.object, decision.object))
    else:
        yield from _denials(decision)
    yield from _waivers(decision)
    yield from _warnings(decision)
    if decision.withheld is not None and decision.enforcement == "observe":
        yield from _withheld(item.request, decision.withheld)


def _withheld(request: AdmissionRequest, decision: Decision) -> Iterator[str]:
    """What would have become of an object that is only observed; a warning says it by itself."""
    if not decision.allowed:
        yield from (f"observed, would be denied: {line}" for line in _denials(decision))
    changed = changes(request.object, decision.object) if decision.patch else []
    yield from (f"observed, would be changed: {change_line(change)}" for change in changed)


def name_of(request: AdmissionRequest) -> str:
    """`Deployment foo/web`, with operation and subresource when they are not the usual ones."""
    metadata = (request.object or {}).get("metadata") or {}
    name = request.name or f"{metadata.get('generateName') or ''}*"
    cluster_wide = not request.namespace or request.resource.resource == "namespaces"
    text = f"{request.kind.kind} {name if cluster_wide else f'{request.namespace}/{name}'}"
    if request.subresource:
        text += f" ({request.subresource})"
    if request.operation != "CREATE":
        text = f"{request.operation} {text}"
    return printable(text)


def _denials(decision: Decision) -> Iterator[str]:
    """Each denial as `policy: message`; errors that are no policy's in the API server's words."""
    found = [finding for finding in decision.findings if "Deny" in finding.actions]
    causes = decision.status.causes if decision.status else ()
    if len(found) < len(causes) or not found:
        yield from _reasons(decision)
    else:
        yield from (printable(f"{finding.policy}: {finding.message}") for finding in found)


def _waivers(decision: Decision) -> Iterator[str]:
    """What is admitted only until a day."""
    for finding in decision.findings:
        if finding.waived is not None:
            until = f"waived by {finding.waived.waiver} until {finding.waived.expires}"
            yield printable(f"{until}: {finding.policy}: {finding.message}")


def _warnings(decision: Decision) -> Iterator[str]:
    found = [finding for finding in decision.findings if "Warn" in finding.actions]
    if len(found) < len(decision.warnings):
        yield from (printable(f"warning: {warning}") for warning in decision.warnings)
    else:
        yield from (printable(f"warning: {finding.policy}: {finding.message}") for finding in found)


def _reasons(decision: Decision) -> Iterator[str]:
    if decision.status is None:
        return
    causes = [cause.message for cause in decision.status.causes] or [decision.status.message]
    yield from map(printable, causes)


def _place(item: Reviewed) -> str:
    source = item.manifest.source
    return f"{source.path}:{source.line}:{source.column}"
