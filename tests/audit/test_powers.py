"""What a rule of RBAC grants that no tenant should be allowed, as the API server reads rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.audit.powers import EVERYTHING, POWERS, UNASKED, holds_everything
from gatekeeper_py.audit.result import SEVERITIES

RBAC = "rbac.authorization.k8s.io"


def rule(verbs: str, resources: str, group: str = "", names: str = "", **more: Any) -> dict[str, Any]:
    made = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **more}
    return {**made, "resourceNames": names.split()} if names else made


def held(stated: dict[str, Any], *, namespaced: bool = False) -> set[str]:
    return {
        power.name.removeprefix("rbac-") for power in POWERS if power.within(stated, namespaced=namespaced)
    }


RULES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "impersonate users": (rule("impersonate", "users"), {"impersonate"}),
    "impersonate groups": (rule("impersonate", "groups"), {"impersonate"}),
    "impersonate accounts": (rule("impersonate", "serviceaccounts"), {"impersonate"}),
    "impersonate uids": (rule("impersonate", "uids", "authentication.k8s.io"), {"impersonate"}),
    "impersonate somebody by name": (rule("impersonate", "users", names="bob"), {"impersonate"}),
    "impersonate as KEP-5284 has it": (
        rule("impersonate:user-info", "users", "authentication.k8s.io"),
        {"impersonate"},
    ),
    "act as a node": (rule("impersonate:arbitrary-node", "nodes", "authentication.k8s.io"), {"impersonate"}),
    "impersonate pods": (rule("impersonate", "pods"), set()),
    "mint tokens": (rule("create", "serviceaccounts/token"), {"tokens"}),
    "mint the tokens of one": (rule("create", "serviceaccounts/token", names="a"), {"tokens"}),
    "mint by a star": (rule("create", "*/token"), {"tokens"}),
    "make accounts": (rule("create update delete", "serviceaccounts"), set()),
    "get a Secret": (rule("get", "secrets"), {"secrets"}),
    "list Secrets": (rule("list", "secrets"), {"secrets"}),
    "watch Secrets": (rule("watch", "secrets"), {"secrets"}),
    "get a Secret by name": (rule("get", "secrets", names="a"), {"secrets"}),
    "write Secrets": (rule("create update", "secrets"), set()),
    "Secrets of another group": (rule("get", "secrets", "example.com"), set()),
    "escalate": (rule("escalate", "clusterroles", RBAC), {"escalate"}),
    "bind": (rule("bind", "roles", RBAC, names="admin"), {"escalate"}),
    "write bindings": (rule("create", "rolebindings", RBAC), {"grants"}),
    "write bindings of the cluster": (rule("patch", "clusterrolebindings", RBAC), {"grants"}),
    "read roles": (rule("get list", "roles clusterroles", RBAC), set()),
    "write webhooks": (
        rule("update", "validatingwebhookconfigurations", "admissionregistration.k8s.io"),
        {"webhooks"},
    ),
    "write one webhook": (
        rule("patch", "mutatingwebhookconfigurations", "admissionregistration.k8s.io", names="gatekeeper"),
        {"webhooks"},
    ),
    "delete policies": (
        rule("delete", "validatingadmissionpolicybindings", "admissionregistration.k8s.io"),
        {"webhooks"},
    ),
    "create webhooks by a name, which creates none": (
        rule("create", "validatingwebhookconfigurations", "admissionregistration.k8s.io", names="a"),
        set(),
    ),
    "waive": (rule("create", "waivers", "tenancy.gatekeeper-py.dev"), {"tenancy"}),
    "write Tenants": (rule("patch", "tenants", "tenancy.gatekeeper-py.dev"), {"tenancy"}),
    "define kinds": (rule("create", "customresourcedefinitions", "apiextensions.k8s.io"), {"definitions"}),
    "serve an API": (rule("create", "apiservices", "apiregistration.k8s.io"), {"api-services"}),
    "get by way of a node": (rule("get", "nodes/proxy"), {"nodes"}),
    "every subresource proxy": (rule("create", "*/proxy"), {"nodes", "exec"}),
    "checkpoint": (rule("create", "nodes/checkpoint"), {"node-files"}),
    "metrics of nodes": (rule("get", "nodes/metrics nodes/stats nodes"), set()),
    "label nodes": (rule("patch", "nodes"), {"cluster-objects"}),
    "write volumes": (rule("create", "persistentvolumes"), {"cluster-objects"}),
    "write classes": (rule("delete", "runtimeclasses", "node.k8s.io"), {"cluster-objects"}),
    "approve": (
        rule("update", "certificatesigningrequests/approval", "certificates.k8s.io"),
        {"certificates"},
    ),
    "approve for one signer": (
        rule("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kube-apiserver-client"),
        {"certificates"},
    ),
    "ask for certificates": (rule("create", "certificatesigningrequests", "certificates.k8s.io"), set()),
    "enter": (rule("create", "pods/exec"), {"exec"}),
    "enter by get": (rule("get", "pods/exec"), {"exec"}),
    "enter one": (rule("create", "pods/attach", names="web"), {"exec"}),
    "debug": (rule("patch", "pods/ephemeralcontainers"), {"exec"}),
    "run pods": (rule("create", "pods"), {"pods"}),
    "run pods by a name, which runs none": (rule("create", "pods", names="web"), set()),
    "every verb on a pod by its name": (rule("*", "pods", names="web"), {"reads"}),
    "change a template by its name": (rule("patch", "deployments", "apps", names="web"), {"pods"}),
    "run jobs": (rule("create", "cronjobs", "batch"), {"pods"}),
    "read pods": (rule("list", "pods"), {"reads"}),
    "read logs": (rule("get", "pods/log"), {"reads"}),
    "read settings": (rule("get", "configmaps"), {"reads"}),
    "status": (rule("patch", "pods/status"), {"status"}),
    "place pods": (rule("create", "pods/binding"), {"status"}),
    "every status": (
        rule("update", "*/status", "*"),
        {"status", "cluster-objects", "certificates"},
    ),
    "a star in the middle, which is none": (rule("get", "secret*"), set()),
    "a star below a resource, which is none": (rule("create", "pods/*"), set()),
    "no verb": (rule("", "secrets"), set()),
    "no group": ({"verbs": ["get"], "resources": ["secrets"]}, set()),
    "an odd shape": ({"verbs": "get", "apiGroups": [""], "resources": [7, "secrets"]}, set()),
}


@pytest.mark.parametrize("case", RULES)
def test_a_rule_of_the_whole_cluster_grants(case: str) -> None:
    stated, powers = RULES[case]
    assert held(stated) == powers


IN_A_NAMESPACE = {
    "impersonate users": set(),
    "impersonate accounts": {"impersonate"},
    "write webhooks": set(),
    "get by way of a node": set(),
    "label nodes": set(),
    "approve": set(),
    "write bindings": {"grants"},
    "write bindings of the cluster": set(),
    "bind": {"escalate"},
    "get a Secret": {"secrets"},
    "enter": {"exec"},
}


@pytest.mark.parametrize("case", IN_A_NAMESPACE)
def test_a_rule_grants_nothing_cluster_wide_in_a_namespace(case: str) -> None:
    assert held(RULES[case][0], namespaced=True) == IN_A_NAMESPACE[case]


PATHS = {"/logs": True, "/logs/*": True, "/debug/*": True, "*": True, "/healthz": False, "/metrics": False}


@pytest.mark.parametrize(("path", "found"), PATHS.items())
def test_paths_that_are_no_resource(path: str, found: bool) -> None:
    stated = {"verbs": ["get"], "nonResourceURLs": [path]}
    assert ("paths" in held(stated)) is found
    assert held(stated, namespaced=True) == set()


@pytest.mark.parametrize(
    ("stated", "everything"),
    [
        (rule("*", "*", "*"), True),
        (rule("* get", "* pods", "*"), True),
        (rule("*", "*", "*", names="a"), False),
        (rule("*", "*"), False),
        (rule("get", "*", "*"), False),
        (rule("*", "*/status", "*"), False),
    ],
)
def test_everything_is_every_verb_on_every_resource(stated: dict[str, Any], everything: bool) -> None:
    assert holds_everything(stated) is everything


def test_whoever_may_do_everything_has_every_power() -> None:
    stated = {**rule("*", "*", "*"), "nonResourceURLs": ["*"]}
    assert held(stated) == {power.name.removeprefix("rbac-") for power in POWERS}


def test_every_power_is_tried() -> None:
    tried = {name for _, powers in RULES.values() for name in powers} | {"paths"}
    assert tried == {power.name.removeprefix("rbac-") for power in POWERS}


@pytest.mark.parametrize("power", [*POWERS, EVERYTHING, UNASKED], ids=lambda power: power.name)
def test_a_power_says_how_bad_it_is_and_what_to_do(power: Any) -> None:
    assert power.severity in SEVERITIES
    assert power.inside in ("", *SEVERITIES)
    assert power.does
    assert power.remedy


def test_every_power_is_explained_and_every_explained_one_is_there() -> None:
    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(rbac-[a-z-]+)` \| (\w+) \| (.+) \| (\w*) ?\|$", text, re.MULTILINE)
    assert rows == [
        (each.name, each.severity, each.does, each.inside) for each in (EVERYTHING, *POWERS, UNASKED)
    ]
