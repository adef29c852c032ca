"""Pods of ours are such as Kubernetes' restricted level lets in."""

from __future__ import annotations

from gatekeeper_py.installation.restriction import restricted_container, restricted_pod


def test_pods_and_containers_have_what_the_restricted_level_asks_for() -> None:
    pod, container = restricted_pod(fsGroup=1), restricted_container()
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] != 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["fsGroup"] == 1
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["readOnlyRootFilesystem"] is True
