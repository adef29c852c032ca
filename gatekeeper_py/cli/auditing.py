"""What `gatekeeper audit` does, behind its options: what is read, how it is judged, where it goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import click

from gatekeeper_py.audit import frames, plane_pods
from gatekeeper_py.audit.frames import FRAME_KINDS, Frames
from gatekeeper_py.audit.intake import Intake, take, take_objects
from gatekeeper_py.audit.judgement import Further, Selection, Validation, judge_all
from gatekeeper_py.audit.outcome import Outcome, Scope
from gatekeeper_py.audit.plane_pods import PlanePods
from gatekeeper_py.audit.powers import EVERYTHING, POWERS
from gatekeeper_py.audit.privileges import RBAC_KINDS, Privileges
from gatekeeper_py.audit.reports.openreports import OPEN_REPORTS
from gatekeeper_py.audit.reports.policyreport import WORKING_GROUP, Dialect, is_own
from gatekeeper_py.audit.runtimeclasses import isolation_of
from gatekeeper_py.audit.scan import Audited, Auditor
from gatekeeper_py.audit.spool import Spool, SpooledCluster
from gatekeeper_py.audit.workers import WorkerDied
from gatekeeper_py.cli.choosing import demand_known, strangers
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import one_cluster, requester
from gatekeeper_py.cli.plane_auditing import plane_of
from gatekeeper_py.cli.progress import Stage, stages
from gatekeeper_py.cli.reporting import conclude
from gatekeeper_py.cli.sources import (
    NO_TENANT_ASKED,
    Loaded,
    demand_tenants,
    load_policies,
    make_engine,
    nothing_in_file,
    pieces_of,
    read_cluster,
    warn,
)
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.manifests.undefined import Undefined, together
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.request import UserInfo
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission
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
    user: UserInfo
    as_tenant: bool
    existing: bool
    validate: Validation
    allow_no_policies: bool
    allow_no_objects: bool
    workers: int
    selection: Selection
    scope: Scope
    control_plane: str | None

    @property
    def is_live(self) -> bool:
        """Whether they are an API server's, which has given them its defaults long ago."""
        return self.kubeconfig is not None or self.control_plane is not None

    @property
    def as_exists(self) -> bool:
        """Whether objects are judged as they are."""
        return self.existing or self.is_live


DIALECTS: Mapping[str, Dialect] = {"policyreport": WORKING_GROUP, "openreports": OPEN_REPORTS}


