"""Options that several commands share: what is read, how plain manifests are submitted, what is written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.policy.admission.request import OPERATIONS, UserInfo

__all__ = [
    "IGNORE",
    "STRICT",
    "WARN",
    "allow_no_objects_option",
    "allow_no_policies_option",
    "cluster_option",
    "duration_of",
    "files_option",
    "https_address",
    "kubeconfig_option",
    "one_cluster",
    "output_option",
    "policies_option",
    "requester",
    "requester_options",
    "shard_option",
    "since_option",
    "submission_options",
    "validate_option",
]

STRICT, WARN, IGNORE = "strict", "warn", "ignore"
"""What is done about manifests that an API server would refuse to read: as `kubectl --validate`."""

F = TypeVar("F", bound=Callable[..., Any])


def policies_option(function: F) -> F:
    """`--policies DIR`."""
    return click.option(
        "--policies",
        required=True,
        metavar="DIR",
        type=Pathname(path_type=Path),
        help="Folder of policies, bindings, params and tenancy documents.",
    )(function)


def allow_no_policies_option(function: F) -> F:
    """`--allow-no-policies`."""
    return click.option(
        "--allow-no-policies",
        is_flag=True,
        help="Go on when --policies holds no policy: everything is allowed.",
    )(function)


def allow_no_objects_option(function: F) -> F:
    """`--allow-no-objects`."""
    return click.option("--allow-no-objects", is_flag=True, help="Go on when -f holds no object.")(function)


def cluster_option(function: F) -> F:
    """`--cluster PATH`."""
    return click.option(
        "--cluster",
        metavar="PATH",
        type=Pathname(path_type=Path),
        help="File or folder of manifests: what exists in the cluster.",
    )(function)


def kubeconfig_option(function: F) -> F:
    """`--kubeconfig FILE`."""
    return click.option(
        "--kubeconfig",
        metavar="FILE",
        type=Pathname(path_type=Path),
        help="Kubeconfig of a live cluster, its current context.",
    )(function)


def one_cluster(cluster: Path | None, kubeconfig: Path | None) -> None:
    """Raise `InputError` when both options say what the cluster is."""
    if cluster is not None and kubeconfig is not None:
        raise InputError("--cluster and --kubeconfig exclude each other: name one")


def https_address(option: str, url: str) -> str:
    """The URL as the API server accepts it in a webhook: https, no user, query or fragment."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or parts.username is not None or parts.query or parts.fragment:
        raise InputError(f"{option} {url}: not of the form https://HOST:PORT")
    return url.rstrip("/")


def files_option(*, required: bool) -> Callable[[F], F]:
    """`-f FILE|DIR|-`, repeatable."""
    return click.option(
        "-f",
        "--filename",
        "files",
        multiple=True,
        required=required,
        metavar="FILE|DIR|-",
        type=Pathname(allow_dash=True),
        help="Manifests; - is standard input. May be repeated.",
    )


def output_option(*forms: str) -> Callable[[F], F]:
    """`-o FORM`, the first one unless another is named."""
    return click.option(
        "-o", "--output", type=click.Choice(forms), default=forms[0], help="Form of the output."
    )


def defaults_option(function: F) -> F:
    """`--no-defaults`."""
    return click.option(
        "--no-defaults",
        is_flag=True,
        help="Take manifests as they are, without the API server's defaults.",
    )(function)


def validate_option(function: F) -> F:
    """`--validate strict|warn|ignore`."""
    return click.option(
        "--validate",
        type=click.Choice((STRICT, WARN, IGNORE)),
        default=STRICT,
        help="Unknown kinds and fields, missing or impossible names, pods without containers: an error, a "
        "warning, or nothing. [default: strict]",
    )(function)


def shard_of(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, int]:
    """The two numbers of `I/N`: the I-th of N parts, counted from 0, as the index of a Job is."""
    shard, _, shards = text.partition("/")
    if not (shard.isdecimal() and shards.isdecimal() and int(shard) < int(shards)):
        raise click.BadParameter(f"{text!r} is not I/N with I from 0 to N-1")
    return int(shard), int(shards)


