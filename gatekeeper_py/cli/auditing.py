"""What `gatekeeper audit` does, behind its options: what is read, how it is judged, where it goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gatekeeper_py.audit.frames import FRAME_KINDS, Frames
from gatekeeper_py.audit.intake import Intake, take, take_objects
from gatekeeper_py.audit.judgement import Further, Selection, Validation, judge_all
from gatekeeper_py.audit.outcome import Outcome, Scope
from gatekeeper_py.audit.plane_pods import PlanePods
from gatekeeper_py.audit.privileges import RBAC_KINDS, Privileges
from gatekeeper_py.audit.reports.openreports import OPEN_REPORTS
from gatekeeper_py.audit.reports.policyreport import WORKING_GROUP, Dialect, is_own
from gatekeeper_py.audit.runtimeclasses import isolation_of
from gatekeeper_py.audit.scan import Audited, Auditor
from gatekeeper_py.audit.spool import Spool, SpooledCluster
from gatekeeper_py.audit.workers import WorkerDied
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import (
    one_cluster,
)
from gatekeeper_py.cli.progress import Stage, stages
from gatekeeper_py.cli.reporting import conclude
from gatekeeper_py.cli.sources import (
    make_engine,
    nothing_in_file,
    pieces_of,
    read_cluster,
    read_policies,
    warn,
)
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.submission import Submission
from gatekeeper_py.tenancy.documents import is_tenancy_document
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["DIALECTS", "audit"]


@dataclass(frozen=True, slots=True)
class _Input:
    """What is to be audited, and by what."""

    policies: Path
    cluster: Path | None
    files: tuple[str, ...]
    kubeconfig: Path | None
    defaults: bool
    existing: bool
    validate: Validation
    allow_no_policies: bool
    allow_no_objects: bool
    workers: int
    selection: Selection
    scope: Scope

    @property
    def as_exists(self) -> bool:
        """Whether objects are judged as they are."""
        return self.existing or self.kubeconfig is not None


DIALECTS: Mapping[str, Dialect] = {"policyreport": WORKING_GROUP, "openreports": OPEN_REPORTS}


def audit(
    context: click.Context,
    /,
    output: str,
    no_defaults: bool,
    scope: Scope,
    fail_on: str | None,
    baseline: Path | None,
    write: str | None,
    shard: tuple[int, int],
    since: datetime | None,
    allow_not_audited: bool,
    no_fail: bool,
    trend: tuple[Path, ...],
    **given: Any,
) -> None:
    """Audit as the command's options say, and end it."""
    if bool(given["files"]) == (given["kubeconfig"] is not None):
        raise InputError("name what to audit: either -f or --kubeconfig")
    one_cluster(given["cluster"], given["kubeconfig"])
    if write is not None and (given["kubeconfig"] is None or scope != Scope()):
        raise InputError("--write keeps whole reports in the cluster of --kubeconfig: narrow nothing")
    selection = Selection(*shard, since)
    outcome = _audit(_Input(defaults=not no_defaults, scope=scope, selection=selection, **given))
    if write is not None:
        whole = selection == Selection()
        outcome = _published(outcome, given["kubeconfig"], DIALECTS[write], whole=whole)
    stamped = replace(outcome, time=datetime.now(UTC).isoformat(timespec="seconds"), shard=shard)
    leave = {"allow_not_audited": allow_not_audited, "no_fail": no_fail}
    conclude(context, stamped, output, fail_on, baseline, trend=trend, **leave)


def _published(outcome: Outcome, kubeconfig: Path, dialect: Dialect, *, whole: bool) -> Outcome:
    """The outcome, with what could not be kept of it; where nothing was looked at, nothing is written."""
    from gatekeeper_py.audit.publisher import publish
    from gatekeeper_py.cluster.live import ClusterError, configuration

    if not outcome.audited:
        return outcome
    try:
        whole = whole and not outcome.not_audited
        published = publish(configuration(kubeconfig), outcome, dialect, whole=whole)
    except ClusterError as error:
        return replace(outcome, not_audited=(*outcome.not_audited, Problem("reports", 0, 0, str(error))))
    told = f"{published.written} written, {published.removed} removed, {published.unchanged} unchanged"
    click.echo(f"reports: {told}", err=True)
    return replace(outcome, not_audited=(*outcome.not_audited, *published.problems()))


def _audit(given: _Input) -> Outcome:
    """Everything found; what stops the whole of it is a problem of the report too."""
    try:
        with stages() as begin, Spool() as spool:
            if given.kubeconfig is not None:
                return _live(given, given.kubeconfig, spool, begin)
            return _written(given, spool, begin)
    except InputError as error:
        return Outcome(not_audited=tuple(_problems(error)))
    except WorkerDied as error:
        return Outcome(not_audited=(Problem("audit", 0, 0, str(error), LESS),))