def audit(
    context: click.Context,
    /,
    output: str,
    no_defaults: bool,
    user: str,
    groups: tuple[str, ...],
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
    one_cluster(given["cluster"], given["kubeconfig"])
    if given["control_plane"] is not None:
        _only_a_control_plane(given["files"], write)
    elif bool(given["files"]) == (given["kubeconfig"] is not None):
        raise InputError("name what to audit: either -f or --kubeconfig")
    if write is not None and (given["kubeconfig"] is None or scope != Scope()):
        raise InputError("--write keeps whole reports in the cluster of --kubeconfig: narrow nothing")
    asker = requester(user, groups, as_tenant=given["as_tenant"])
    if (asker != ADMINISTRATOR or given["as_tenant"]) and (given["existing"] or not given["files"]):
        raise InputError(WHO_MADE_IT)
    selection = Selection(*shard, since)
    outcome = _audit(_Input(defaults=not no_defaults, user=asker, scope=scope, selection=selection, **given))
    if write is not None:
        whole = selection == Selection()
        outcome = _published(outcome, given["kubeconfig"], DIALECTS[write], whole=whole)
    stamped = replace(outcome, time=datetime.now(UTC).isoformat(timespec="seconds"), shard=shard)
    leave = {"allow_not_audited": allow_not_audited, "no_fail": no_fail}
    conclude(context, stamped, output, fail_on, baseline, trend=trend, **leave)


WHO_MADE_IT = (
    "--user, --group and --as-tenant say who is to submit the manifests of -f; "
    "what exists is judged as whoever must have made it"
)


def _only_a_control_plane(files: Sequence[str], write: str | None) -> None:
    if files:
        raise InputError("--control-plane audits what exists there: leave out -f")
    if write is not None:
        raise InputError("--write keeps reports in the host alone: leave it out with --control-plane")


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
            if given.control_plane is not None:
                return _own(given, given.control_plane, spool, begin)
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
    load = cache(partial(load_policies, given.policies))
    for file in given.files:
        before = intake.objects, len(intake.problems)
        take(intake, spool, pieces_of(file, intake.problems), given.workers, advance, load)
        if before == (intake.objects, len(intake.problems)) and not given.allow_no_objects:
            intake.problems.append(nothing_in_file(file))
    warn(dict.fromkeys(intake.warnings))
    snapshot = read_cluster(given.cluster, intake.kept)
    return _judged(given, spool, snapshot, intake, load(), begin)


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
    return _judged(given, spool, snapshot, intake, load_policies(given.policies, living), begin, listed)


def _own(given: _Input, name: str, spool: Spool, begin: Stage) -> Outcome:
    """Of everything that exists at a tenant's own API server; roles and frames there are the tenant's own."""
    plane = plane_of(
        name, given.policies, given.cluster, given.kubeconfig, allow_none=given.allow_no_policies
    )
    intake = Intake()
    snapshot = plane.take(intake, spool, begin("Listing", None))
    engine = plane.judge(snapshot, spool)
    return _outcome(given, spool, snapshot, intake, begin, engine, plane.there, ())


def _judged(
    given: _Input,
    spool: Spool,
    snapshot: Snapshot,
    intake: Intake,
    loaded: Loaded,
    begin: Stage,
    listed: frozenset[GroupVersionKind] | None = None,
) -> Outcome:
    """Judge what was found; `listed` are kinds of which nothing is missing, None where that is to be told."""
    engine = make_engine(loaded, snapshot, allow_none=given.allow_no_policies)
    tenancy = loaded.tenancy
    if given.as_tenant:
        demand_tenants(loaded)
    cluster = SpooledCluster(snapshot, spool)
    whole = frozenset(filter(cluster.knows, FRAME_KINDS)) if listed is None else listed
    further = _further(given, tenancy, cluster, whole)
    return _outcome(given, spool, snapshot, intake, begin, Engine(engine.policies, cluster), tenancy, further)


def _outcome(
    given: _Input,
    spool: Spool,
    snapshot: Snapshot,
    intake: Intake,
    begin: Stage,
    engine: Engine,
    tenancy: Tenancy,
    further: Sequence[Further],
) -> Outcome:
    """What an engine, and what is looked at besides, say of all in a spool."""
    _demand_policies(given.scope, engine)
    defaults = given.defaults and not given.is_live
    submission = Submission("CREATE", user=given.user, defaults=defaults, asked_at=datetime.now(UTC))
    auditor = Auditor(engine, tenancy, submission, given.as_exists, given.as_tenant)
    validation: Validation = "ignore" if given.as_exists else given.validate
    audited: list[Audited] = []
    unread: list[Undefined] = []
    asked: set[str] = set()
    seen = {tenant.name for tenant in tenancy.tenants}
    advance = begin("Judging", len(spool))
    for batch in judge_all(auditor, spool, snapshot, validation, given.selection, given.workers, further):
        audited += given.scope.select(batch.items)
        asked.update(item.target.asked_as for item in batch.items)
        seen.update(name for item in batch.items for name in (item.tenant, *item.concerns))
        intake.problems += batch.problems
        unread += batch.undefined
        warn(batch.warnings)
        advance(batch.objects)
    if given.as_tenant and asked == {ADMINISTRATOR.username}:
        warn([NO_TENANT_ASKED])
    intake.problems += _narrowed_to_nothing(given, intake.objects, seen, len(audited))
    return Outcome(
        tuple(audited),
        tuple(dict.fromkeys(intake.problems)),
        isolation=isolation_of(tenancy, engine.cluster),
        undefined=together(unread),
    )


NOTHING_LEFT = (
    "of {} objects none is of the --tenant, --namespace and --kind named; "
    "--allow-no-objects would go on without"
)


def _narrowed_to_nothing(given: _Input, objects: int, seen: set[str], left: int) -> Iterator[Problem]:
    """Tenants that nobody knows, and a report about no object; of a part of a cluster that means nothing."""
    if not objects or given.selection != Selection() or given.allow_no_objects:
        return
    unknown = list(strangers("--tenant", sorted(given.scope.tenants), seen, "tenant"))
    if not unknown and not left:
        unknown = [NOTHING_LEFT.format(objects)]
    yield from (Problem("audit", 0, 0, told) for told in unknown)


OWN_RULES = frozenset((frames.POLICY, plane_pods.POLICY, *(power.name for power in (EVERYTHING, *POWERS))))
"""By what else than policies an audit finds something."""


def _demand_policies(scope: Scope, engine: Engine) -> None:
    known = engine.policies.names | OWN_RULES
    demand_known("--policy", sorted(scope.policies), known, "policy")


def _further(
    given: _Input, tenancy: Tenancy, cluster: ClusterView, whole: frozenset[GroupVersionKind]
) -> tuple[Further, ...]:
    """What is looked at besides policies: what RBAC grants, and what namespaces that exist lack."""
    privileges = Privileges(tenancy, cluster, frozenset(RBAC_KINDS) - whole).judge
    pods = PlanePods(tenancy, cluster).judge
    if not given.as_exists:
        return (privileges, pods)
    return privileges, pods, Frames(tenancy, cluster, frozenset(FRAME_KINDS) - whole).judge
