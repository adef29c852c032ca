"""What syncers of tenants' own control planes bring down, by all shipped policies: honest pods, and forged ones.

Foo has two control planes and two namespaces, bar has one, whose syncer lives in a namespace of nobody's.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import UserInfo
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.tenancy.vcluster import vcluster_name
from tests.policy.support import request
from tests.shipped import POLICIES

Json = dict[str, Any]

VCLUSTER, OURS = "vcluster.loft.sh", "tenancy.gatekeeper-py.dev"
API = f"{OURS}/v1alpha1"
KATA: Json = {"runtimeClasses": {"default": "kata", "allowed": ["kata"], "isolation": "vm"}}


def document(kind: str, name: str, **spec: Any) -> Json:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def plane(name: str, tenant: str, syncer: str, **spec: Any) -> Json:
    known = {"tenant": tenant, "kubeconfig": {"file": f"/{name}"}, "syncer": {"users": [syncer]}}
    return document("ControlPlane", name, **known, **spec)


def account(namespace: str, name: str) -> UserInfo:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return UserInfo(f"system:serviceaccount:{namespace}:{name}", groups=groups)


USERS = {
    "foo": account("foo", "vc-foo"),
    "second": account("foo", "vc-second"),
    "bar": account("syncers", "vc-bar"),
    "alice": UserInfo("alice", groups=("system:authenticated",)),
    "bob": UserInfo("bob", groups=("system:authenticated",)),
    "controller": account("kube-system", "replicaset-controller"),
}
DOCUMENTS = (
    document(
        "Tenant",
        "foo",
        namespaces={"names": ["foo"], "patterns": ["foo-*"]},
        owners=[{"kind": "User", "name": "alice"}],
        labels={"cost-center": "foo"},
        **KATA,
    ),
    document(
        "Tenant",
        "bar",
        namespaces={"names": ["bar"]},
        owners=[{"kind": "User", "name": "bob"}],
        labels={"cost-center": "bar"},
        **KATA,
    ),
    document("Tenant", "dev", namespaces={"names": ["dev"]}, **KATA),
    plane("foo", "foo", USERS["foo"].username, subTenants=[{"tenant": "dev", "patterns": ["dev-*"]}]),
    plane("second", "foo", USERS["second"].username),
    plane("bar", "bar", USERS["bar"].username),
)


def thing(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def pod(
    name: str,
    namespace: str = "foo",
    labels: Json | None = None,
    annotations: Json | None = None,
    **spec: Any,
) -> Json:
    amounts = {"cpu": "1", "memory": "1Mi"}
    container = {
        "name": "c",
        "image": "registry.example/c:1",
        "resources": {"requests": amounts, "limits": amounts},
    }
    metadata = {"labels": labels or {}, "annotations": annotations or {}}
    return thing("v1", "Pod", name, namespace, metadata=metadata, spec={"containers": [container], **spec})


def synced(
    name: str = "web",
    where: str = "default",
    vcluster: str = "foo",
    namespace: str = "foo",
    called: str = "",
    labels: Json | None = None,
    annotations: Json | None = None,
    **spec: Any,
) -> Json:
    """As vcluster brings a pod down."""
    marks = {
        f"{VCLUSTER}/object-name": name,
        f"{VCLUSTER}/object-namespace": where,
        f"{VCLUSTER}/object-uid": "u",
    }
    tags = {f"{VCLUSTER}/managed-by": vcluster, f"{VCLUSTER}/namespace": where}
    called = called or vcluster_name(name, where, vcluster)
    return pod(called, namespace, {**tags, **(labels or {})}, {**marks, **(annotations or {})}, **spec)


def there(name: str, namespace: str) -> Json:
    """One that came down before."""
    labels = {f"{OURS}/control-plane": name, f"{OURS}/tenant": namespace, "cost-center": namespace}
    annotations = {f"{OURS}/virtual-name": "web", f"{OURS}/virtual-namespace": "default"}
    found = synced(vcluster=name, namespace=namespace, labels=labels, annotations=annotations)
    return {**found, "spec": {**found["spec"], "runtimeClassName": "kata"}}


WEB, BARS = there("foo", "foo"), there("bar", "bar")


@cache
def shipped() -> Engine:
    namespaces = ("foo", "foo-2", "bar", "dev", "syncers", "kube-system", "default")
    cluster = Snapshot(
        [
            *(
                thing("v1", "Namespace", each, metadata={"labels": {"kubernetes.io/metadata.name": each}})
                for each in namespaces
            ),
            *(thing("node.k8s.io/v1", "RuntimeClass", each, handler=each) for each in ("kata", "runc")),
            *(WEB, BARS),
        ],
        complete=True,
    )
    documents = [Manifest(each, Source("tenants.yaml")) for each in DOCUMENTS]
    return Engine.load([*loading.read([POLICIES]), *documents], cluster)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """No test's own time."""
    shipped()


