"""`gatekeeper explain`: why do the policies decide so?"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from gatekeeper_py.authoring.account import Account, Decided, PolicyAccount, account_of
from gatekeeper_py.authoring.reasoning import Reason
from gatekeeper_py.cli.choosing import demand_known
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import (
    cluster_option,
    files_option,
    output_option,
    policies_option,
    submission_options,
    validate_option,
)
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.review import name_of, request_for
from gatekeeper_py.cli.sources import (
    demand_tenants,
    gather,
    input_errors,
    load_policies,
    make_engine,
    read_cluster,
    sift,
)
from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.decision import Decision, Finding
from gatekeeper_py.policy.admission.request import OPERATIONS
from gatekeeper_py.policy.admission.submission import Submission, make_user
from gatekeeper_py.policy.admission.text import change_line, printable

__all__ = ["command"]

WIDTH_OF_A_PIPE = 120
"""Columns where nobody's terminal says how many there are."""
LEAST_ROOM = 40
"""Columns for an expression and its value, however deep it is."""
STEP = "  "


@click.command("explain")
@policies_option
@cluster_option
@click.option(
    "--policy", "names", multiple=True, metavar="NAME", help="Explain this one alone. May be repeated."
)
@files_option(required=True)
@click.option(
    "--decision",
    "record",
    metavar="FILE",
    type=Pathname(path_type=Path, dir_okay=False),
    help="A decision record of the server's log: who asked, and for what.",
)
@click.option(
    "--decision-id",
    "identifier",
    metavar="ID",
    help="Which decision of that log, as a denial names it: how its uid begins. [default: the last]",
)
@output_option("text", "json")
@submission_options
@validate_option
def command(
    policies: Path,
    cluster: Path | None,
    names: tuple[str, ...],
    files: tuple[str, ...],
    record: Path | None,
    identifier: str | None,
    output: str,
    submission: Submission,
    as_tenant: bool,
    validate: str,
) -> None:
    """Say what every policy does with manifests, and show of its expressions what decided.

    The object is changed first, as in admission. With --policy the expressions of what passes are shown, too.
    A --decision says operation, subresource, user and groups, and what the server answered.

    Exit code 0: explained, 2: bad input.
    """
    view = read_cluster(cluster)
    engine = make_engine(loaded := load_policies(policies), view)
    tenants = demand_tenants(loaded) if as_tenant else None
    demand_known("--policy", names, engine.policies.names, "policy")
    if identifier is not None and record is None:
        raise InputError("--decision-id needs --decision: name the log that holds it")
    if as_tenant and record is not None:
        raise InputError("--as-tenant and --decision both say who asks: name one")
    answered = _record(record, identifier or "") if record is not None else None
    if answered is not None:
        submission = _submission(answered, submission)
    found = gather(files)
    fit = sift(found.manifests, view, validate)
    for manifest in fit.manifests:
        with input_errors():
            account = account_of(engine, request_for(manifest, view, submission, None, tenants), names)
        lines = _json(account) if output == "json" else _text(account, answered, detailed=bool(names))
        for line in lines:
            click.echo(printable(line))
    if problems := (*found.problems, *fit.problems):
        raise InputError("\n".join(map(str, problems)))


# --- decision records


def _record(path: Path, identifier: str) -> Mapping[str, Any]:
    """The last decision whose uid begins so, of a file with lines of the server's log, or with one record."""
    records = list(_records(path))
    if not records:
        raise InputError(f"{path}: holds no decision. Give lines of the server's log")
    meant = [record for record in records if str(record.get("uid", "")).startswith(identifier)]
    if not meant:
        raise InputError(
            f"{path}: holds no decision {identifier}, among {len(records)}. "
            "Give the log of the replica and the time that made it"
        )
    return meant[-1]


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Every decision of a file."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise InputError(f"{path}:{number}: {error}. Give lines of the server's log") from error
            if isinstance(value, dict) and "allowed" in value and value.get("operation") in OPERATIONS:
                yield value


def _submission(record: Mapping[str, Any], given: Submission) -> Submission:
    """Who asked, and for what, by a record; when, by the command."""
    groups = tuple(str(group) for group in record.get("groups") or ())
    return replace(
        given,
        operation=record["operation"],
        subresource=str(record.get("subresource") or ""),
        user=make_user(str(record.get("user") or ""), groups),
        namespace=str(record.get("namespace") or ""),
    )


# --- for people


def _text(account: Account, record: Mapping[str, Any] | None, *, detailed: bool) -> Iterator[str]:
    """What there is to say, the verdict at the end."""
    width = shutil.get_terminal_size((WIDTH_OF_A_PIPE, 0)).columns
    yield name_of(account.request)
    for policy in account.policies:
        if policy.stage in ("changes", "fails") or (detailed and policy.stage in ("leaves", "passes")):
            yield from _policy_lines(policy, width, detailed=detailed)
    yield from _left_out(account, width, detailed=detailed)
    passing = [policy.policy for policy in account.policies if policy.stage in ("leaves", "passes")]
    if passing and not detailed:
        yield f"{STEP}pass: {', '.join(passing)}"
    if not detailed:
        others = sum(policy.stage == "other" for policy in account.policies)
        yield f"{STEP}about other requests: {others} policies"
    yield from _verdict(account.decision)
    if record is not None and bool(record["allowed"]) != account.decision.allowed:
        said = "admitted" if record["allowed"] else f"denied: {record.get('message', '')}"
        yield f"but the server said: {said} (its policies, tenants or cluster were others)"