def shard_option(function: F) -> F:
    """`--shard I/N`."""
    return click.option(
        "--shard",
        callback=shard_of,
        metavar="I/N",
        default="0/1",
        help="Judge the I-th of N parts, from 0 on; `gatekeeper audit merge` puts their reports together.",
    )(function)


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration_of(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    """Seconds, of how long something is: 30s, 10m, 2h, 1d."""
    if not (text[:-1].isdecimal() and text[-1:] in UNITS and int(text[:-1]) > 0):
        raise click.BadParameter(f"{text!r} is not like 30s, 10m or 2h")
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])}).total_seconds()


def time_of(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """A time with a zone, of a time or of how long ago it was."""
    if text is None:
        return None
    try:
        if text[:-1].isdecimal() and text[-1:] in UNITS:
            return datetime.now(UTC) - timedelta(**{UNITS[text[-1]]: int(text[:-1])})
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (OverflowError, ValueError) as error:
        message = f"{text!r} is neither like 24h or 7d nor like 2026-11-30T18:00:00Z"
        raise click.BadParameter(message) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def since_option(function: F) -> F:
    """`--since TIME`."""
    return click.option(
        "--since",
        callback=time_of,
        metavar="TIME",
        help="Leave out what is older: 24h, 7d, or 2026-11-30T18:00:00Z. What has no time is never left out.",
    )(function)


def _somebody(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """Refuse an empty name, as of a variable that is not set: it would ask as an administrator."""
    if value == "":
        raise click.BadParameter("it is empty; name who asks, or leave the option out", context, parameter)
    return value or ""


REQUESTER_OPTIONS = (
    click.option(
        "--user",
        callback=_somebody,
        metavar="NAME",
        help="Who asks. [default: a cluster administrator]",
    ),
    click.option(
        "--group", "groups", multiple=True, metavar="NAME", help="A group of the user. May be repeated."
    ),
    click.option(
        "--as-tenant",
        is_flag=True,
        help="Ask as the tenant of each manifest's namespace: one of its owners, or an account there.",
    ),
)


def requester(user: str, groups: tuple[str, ...], *, as_tenant: bool) -> UserInfo:
    """Who asks by these options."""
    from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, make_user

    if as_tenant and (user or groups):
        raise InputError("--as-tenant says who asks: name no --user and no --group beside it")
    return make_user(user, groups) if user or groups else ADMINISTRATOR


SUBMISSION_OPTIONS = (
    click.option(
        "--operation",
        type=click.Choice(OPERATIONS, case_sensitive=False),
        help="What is done to plain manifests. [default: CREATE]",
    ),
    click.option("--subresource", default="", metavar="NAME", help="The subresource they are sent to."),
    *REQUESTER_OPTIONS,
    click.option("--namespace", default="", metavar="NAME", help="Where objects without a namespace go."),
    defaults_option,
)


def requester_options(function: F) -> F:
    """`--user`, `--group`, `--as-tenant`."""
    for option in reversed(REQUESTER_OPTIONS):
        function = option(function)
    return function


def submission_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options and passes what they say as `submission`, and `as_tenant` beside it."""

    @functools.wraps(function)
    def with_submission(
        *arguments: Any,
        operation: Any,
        subresource: str,
        user: str,
        groups: tuple[str, ...],
        as_tenant: bool,
        namespace: str,
        no_defaults: bool,
        **rest: Any,
    ) -> None:
        from gatekeeper_py.policy.admission.submission import Submission

        asker = requester(user, groups, as_tenant=as_tenant)
        now = datetime.now(UTC)
        submission = Submission(operation, subresource, asker, namespace, not no_defaults, now)
        function(*arguments, submission=submission, as_tenant=as_tenant, **rest)

    wrapped: Callable[..., None] = with_submission
    for option in reversed(SUBMISSION_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
