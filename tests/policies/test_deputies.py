"""What a GitOps controller is had to make for the whole cluster, kind by kind: every kind there is, not those we thought of.

The controllers are those of `tenants.yaml`: one that writes as tenants, one that writes as the platform.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation, UserInfo
from gatekeeper_py.policy.loading.load import read
from tests.policies.test_attack_matrix import HERE, blaming, reasons
from tests.shipped import SHIPPED

ARGO = "system:serviceaccount:argocd:argocd-application-controller"
FLUX = "system:serviceaccount:flux-system:kustomize-controller"
FLEET = "system:serviceaccount:fleet-system:fleet-agent"
REVIEWS = {"authentication.k8s.io", "authorization.k8s.io"}
"""Nothing of these groups is kept; they are answers to questions."""
UNASKED = {"MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"}
"""Nobody is asked about these and their bindings, neither a webhook nor a policy: RBAC alone keeps them."""
WORK = {
    ("", "componentstatuses"),
    ("", "nodes"),
    ("", "persistentvolumes"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("networking.k8s.io", "ipaddresses"),
    ("resource.k8s.io", "resourceslices"),
    ("storage.k8s.io", "csinodes"),
    ("storage.k8s.io", "volumeattachments"),
}
"""What operators and drivers write by themselves, day by day: it bears no mark, and need not."""
CUSTOM = [
    *((("tenancy.gatekeeper-py.dev", "v1alpha1", kind), kind.lower() + "s") for kind in ("Tenant", "Waiver")),
    (("tenancy.gatekeeper-py.dev", "v1alpha1", "ControlPlane"), "controlplanes"),
    (("tenancy.gatekeeper-py.dev", "v1alpha1", "TenancySettings"), "tenancysettings"),
    (("capsule.clastix.io", "v1beta2", "Tenant"), "tenants"),
    (("cert-manager.io", "v1", "ClusterIssuer"), "clusterissuers"),
    (("config.gatekeeper.sh", "v1alpha1", "Config"), "configs"),
    (("constraints.gatekeeper.sh", "v1beta1", "K8sRequiredLabels"), "k8srequiredlabels"),
    (("external-secrets.io", "v1", "ClusterSecretStore"), "clustersecretstores"),
    (("gateway.networking.k8s.io", "v1", "GatewayClass"), "gatewayclasses"),
    (("kyverno.io", "v1", "ClusterPolicy"), "clusterpolicies"),
    (("policies.kyverno.io", "v1", "ValidatingPolicy"), "validatingpolicies"),
    (("policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy"), "clusternetworkpolicies"),
    (("snapshot.storage.k8s.io", "v1", "VolumeSnapshotClass"), "volumesnapshotclasses"),
    (("templates.gatekeeper.sh", "v1", "ConstraintTemplate"), "constrainttemplates"),
]
"""Cluster-wide kinds of others by which anybody's objects, rights, traffic or storage change."""
OTHERS = [
    (("example.org", "v1", "XDatabase"), "xdatabases"),
    (("cilium.io", "v2", "CiliumIdentity"), "ciliumidentities"),
]
"""Some whose controllers make them, or of which nobody knows anything."""
KINDS = [
    (tuple(each.served.kind), each.served.resource.resource)
    for each in Kinds.builtin()
    if not each.served.namespaced
    and each.served.kind.group not in REVIEWS
    and each.served.kind.kind.removesuffix("Binding") not in {"Namespace", *UNASKED}
]
POWERS = [each for each in KINDS if (each[0][0], each[1]) not in WORK] + CUSTOM
Kind = tuple[tuple[str, str, str], str]


@cache
def engine() -> Engine:
    return Engine.load(read([*SHIPPED, HERE / "tenants.yaml"]), Snapshot())


def review(
    kind: Kind,
    user: str,
    operation: Operation = "CREATE",
    namespace: str = "",
    name: str = "x",
    **metadata: Any,
) -> Decision:
    (group, version, called), resource = kind
    api = f"{group}/{version}" if group else version
    named = {"name": name, **({"namespace": namespace} if namespace else {})}
    value = {"apiVersion": api, "kind": called, "metadata": {**named, **metadata}}
    old = {**value, "data": {"was": "before"}}
    request = AdmissionRequest(
        uid="1",
        kind=GroupVersionKind(group, version, called),
        resource=GroupVersionResource(group, version, resource),
        operation=operation,
        name=name,
        namespace=name if kind == SPACE else namespace,
        user=UserInfo(user, groups=("system:authenticated", "system:serviceaccounts")),
        object=None if operation == "DELETE" else value,
        old_object=None if operation == "CREATE" else old,
    )
    return engine().review(request)


def by_argo(name: str) -> dict[str, Any]:
    return {"annotations": {"argocd.argoproj.io/tracking-id": f"{name}:x/y:/x"}}


def by_flux(namespace: str) -> dict[str, Any]:
    key = "kustomize.toolkit.fluxcd.io"
    return {"labels": {f"{key}/name": "app", f"{key}/namespace": namespace}}