LESS = "Give it more memory, fewer --workers, or divide it by --shard"


PLACED = re.compile(r"(?P<path>.+?)(:(?P<line>[0-9]+):(?P<column>[0-9]+))?: (?P<what>.+)")


def _problems(error: InputError) -> Iterator[Problem]:
    """An error's lines, each of which begins with its place."""
    for line in error.message.splitlines():
        placed = PLACED.fullmatch(line)
        if placed is None:
            yield Problem("audit", 0, 0, line)
        else:
            yield Problem(
                placed["path"], int(placed["line"] or 0), int(placed["column"] or 0), placed["what"]
            )


def _written(given: _Input, spool: Spool, begin: Stage) -> Outcome:
    """Of files."""
    intake = Intake()
    advance = begin("Reading", None)
    for file in given.files:
        before = intake.objects, len(intake.problems)
        take(intake, spool, pieces_of(file, intake.problems), given.workers, advance)
        if before == (intake.objects, len(intake.problems)) and not given.allow_no_objects:
            intake.problems.append(nothing_in_file(file))
    warn(dict.fromkeys(intake.warnings))
    snapshot = read_cluster(given.cluster, intake.kept)
    return _judged(given, spool, snapshot, intake, (), begin)


def _live(given: _Input, kubeconfig: Path, spool: Spool, begin: Stage) -> Outcome:
    """Of everything that exists in a cluster; the API server has given it its defaults long ago."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, walk_cluster

    intake = Intake()
    advance = begin("Listing", None)

    def keep(objects: Sequence[Object]) -> None:
        take_objects(intake, spool, (each for each in objects if not is_own(each)))
        advance(len(objects))

    try:
        unlisted = walk_cluster(configuration(kubeconfig), keep)
    except ClusterError as error:
        raise InputError(str(error)) from error
    intake.problems += (
        Problem(f"{kind.api_version} {kind.kind}", 0, 0, why) for kind, why in unlisted.items()
    )
    if not intake.objects and not unlisted and not given.allow_no_objects:
        intake.problems.append(Problem(str(kubeconfig), 0, 0, "the cluster shows no object"))
    living = tuple(manifest for manifest in intake.kept if is_tenancy_document(manifest))
    snapshot = Snapshot.of(intake.kept, complete=not unlisted)
    listed = frozenset((*RBAC_KINDS, *FRAME_KINDS)) - unlisted.keys()
    return _judged(given, spool, snapshot, intake, living, begin, listed)


def _judged(
    given: _Input,
    spool: Spool,
    snapshot: Snapshot,
    intake: Intake,
    living: tuple[Manifest, ...],
    begin: Stage,
    listed: frozenset[GroupVersionKind] | None = None,
) -> Outcome:
    """Judge what was found; `listed` are kinds of which nothing is missing, None where that is to be told."""
    manifests = read_policies(given.policies)
    engine, tenancy = make_engine(
        given.policies, manifests, snapshot, living, allow_none=given.allow_no_policies
    )
    defaults = given.kubeconfig is None and given.defaults
    submission = Submission("CREATE", defaults=defaults, asked_at=datetime.now(UTC))
    cluster = SpooledCluster(snapshot, spool)
    auditor = Auditor(Engine(engine.policies, cluster), tenancy, submission, given.as_exists)
    validation: Validation = "ignore" if given.as_exists else given.validate
    audited: list[Audited] = []
    advance = begin("Judging", len(spool))
    whole = frozenset(filter(cluster.knows, FRAME_KINDS)) if listed is None else listed
    further = _further(given, tenancy, cluster, whole)
    for batch in judge_all(auditor, spool, snapshot, validation, given.selection, given.workers, further):
        audited += given.scope.select(batch.items)
        intake.problems += batch.problems
        warn(batch.warnings)
        advance(batch.objects)
    return Outcome(
        tuple(audited),
        tuple(dict.fromkeys(intake.problems)),
        isolation=isolation_of(tenancy, cluster),
    )


def _further(
    given: _Input, tenancy: Tenancy, cluster: ClusterView, whole: frozenset[GroupVersionKind]
) -> tuple[Further, ...]:
    """What is looked at besides policies: what RBAC grants, and what namespaces that exist lack."""
    privileges = Privileges(tenancy, cluster, frozenset(RBAC_KINDS) - whole).judge
    pods = PlanePods(tenancy, cluster).judge
    if not given.as_exists:
        return (privileges, pods)
    return privileges, pods, Frames(tenancy, cluster, frozenset(FRAME_KINDS) - whole).judge
