"""Waivers and silences that exempt nobody from anything (GK701, GK705 to GK707)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.shapes import kinds_of
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.naming import path_segment
from gatekeeper_py.policy.model import ValidatingPolicy
from gatekeeper_py.tenancy.patterns import glob_matches
from gatekeeper_py.tenancy.reading import is_settings, is_tenancy_document, is_tenant, is_waiver

__all__ = ["exemptions"]

Told: TypeAlias = Iterator[tuple[FieldPath, str, str, str]]
"""Where, the code, what is wrong, and what to do."""
Spec: TypeAlias = dict[str, Any]
PATTERN: Final = frozenset("*")


def exemptions(subject: Subject) -> Iterator[Finding]:
    """What is wrong with the Waivers of a folder, and with what its tenants do not want to hear."""
    documents = list(filter(is_tenancy_document, subject.manifests))
    tenants = [spec for each in filter(is_tenant, documents) if (spec := _spec(each))]
    policies = {policy.name: policy for policy in subject.policies.validating}
    for document in documents:
        spec = _spec(document)
        told: Told = iter(())
        if is_waiver(document):
            told = _waiver(spec, tenants, policies, subject.kinds)
        elif is_tenant(document) or is_settings(document):
            told = _silences(spec, policies)
        for path, code, what, remedy in told:
            yield Finding(document.source.problem(path, what, remedy), code)


def _spec(document: Manifest) -> Spec:
    spec = document.object.get("spec")
    return spec if isinstance(spec, dict) else {}


def _texts(spec: Spec, field: str) -> list[str]:
    found = spec.get(field)
    return [str(each) for each in found] if isinstance(found, list) else []


def _waiver(spec: Spec, tenants: list[Spec], policies: dict[str, ValidatingPolicy], kinds: Kinds) -> Told:
    yield from _over(spec)
    if tenants:
        yield from _nobodys(spec, tenants)
    named = [policies[name] for name in _texts(spec, "policies") if name in policies]
    for index, name in enumerate(_texts(spec, "policies")):
        if name in policies and not _denies(policies[name]):
            what = f'policy "{name}" refuses nothing: its bindings only warn, or audit'
            yield ("spec", "policies", index), "GK706", what, "Remove it"
    if named and len(named) == len(_texts(spec, "policies")):
        yield from _unmatched(spec, named, kinds)
    for index, name in enumerate(_texts(spec, "names")):
        if path_segment(name) or (name.lower() != name and ":" not in name):
            what = f'no object is called "{name}"'
            yield ("spec", "names", index), "GK706", what, "Write small letters, digits, '-' and '.'"


def _over(spec: Spec) -> Told:
    try:
        last = date.fromisoformat(str(spec.get("expires")))
    except ValueError:
        return
    if last < datetime.now(UTC).date():
        what = f"this has ended on {last}, so it waives nothing"
        yield ("spec", "expires"), "GK705", what, "Remove the Waiver, or agree on another day"


def _nobodys(spec: Spec, tenants: list[Spec]) -> Told:
    """Namespaces that no tenant of the folder claims; by labels any may be claimed."""
    claims = [claim for each in tenants if isinstance(claim := each.get("namespaces"), dict)]
    if any(set(claim) - {"names", "patterns"} for claim in claims):
        return
    names = sorted({name for claim in claims for name in _texts(claim, "names")})
    patterns = [pattern for claim in claims for pattern in _texts(claim, "patterns")]
    for index, space in enumerate(_texts(spec, "namespaces")):
        claimed = any(glob_matches(space, name) for name in names) or any(
            glob_matches(pattern, space) or PATTERN & set(space) for pattern in patterns
        )
        if not claimed:
            near = difflib.get_close_matches(space, names, 1)
            remedy = f"Did you mean {near[0]}?" if near else f"Write one of {', '.join(names) or 'a tenant'}"
            yield ("spec", "namespaces", index), "GK701", f'no Tenant claims the namespace "{space}"', remedy


def _denies(policy: ValidatingPolicy) -> bool:
    return any("Deny" in binding.actions for binding in policy.bindings)


def _unmatched(spec: Spec, named: list[ValidatingPolicy], kinds: Kinds) -> Told:
    """Kinds that no policy which is waived is about; where a group is not known, any may be."""
    rules = [rule for policy in named for rule in policy.match.rules]
    groups = {each.served.kind.group for each in kinds}
    if not all(groups.issuperset(rule.groups) for rule in rules):
        return
    reached = {kind for rule in rules for name in rule.resources for kind in kinds_of(rule, name, kinds)}
    for index, name in enumerate(_texts(spec, "kinds")):
        kind, _, group = name.partition(".")
        known = any(each.served.kind.kind == kind for each in kinds)
        if (
            known
            and "*" not in name
            and not any(each.kind == kind and group in ("", each.group) for each in reached)
        ):
            what = f"none of the policies that this waives is about {name}"
            near = difflib.get_close_matches(kind, {each.kind for each in reached}, 1)
            remedy = f"Did you mean {near[0]}?" if near else "Remove it, or name a policy that is"
            yield ("spec", "kinds", index), "GK706", what, remedy


def _silences(spec: Spec, policies: dict[str, ValidatingPolicy]) -> Told:
    for holder, path in ((spec, ("spec",)), (spec.get("defaults") or {}, ("spec", "defaults"))):
        for index, name in enumerate(_texts(holder, "silencedWarnings") if isinstance(holder, dict) else ()):
            policy = policies.get(name)
            if policy is not None and not any("Warn" in binding.actions for binding in policy.bindings):
                does = "refuses" if _denies(policy) else "only audits"
                what = f'policy "{name}" {does}, and warns of nothing'
                remedy = (
                    "Remove it; what is agreed to be admitted is a Waiver" if _denies(policy) else "Remove it"
                )
                yield (*path, "silencedWarnings", index), "GK707", what, remedy
