"""The options of `audit --watch`, and what keeps it from beginning."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.support import run
from tests.cluster.test_live import Api, write_kubeconfig

POLICIES = "kind: [\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--watch needs the --kubeconfig of a cluster"),
        (
            ("--kubeconfig", "k", "-f", "x"),
            "--filename does not go with --watch, which audits all of a cluster",
        ),
        (("--kubeconfig", "k", "--tenant", "foo"), "--tenant does not go with --watch"),
        (("--kubeconfig", "k", "--shard", "0/2"), "--shard does not go with --watch"),
        (("--kubeconfig", "k", "-o", "json"), "--output does not go with --watch"),
        (("--kubeconfig", "k", "--trend", "x"), "--trend does not go with --watch"),
        (("--kubeconfig", "k", "--every", "0m"), "'0m' is not like 30s, 10m or 2h"),
        (("--kubeconfig", "k", "--every", "soon"), "'soon' is not like 30s, 10m or 2h"),
        (("--kubeconfig", "/missing"), "/missing: "),
    ],
)
def test_what_makes_no_sense_is_an_error(arguments: tuple[str, ...], said: str) -> None:
    result = run("audit", "--policies", "p", "--watch", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("option", ["--every=1m", "--host=::", "--port=1", "--max-view-age=20"])
def test_what_belongs_to_a_watch_is_an_error_without_one(option: str) -> None:
    result = run("audit", "--policies", "p", "-f", "x", option)
    assert (result.exit_code, f"{option.partition('=')[0]} goes with --watch" in result.stderr) == (2, True)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    return str(write_kubeconfig(tmp_path / "kubeconfig", 1))


def test_a_port_that_is_taken_is_named(tmp_path: Path, kubeconfig: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(
            "audit", "--policies", str(tmp_path), "--watch", "--kubeconfig", kubeconfig, "--port", port
        )
    assert result.exit_code == 2
    assert f"--host 127.0.0.1 --port {port}: " in result.stderr


def test_bad_policies_are_told_and_nothing_begins(tmp_path: Path) -> None:
    api = Api()
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "bad.yaml").write_text(POLICIES)
    named = str(write_kubeconfig(tmp_path / "kubeconfig", api.server.server_port))
    try:
        result = run("audit", "--policies", str(policies), "--watch", "--kubeconfig", named, "--port", "0")
    finally:
        api.close()
    assert result.exit_code == 2
    assert "bad.yaml:2:1: " in result.stderr
