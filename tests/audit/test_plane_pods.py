"""Pods of a tenant's own control plane are found where nothing is forced on them, and by their class's handler."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.audit.plane_pods import PlanePods
from gatekeeper_py.audit.privileges import Privileges
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.target import Target
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.tenancy.test_control_planes import load, plane, tenant

Json = dict[str, Any]

PODS = [{"namespace": "kamaji-*", "selector": {"matchLabels": {"app": "etcd"}}}]
SYSTEM = tenant("kamaji", trusted=True, namespaces={"names": ["kamaji-system"]})
CLASSES = [
    {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": handler}
    for name, handler in (("kata", "kata"), ("gvisor", "runsc"), ("runc", "runc"))
]


def tenancy(isolation: str = "vm", **spec: Any) -> Tenancy:
    needs = tenant("deep", runtimeClasses={"isolation": isolation, "allowed": ["*"]})
    return load(SYSTEM, needs, plane(**{"tenant": "deep", "pods": PODS, **spec}))


def pod(namespace: str = "kamaji-system", runtime_class: str | None = None, **labels: str) -> Json:
    spec: Json = {"containers": [{"name": "c", "image": "i"}]}
    spec |= {} if runtime_class is None else {"runtimeClassName": runtime_class}
    metadata = {"name": "p", "namespace": namespace, "labels": {"app": "etcd", **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def audited(value: Json, cluster: Snapshot) -> Audited:
    manifest = Manifest(value, Source("cluster"))
    request = make_request(manifest, cluster, Submission("CREATE"))
    return Audited(Target.of(manifest, request, None), "", (), (), manifest=manifest)


def findings(value: Json, found: Tenancy | None = None) -> list[str]:
    cluster = Snapshot([*CLASSES, value])
    (item,) = PlanePods(found or tenancy(), cluster).judge([audited(value, cluster)])
    assert isinstance(item, Audited)
    assert item.concerns == (("deep",) if item.findings else ())
    return [f"{each.policy}: {each.message}" for each in item.findings]


def test_one_without_a_class_is_told_with_the_remedy() -> None:
    assert findings(pod()) == [
        "control-plane-isolation: the pod is a part of control plane 'one' of tenant 'deep' and runs in no runtime class; "
        "the tenant needs vm. run it in a namespace of its tenant, or give it a runtime class that isolates so"
    ]


@pytest.mark.parametrize(
    ("name", "isolation", "isolates"),
    [
        ("kata", "vm", True),
        ("gvisor", "vm", False),
        ("gvisor", "sandbox", True),
        ("runc", "sandbox", False),
        ("nobody-knows", "sandbox", False),
        ("runc", "none", True),
    ],
)
def test_the_handler_of_its_class_decides(name: str, isolation: str, isolates: bool) -> None:
    assert (findings(pod(runtime_class=name), tenancy(isolation)) == []) is isolates


@pytest.mark.parametrize(
    "value",
    [
        pod(app="web"),
        pod("kube-system"),
        pod("deep"),
        {**pod(), "kind": "PodTemplate", "template": {"spec": {}}},
    ],
)
def test_what_is_no_part_of_it_or_is_judged_as_the_tenants_is_passed_over(value: Json) -> None:
    assert findings(value) == []


def test_without_control_planes_nothing_is_said_and_problems_pass() -> None:
    assert findings(pod(), load(SYSTEM)) == []
    problem = Problem("a", 1, 1, "bad")
    assert list(PlanePods(tenancy(), Snapshot()).judge([problem])) == [problem]


def test_a_syncer_that_reaches_further_than_its_tenant_is_reported() -> None:
    rbac = "rbac.authorization.k8s.io"
    role = {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}],
    }
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "syncer", "namespace": "kamaji-system"}],
    }
    cluster = Snapshot([role, binding])

    def said(found: Tenancy) -> list[str]:
        (item,) = Privileges(found, cluster).judge([audited(binding, cluster)])
        assert isinstance(item, Audited)
        return [each.message.partition(", by ")[0] for each in item.findings]

    assert said(tenancy()) == []
    assert said(tenancy(syncer={"users": ["system:serviceaccount:kamaji-system:syncer"]})) == [
        "ServiceAccount \"kamaji-system/syncer\" of tenant 'deep' may read Secrets everywhere"
    ]
