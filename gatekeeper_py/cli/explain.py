"""`gatekeeper explain`: why does a policy decide so?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from gatekeeper_py.authoring.trace import NotEvaluated, explain_policy
from gatekeeper_py.cel import Explanation, Outcome
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import (
    cluster_option,
    files_option,
    policies_option,
    submission_options,
    validate_option,
)
from gatekeeper_py.cli.review import name_of, request_for
from gatekeeper_py.cli.sources import gather, input_errors, load_engine, read_cluster, sift
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, with_object
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.policy.model import MutatingPolicy, ValidatingPolicy

__all__ = ["command"]

WORDS = frozenset({"false", "null", "object", "oldObject", "params", "request", "true", "variables"})

MAX_VALUE = 100
MAX_TEXT = 100
"""Characters of one value and of one expression's text."""


@click.command("explain")
@policies_option
@cluster_option
@click.option("--policy", "name", required=True, metavar="NAME", help="The policy to explain.")
@files_option(required=True)
@submission_options
@validate_option
def command(
    policies: Path,
    cluster: Path | None,
    name: str,
    files: tuple[str, ...],
    submission: Submission,
    validate: str,
) -> None:
    """Evaluate one policy and show what every part of its expressions gave.

    Exit code 0: explained, 2: bad input.
    """
    view = read_cluster(cluster)
    engine = load_engine(policies, view)
    policy = _policy(engine, name)
    found = gather(files)
    fit = sift(found.manifests, view, validate)
    for manifest in fit.manifests:
        with input_errors():
            request = request_for(manifest, view, submission)
        _explain(engine, policy, _seen(engine, policy, request))
    if problems := (*found.problems, *fit.problems):
        raise InputError("\n".join(map(str, problems)))


def _seen(
    engine: Engine, policy: ValidatingPolicy | MutatingPolicy, request: AdmissionRequest
) -> AdmissionRequest:
    """The request as the policy sees it: validation comes after mutation."""
    if isinstance(policy, MutatingPolicy):
        return request
    mutated = engine.review(request, frozenset({"mutate"}))
    return with_object(request, mutated.object, engine.cluster)


def _explain(engine: Engine, policy: ValidatingPolicy | MutatingPolicy, request: AdmissionRequest) -> None:
    click.echo(name_of(request))
    try:
        for explained in explain_policy(engine, policy, request):
            click.echo(f"  {explained.binding}: {explained.place}")
            for line in _lines(explained.explanation, 2):
                click.echo(printable(line))
    except NotEvaluated as error:
        click.echo(f"  not evaluated: {printable(str(error))}")


def _policy(engine: Engine, name: str) -> ValidatingPolicy | MutatingPolicy:
    every: tuple[ValidatingPolicy | MutatingPolicy, ...] = (
        *engine.policies.validating,
        *engine.policies.mutating,
    )
    for policy in every:
        if policy.name == name:
            return policy
    known = ", ".join(sorted(policy.name for policy in every)) or "none"
    raise InputError(f"--policy {name}: there is no such policy; there are {known}")


def _lines(explanation: Explanation, depth: int) -> Iterator[str]:
    """The tree, a part a line: its text and what it gave; nothing below what was not needed."""
    text = " ".join(explanation.text.split())
    shown = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
    yield f"{'  ' * depth}{shown}  ->  {_given(explanation)}"
    if explanation.evaluated:
        for part in explanation.parts:
            if not _plain(part):
                yield from _lines(part, depth + 1)


def _plain(part: Explanation) -> bool:
    """Whether a part tells nothing: a literal, or one of the words that everything is read from."""
    return not part.parts and (part.text in WORDS or not part.text[:1].isalpha())


def _given(explanation: Explanation) -> str:
    if not explanation.evaluated:
        return "(not needed)"
    given = list(dict.fromkeys(map(_value, explanation.outcomes)))
    text = " | ".join(given)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 3] + "..."


def _value(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"error: {outcome.error}"
    try:
        return orjson.dumps(outcome.value, default=_opaque).decode()
    except TypeError:
        return _opaque(outcome.value)


def _opaque(value: Any) -> str:
    return str(value)
