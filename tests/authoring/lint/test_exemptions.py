"""Waivers and silences that exempt nobody from anything are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, found

TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo], patterns: ["foo-*"]}SILENCED}
"""
WAIVER = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Waiver
metadata: {name: w}
spec: {policies: [p], reason: old, approvedBy: us, expires: "DAY", WHAT}
"""
MISTAKES = {
    ("namespaces: [fop]", "2999-01-31"): (
        'w.yaml:4:80: GK701 warning: no Tenant claims the namespace "fop". Did you mean foo?'
    ),
    ("tenants: [foo]", "2020-01-31"): (
        "w.yaml:4:61: GK705 warning: this has ended on 2020-01-31, so it waives nothing. "
        "Remove the Waiver, or agree on another day"
    ),
    ("tenants: [foo], kinds: [Job]", "2999-01-31"): (
        "w.yaml:4:92: GK706 warning: none of the policies that this waives is about Job. "
        "Remove it, or name a policy that is"
    ),
    ("tenants: [foo], names: [Agent]", "2999-01-31"): (
        "w.yaml:4:92: GK706 warning: no object is called \"Agent\". Write small letters, digits, '-' and '.'"
    ),
}  # fmt: skip


def told(
    folder: Path, what: str, day: str = "2999-01-31", silenced: str = "", policy: str = POLICY
) -> list[str]:
    files = {"p.yaml": policy, "t.yaml": TENANT.replace("SILENCED", silenced)}
    if what:
        files["w.yaml"] = WAIVER.replace("WHAT", what).replace("DAY", day)
    return [line for line in found(folder, files) if "GK7" in line]


@pytest.mark.parametrize(("what", "day"), MISTAKES)
def test_a_mistake_is_told(what: str, day: str, tmp_path: Path) -> None:
    (line,) = told(tmp_path, what, day)
    assert line.partition(": ")[2] == MISTAKES[what, day].partition(": ")[2]


def test_a_policy_that_refuses_nothing_is_not_waived(tmp_path: Path) -> None:
    assert [
        line.partition(": ")[2]
        for line in told(tmp_path, "tenants: [foo]", policy=POLICY.replace("[Deny]", "[Warn]"))
    ] == ['GK706 warning: policy "p" refuses nothing: its bindings only warn, or audit. Remove it']


def test_a_refusal_is_not_silenced(tmp_path: Path) -> None:
    assert [line.partition(": ")[2] for line in told(tmp_path, "", silenced=", silencedWarnings: [p]")] == [
        'GK707 warning: policy "p" refuses, and warns of nothing. Remove it; what is agreed to be admitted is a Waiver'
    ]


@pytest.mark.parametrize(
    "what", ["tenants: [foo], kinds: [Pod]", "namespaces: [foo-a]", 'namespaces: ["foo*"]']
)
def test_what_waives_something_is_not_told(what: str, tmp_path: Path) -> None:
    assert told(tmp_path, what) == []


def test_a_warning_may_be_silenced(tmp_path: Path) -> None:
    warns = POLICY.replace("[Deny]", "[Warn]")
    assert told(tmp_path, "", silenced=", silencedWarnings: [p]", policy=warns) == []
