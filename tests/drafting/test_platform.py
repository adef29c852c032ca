"""By what a namespace looks like the platform's, and by what it does not."""

from __future__ import annotations

import pytest

from gatekeeper_py.drafting.platform import administrators, signs
from tests.drafting.support import (
    Json,
    account,
    bound,
    cluster_role,
    daemon_set,
    namespace,
    of,
    rule,
    seen,
    webhook,
)

SOMETHING = namespace("addons")
GROUP = {"kind": "Group", "name": "system:serviceaccounts:addons"}

SIGNS: dict[str, tuple[list[Json], str]] = {
    "a validating webhook": (
        [webhook("ValidatingWebhookConfiguration", "cert-manager", "addons")],
        "serves ValidatingWebhookConfiguration cert-manager",
    ),
    "a mutating webhook": (
        [webhook("MutatingWebhookConfiguration", "injector", "addons")],
        "serves MutatingWebhookConfiguration injector",
    ),
    "an aggregated API": (
        [
            of(
                "apiregistration.k8s.io/v1",
                "APIService",
                "v1.metrics",
                spec={"service": {"namespace": "addons"}},
            )
        ],
        "serves APIService v1.metrics",
    ),
    "conversion of custom resources": (
        [
            of(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "things.example.com",
                spec={
                    "conversion": {"webhook": {"clientConfig": {"service": {"namespace": "addons"}}}},
                    "group": "example.com",
                    "names": {},
                },
            )
        ],
        "converts CustomResourceDefinition things.example.com",
    ),
    "rights to write everywhere": (
        [
            cluster_role("writer", rule("deployments", "patch")),
            bound("writer", account("operator", "addons")),
        ],
        "ServiceAccount operator has ClusterRole writer in all namespaces (writer-binding)",
    ),
    "rights to read Secrets everywhere": (
        [cluster_role("reader", rule("secrets", "get")), bound("reader", account("reader", "addons"))],
        "ServiceAccount reader has ClusterRole reader in all namespaces (reader-binding)",
    ),
    "rights to write nodes": (
        [cluster_role("nodes", rule("nodes", "get patch")), bound("nodes", account("agent", "addons"))],
        "ServiceAccount agent has ClusterRole nodes in all namespaces (nodes-binding)",
    ),
    "rights of all its accounts": (
        [cluster_role("writer", rule("*", "*")), bound("writer", GROUP)],
        "every ServiceAccount has ClusterRole writer in all namespaces (writer-binding)",
    ),
    "an agent on the nodes' network": (
        [daemon_set("agent", "addons", hostNetwork=True, hostPID=True)],
        "DaemonSet agent is on every node with hostNetwork, hostPID",
    ),
    "an agent that mounts the node": (
        [daemon_set("agent", "addons", volumes=[{"name": "root", "hostPath": {"path": "/"}}])],
        "DaemonSet agent is on every node with hostPath",
    ),
    "a privileged agent": (
        [
            daemon_set(
                "agent", "addons", initContainers=[{"name": "i", "securityContext": {"privileged": True}}]
            )
        ],
        "DaemonSet agent is on every node with privileged containers",
    ),
    "a priority of the cluster's": (
        [
            of(
                "apps/v1",
                "Deployment",
                "dns",
                "addons",
                spec={"template": {"spec": {"priorityClassName": "system-cluster-critical"}}},
            )
        ],
        "Deployment dns has the priority system-cluster-critical",
    ),
}


@pytest.mark.parametrize(("objects", "sign"), SIGNS.values(), ids=SIGNS)
def test_an_addon_is_told_by(objects: list[Json], sign: str) -> None:
    assert signs(seen(SOMETHING, namespace("web"), *objects)) == {"addons": [sign]}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (namespace("kube-flannel"), "its name is one that clusters keep for themselves"),
        (
            namespace("agents", **{"pod-security.kubernetes.io/enforce": "privileged"}),
            "its label lets privileged pods in (pod-security.kubernetes.io/enforce)",
        ),
    ],
)
def test_or_by_the_namespace_itself(made: Json, why: str) -> None:
    assert signs(seen(made)) == {made["metadata"]["name"]: [why]}


ORDINARY: dict[str, list[Json]] = {
    "nothing": [],
    "rights in one namespace": [
        cluster_role("admin", rule("*", "*")),
        bound("admin", account("operator", "addons"), kind="RoleBinding", where="addons"),
    ],
    "asking who calls it": [
        cluster_role("proxy", rule("tokenreviews subjectaccessreviews", "create")),
        bound("proxy", account("proxy", "addons")),
    ],
    "reading what nodes there are": [
        cluster_role("nodes", rule("nodes storageclasses", "get list watch")),
        bound("nodes", account("csi", "addons")),
    ],
    "paths of the API server": [
        cluster_role("metrics", {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}),
        bound("metrics", account("scraper", "addons")),
    ],
    "a role that is not there": [bound("gone", account("x", "addons"))],
    "a DaemonSet without the host": [daemon_set("shipper", "addons", hostNetwork=False)],
    "a Deployment with a path of the host": [
        of(
            "apps/v1",
            "Deployment",
            "miner",
            "addons",
            spec={"template": {"spec": {"hostNetwork": True, "volumes": [{"hostPath": {"path": "/"}}]}}},
        )
    ],
    "a pod with a priority of the cluster's": [
        of("v1", "Pod", "p", "addons", spec={"priorityClassName": "system-node-critical"})
    ],
    "a webhook outside the cluster": [
        of(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "w",
            webhooks=[{"name": "w", "clientConfig": {"url": "https://example.com"}}],
        )
    ],
}


@pytest.mark.parametrize("objects", ORDINARY.values(), ids=ORDINARY)
def test_what_a_tenant_may_have_is_no_sign(objects: list[Json]) -> None:
    assert signs(seen(SOMETHING, *objects)) == {}


def test_every_sign_is_told_once() -> None:
    objects = [daemon_set("a", "addons", hostPID=True), daemon_set("a", "addons", hostPID=True)]
    kept = webhook("ValidatingWebhookConfiguration", "v", "addons")
    found = signs(seen(SOMETHING, *objects, kept))
    assert found == {
        "addons": ["serves ValidatingWebhookConfiguration v", "DaemonSet a is on every node with hostPID"]
    }


def test_a_namespace_that_is_not_there_is_nobodys() -> None:
    assert signs(seen(webhook("ValidatingWebhookConfiguration", "w", "gone"))) == {}


def test_administrators_are_those_of_the_whole_cluster_and_never_everybody() -> None:
    bindings = [
        bound(
            "cluster-admin",
            {"kind": "Group", "name": "system:masters"},
            {"kind": "Group", "name": "system:authenticated"},
            {"kind": "Group", "name": "kubeadm:cluster-admins"},
            {"kind": "User", "name": "carol"},
            account("x", "addons"),
        ),
        bound("admin", {"kind": "User", "name": "dave"}),
    ]
    assert administrators(bindings) == (["carol"], ["kubeadm:cluster-admins"])