def review(user: str, value: Json | None, old: Json | None = None) -> Decision:
    operation = "CREATE" if old is None else "DELETE" if value is None else "UPDATE"
    fields = {"user": USERS[user], "operation": operation, "old_object": old}
    return shipped().review(request(copy.deepcopy(value), **fields))


LONG = "web-" + "a" * 50
HONEST: dict[str, tuple[str, Json]] = {
    "a pod": ("foo", synced()),
    "a long name": ("foo", synced(LONG)),
    "a long name with a dot where it is cut": ("foo", synced("a" * 51 + ".bcdef")),
    "a name with a dot": ("foo", synced("web.0")),
    "a name that looks like two": ("foo", synced("a-x-b", "c")),
    "another namespace of the tenant": ("foo", synced(namespace="foo-2")),
    "the tenant's second control plane": ("second", synced(vcluster="second")),
    "a vcluster called otherwise than its document": ("foo", synced(vcluster="inner")),
    "a syncer that lives elsewhere": ("bar", synced(vcluster="bar", namespace="bar")),
    "another syncer than vcluster's": (
        "foo",
        pod("web", annotations={f"{OURS}/virtual-name": "web", f"{OURS}/virtual-namespace": "shop"}),
    ),
    "its name and namespace at the host": (
        "foo",
        synced(
            annotations={
                f"{VCLUSTER}/object-host-name": "web-x-default-x-foo",
                f"{VCLUSTER}/object-host-namespace": "foo",
            }
        ),
    ),
    "a Service": (
        "foo",
        thing(
            "v1",
            "Service",
            "web-x-default-x-foo",
            "foo",
            spec={"selector": {"app": "web"}, "ports": [{"port": 80}]},
        ),
    ),
    "a ConfigMap": ("foo", thing("v1", "ConfigMap", "c-x-default-x-foo", "foo", data={})),
    "a Secret": ("foo", thing("v1", "Secret", "s-x-default-x-foo", "foo", data={})),
}


@pytest.mark.parametrize("step", HONEST)
def test_what_is_honest_comes_down(step: str) -> None:
    decision = review(*HONEST[step])
    assert decision.allowed, decision.status


def marked(key: str, value: str, where: str = "labels") -> Json:
    made = synced()
    made["metadata"][where][key] = value
    return made


