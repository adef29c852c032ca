"""Which texts are paths of files in which tokens and keys lie."""

from __future__ import annotations

import pytest

from gatekeeper_py.tenancy.keyfiles import is_key_file


@pytest.mark.parametrize(
    "text",
    [
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "/run/spire/sockets/agent.sock",
        "unix:///run/spire/sockets/agent.sock",
        "/vault/secrets/token",
        "/etc/ssl/private/key.pem",
        "C:\\var\\run\\secrets\\kubernetes.io\\serviceaccount\\token",
        "~/.kube/config",
        "../../proc/self/environ",
    ],
)
def test_a_path_leads_to_keys(text: str) -> None:
    assert is_key_file(text)


@pytest.mark.parametrize(
    "text",
    [
        "/etc/ssl/certs/ca.pem",
        "/vault/config",
        "/run/spirit",
        "C:\\data\\web",
        "see /var/run/secrets",
        "/var/run/secrets/" + "a" * 5000,
    ],
)
def test_another_does_not(text: str) -> None:
    assert not is_key_file(text)
