"""Options that say how plain manifests are submitted: by whom, where, and as which operation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from gatekeeper_py.cli.options import defaults_option
from gatekeeper_py.policy.request import OPERATIONS
from gatekeeper_py.policy.submission import ADMINISTRATOR, Submission, make_user

__all__ = ["submission_options"]

OPTIONS = (
    click.option(
        "--operation",
        type=click.Choice(OPERATIONS, case_sensitive=False),
        help="What is done to plain manifests. [default: CREATE]",
    ),
    click.option("--subresource", default="", metavar="NAME", help="The subresource they are sent to."),
    click.option("--user", default="", metavar="NAME", help="Who asks. [default: a cluster administrator]"),
    click.option(
        "--group", "groups", multiple=True, metavar="NAME", help="A group of the user. May be repeated."
    ),
    click.option("--namespace", default="", metavar="NAME", help="Where objects without a namespace go."),
    defaults_option,
)


def submission_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options and passes what they say as `submission`."""

    @functools.wraps(function)
    def with_submission(
        *arguments: Any,
        operation: Any,
        subresource: str,
        user: str,
        groups: tuple[str, ...],
        namespace: str,
        no_defaults: bool,
        **rest: Any,
    ) -> None:
        asker = make_user(user, groups) if user or groups else ADMINISTRATOR
        submission = Submission(operation, subresource, asker, namespace, defaults=not no_defaults)
        function(*arguments, submission=submission, **rest)

    wrapped: Callable[..., None] = with_submission
    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped
