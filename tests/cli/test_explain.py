"""`gatekeeper explain`: what each policy did, what decided, and the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from tests.cli.support import GOOD, HOST, POLICIES, run, write


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES)


STAMPED = HOST.replace("{name: host}", "{name: host, labels: {team: default}}")
"""What mutation leaves alone."""


def test_all_policies_are_told_and_the_verdict_with_its_remedy(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--no-defaults", "-f", "-", stdin=STAMPED)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Pod default/host",
        "  no-host refuses it",
        "    validations[0].expression",
        "      object == null || !object.spec.?hostNetwork.orValue(false) is false",
        "        object == null is false",
        "          object is {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'host', 'labels': {'team': 'default'}, '...",
        "        !object.spec.?hostNetwork.orValue(false) is false",
        "          object.spec.?hostNetwork.orValue(false) is true",
        "    message: spec.hostNetwork is true; remove it",
        "  stamp does not match: condition \"unstamped\" is false",
        "    !has(object.metadata.labels) is false",
        "  pass: pinned",
        "  about other requests: 1 policies",
        "denied",
        "  no-host: spec.hostNetwork is true; remove it",
    ]  # fmt: skip


def test_validation_is_explained_of_the_object_as_mutated(policies: Path) -> None:
    stamped = POLICIES.replace("c.image.contains(':')", "object.metadata.labels.team == 'default'")
    write(policies, all=stamped)
    result = run("explain", "--policies", policies, "-f", "-", stdin=GOOD)
    assert "  stamp changes it\n    metadata.labels.team: default\n" in result.stdout
    assert result.stdout.endswith("\nallowed, as changed\n")
    assert "pass: pinned" in result.stdout or "pinned" in result.stdout.partition("pass: ")[2]


def test_one_policy_is_told_whatever_it_did(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--policy", "stamp", "-f", "-", stdin=GOOD)
    lines = result.stdout.splitlines()
    assert lines[1:4] == ["  stamp changes it", "    metadata.labels.team: default", "    mutations[0]"]
    result = run("explain", "--policies", policies, "--policy", "pinned", "-f", "-", stdin=GOOD)
    assert "  pinned passes it" in result.stdout.splitlines()


def test_a_policy_that_is_not_about_the_request_says_so(policies: Path) -> None:
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}"
    result = run("explain", "--policies", policies, "--policy", "no-host", "-f", "-", stdin=manifest)
    assert result.stdout == (
        "ConfigMap default/c\n"
        "  no-host does not match: its rules are about other resources or operations\n"
        "allowed\n"
    )


def test_an_unknown_policy_is_exit_code_2(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--policy", "nohost", "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (
        2,
        "--policy nohost: there is no such policy; did you mean no-host?\n",
    )


def test_values_are_cut_to_the_terminal(policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (60, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = run("explain", "--policies", policies, "-f", "-", stdin=STAMPED).stdout.splitlines()
        shown = [line for line in lines if " is " in line and "message" not in line]
        assert max(map(len, shown)) == columns or max(map(len, shown)) <= columns
        assert any(line.endswith("...") for line in shown)


def test_json(policies: Path) -> None:
    result = run(
        "explain", "--policies", policies, "--policy", "no-host", "-o", "json", "-f", "-", stdin=STAMPED
    )
    made = orjson.loads(result.stdout)
    assert (made["allowed"], made["messages"]) == (False, ["no-host: spec.hostNetwork is true; remove it"])
    (policy,) = made["policies"]
    assert (policy["policy"], policy["outcome"]) == ("no-host", "fails")
    assert policy["decided"][0]["because"][1] == {
        "expression": "!object.spec.?hostNetwork.orValue(false)",
        "gave": "false",
        "because": [{"expression": "object.spec.?hostNetwork.orValue(false)", "gave": "true"}],
    }
    assert policy["findings"] == [
        {"binding": "no-host", "message": "spec.hostNetwork is true; remove it", "actions": ["Deny"]}
    ]


RECORD = {
    "event": "decision",
    "operation": "UPDATE",
    "subresource": "",
    "namespace": "default",
    "user": "alice",
    "groups": ["team"],
    "allowed": False,
    "message": "no",
}


def test_a_decision_record_says_who_asked_for_what(policies: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "\n".join(json.dumps(each) for each in ({"event": "started"}, {**RECORD, "user": "bob"}, RECORD))
    )
    cluster = write(tmp_path / "cluster", pod=STAMPED.replace("hostNetwork: true, ", "")) / "pod.yaml"
    arguments = (
        "explain",
        "--policies",
        policies,
        "--cluster",
        cluster,
        "--decision",
        log,
        "-f",
        "-",
        "-o",
        "json",
    )
    made = orjson.loads(run(*arguments, stdin=GOOD.replace("name: good", "name: host")).stdout)
    assert (made["operation"], made["user"], made["namespace"]) == ("UPDATE", "alice", "default")


def test_another_answer_than_the_servers_is_told(policies: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(json.dumps({**RECORD, "operation": "CREATE"}))
    result = run("explain", "--policies", policies, "--decision", log, "-f", "-", stdin=GOOD)
    assert result.stdout.splitlines()[-1] == (
        "but the server said: denied: no (its policies, tenants or cluster were others)"
    )


def test_a_decision_is_found_by_the_id_that_its_message_names(policies: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    made = {**RECORD, "operation": "CREATE"}
    records = ({**made, "uid": "705ab4f5-6393", "user": "alice"}, {**made, "uid": "8", "user": "bob"})
    log.write_text("\n".join(map(json.dumps, records)))
    asked = ("explain", "--policies", policies, "--decision", log, "--decision-id")
    for identifier, user in (("705ab4f5", "alice"), ("8", "bob"), ("705ab4f5-6393", "alice")):
        told = run(*asked, identifier, "-f", "-", "-o", "json", stdin=GOOD)
        assert orjson.loads(told.stdout)["user"] == user
    result = run(*asked, "9", "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{log}: holds no decision 9, among 2. Give the log of the replica and the time that made it\n",
    )


def test_an_id_needs_a_log(policies: Path) -> None:
    result = run("explain", "--policies", policies, "--decision-id", "9", "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (
        2,
        "--decision-id needs --decision: name the log that holds it\n",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", ":1: unexpected end of data: line 1 column 2 (char 1). Give lines of the server's log"),
        ('{"event": "started"}', ": holds no decision. Give lines of the server's log"),
        ("", ": holds no decision. Give lines of the server's log"),
    ],
)
def test_what_is_no_record_is_exit_code_2(text: str, told: str, policies: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    result = run("explain", "--policies", policies, "--decision", log, "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (2, f"{log}{told}\n")
    log.unlink()
    result = run("explain", "--policies", policies, "--decision", log, "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (2, f"{log}: No such file or directory\n")


WAIVER = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Waiver
metadata: {name: old}
spec:
  policies: [no-host]
  namespaces: [default]
  reason: it has always been so
  approvedBy: somebody
  expires: "2999-12-31"
"""


def test_a_waiver_is_told(policies: Path) -> None:
    write(policies, waiver=WAIVER)
    lines = run(
        "explain", "--policies", policies, "--no-defaults", "-f", "-", stdin=STAMPED
    ).stdout.splitlines()
    assert lines[1] == "  no-host would refuse it, and is waived by old until 2999-12-31"
    assert lines[-1] == "allowed"
