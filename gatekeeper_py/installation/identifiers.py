"""What the things of an installation are called; RBAC and the exemptions of the webhooks name them, too."""

from __future__ import annotations

from typing import Final

from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.pki.development import NAMESPACE, SERVICE
from gatekeeper_py.webhook.registration import REACH

__all__ = [
    "AUDIT",
    "BACKGROUND",
    "CERTIFICATES",
    "CLUSTER_ROLE",
    "CLUSTER_ROLE_BINDING",
    "CONFIGURATIONS",
    "CONFIG_MAP",
    "CRON_JOB",
    "DEPLOYMENT",
    "LABELS",
    "LEASE",
    "NAME",
    "NAMESPACE",
    "NAMESPACE_KIND",
    "NODE",
    "POD",
    "POLICIES_LABEL",
    "REACH",
    "SECRET",
]

NAME: Final = SERVICE
"""Of the Deployment, its Service and ServiceAccount, the roles, the Lease and both webhook configurations."""

AUDIT: Final = f"{NAME}-audit"
"""Of the CronJob that audits, its ServiceAccount and the role of what it may read."""

BACKGROUND: Final = f"{NAME}-background"
"""Of the Deployment that audits all the time, and all that is its own."""

CERTIFICATES: Final = "gatekeeper-certificates"
"""The Secret that holds the engine's own CA and serving certificate."""

LABELS: Final = {"app.kubernetes.io/name": NAME}
POLICIES_LABEL: Final = "gatekeeper-py.dev/policies"
"""On the ConfigMaps that hold policies; its value is the folder's name."""

ADMISSION: Final = "admissionregistration.k8s.io"
RBAC: Final = "rbac.authorization.k8s.io"

CONFIGURATIONS: Final = (
    GroupVersionKind(ADMISSION, "v1", "MutatingWebhookConfiguration"),
    GroupVersionKind(ADMISSION, "v1", "ValidatingWebhookConfiguration"),
)
CLUSTER_ROLE: Final = GroupVersionKind(RBAC, "v1", "ClusterRole")
CLUSTER_ROLE_BINDING: Final = GroupVersionKind(RBAC, "v1", "ClusterRoleBinding")
CONFIG_MAP: Final = GroupVersionKind("", "v1", "ConfigMap")
CRON_JOB: Final = GroupVersionKind("batch", "v1", "CronJob")
DEPLOYMENT: Final = GroupVersionKind("apps", "v1", "Deployment")
LEASE: Final = GroupVersionKind("coordination.k8s.io", "v1", "Lease")
NAMESPACE_KIND: Final = GroupVersionKind("", "v1", "Namespace")
NODE: Final = GroupVersionKind("", "v1", "Node")
POD: Final = GroupVersionKind("", "v1", "Pod")
SECRET: Final = GroupVersionKind("", "v1", "Secret")
