"""What is kept of an object."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.audit.target import Target, runtime_class
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile

SPEC: dict[str, Any] = {"containers": [], "runtimeClassName": "kata"}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"spec": SPEC}, "kata"),
        ({"spec": {"template": {"spec": SPEC}}}, "kata"),
        ({"spec": {"jobTemplate": {"spec": {"template": {"spec": SPEC}}}}}, "kata"),
        ({"template": {"spec": SPEC}}, "kata"),
        ({"spec": {"containers": []}}, ""),
        ({"spec": {"ports": []}}, None),
        ({"data": {"containers": "x"}}, None),
        ({}, None),
    ],
)
def test_the_runtime_class_is_that_of_the_pods(value: dict[str, Any], name: str | None) -> None:
    assert runtime_class(value) == name


COUNTED = NodeProfile("fargate", "vm", {"compute": "fargate"}, lacks=("runtimeClasses",))
OTHER = NodeProfile("mock", "none", {"type": "virtual"}, lacks=("runtimeClasses",))
HONEST = NodeProfile("edge", "none", {"edge": "yes"})


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ({"compute": "fargate", "zone": "a"}, "virtual node fargate"),
        ({"type": "virtual"}, ""),
        ({"compute": "ec2"}, "kata"),
        ({"edge": "yes"}, "kata"),
        (None, "kata"),
    ],
    ids=["counts as machines", "counts as none", "other nodes", "nodes that look at classes", "no selector"],
)
def test_where_nobody_looks_at_the_class_the_virtual_nodes_count(
    selector: dict[str, str] | None, name: str
) -> None:
    value = {"spec": SPEC | {"nodeSelector": selector}}
    assert runtime_class(value, (COUNTED, OTHER, HONEST)) == name


@pytest.mark.parametrize(
    ("text", "namespace", "home"),
    [
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: foo, uid: u1}}", "foo", "foo"),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: a, uid: u1}}", "a", ""),
        ("{apiVersion: v1, kind: Node, metadata: {name: a, uid: u1}}", "", ""),
    ],
)
def test_a_namespace_is_in_no_namespace(text: str, namespace: str, home: str) -> None:
    (manifest,) = read_text(text, "a.yaml")
    target = Target.of(manifest, make_request(manifest, Snapshot(), Submission("CREATE")), None)
    assert (target.namespace, target.home, target.name, target.uid) == (namespace, home, "a", "u1")
    assert (target.path, target.line, target.column) == ("a.yaml", 1, 1)
    assert target.asked_as == "kubernetes-admin"