HOSTILE: dict[str, tuple[str, Json, str]] = {
    "a class of the host": ("foo", synced(runtimeClassName="runc"), "isolation-runtime-class"),
    "the host's processes": ("foo", synced(hostPID=True), "host-access-host-namespaces"),
    "the host's files": (
        "foo",
        synced(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
        "host-access-host-path",
    ),
    "a node": ("foo", synced(nodeName="n1"), "isolation-node-name"),
    "every taint": ("foo", synced(tolerations=[{"operator": "Exists"}]), "isolation-tolerations"),
    "the syncer's own account": ("foo", synced(serviceAccountName="vc-foo"), "tags-synced"),
    "another tenant's tag": ("foo", marked("cost-center", "bar"), "tags-labels"),
    "another tenant's name": ("foo", marked(f"{OURS}/tenant", "bar"), "tags-labels"),
    "another tenant's control plane": ("foo", marked(f"{OURS}/control-plane", "bar"), "tags-labels"),
    "the tenant's other control plane": ("foo", marked(f"{OURS}/control-plane", "second"), "tags-labels"),
    "no control plane": ("foo", marked(f"{OURS}/control-plane", ""), "tags-labels"),
    "another vcluster": ("foo", marked(f"{VCLUSTER}/managed-by", "bar"), "tags-synced"),
    "the other's pod": ("second", synced(vcluster="foo"), "tags-synced"),
    "and the other way": ("foo", synced(vcluster="second"), "tags-synced"),
    "a name of its own": ("foo", synced(called="nice"), "tags-synced"),
    "a digest that is none": (
        "foo",
        synced(LONG, called=f"{vcluster_name(LONG, 'default', 'foo')[:-1]}z"),
        "tags-synced",
    ),
    "a long name that is not cut": ("foo", synced(LONG, called=f"{LONG}-x-default-x-foo"), "tags-synced"),
    "two names": ("foo", marked(f"{OURS}/virtual-name", "other", "annotations"), "tags-synced"),
    "two namespaces": (
        "foo",
        marked(f"{OURS}/virtual-namespace", "kube-system", "annotations"),
        "tags-synced",
    ),
    "two namespaces by vcluster": ("foo", marked(f"{VCLUSTER}/namespace", "kube-system"), "tags-synced"),
    "the name of another pod at the host": (
        "foo",
        marked(f"{VCLUSTER}/object-host-name", "db", "annotations"),
        "tags-synced",
    ),
    "another namespace at the host": (
        "foo",
        marked(f"{VCLUSTER}/object-host-namespace", "bar", "annotations"),
        "tags-synced",
    ),
    "no name": ("foo", synced("", called="x-x-default-x-foo"), "tags-synced"),
    "no marks at all": ("foo", pod("plain"), "tags-synced"),
    "alice as the syncer": ("alice", synced(), "tags-synced"),
    "alice by the label alone": ("alice", pod("p", labels={f"{OURS}/control-plane": "foo"}), "tags-labels"),
    "alice by the name alone": ("alice", pod("p", annotations={f"{OURS}/virtual-name": "x"}), "tags-synced"),
    "bob as bar's syncer": ("bob", synced(vcluster="bar", namespace="bar"), "tags-synced"),
    "a controller with a template's marks": ("controller", synced(), "tags-synced"),
    "a pod of bar's": ("foo", synced(namespace="bar"), "references-syncers"),
    "a pod of a sub-tenant's": ("foo", synced(namespace="dev"), "references-syncers"),
    "a pod in default": ("foo", synced(namespace="default"), "references-syncers"),
    "a pod in kube-system": ("foo", synced(namespace="kube-system"), "references-syncers"),
    "a pod where bar's syncer lives": ("foo", synced(namespace="syncers"), "references-syncers"),
    "a pod at home": ("bar", synced(vcluster="bar", namespace="syncers"), "references-syncers"),
    "a Secret of bar's": ("foo", thing("v1", "Secret", "s", "bar"), "references-syncers"),
    "a namespace of bar's": ("foo", thing("v1", "Namespace", "bar"), "references-syncers"),
    "a ClusterRole": (
        "foo",
        thing("rbac.authorization.k8s.io/v1", "ClusterRole", "x", rules=[]),
        "references-syncers",
    ),
    "a StorageClass": (
        "foo",
        thing("storage.k8s.io/v1", "StorageClass", "x", provisioner="p"),
        "references-syncers",
    ),
    "a PriorityClass": (
        "foo",
        thing("scheduling.k8s.io/v1", "PriorityClass", "x", value=1),
        "references-syncers",
    ),
    "webhooks": (
        "foo",
        thing("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "x", webhooks=[]),
        "references-syncers",
    ),
    "a name of bar's": (
        "foo",
        thing(
            "v1",
            "Service",
            "s",
            "foo",
            spec={"type": "ExternalName", "externalName": "db.bar.svc.cluster.local"},
        ),
        "references-external-name",
    ),
    "bob's right": (
        "foo",
        thing(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "x",
            "foo",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            subjects=[{"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"}],
        ),
        "references-role-binding-subjects",
    ),
}


def denying(decision: Decision) -> set[str]:
    return {each.policy for each in decision.findings if "Deny" in each.actions}


@pytest.mark.parametrize("step", HOSTILE)
def test_what_is_forged_does_not_come_down(step: str) -> None:
    user, value, policy = HOSTILE[step]
    decision = review(user, value)
    assert not decision.allowed
    assert policy in denying(decision)


KEPT = {
    "labels": (f"{OURS}/control-plane", f"{VCLUSTER}/managed-by", f"{VCLUSTER}/namespace"),
    "annotations": (
        *(f"{OURS}/virtual-name", f"{OURS}/virtual-namespace"),
        *(f"{VCLUSTER}/object-name", f"{VCLUSTER}/object-namespace", f"{VCLUSTER}/object-uid"),
    ),
}
MARKS = [(where, key) for where, keys in KEPT.items() for key in keys]


@pytest.mark.parametrize("user", ["foo", "second", "alice"])
@pytest.mark.parametrize(("where", "key"), MARKS)
def test_what_came_down_is_marked_as_it_was_for_ever(where: str, key: str, user: str) -> None:
    changed = copy.deepcopy(WEB)
    changed["metadata"][where][key] = "other"
    assert not review(user, changed, WEB).allowed
    del changed["metadata"][where][key]
    dropped = review(user, changed, WEB)
    assert dropped.allowed
    assert dropped.object is not None
    assert dropped.object["metadata"][where][key] == WEB["metadata"][where][key]


def test_the_rest_of_it_is_changed_and_deleted_as_ever() -> None:
    changed = copy.deepcopy(WEB)
    changed["metadata"]["labels"]["a"] = "b"
    assert review("foo", changed, WEB).allowed
    assert review("foo", None, WEB).allowed
    assert not review("foo", None, BARS).allowed
