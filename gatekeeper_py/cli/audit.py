"""`gatekeeper audit`: what exists, or is about to, and should not?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gatekeeper_py.audit.frames import FRAME_KINDS, Frames
from gatekeeper_py.audit.outcome import Outcome, Scope
from gatekeeper_py.audit.privileges import RBAC_KINDS, Privileges
from gatekeeper_py.audit.reports import (
    csv,
    github,
    html,
    json,
    junit,
    lines,
    markdown,
    openreports,
    policyreport,
    sarif,
    table,
)
from gatekeeper_py.audit.result import SEVERITIES
from gatekeeper_py.audit.scan import Audited, scan
from gatekeeper_py.cli.exits import BAD_INPUT, DENIED, InputError
from gatekeeper_py.cli.options import (
    IGNORE,
    allow_no_objects_option,
    allow_no_policies_option,
    cluster_option,
    defaults_option,
    files_option,
    kubeconfig_option,
    one_cluster,
    output_option,
    policies_option,
    validate_option,
)
from gatekeeper_py.cli.sources import (
    gather,
    make_engine,
    read_cluster,
    read_policies,
    sift,
)
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Problem, Reading, Source
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.submission import Submission
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.tenancy.documents import is_tenancy_document

__all__ = ["command"]

REPORTS: Mapping[str, Callable[[Outcome], str]] = {
    "table": lambda outcome: _for_people(outcome),
    "json": json.report,
    "csv": csv.report,
    "markdown": markdown.report,
    "sarif": sarif.report,
    "junit": junit.report,
    "policyreport": policyreport.report,
    "openreports": openreports.report,
    "github": github.report,
    "html": html.report,
}


@dataclass(frozen=True, slots=True)
class _Input:
    """What is to be audited, and by what."""

    policies: Path
    cluster: Path | None
    files: tuple[str, ...]
    kubeconfig: Path | None
    defaults: bool
    existing: bool
    validate: str
    allow_no_policies: bool
    allow_no_objects: bool


def _named(option: str, name: str, text: str) -> Callable[[Any], Any]:
    """An option that narrows the report, repeatable."""
    return click.option(option, name, multiple=True, metavar="NAME", help=f"{text} May be repeated.")


class _Audit(click.Command):
    """`audit`; of `audit cost` what follows belongs to the bill."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of whichever is asked for."""
        if args[:1] != ["cost"]:
            return super().make_context(info_name, args, parent, **extra)
        from gatekeeper_py.cli import cost

        return cost.command.make_context(f"{info_name} cost", args[1:], parent, **extra)


@click.command("audit", cls=_Audit)
@policies_option
@cluster_option
@output_option(*REPORTS)
@files_option(required=False)
@kubeconfig_option
@click.option(
    "--existing", is_flag=True, help="Take -f for what exists: judge it as it is, and tell what drifted."
)
@defaults_option
@validate_option
@_named("--tenant", "tenants", "Report only objects of this tenant.")
@_named("--namespace", "namespaces", "Report only objects in this namespace.")
@_named("--kind", "kinds", "Report only objects of this kind.")
@_named("--policy", "names", "Report only findings of this policy.")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default=SEVERITIES[-1],
    help="Report only findings as severe as this, and those of no severity.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Exit code 1 for any finding as severe as this. [default: for what would be denied]",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An earlier report (-o json): tell what is new, unchanged and fixed; exit code 1 for what is new.",
)
@allow_no_policies_option
@allow_no_objects_option
@click.option("--allow-not-audited", is_flag=True, help="Exit code 2 no more for what cannot be audited.")
@click.pass_context
def command(
    context: click.Context,
    /,
    output: str,
    no_defaults: bool,
    tenants: tuple[str, ...],
    namespaces: tuple[str, ...],
    kinds: tuple[str, ...],
    names: tuple[str, ...],
    severity: str,
    fail_on: str | None,
    baseline: Path | None,
    allow_not_audited: bool,
    **given: Any,
) -> None:
    """Review what exists in a live cluster (--kubeconfig), or what authors are about to submit (-f).

    What exists is judged as it is, as if it were created now; the report also says what mutating policies
    would change (drift). Files are judged as they would be admitted, mutation first, as `review` does. All
    objects of -f and --cluster exist at the same time.

    `gatekeeper audit cost` says what each tenant's pods cost.

    Exit code 0: clean, 1: something would be denied, 2: error, or something was not audited.
    """
    if bool(given["files"]) == (given["kubeconfig"] is not None):
        raise InputError("name what to audit: either -f or --kubeconfig")
    one_cluster(given["cluster"], given["kubeconfig"])
    earlier = _baseline(baseline) if baseline is not None else None
    lowered = frozenset(kind.lower() for kind in kinds)
    scope = Scope(frozenset(tenants), frozenset(namespaces), lowered, frozenset(names), severity)
    found = _audit(_Input(defaults=not no_defaults, **given))
    outcome = Outcome(scope.select(found.audited), found.not_audited, earlier)
    _tell(outcome)
    click.echo(REPORTS[output](outcome), nl=False)
    if outcome.not_audited and not allow_not_audited:
        context.exit(BAD_INPUT)
    context.exit(DENIED if outcome.fails(fail_on) else 0)


