"""Params that a binding names and nobody has, and policies that get none (GK109)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject, statements
from gatekeeper_py.cel import tree
from gatekeeper_py.cluster.snapshot import DEFAULT_NAMESPACE
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.model import Binding, ParamRef, Policy

__all__ = ["params"]


def params(subject: Subject) -> Iterator[Finding]:
    """What each policy with a paramKind is given."""
    for policy in subject.every:
        if policy.param_kind is None or subject.kinds.served(policy.param_kind) is None:
            continue
        given = [each for each in subject.manifests if each.kind == policy.param_kind]
        for problem in _of(policy, given):
            yield Finding(problem, "GK109")


def _of(policy: Policy, given: list[Manifest]) -> Iterator[Problem]:
    if policy.param_kind is None:
        return
    if not _reads_params(policy):
        what = f'nothing in policy "{policy.name}" reads params'
        yield policy.source.problem(
            ("spec", "paramKind"), what, "Read them where they were meant, or remove paramKind"
        )
    for binding in policy.bindings:
        if binding.param_ref is None:
            what = f'binding "{binding.name}" names no params, so params is null'
            yield binding.source.problem(("spec",), what, "Add paramRef")
        elif given and not any(_is_meant(binding.param_ref, each) for each in given):
            yield _nobody(binding, binding.param_ref, policy.param_kind.kind, given)


def _reads_params(policy: Policy) -> bool:
    return any(tree.mentions(each.expression.program.tree, "params") for each in statements(policy))


def _is_meant(reference: ParamRef, param: Manifest) -> bool:
    """Whether a binding gives an object; without a namespace it may be that of the request."""
    metadata = param.object.get("metadata") or {}
    if reference.namespace and reference.namespace != (metadata.get("namespace") or DEFAULT_NAMESPACE):
        return False
    if reference.selector is not None:
        return bool(reference.selector.matches(labels_of(param.object)))
    return reference.name in ("", param.name)


def _nobody(binding: Binding, reference: ParamRef, kind: str, given: list[Manifest]) -> Problem:
    follows = "it decides nothing" if reference.not_found == "Allow" else "it refuses all that it is about"
    if reference.selector is not None:
        what = f"no {kind} here has these labels; without one {follows}"
        return binding.source.problem(("spec", "paramRef", "selector"), what, "Correct it, or label one so")
    names = {each.name for each in given}
    where = f" in the namespace {reference.namespace}" if reference.namespace else ""
    what = f'no {kind} here is called "{reference.name}"{where}; without one {follows}'
    field = "namespace" if reference.name in names else "name"
    spaces = {
        str((each.object.get("metadata") or {}).get("namespace") or DEFAULT_NAMESPACE) for each in given
    }
    near = sorted(spaces) if field == "namespace" else difflib.get_close_matches(reference.name, names, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"Name one that is here: {', '.join(sorted(names))}"
    return binding.source.problem(("spec", "paramRef", field), what, remedy)
