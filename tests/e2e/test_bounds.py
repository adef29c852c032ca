"""Bounds of a Tenant on a real API server, where it gives ports, audiences and sizes itself."""

from __future__ import annotations

from typing import Any

import orjson

from tests.e2e.harness import Kubectl

Json = dict[str, Any]


def service(name: str, **spec: object) -> Json:
    ports = [{"name": "web", "port": 80, "nodePort": 30080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"type": "NodePort", "selector": {"app": name}, "ports": ports} | spec,
    }


def node_port(alice: Kubectl, name: str) -> int:
    found: Json = alice.get("service", name)
    return int(found["spec"]["ports"][0]["nodePort"])


def test_the_cluster_chooses_the_port_of_a_service_and_it_stays(alice: Kubectl) -> None:
    alice.apply(service("ported"))
    given = node_port(alice, "ported")
    assert 30000 <= given <= 32767
    assert given != 30080
    alice.apply(service("ported", selector={"app": "other"}))
    assert node_port(alice, "ported") == given


def test_a_port_is_not_chosen_when_a_service_comes_to_have_one(alice: Kubectl) -> None:
    alice.apply(service("late", type="ClusterIP", ports=[{"name": "web", "port": 80}]))
    alice.apply(service("late"))
    assert node_port(alice, "late") != 30080


def test_a_token_is_for_the_api_server_or_for_whom_was_granted(alice: Kubectl) -> None:
    for granted in ((), ("--audience=vault",), ("--audience=https://kubernetes.default.svc.cluster.local",)):
        assert alice.run("create", "token", "default", *granted).returncode == 0
    refused = alice.run("create", "token", "default", "--audience=sts.amazonaws.com")
    assert 'spec.audiences names "sts.amazonaws.com"' in refused.stderr


def test_an_object_has_a_size(alice: Kubectl) -> None:
    large = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "large"},
        "data": {"a": "x" * 600_000},
    }
    refused = alice.run("create", "-f", "-", stdin=orjson.dumps(large).decode())
    assert "bytes, and one of tenant foo may have 524288; split it" in refused.stderr
