"""`gatekeeper explain`: what every part of a policy gave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import GOOD, HOST, POLICIES, run, write


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES)


STAMPED = HOST.replace("{name: host}", "{name: host, labels: {team: default}}")
"""What mutation leaves alone."""


def test_validation_is_explained_of_the_object_as_mutated(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--policy", "pinned", "-f", "-", stdin=GOOD)
    assert "      object.spec.containers  ->  " in result.stdout
    stamped = POLICIES.replace("c.image.contains(':')", "object.metadata.labels.team == 'default'")
    write(policies, all=stamped)
    result = run("explain", "--policies", policies, "--policy", "pinned", "-f", "-", stdin=GOOD)
    assert "object.metadata.labels.team == 'default')  ->  true" in result.stdout


def test_every_part_is_shown_with_its_value(policies: Path) -> None:
    result = run(
        "explain", "--policies", policies, "--policy", "no-host", "--no-defaults", "-f", "-", stdin=STAMPED
    )
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:9] == [
        "Pod default/host",
        "  no-host: validations[0].expression",
        "    object == null || !object.spec.?hostNetwork.orValue(false)  ->  false",
        "      object == null  ->  false",
        "      !object.spec.?hostNetwork.orValue(false)  ->  false",
        "        object.spec.?hostNetwork.orValue(false)  ->  true",
        '          object.spec.?hostNetwork  ->  "Optional(True)"',
        '            object.spec  ->  {"hostNetwork":true,"containers":[{"name":"c","image":"nginx:1"}]}',
        "  no-host: validations[1].expression",
    ]
    assert "      object != null  ->  (not needed)" in result.stdout.splitlines()


def test_mutations_and_match_conditions_are_explained(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--policy", "stamp", "-f", "-", stdin=GOOD)
    lines = result.stdout.splitlines()
    assert "  stamp: matchConditions unstamped" in lines
    assert "    !has(object.metadata.labels)  ->  true" in lines
    assert "  stamp: mutations[0]" in lines


def test_a_policy_that_is_not_about_the_request_says_so(policies: Path) -> None:
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}"
    result = run("explain", "--policies", policies, "--policy", "no-host", "-f", "-", stdin=manifest)
    assert result.stdout == (
        "ConfigMap default/c\n"
        "  not evaluated: the rules and selectors of the policy do not select the request\n"
    )


def test_an_unknown_policy_is_exit_code_2(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--policy", "nohost", "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (
        2,
        "--policy nohost: there is no such policy; there are closed-namespaces, no-host, pinned, stamp\n",
    )
