"""What no tenant should be allowed by RBAC: what reaches beyond its namespaces, or past every webhook.

Webhooks see neither what is read nor who impersonates, and are not asked about their own configurations:
most of what is listed here only RBAC can refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.cluster.authorization import ANY, names_resource

__all__ = ["EVERYTHING", "POWERS", "UNASKED", "Access", "Power", "holds_everything"]

READ: Final = frozenset(("get", "list", "watch"))
CHANGE: Final = frozenset(("create", "update", "patch", "delete", "deletecollection"))
NAMELESS: Final = frozenset(("create", "deletecollection"))
"""Verbs whose requests name no object: with resourceNames a rule grants them only where `Access.named`."""


@dataclass(frozen=True, slots=True)
class Access:
    """Verbs on resources of one API group; a resource may be `pods/exec`."""

    verbs: frozenset[str]
    group: str
    resources: tuple[str, ...]
    named: bool = False
    """Whether even its create names an object: a token, a binding, whom to impersonate."""
    wherever: bool = True
    """Whether it is about what is in a namespace; what holds for the cluster no RoleBinding grants."""

    def within(self, rule: Mapping[str, Any]) -> bool:
        """Whether a rule grants any of it."""
        names = _texts(rule, "resourceNames")
        verbs = self.verbs if self.named or not names else self.verbs - NAMELESS
        if not (
            verbs
            and _covers(_texts(rule, "verbs"), verbs)
            and _covers(_texts(rule, "apiGroups"), {self.group})
        ):
            return False
        resources = _texts(rule, "resources")
        return any(names_resource(resources, *each.split("/")) for each in self.resources)


@dataclass(frozen=True, slots=True)
class Power:
    """Something that no tenant should be allowed."""

    name: str
    """By which reports call it, as they do a policy."""
    severity: str
    does: str
    """What comes after `may`."""
    remedy: str
    accesses: tuple[Access, ...] = ()
    urls: tuple[str, ...] = ()
    """Paths that are no resource."""
    inside: str = ""
    """How severe it is within the own namespaces; empty where it is what a tenant is there for."""

    def within(self, rule: Mapping[str, Any], *, namespaced: bool) -> bool:
        """Whether a rule grants it: of a RoleBinding (`namespaced`), or of a ClusterRoleBinding."""
        if any(each.within(rule) for each in self.accesses if each.wherever or not namespaced):
            return True
        asked = [] if namespaced else _texts(rule, "nonResourceURLs")
        return bool(asked and self.urls and _covers(_texts(rule, "verbs"), READ)) and any(
            _reaches(url, path) for url in asked for path in self.urls
        )


def holds_everything(rule: Mapping[str, Any]) -> bool:
    """Whether a rule grants every verb on every resource of every group."""
    stated = (_texts(rule, key) for key in ("verbs", "apiGroups", "resources"))
    return all(ANY in each for each in stated) and not _texts(rule, "resourceNames")


def _texts(rule: Mapping[str, Any], key: str) -> list[str]:
    """What an API server would have accepted of a list of strings."""
    value = rule.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _covers(stated: Sequence[str], wanted: Iterable[str]) -> bool:
    return ANY in stated or not set(wanted).isdisjoint(stated)


def _reaches(url: str, path: str) -> bool:
    """Whether a URL of a rule is a path, or stands for it: only a star at the end does."""
    return url == path or (url.endswith(ANY) and path.startswith(url[:-1]))


def _cluster(group: str, *resources: str, verbs: frozenset[str] = CHANGE) -> Access:
    return Access(verbs, group, resources, wherever=False)


CORE, RBAC, ADMISSION = "", "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
IMPERSONATION: Final = "authentication.k8s.io"

IMPERSONATE: Final = frozenset(
    (
        "impersonate",
        *(
            f"impersonate:{mode}"
            for mode in ("user-info", "serviceaccount", "arbitrary-node", "associated-node")
        ),
    )
)
"""The verbs of old, and those of KEP-5284."""

WORKLOADS: Final = (
    Access(
        frozenset(("create", "update", "patch")),
        "apps",
        ("deployments", "daemonsets", "statefulsets", "replicasets"),
    ),
    Access(frozenset(("create", "update", "patch")), "batch", ("jobs", "cronjobs")),
    Access(frozenset(("create", "update", "patch")), CORE, ("replicationcontrollers",)),
    Access(frozenset(("create",)), CORE, ("pods",)),
)
STATUSES: Final = (
    Access(
        frozenset(("update", "patch")),
        CORE,
        ("pods/status", "services/status", "persistentvolumeclaims/status"),
    ),
    Access(frozenset(("update", "patch")), "networking.k8s.io", ("ingresses/status",)),
    Access(
        frozenset(("update", "patch")), "gateway.networking.k8s.io", ("gateways/status", "httproutes/status")
    ),
    Access(frozenset(("create",)), CORE, ("pods/binding", "bindings"), named=True),
)

EVERYTHING: Final = Power(
    "rbac-everything",
    "critical",
    "do everything",
    "bind a role that lists what is needed",
    inside="low",
)
ASKING: Final = (
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
)
"""What the API server asks no webhook about (apiserver, plugin/webhook/predicates/rules/rules.go)."""
UNASKED: Final = Power(
    "rbac-unasked",
    "high",
    "make webhooks and admission policies for whoever has it deploy them, about which nobody is asked",
    "take admissionregistration.k8s.io out of its role, or keep its kinds out of what tenants may have "
    "deployed (clusterResourceWhitelist of AppProjects)",
    (_cluster(ADMISSION, *ASKING, verbs=frozenset(("create",))),),
)
"""Of an account that also writes as tenants. One that may only change them, to write a CA, deploys none."""
POWERS: Final = (
    Power(
        "rbac-impersonate",
        "critical",
        "impersonate others",
        "take impersonate out of the rule: webhooks see only whom a request is made as",
        (
            Access(IMPERSONATE, CORE, ("serviceaccounts",), named=True),
            Access(IMPERSONATE, IMPERSONATION, ("serviceaccounts", "nodes"), named=True),
            Access(IMPERSONATE, CORE, ("users", "groups"), named=True, wherever=False),
            Access(IMPERSONATE, IMPERSONATION, ("users", "groups", "uids"), named=True, wherever=False),
        ),
        inside="low",
    ),
    Power(
        "rbac-tokens",
        "critical",
        "mint tokens of ServiceAccounts",
        "take serviceaccounts/token out of the rule",
        (Access(frozenset(("create",)), CORE, ("serviceaccounts/token",), named=True),),
        inside="low",
    ),
    Power(
        "rbac-secrets",
        "critical",
        "read Secrets",
        "bind the role in the tenant's own namespaces, by RoleBindings",
        (Access(READ, CORE, ("secrets",), named=True),),
    ),
    Power(
        "rbac-escalate",
        "critical",
        "grant rights that it does not have",
        "take escalate and bind out of the rule",
        (
            Access(frozenset(("escalate", "bind")), RBAC, ("roles",), named=True),
            Access(frozenset(("escalate", "bind")), RBAC, ("clusterroles",), named=True),
        ),
        inside="low",
    ),
    Power(
        "rbac-grants",
        "high",
        "write roles and bindings",
        "leave roles of the cluster and of other namespaces to the platform",
        (
            Access(frozenset(("create", "update", "patch")), RBAC, ("roles", "rolebindings")),
            _cluster(RBAC, "clusterroles", "clusterrolebindings"),
        ),
    ),
    Power(
        "rbac-webhooks",
        "critical",
        "change what the API server asks, and by which policies it decides",
        "leave webhook configurations and admission policies to the platform: they are sent to no webhook",
        (_cluster(ADMISSION, *ASKING),),
    ),
    Power(
        "rbac-tenancy",
        "critical",
        "say what is whose and what is waived",
        "leave Tenants, TenancySettings and Waivers to the platform",
        (_cluster("tenancy.gatekeeper-py.dev", "tenants", "tenancysettings", "waivers"),),
    ),
    Power(
        "rbac-definitions",
        "high",
        "define kinds for the whole cluster",
        "leave CustomResourceDefinitions to the platform",
        (_cluster("apiextensions.k8s.io", "customresourcedefinitions"),),
    ),
    Power(
        "rbac-api-services",
        "critical",
        "answer in the API server's place",
        "leave APIServices to the platform",
        (_cluster("apiregistration.k8s.io", "apiservices"),),
    ),
    Power(
        "rbac-nodes",
        "critical",
        "enter every pod of a node past the API server",
        "take nodes/proxy out of the rule; for metrics nodes/metrics is enough",
        (_cluster(CORE, "nodes/proxy", verbs=READ | CHANGE),),
    ),
    Power(
        "rbac-node-files",
        "high",
        "read logs, memory and pods of everybody on a node",
        "take nodes/log, nodes/checkpoint and nodes/pods out of the rule",
        (_cluster(CORE, "nodes/checkpoint", "nodes/log", "nodes/pods", verbs=READ | CHANGE),),
    ),
    Power(
        "rbac-cluster-objects",
        "high",
        "change nodes, volumes and classes that everybody uses",
        "leave what holds for the whole cluster to the platform",
        (
            _cluster(CORE, "nodes", "nodes/status", "persistentvolumes"),
            _cluster("node.k8s.io", "runtimeclasses"),
            _cluster("storage.k8s.io", "storageclasses", "csidrivers", "volumeattachments"),
            _cluster("scheduling.k8s.io", "priorityclasses"),
            _cluster("networking.k8s.io", "ingressclasses"),
            _cluster("gateway.networking.k8s.io", "gatewayclasses"),
            _cluster("flowcontrol.apiserver.k8s.io", "flowschemas", "prioritylevelconfigurations"),
        ),
    ),
    Power(
        "rbac-certificates",
        "critical",
        "have certificates signed, and so log in as anybody",
        "leave the approval of CertificateSigningRequests to the platform",
        (
            _cluster(
                "certificates.k8s.io",
                "certificatesigningrequests/approval",
                "certificatesigningrequests/status",
                verbs=frozenset(("update", "patch")),
            ),
            Access(
                frozenset(("approve", "sign")),
                "certificates.k8s.io",
                ("signers",),
                named=True,
                wherever=False,
            ),
        ),
    ),
    Power(
        "rbac-exec",
        "critical",
        "enter pods",
        "bind the role in the tenant's own namespaces, by RoleBindings",
        (
            Access(
                frozenset(("create", "get")),
                CORE,
                ("pods/exec", "pods/attach", "pods/portforward"),
                named=True,
            ),
            Access(READ | CHANGE, CORE, ("pods/proxy", "services/proxy"), named=True),
            Access(frozenset(("update", "patch")), CORE, ("pods/ephemeralcontainers",)),
        ),
    ),
    Power(
        "rbac-pods",
        "critical",
        "run pods, and so use every ServiceAccount, Secret and volume there",
        "bind the role in the tenant's own namespaces, by RoleBindings",
        WORKLOADS,
    ),
    Power(
        "rbac-reads",
        "medium",
        "read what others run, and its logs and settings",
        "bind the role in the tenant's own namespaces, by RoleBindings",
        (
            Access(
                READ,
                CORE,
                ("pods", "pods/log", "configmaps", "services", "persistentvolumeclaims"),
                named=True,
            ),
            Access(READ, "apps", ("deployments", "daemonsets", "statefulsets", "replicasets"), named=True),
            Access(READ, "batch", ("jobs", "cronjobs"), named=True),
        ),
    ),
    Power(
        "rbac-status",
        "medium",
        "write what controllers believe",
        "take statuses and bindings of pods out of the rule; no tenant needs them",
        STATUSES,
        inside="low",
    ),
    Power(
        "rbac-paths",
        "high",
        "read the API server's own logs and profiles",
        "take the path out of the rule; /healthz, /livez, /readyz, /version and /openapi harm nobody",
        urls=("/logs", "/logs/", "/debug/pprof", "/debug/pprof/", "/debug/flags/v", "/configz"),
    ),
)
"""The worst first within a severity; each is tested and explained in docs/audit.md."""
