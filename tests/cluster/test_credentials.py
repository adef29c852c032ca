"""What is taken from a kubeconfig whose author is not trusted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.credentials import LONGEST, login
from gatekeeper_py.cluster.view import ClusterError

SERVER = "https://foo.foo.svc:443"
AUTHORITY = {"certificate-authority-data": "Y2E="}
TOKEN = {"token": "secret"}


def kubeconfig(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **more: Any
) -> bytes:
    value = {
        "clusters": [
            {"name": "c", "cluster": {"server": "https://elsewhere", **AUTHORITY, **(cluster or {})}}
        ],
        "users": [{"name": "u", "user": {**TOKEN, **(user or {})}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
        **more,
    }
    return yaml.safe_dump(value).encode()


def test_whom_to_trust_and_how_to_log_in_is_taken_and_the_address_is_the_platforms() -> None:
    shown = {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}
    config = login(kubeconfig(user=shown), SERVER)
    assert (config.cluster.server, config.cluster.certificate_auth_data) == (SERVER, "Y2E=")
    assert config.user is not None
    assert (config.user.token, config.user.client_cert_data, config.user.client_key_data) == (
        "secret",
        "Y2VydA==",
        "a2V5",
    )
    assert config.fname is None


@pytest.mark.parametrize(
    ("cluster", "user", "named"),
    [
        ({}, {"exec": "sh"}, "exec"),
        ({}, {"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"}, "tokenFile"),
        ({}, {"client-certificate": "/etc/c", "client-key": "/etc/k"}, "client-certificate, client-key"),
        ({}, {"username": "u", "password": "p"}, "password, username"),
        ({"certificate-authority": "/etc/shadow"}, {}, "certificate-authority"),
        ({"proxy-url": "http://169.254.169.254"}, {}, "proxy-url"),
        ({"insecure-skip-tls-verify": "true"}, {}, "insecure-skip-tls-verify"),
    ],
)
def test_commands_files_and_ways_around_are_never_taken(
    cluster: dict[str, Any], user: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClusterError) as told:
        login(kubeconfig(cluster, user), SERVER)
    assert str(told.value) == (
        f"the kubeconfig has {named}, which is not taken from a Secret; put tokens and certificates in line"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "the Secret holds no kubeconfig with a current context"),
        (b"\xff\xfe", "the Secret holds no kubeconfig with a current context"),
        (b"[1, 2]", "the Secret holds no kubeconfig with a current context"),
        (b"&a [*a, *a]", "the Secret holds no kubeconfig with a current context"),
        (b"[" * 5000, "the Secret holds no kubeconfig with a current context"),
        (
            kubeconfig().replace(b"current-context: x", b"current-context: y"),
            "the Secret holds no kubeconfig with a current context",
        ),
        (
            kubeconfig(user={"exec": {"command": "sh"}}),
            "the Secret holds no kubeconfig with a current context",
        ),
        (kubeconfig(users=[{"name": "u", "user": {}}]), "the kubeconfig says neither token nor"),
        (kubeconfig({"certificate-authority-data": ""}), "the kubeconfig says no certificate-authority-data"),
        (b"a" * (LONGEST + 1), "the kubeconfig has more than 65536 bytes"),
    ],
)
def test_what_is_no_kubeconfig_is_told_without_quoting_it(text: bytes, told: str) -> None:
    with pytest.raises(ClusterError) as caught:
        login(text, SERVER)
    assert str(caught.value).startswith(told)
    assert "secret" not in str(caught.value)
