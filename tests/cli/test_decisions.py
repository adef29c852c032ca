"""`gatekeeper audit decisions`: logs in, any form out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.audit.test_denials import finding, line
from tests.cli.support import POLICIES, run, write

DENIED = line(findings=[finding("no-host", "uses the host")])
BOB = line(user="bob", tenant="bar", namespace="bar", findings=[finding("other", "is other")])
ALLOWED = line(allowed=True)


@pytest.fixture
def logs(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "1.log", tmp_path / "2.log"
    one.write_bytes(DENIED + ALLOWED)
    other.write_bytes(BOB)
    return one, other


def test_who_was_denied_what(logs: tuple[Path, Path]) -> None:
    result = run("audit", "decisions", *logs)
    when = "2026-11-30T12:00:00Z"
    assert result.stdout.splitlines() == [
        f"{logs[1]}:1:1: deny - bar other: Deployment bar/web: is other (CREATE by bob, {when})",
        f"{logs[0]}:1:1: deny - foo no-host: Deployment foo/web: uses the host (CREATE by alice, {when})",
        "3 objects, 2 violating",
    ]
    assert (result.exit_code, result.stderr) == (1, "")


@pytest.mark.parametrize(
    ("options", "count", "code"),
    [
        (("--user", "bob"), 1, 1),
        (("--tenant", "foo"), 1, 1),
        (("--policy", "other"), 1, 1),
        (("--namespace", "nowhere"), 0, 0),
        (("--since", "2026-11-30T13:00:00Z"), 0, 0),
        (("--fail-on", "high"), 2, 1),
    ],
)
def test_it_may_be_narrowed(logs: tuple[Path, Path], options: tuple[str, ...], count: int, code: int) -> None:
    result = run("audit", "decisions", *options, "-o", "csv", *logs)
    assert (len([row for row in result.stdout.splitlines() if row.startswith("deny")]), result.exit_code) == (
        count,
        code,
    )


def test_severities_come_with_the_policies(logs: tuple[Path, Path], tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    result = run("audit", "decisions", "--policies", policies, "-o", "json", logs[0])
    (found,) = json.loads(result.stdout)["results"]
    assert found["findings"][0]["metadata"] == {"policy.example/severity": "high"}
    assert found["askedAs"] == "alice"


def test_standard_input_is_a_log() -> None:
    assert "deny - foo no-host" in run("audit", "decisions", "-", stdin=DENIED.decode()).stdout


@pytest.mark.parametrize(
    ("logs", "said"),
    [
        (("/missing",), "/missing: no such file or folder. Check the path\n"),
        (("-",), "<stdin>: holds no decision of a gatekeeper server\n"),
    ],
)
def test_nothing_read_is_not_clean(logs: tuple[str, ...], said: str) -> None:
    result = run("audit", "decisions", *logs, stdin="")
    assert (result.exit_code, result.stderr) == (2, said)
    assert "1 not audited" in result.stdout