def _tell(outcome: Outcome) -> None:
    """Say on stderr what was not audited, whatever becomes of the report."""
    for problem in outcome.not_audited:
        click.echo(printable(str(problem)), err=True)


def _baseline(path: Path) -> Mapping[str, Any]:
    try:
        return json.baseline(path.read_bytes())
    except OSError as error:
        raise InputError(f"--baseline {path}: cannot be read: {(error.strerror or '').lower()}") from error
    except json.NotAReport as error:
        raise InputError(f"--baseline {path}: {error}") from error


def _audit(given: _Input) -> Outcome:
    """Everything found; what stops the whole of it is a problem of the report too."""
    try:
        return _live(given, given.kubeconfig) if given.kubeconfig is not None else _written(given)
    except InputError as error:
        return Outcome(not_audited=tuple(_problems(error)))


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


def _written(given: _Input) -> Outcome:
    """Of files."""
    found = gather(given.files, allow_none=given.allow_no_objects)
    snapshot = read_cluster(given.cluster, found.manifests)
    fit = sift(found.manifests, snapshot, IGNORE if given.existing else given.validate)
    problems = (*found.problems, *fit.problems)
    whole = frozenset(filter(snapshot.knows, FRAME_KINDS))
    return _scanned(given, snapshot, Reading(fit.manifests, problems), existing=given.existing, whole=whole)


def _live(given: _Input, kubeconfig: Path) -> Outcome:
    """Of everything that exists in a cluster; the API server has given it its defaults long ago."""
    from gatekeeper_py.cluster.live import ClusterError, configuration, list_cluster

    try:
        listing = list_cluster(configuration(kubeconfig))
    except ClusterError as error:
        raise InputError(str(error)) from error
    unlisted = [
        Problem(f"{kind.api_version} {kind.kind}", 0, 0, why) for kind, why in listing.problems.items()
    ]
    existing = tuple(Manifest(value, Source("cluster")) for value in listing.objects)
    if not existing and not unlisted and not given.allow_no_objects:
        unlisted.append(Problem(str(kubeconfig), 0, 0, "the cluster shows no object"))
    living = tuple(manifest for manifest in existing if is_tenancy_document(manifest))
    as_stored = Reading(existing, tuple(unlisted))
    snapshot = Snapshot.of(existing, complete=not unlisted)
    whole = frozenset((*RBAC_KINDS, *FRAME_KINDS)) - listing.problems.keys()
    return _scanned(given, snapshot, as_stored, living, existing=True, whole=whole)


def _scanned(
    given: _Input,
    snapshot: Snapshot,
    found: Reading,
    living: tuple[Manifest, ...] = (),
    *,
    existing: bool,
    whole: frozenset[GroupVersionKind] = frozenset(),
) -> Outcome:
    """Judge what was found; `whole` are kinds of which nothing is missing."""
    manifests = read_policies(given.policies)
    engine, tenancy = make_engine(
        given.policies, manifests, snapshot, living, allow_none=given.allow_no_policies
    )
    defaults = given.kubeconfig is None and given.defaults
    submission = Submission("CREATE", defaults=defaults, asked_at=datetime.now(UTC))
    audited: list[Audited] = []
    problems = list(found.problems)
    scanned = scan(engine, tenancy, found.manifests, submission, existing=existing)
    judged = Privileges(tenancy, snapshot, frozenset(RBAC_KINDS) - whole).judge(scanned)
    if existing:
        judged = Frames(tenancy, snapshot, frozenset(FRAME_KINDS) - whole).judge(judged)
    for each in judged:
        if isinstance(each, Audited):
            audited.append(each)
        else:
            problems.append(each)
    return Outcome(tuple(audited), tuple(problems))


def _for_people(outcome: Outcome) -> str:
    """A table on a terminal, plain lines in a pipe."""
    import shutil
    import sys

    if not sys.stdout.isatty():
        return lines.report(outcome)
    return table.report(outcome, shutil.get_terminal_size().columns)
