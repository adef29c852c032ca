"""How control planes are reached."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.installation.kubeconfigs import Kubeconfigs
from gatekeeper_py.tenancy.control_plane import ControlPlane, SecretKey
from tests.cluster.test_credentials import kubeconfig
from tests.installation.support import Cluster

SECRET = SecretKey("foo", "vc-foo", "config")
PLANE = ControlPlane("foo", "foo", secret=SECRET, server="https://foo.foo.svc:443")


def holding(**data: str) -> Cluster:
    cluster = Cluster()
    metadata = {"name": "vc-foo", "namespace": "foo"}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    return cluster


def test_a_secret_of_the_host_is_read_each_time() -> None:
    cluster = holding(config=base64.b64encode(kubeconfig()).decode())
    connect = Kubeconfigs(cluster)
    assert connect(PLANE).cluster.server == "https://foo.foo.svc:443"
    cluster.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vc-foo", "namespace": "foo"}, "data": {}}
    )
    with pytest.raises(ClusterError, match="there is no Secret foo/vc-foo, key 'config'"):
        connect(PLANE)


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (None, "its kubeconfig is in the Secret foo/vc-foo, key 'config', and no host is followed"),
        (Cluster(), "there is no Secret foo/vc-foo, key 'config'"),
        (holding(config="!"), "the Secret foo/vc-foo, key 'config' holds no base64"),
        (holding(config=base64.b64encode(b"x").decode()), "the Secret holds no kubeconfig"),
    ],
)
def test_what_is_not_there_is_told(cluster: Cluster | None, told: str) -> None:
    with pytest.raises(ClusterError) as caught:
        Kubeconfigs(cluster)(PLANE)
    assert str(caught.value).startswith(told)


def test_a_secret_that_may_not_be_read_is_told_with_the_remedy() -> None:
    cluster = Cluster()
    cluster.deaf = "forbidden"
    with pytest.raises(ClusterError, match="gatekeeper install --control-plane NAME"):
        Kubeconfigs(cluster)(PLANE)


def test_a_file_is_the_platforms_own_and_its_address_may_be_another(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": "https://localhost:8443"}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    connect = Kubeconfigs(None)
    assert connect(ControlPlane("foo", "foo", str(path))).cluster.server == "https://localhost:8443"
    elsewhere = ControlPlane("foo", "foo", str(path), server="https://foo.foo.svc")
    assert connect(elsewhere).cluster.server == "https://foo.foo.svc"
    with pytest.raises(ClusterError):
        connect(ControlPlane("foo", "foo", str(tmp_path / "none")))
