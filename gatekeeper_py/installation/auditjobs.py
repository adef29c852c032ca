"""An audit in the cluster, again and again: who may list everything, and the Jobs that do.

Secrets are not in the role: a token that lists them all is worth breaking into. They are then told as "not
audited"; a ClusterRole with the label of `AGGREGATED` adds them, and custom kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from gatekeeper_py.cluster.live import listable
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.installation.config_maps import MOUNT
from gatekeeper_py.installation.identifiers import AUDIT, LABELS, NAMESPACE, RBAC
from gatekeeper_py.installation.restriction import restricted_container, restricted_pod
from gatekeeper_py.objects.resource import Object, Served
from gatekeeper_py.tenancy.fields import definitions

__all__ = ["REPORTS", "account_and_roles", "accounts", "cron_job", "reading", "sharded_job"]

AGGREGATED: Final = {"gatekeeper-py.dev/audit": "true"}
"""On the ClusterRoles whose rules the audit has."""

UNREAD: Final = frozenset((("", "secrets"),))

REPORTS: Final = {
    "apiGroups": ["wgpolicyk8s.io"],
    "resources": ["clusterpolicyreports", "policyreports"],
    "verbs": ["create", "delete", "list", "patch"],
}
"""What `--write` asks for."""

HOURLY: Final = "17 * * * *"
SHARDS: Final = 4
ATTEMPTS: Final = 2
KEPT_SECONDS: Final = 86_400
"""For which a Job that is done is kept, with its log."""


def accounts() -> list[Object]:
    """The ServiceAccount and its roles: it lists, and writes nothing but reports."""
    return account_and_roles(
        AUDIT, AGGREGATED, {"kinds": list(reading(listable, ["list"])), "reports": [REPORTS]}
    )


def account_and_roles(name: str, label: Mapping[str, str], rules: Mapping[str, list[Object]]) -> list[Object]:
    """An account with a role that is what all roles of a label add up to, with some to begin with."""
    account = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    return [
        _object("v1", "ServiceAccount", name, NAMESPACE),
        _object(
            f"{RBAC}/v1",
            "ClusterRole",
            name,
            aggregationRule={"clusterRoleSelectors": [{"matchLabels": dict(label)}]},
            rules=[],
        ),
        *(_aggregated(f"{name}-{part}", label, each) for part, each in rules.items()),
        _object(
            f"{RBAC}/v1",
            "ClusterRoleBinding",
            name,
            roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            subjects=[account],
        ),
    ]


def reading(served_by: Callable[[Snapshot], Iterable[Served]], verbs: Sequence[str]) -> Iterable[Object]:
    """One rule an API group, for every kind of Kubernetes and of tenancy."""
    groups: dict[str, set[str]] = {}
    for served in served_by(Snapshot(map(dict, definitions()))):
        group, _, resource = served.resource
        if (group, resource) not in UNREAD:
            groups.setdefault(group, set()).add(resource)
    for group, resources in sorted(groups.items()):
        yield {"apiGroups": [group], "resources": sorted(resources), "verbs": list(verbs)}


def cron_job(image: str) -> Object:
    """Audits the whole cluster every hour, and keeps reports in it."""
    spec = {
        "schedule": HOURLY,
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": _job(image, [])},
    }
    return _object("batch/v1", "CronJob", AUDIT, NAMESPACE, spec=spec)


def sharded_job(image: str) -> Object:
    """Audits a large cluster once, divided among several pods."""
    divided = {"completionMode": "Indexed", "completions": SHARDS, "parallelism": SHARDS}
    spec = divided | _job(image, [f"--shard=$(JOB_COMPLETION_INDEX)/{SHARDS}"])
    return _object("batch/v1", "Job", f"{AUDIT}-shards", NAMESPACE, spec=spec)


def _job(image: str, arguments: list[str]) -> Object:
    template = {"metadata": {"labels": {"app.kubernetes.io/name": AUDIT}}, "spec": _pod(image, arguments)}
    return {"backoffLimit": ATTEMPTS, "ttlSecondsAfterFinished": KEPT_SECONDS, "template": template}


def _pod(image: str, arguments: list[str]) -> Object:
    return {
        "serviceAccountName": AUDIT,
        "restartPolicy": "Never",
        "securityContext": restricted_pod(),
        "containers": [_container(image, arguments)],
        "volumes": [
            {"name": "kubeconfig", "configMap": {"name": "gatekeeper-kubeconfig"}},
            # On a disk: what memory need not hold.
            {"name": "tmp", "emptyDir": {"sizeLimit": "4Gi"}},
        ],
    }


def _container(image: str, arguments: list[str]) -> Object:
    return {
        "name": "audit",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "audit",
            f"--policies={MOUNT}",
            "--kubeconfig=/etc/gatekeeper/config",
            "--write=policyreport",
            # The reports say what is wrong: a Job that fails would only be tried again.
            "--no-fail",
            "--allow-not-audited",
            *arguments,
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": restricted_container(),
        "volumeMounts": [
            {"name": "kubeconfig", "mountPath": "/etc/gatekeeper", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }


def _aggregated(name: str, label: Mapping[str, str], rules: list[Object]) -> Object:
    role = _object(f"{RBAC}/v1", "ClusterRole", name, rules=rules)
    metadata = role["metadata"]
    return {**role, "metadata": {**metadata, "labels": {**metadata["labels"], **label}}}


def _object(api_version: str, kind: str, name: str, namespace: str = "", **fields: object) -> Object:
    where = {"namespace": namespace} if namespace else {}
    metadata = {"name": name, **where, "labels": LABELS}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