def named(kind: Kind) -> str:
    return f"{kind[0][0]}/{kind[1]}"


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE"])
@pytest.mark.parametrize("kind", [*KINDS, *CUSTOM, *OTHERS], ids=named)
def test_nothing_cluster_wide_is_written_for_a_tenant(kind: Kind, operation: Operation) -> None:
    for user, marks in ((ARGO, by_argo("foo_app")), (FLUX, by_flux("foo")), (ARGO, by_argo("stray_app"))):
        assert "tenants-deputies" in blaming(review(kind, user, operation, **marks)), user


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE"])
@pytest.mark.parametrize("kind", POWERS, ids=named)
def test_no_power_is_written_for_nobody(kind: Kind, operation: Operation) -> None:
    assert "tenants-deputies" in blaming(review(kind, ARGO, operation))


@pytest.mark.parametrize("kind", POWERS, ids=named)
def test_the_platforms_own_passes_by_its_marks(kind: Kind) -> None:
    """But for definitions, which Argo CD does not mark, and our own documents."""
    unmarked = kind[0][0] in ("tenancy.gatekeeper-py.dev", "apiextensions.k8s.io")
    for user, marks in ((ARGO, by_argo("app")), (FLUX, by_flux("flux-system"))):
        assert ("tenants-deputies" in blaming(review(kind, user, **marks))) is unmarked, reasons(
            review(kind, user, **marks)
        )


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS, *CUSTOM], ids=named)
def test_who_writes_as_the_platform_needs_no_mark(kind: Kind) -> None:
    assert not blaming(review(kind, FLEET))


@pytest.mark.parametrize("kind", [each for each in (*KINDS, *OTHERS) if each not in POWERS], ids=named)
def test_controllers_do_their_work(kind: Kind) -> None:
    for operation in ("CREATE", "UPDATE", "DELETE"):
        assert not blaming(review(kind, ARGO, operation)), operation


NAMESPACED = [
    (("", "v1", "Secret"), "secrets"),
    (("", "v1", "ConfigMap"), "configmaps"),
    (("rbac.authorization.k8s.io", "v1", "RoleBinding"), "rolebindings"),
    (("argoproj.io", "v1alpha1", "AppProject"), "appprojects"),
    (("apps", "v1", "Deployment"), "deployments"),
]


@pytest.mark.parametrize(
    "namespace", ["argocd", "flux-system", "fleet-system", "kube-system", "gatekeeper-system"]
)
@pytest.mark.parametrize("kind", NAMESPACED, ids=named)
def test_nothing_of_a_tenants_comes_into_a_namespace_of_the_platform(kind: Kind, namespace: str) -> None:
    for user, marks in ((ARGO, by_argo("foo_app")), (FLUX, by_flux("foo"))):
        assert "tenants-deputies" in blaming(review(kind, user, namespace=namespace, **marks)), user
        assert not blaming(review(kind, user, namespace=namespace)), user


@pytest.mark.parametrize("kind", NAMESPACED[:2], ids=named)
def test_nor_into_a_namespace_of_another_tenants(kind: Kind) -> None:
    for user, marks in ((ARGO, by_argo("foo_app")), (FLUX, by_flux("foo"))):
        assert "references-foreign-requesters" in blaming(review(kind, user, namespace="bar", **marks)), user
        assert not blaming(review(kind, user, namespace="foo", **marks)), user


CLASS = "pod-security.kubernetes.io/enforce"
SPACE: Kind = (("", "v1", "Namespace"), "namespaces")


@pytest.mark.parametrize(
    ("name", "labels", "policy"),
    [
        ("foo", {CLASS: "privileged"}, "tags-namespaces"),
        ("foo", {"capsule.clastix.io/tenant": "shop"}, "tags-namespaces"),
        ("bar", {}, "tags-namespace-claims"),
        ("kube-foo", {}, "tags-namespace-claims"),
        ("argocd", {"a": "b"}, "tags-namespace-claims"),
    ],
    ids=str,
)
def test_a_namespace_is_the_tenants_who_has_it_deployed(
    name: str, labels: dict[str, str], policy: str
) -> None:
    for user, tenants, platforms in (
        (ARGO, by_argo("foo_app"), by_argo("app")),
        (FLUX, by_flux("foo"), by_flux("flux-system")),
    ):
        assert policy in blaming(space(name, user, labels, tenants)), user
        assert not blaming(space(name, user, labels, platforms)), user


def test_a_tenant_has_its_own_namespaces_deployed() -> None:
    for user, marks in ((ARGO, by_argo("foo_app")), (FLUX, by_flux("foo"))):
        assert not blaming(space("foo", user, {"app.kubernetes.io/part-of": "shop"}, marks)), user


def space(name: str, user: str, labels: dict[str, str], marks: dict[str, Any]) -> Decision:
    return review(SPACE, user, name=name, **{**marks, "labels": {**labels, **marks.get("labels", {})}})
