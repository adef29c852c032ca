"""`gatekeeper init`: a first folder, and nothing of anybody's is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.cluster import live
from gatekeeper_py.cluster.live import Listing
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.loading.load import read
from tests.cli.support import run
from tests.drafting.support import daemon_set, namespace, runtime_class
from tests.policy.support import POD, request

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
"""
CLUSTER = [
    *map(namespace, ("kube-system", "monitoring", "web")),
    runtime_class("kata", "kata-qemu"),
    daemon_set("node-exporter", "monitoring", hostNetwork=True),
]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return path


def holds(monkeypatch: pytest.MonkeyPatch, objects: list[Object], **problems: str) -> None:
    """Have the cluster hold these objects; `problems` are kinds of v1 that it does not list."""
    refused = {GroupVersionKind("", "v1", kind): why for kind, why in problems.items()}
    monkeypatch.setattr(live, "list_cluster", lambda *_: Listing(objects, refused))


def test_a_folder_is_written_that_loads_and_observes(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: Path, tmp_path: Path
) -> None:
    holds(monkeypatch, CLUSTER)
    folder = tmp_path / "made" / "policies"
    result = run("init", "--kubeconfig", kubeconfig, folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].endswith(
        " policies, 2 namespaces that look like the platform's, 1 tenants, enforcement: observe"
    )
    engine = Engine.load(read([folder]), Snapshot())
    hostile = {**POD, "metadata": {"name": "x", "namespace": "web"}, "spec": {**POD["spec"], "hostPID": True}}
    decision = engine.review(request(hostile))
    assert (decision.allowed, decision.object) == (True, hostile)
    assert decision.withheld is not None
    assert not decision.withheld.allowed


@pytest.mark.parametrize("there", ["a file", "a folder with something"])
def test_nothing_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: Path, tmp_path: Path, there: str
) -> None:
    holds(monkeypatch, CLUSTER)
    folder = tmp_path / "policies"
    mine = folder if there == "a file" else folder / "mine.yaml"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    result = run("init", "--kubeconfig", kubeconfig, folder)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{folder}: is there already, and nothing is overwritten. Name another folder\n",
    )
    assert mine.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*.yaml") if path != mine] == []


def test_an_empty_folder_is_filled(monkeypatch: pytest.MonkeyPatch, kubeconfig: Path, tmp_path: Path) -> None:
    holds(monkeypatch, CLUSTER)
    assert run("init", "--kubeconfig", kubeconfig, tmp_path).exit_code == 2
    (tmp_path / "empty").mkdir()
    assert run("init", "--kubeconfig", kubeconfig, tmp_path / "empty").exit_code == 0


def test_what_could_not_be_read_is_said(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: Path, tmp_path: Path
) -> None:
    holds(monkeypatch, CLUSTER, Pod="pods is forbidden")
    result = run("init", "--kubeconfig", kubeconfig, tmp_path / "policies")
    assert (result.exit_code, result.stderr) == (2, "not looked at: v1 Pod: pods is forbidden\n")
    assert (tmp_path / "policies/tenants/settings.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the cluster to look at with --kubeconfig"),
        (("--kubeconfig", "nowhere"), "nowhere: "),
    ],
)
def test_a_cluster_that_cannot_be_asked_is_bad_input(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run("init", *arguments, tmp_path / "policies")
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert not (tmp_path / "policies").exists()
