"""What a live cluster holds, as commands read it whole or not at all. Files: `test_unreadable.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.sources import listed
from gatekeeper_py.cluster import live
from gatekeeper_py.cluster.live import Listing
from gatekeeper_py.cluster.snapshot import NAMESPACE
from gatekeeper_py.objects.resource import GroupVersionKind

KUBECONFIG = """\
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
"""
FORBIDDEN = {GroupVersionKind("", "v1", "Namespace"): "namespaces is forbidden"}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return path


def test_a_kind_that_may_not_be_listed_is_an_error(monkeypatch: pytest.MonkeyPatch, kubeconfig: Path) -> None:
    monkeypatch.setattr(live, "list_cluster", lambda *_: Listing([{"kind": "Tenant"}], FORBIDDEN))
    with pytest.raises(InputError, match=r"^v1 Namespace: namespaces is forbidden$"):
        listed(kubeconfig, [NAMESPACE])


def test_a_cluster_that_does_not_answer_is_an_error(kubeconfig: Path) -> None:
    with pytest.raises(InputError, match="the cluster does not answer"):
        listed(kubeconfig, [NAMESPACE])


def test_what_may_be_listed_is_listed(monkeypatch: pytest.MonkeyPatch, kubeconfig: Path) -> None:
    monkeypatch.setattr(live, "list_cluster", lambda *_: Listing([{"kind": "Tenant"}], {}))
    assert listed(kubeconfig, [NAMESPACE]) == [{"kind": "Tenant"}]
