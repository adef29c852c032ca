"""What a custom resource that nobody has read would have its controller do beyond the namespace."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from gatekeeper_py.tenancy import errands
from gatekeeper_py.tenancy.errands import add_errands
from gatekeeper_py.tenancy.forms import MAX_PATH, Finds, Unreadable

REFERENCE = {"apiVersion": "v1", "kind": "Node", "name": "worker"}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "x"},
}
CHART = {"apiVersion": "helm.cattle.io/v1", "kind": "HelmChart", "metadata": {"name": "x"}}
ROLE = "kind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: x}\n"
MAP = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "bar"}}'
TOKEN = '{{ readFile "/var/run/secrets/kubernetes.io/serviceaccount/token" }}'


ENCODED = b64encode(ROLE.encode()).decode()


def found(**spec: Any) -> list[tuple[str, str, str]]:
    finds = Finds("foo", [])
    add_errands({"spec": spec}, finds)
    return [(each["path"], each["kind"], each["namespace"] or each["name"]) for each in finds.references]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"objects": [BINDING]}, ("spec.objects[0]", "Right", "ClusterRoleBinding")),
        ({"objects": [CHART]}, ("spec.objects[0]", "Right", "HelmChart")),
        (
            {"a": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}},
            ("spec.a", "Right", "Namespace"),
        ),
        ({"a": ROLE}, ("spec.a", "Right", "ClusterRole")),
        ({"a": MAP}, ("spec.a", "Namespace", "bar")),
        ({"a": REFERENCE}, ("spec.a.name", "Right", "Node worker")),
        (
            {"targetRef": {"kind": "StorageClass", "name": "x"}},
            ("spec.targetRef.name", "Right", "StorageClass x"),
        ),
        ({"a": {"kind": "Namespace", "name": "bar"}}, ("spec.a.name", "Namespace", "bar")),
        ({"a": {"verbs": ["bind"], "resources": ["roles"]}}, ("spec.a", "Right", "bind")),
        (
            {"a": {"verbs": ["impersonate-on:user"], "resources": ["x"]}},
            ("spec.a", "Right", "impersonate-on:user"),
        ),
        ({"a": {"verbs": ["update"], "resources": ["*"]}}, ("spec.a", "Right", "*")),
        ({"a": {"verbs": ["patch"], "resources": ["nodes"]}}, ("spec.a", "Right", "nodes")),
        ({"a": {"verbs": ["get"], "resources": ["nodes/proxy"]}}, ("spec.a", "Right", "nodes/proxy")),
        ({"a": {"verbs": ["get"], "nonResourceURLs": ["/logs"]}}, ("spec.a", "Right", "nonResourceURLs")),
        ({"a": ["cluster-admin"]}, ("spec.a[0]", "Right", "cluster-admin")),
        (
            {"type": "kubernetes.io/service-account-token"},
            ("spec.type", "Right", "kubernetes.io/service-account-token"),
        ),
        ({"groups": ["system:masters"]}, ("spec.groups[0]", "Right", "system:masters")),
        ({"roleRef": {"name": "system:node"}}, ("spec.roleRef.name", "Right", "system:node")),
        ({"username": "kubernetes-admin"}, ("spec.username", "Right", "kubernetes-admin")),
        ({"nodeName": "worker"}, ("spec.nodeName", "Right", "worker")),
        ({"hostPath": {"path": "/"}}, ("spec.hostPath", "Right", "hostPath")),
        ({"watchScope": "ClusterWide"}, ("spec.watchScope", "Namespace", "*")),
        ({"targetNamespace": "{{ .Values.where }}"}, ("spec.targetNamespace", "Namespace", "*")),
        ({"namespace": "foo-$(params.x)"}, ("spec.namespace", "Namespace", "*")),
        ({"a": "status.phase=Running,metadata.namespace==bar"}, ("spec.a", "Qualified", "bar/*")),
        ({"a": '{{ lookup "v1" "Secret" "bar" "db" }}'}, ("spec.a", "Qualified", "bar/*")),
        ({"a": "kubectl -n bar get secrets"}, ("spec.a", "Qualified", "bar/*")),
        ({"kubectl": "get secrets -A"}, ("spec.kubectl", "Namespace", "*")),
        ({"a": TOKEN}, ("spec.a", "File", TOKEN)),
        ({"a": '{{ secret "bar" "db" "password" }}'}, ("spec.a", "Qualified", "bar/*")),
        ({"secret": "db", "space": "bar"}, ("spec.space", "Qualified", "bar/*")),
        ({"script": "cat /etc/kubernetes/x"}, ("spec.script", "File", "/etc/kubernetes/x")),
        ({"nodes": ["worker", "other"], "action": "drain"}, ("spec.nodes", "Right", "worker")),
        ({"machine": "worker", "steps": ["cordon"]}, ("spec.machine", "Right", "worker")),
        ({"node": "worker", "nodeLabels": {"a": "b"}}, ("spec.node", "Right", "worker")),
        ({"onNodes": "all"}, ("spec.onNodes", "Right", "all")),
        ({"sysctl": {"vm.swappiness": 1}}, ("spec.sysctl", "Right", "sysctl")),
        ({"privileged": True, "image": "x"}, ("spec.privileged", "Right", "privileged")),
        ({"mounts": [{"host": "/"}]}, ("spec.mounts[0].host", "Right", "/")),
        ({"hostNet": True}, ("spec.hostNet", "Right", "hostNet")),
        ({"pid": "host"}, ("spec.pid", "Right", "host")),
        ({"network": {"mode": "host"}}, ("spec.network.mode", "Right", "host")),
        ({"capabilities": {"add": ["ALL"]}}, ("spec.capabilities.add[0]", "Right", "ALL")),
        ({"a": "kubectl delete ns bar"}, ("spec.a", "Qualified", "bar/*")),
        ({"capAdd": ["CAP_SYS_ADMIN"]}, ("spec.capAdd[0]", "Right", "CAP_SYS_ADMIN")),
        ({"volumes": ["data:/x", "/:/host:rw"]}, ("spec.volumes", "Right", "/:/host:rw")),
        ({"patch": '{"hostPID": true}'}, ("spec.patch", "Right", "hostPID")),
        ({"organizations": ["system:masters"]}, ("spec.organizations[0]", "Right", "system:masters")),
        (
            {"patches": [{"target": {"group": "rbac.authorization.k8s.io", "kind": "Role"}}]},
            ("spec.patches[0].target", "Right", "Role"),
        ),
        (
            {"targetRef": {"group": "helm.cattle.io", "kind": "HelmChart"}},
            ("spec.targetRef", "Right", "HelmChart"),
        ),
        ({"to": {"nodes": "all"}}, ("spec.to.nodes", "Right", "all")),
        ({"scope": "node", "subnet": "10.96.0.0/12"}, ("spec.scope", "Right", "node")),
        (
            {"group": "metrics.k8s.io", "version": "v1", "service": {}},
            ("spec", "Right", "metrics.k8s.io"),
        ),
        ({"isDefaultClass": True}, ("spec.isDefaultClass", "Right", "isDefaultClass")),
        ({"attributes": {"superuser": True}}, ("spec.attributes.superuser", "Right", "superuser")),
        ({"runAsRole": "postgres"}, ("spec.runAsRole", "Right", "postgres")),
        ({"group": "platform-admins"}, ("spec.group", "Right", "platform-admins")),
        ({"priorityClass": "system-node-critical"}, ("spec.priorityClass", "Right", "system-node-critical")),
        ({"sql": "COPY t FROM PROGRAM 'id'"}, ("spec.sql", "Right", "COPY t FROM PROGRAM")),
        ({"objects": [ENCODED]}, ("spec.objects[0]", "Right", "ClusterRole")),
    ],
)
def test_what_only_the_platform_may_have_done_is_reported(
    spec: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert found(**spec) == [expected]


@pytest.mark.parametrize(
    "spec",
    [
        {"objects": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}]},
        {"a": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}}},
        {"a": {"apiVersion": "example.com/v1", "kind": "Node", "name": "x"}},
        {"a": {"apiVersion": {}, "kind": "Node", "name": "x"}},
        {"a": {"kind": ["Node"], "name": "x"}},
        {"a": {"kind": "Node", "name": 1}},
        {"storage": {"kind": "StorageClass", "name": "x"}},
        {"roleRef": {"kind": "ClusterRole", "name": "view"}},
        {"a": "apiVersion: v1\nkind: ConfigMap\n"},
        {"a": "namespace: bar"},
        {"a": "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, apiVersion"},
        {"a": {"verbs": ["get", "list", "watch"], "resources": ["nodes", "*", "pods/log"]}},
        {"a": {"verbs": ["*"], "resources": ["configmaps"]}},
        {"a": {"verbs": "get", "resources": ["nodes"]}},
        {"users": ["system:serviceaccount:foo:x"], "groups": ["developers"]},
        {"label": "system:masters"},
        {"containers": [{"nodeName": "x"}], "labels": {"a": "cluster-admin"}},
        {"nodeName": "", "hostPath": {}, "nodes": 3},
        {"scope": "Namespaced", "namespace": "{{ .Release.Namespace }}"},
        {"namespace": "$(context.taskRun.namespace)"},
        {"a": "{{ .Values.where }}"},
        {"a": "ls -A"},
        {"a": '{{ readFile "/etc/app/config" }}'},
        {"a": [[], {}, None, 1, True, ""]},
        {"image": "x", "script": "cat /etc/kubernetes/x"},
        {"config": "file: /etc/kubernetes/x"},
        {"nodes": ["a", "b"], "edges": [{"from": "a", "to": "b"}], "command": "run"},
        {"nodes": ["db-0", "db-1"], "action": "switchover"},
        {"node": "gw-7", "firmware": "1.2"},
        {"nodes": [], "action": "drain"},
        {"privileged": True, "role": "owner"},
        {"host": "//web", "hostNetwork": False, "network": "hosted"},
        {"capabilities": {"drop": ["ALL"]}, "sets": {"add": ["ALL"]}, "mode": "host"},
        {"capDrop": ["ALL"], "capabilities": ["Full"]},
        {"volumes": ["data:/var/lib/data:rw"]},
        {"name": "x", "space": "bar"},
        {"patches": [{"target": {"group": "apps", "kind": "Deployment"}}]},
        {"image": "x", "template": '{{ env "HOME" }}'},
        {"objects": ["a2luZDogQ29uZmlnTWFw", "a2luZD", "a2luZD/w=="]},
        {"nodes": "*", "isDefault": True, "scope": "node"},
        {"group": "developers", "user": "postgres", "roles": ["admin"]},
    ],
)
def test_ordinary_values_are_no_errands(spec: dict[str, Any]) -> None:
    assert found(**spec) == []


@pytest.mark.parametrize("kind", ["NodeOp", "HostCommand", "KernelTuning", "ClusterNodeMaintenance", "Drain"])
def test_a_kind_may_be_about_nodes_by_its_name(kind: str) -> None:
    finds = Finds("foo", [])
    add_errands({"spec": {}}, finds, kind)
    assert [(each["path"], each["kind"], each["name"]) for each in finds.references] == [
        ("kind", "Right", kind)
    ]


@pytest.mark.parametrize("kind", ["NodeSet", "NodejsApp", "HostedZone", "VirtualHostConfig", "Maintenance"])
def test_another_kind_is_not(kind: str) -> None:
    finds = Finds("foo", [])
    add_errands({"spec": {}}, finds, kind)
    assert finds.references == []


def test_a_powerful_kind_is_reported_with_its_group_by_which_it_may_be_granted() -> None:
    finds = Finds("foo", [])
    add_errands({"a": CHART}, finds)
    assert [(each["group"], each["name"]) for each in finds.references] == [("helm.cattle.io", "HelmChart")]


def test_a_path_that_nobody_could_read_is_not_judged() -> None:
    spec: Any = "cluster-admin"
    for _ in range(MAX_PATH):
        spec = [spec]
    with pytest.raises(Unreadable):
        found(a=spec)


def test_a_text_of_many_objects_is_reported_once_for_each_namespace() -> None:
    text = "".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{namespace: bar-{n % 100}}}\n" for n in range(1000)
    )
    assert len(found(a=text)) == errands.MOST_SAID


@pytest.mark.parametrize("kind", ["GatewayPlugin", "OperatorHook", "NodeShell"])
def test_a_kind_may_be_called_after_what_only_the_platform_has_done(kind: str) -> None:
    finds = Finds("foo", [])
    add_errands({"spec": {}}, finds, kind)
    assert [(each["path"], each["name"]) for each in finds.references] == [("kind", kind)]


def test_what_a_field_holds_may_be_told_by_the_kind() -> None:
    for kind, expected in (("Route", ["spec.lua"]), ("Game", [])):
        finds = Finds("foo", [])
        add_errands({"spec": {"lua": "return 1"}}, finds, kind)
        assert [each["path"] for each in finds.references] == expected
