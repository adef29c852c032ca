"""Checks of the authorizer that no role grants are told; roles that were made up are nobody's mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import TRUE, linted

CHECK = "authorizer.group('%s').resource('%s').check('%s').allowed()"
MISTAKES = {
    CHECK % ("", "pod", "get"): '11:54: GK303 error: no resource of the group "" is called "pod". Did you mean pods?',
    CHECK % ("apps", "Deployment", "get"): '11:58: GK303 error: no resource of the group "apps" is called "Deployment". '
    "Did you mean deployments?",
    CHECK % ("", "deployments", "get"): '11:54: GK303 error: no resource of the group "" is called "deployments". '
    'It is of the group "apps"',
    CHECK % ("", "pods/exec", "create"): '11:54: GK303 error: no resource of the group "" is called "pods/exec". '
    "Write resource('pods').subresource('exec')",
    CHECK % ("app", "deployments", "get"): '11:39: GK303 error: no group is called "app". Did you mean apps?',
    CHECK % ("apps/v1", "deployments", "get"): '11:39: GK303 error: "apps/v1" is no group. Did you mean apps? A version is none',
    CHECK % ("", "pods", "read"): '11:68: GK303 error: no request has the verb "read". Did you mean get?',
    CHECK % ("", "pods", "CREATE"): '11:68: GK303 error: no request has the verb "CREATE". Did you mean create?',
    "authorizer.path('healthz').check('get').allowed()": '11:38: GK303 error: "healthz" is no path. Begin it with /',
    "authorizer.group('').resource('pods').subresource('exce').check('create').allowed()": (
        '11:74: GK303 error: pods has no subresource "exce". Did you mean exec?'
    ),
    "authorizer.group('').resource('nodes').namespace('foo').check('get').allowed()": (
        "11:73: GK303 error: nodes are in no namespace. Leave namespace() out"
    ),
}  # fmt: skip


@pytest.mark.parametrize("expression", MISTAKES)
def test_a_mistake_is_told(expression: str, tmp_path: Path) -> None:
    told = [line.removeprefix("p.yaml:") for line in linted(tmp_path, TRUE, expression) if "GK303" in line]
    assert [line.partition(": ")[2] for line in told] == [MISTAKES[expression].partition(": ")[2]]


@pytest.mark.parametrize(
    "expression",
    [
        CHECK % ("", "pods", "get"),
        CHECK % ("example.com", "widgets", "breakglass"),
        CHECK % ("", "pods", "bypass-policy"),
        "authorizer.requestResource.check('bypass').allowed()",
        "authorizer.path('/healthz').check('get').allowed()",
    ],
)
def test_what_may_be_right_is_not_told(expression: str, tmp_path: Path) -> None:
    assert not [line for line in linted(tmp_path, TRUE, expression) if "GK303" in line]