SAID = {
    "changes": "changes it",
    "leaves": "leaves it as it is",
    "passes": "passes it",
    "fails": "refuses it",
}


def _policy_lines(policy: PolicyAccount, width: int, *, detailed: bool) -> Iterator[str]:
    yield f"{STEP}{policy.policy} {_did(policy)}"
    yield from (f"{STEP * 2}{change_line(change)}" for change in policy.changed)
    if detailed or not policy.mutates:
        yield from _decided_lines(policy.decided, width)
    yield from (f"{STEP * 2}message: {finding.message}" for finding in policy.findings)


def _did(policy: PolicyAccount) -> str:
    """What a policy did, or would have done but for a waiver or its actions."""
    waived = next((finding.waived for finding in policy.findings if finding.waived is not None), None)
    if waived is not None:
        return f"would refuse it, and is waived by {waived.waiver} until {waived.expires}"
    if policy.findings and not any("Deny" in finding.actions for finding in policy.findings):
        return f"would refuse it ({', '.join(policy.findings[0].actions)})"
    return SAID[policy.stage]


def _left_out(account: Account, width: int, *, detailed: bool) -> Iterator[str]:
    for policy in account.policies:
        if policy.stage == "unmatched" or (policy.stage == "other" and detailed):
            yield f"{STEP}{policy.policy} does not match: {policy.why}"
            yield from _decided_lines(policy.decided, width)


def _decided_lines(decided: Sequence[Decided], width: int) -> Iterator[str]:
    for each in decided:
        if each.place.startswith("matchConditions"):
            yield from _reason_lines(each.reason, 2, width)
        else:
            yield f"{STEP * 2}{each.place}"
            yield from _reason_lines(each.reason, 3, width)


def _reason_lines(reason: Reason, depth: int, width: int, above: str = "") -> Iterator[str]:
    """A part a line, its text and value cut to what the terminal holds; a value is not said twice."""
    room = max(width - len(STEP) * depth - len(" is "), LEAST_ROOM)
    if reason.gave == above and not reason.error:
        yield f"{STEP * depth}= {_cut(reason.text, room)}"
    else:
        text = _cut(reason.text, max(room - len(reason.gave), room // 2))
        yield f"{STEP * depth}{text} is {_cut(reason.gave, room - len(text))}"
    for each in reason.reasons:
        yield from _reason_lines(each, depth + 1, width, reason.gave if _is_variable(reason.text) else "")


def _is_variable(text: str) -> bool:
    return re.fullmatch(r"variables\.\w+", text) is not None


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _verdict(decision: Decision) -> Iterator[str]:
    """Allowed or denied, and what to do about it: messages of policies end with the remedy."""
    if decision.allowed:
        yield "allowed" if decision.patch == () else "allowed, as changed"
        yield from (f"{STEP}warning: {warning}" for warning in decision.warnings)
        if decision.withheld is not None and not decision.withheld.allowed:
            yield f"{STEP}only observed: it would be denied where policies are enforced"
        return
    yield "denied"
    yield from (f"{STEP}{line}" for line in _refusals(decision))


def _refusals(decision: Decision) -> list[str]:
    told = [f"{finding.policy}: {finding.message}" for finding in _denying(decision)]
    if told or decision.status is None:
        return told
    return [cause.message for cause in decision.status.causes] or [decision.status.message]


def _denying(decision: Decision) -> list[Finding]:
    return [finding for finding in decision.findings if "Deny" in finding.actions]


# --- for programs


def _json(account: Account) -> Iterator[str]:
    request, decision = account.request, account.decision
    document = {
        "object": {"apiVersion": request.kind.api_version, "kind": request.kind.kind, "name": request.name},
        "namespace": request.namespace,
        "operation": request.operation,
        "subresource": request.subresource,
        "user": request.user.username,
        "policies": [_described(policy) for policy in account.policies],
        "allowed": decision.allowed,
        "messages": [] if decision.allowed else _refusals(decision),
        "warnings": list(decision.warnings),
        "patch": list(decision.patch),
    }
    yield orjson.dumps(document).decode()


def _described(policy: PolicyAccount) -> dict[str, Any]:
    made: dict[str, Any] = {"policy": policy.policy, "outcome": policy.stage}
    if policy.why:
        made["why"] = policy.why
    if policy.changed:
        made["changed"] = [
            {
                "field": change.field,
                **({} if change.before is ABSENT else {"before": change.before}),
                **({} if change.after is ABSENT else {"after": change.after}),
            }
            for change in policy.changed
        ]
    if policy.decided:
        made["decided"] = [{"place": each.place, **_reasoned(each.reason)} for each in policy.decided]
    if policy.findings:
        made["findings"] = [
            {"binding": each.binding, "message": each.message, "actions": list(each.actions)}
            for each in policy.findings
        ]
    return made


def _reasoned(reason: Reason) -> dict[str, Any]:
    made: dict[str, Any] = {"expression": reason.text, "gave": reason.gave}
    if reason.reasons:
        made["because"] = [_reasoned(each) for each in reason.reasons]
    return made
