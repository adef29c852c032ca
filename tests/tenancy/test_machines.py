"""What the pods of a custom resource ask of their node."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.tenancy.machines import ASKING, asked_in_text, asked_of_machine


@pytest.mark.parametrize(
    ("key", "value", "beside", "around", "asked"),
    [
        ("hostNetwork", True, {}, ".spec", "hostNetwork"),
        ("hostPID", True, {}, ".spec", "hostPID"),
        ("hostIPC", True, {}, ".spec", "hostIPC"),
        ("hostProcess", True, {}, ".windowsOptions", "hostProcess"),
        ("hostNetworking", True, {}, ".network", "hostNetworking"),
        ("privileged", True, {}, ".securityContext", "privileged"),
        ("hostPort", 443, {"containerPort": 443}, "[0]", "hostPort 443"),
        ("hostPath", {"path": "/"}, {}, "[0]", "hostPath /"),
        ("hostPath", "/etc", {}, "[0]", "hostPath /etc"),
    ],
)
def test_a_pod_asks_for_its_node(key: str, value: Any, beside: Any, around: str, asked: str) -> None:
    assert key in ASKING
    assert asked_of_machine(key, value, beside, around) == asked


@pytest.mark.parametrize(
    ("key", "value", "beside", "around"),
    [
        ("hostNetwork", False, {}, ".spec"),
        ("hostNetwork", "true", {}, ".spec"),
        ("privileged", True, {}, ".role"),
        ("privileged", False, {}, ".securityContext"),
        ("hostPort", 0, {}, "[0]"),
        ("hostPort", True, {}, "[0]"),
        ("hostPort", 5432, {"dbHost": "db"}, ".spec"),
        ("hostPort", 5432, {"host": "db"}, ".spec"),
        ("hostPath", {}, {}, "[0]"),
        ("hostPath", "", {}, "[0]"),
    ],
)
def test_it_does_not(key: str, value: Any, beside: Any, around: str) -> None:
    assert asked_of_machine(key, value, beside, around) == ""


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ('{"hostPID": true}', "hostPID"),
        ("spec:\n  hostNetwork: true\n", "hostNetwork"),
        ('{"securityContext":{"privileged":true}}', "privileged"),
        ("volumes:\n- hostPath:\n    path: /\n", "hostPath"),
        ('{"hostPath": {"path": "/"}}', "hostPath"),
        ("hostNetwork: false", ""),
        ("the hostPath of a volume", ""),
        ("hostNetwork: true is not allowed", ""),
        ("pods with hostPID: true", ""),
        ("{hostIPC: true}", "hostIPC"),
        ("unprivileged: true", ""),
    ],
)
def test_a_pod_in_a_text_asks_likewise(text: str, asked: str) -> None:
    assert asked_in_text(text) == asked
