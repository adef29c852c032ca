"""What `kubectl apply -k webhooks/` applies: the same as `gatekeeper install`, as one file a concern."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final, TypeAlias

from gatekeeper_py.installation import auditjobs, backgroundaudit
from gatekeeper_py.installation.config_maps import component
from gatekeeper_py.installation.contents import IMAGE, Installation, keepsakes, namespace, registration
from gatekeeper_py.installation.deployment import kubeconfig, service
from gatekeeper_py.installation.rights import rights
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.loading.load import PolicySet

__all__ = ["FILE", "audit", "background", "policies", "webhooks"]

FILE: Final = "kustomization.yaml"

File: TypeAlias = tuple[str, list[Object]]
"""The comment at its head, and its documents."""

MADE: Final = "python -m gatekeeper_py.cli.install webhooks policies"
WIDTH: Final = 118


def _head(text: str) -> str:
    """The comment of a file, and how the file is made."""
    wrapped = textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ")
    return f"{wrapped}\n# Made by {MADE}\n"


NAMESPACE: Final = _head(
    "The engine's own namespace. The webhooks exempt it by its exact name, so that the engine can start"
    " while it does not run; give nobody but the platform a role in it."
)
RIGHTS: Final = _head(
    "What the engine may do: follow the kinds that the policies in policies/ and tenancy look up, keep"
    " its own Secret, Lease and registration, write the state of Tenants and Events about denials. It"
    " can neither read other Secrets nor make or delete anything else. Policies of yours that look up"
    " another kind need a line here; `gatekeeper install --policies DIR` prints it."
)
KEEPSAKES: Final = _head(
    "What the engine writes: its CA and certificate, which replica looks after them, and the ConfigMap"
    " by which it finds out whether the API server reaches it. Empty here, so that applying them again"
    " changes nothing."
)
REGISTRATION: Final = _head(
    "What the API server asks: nothing yet. The engine fills in the webhooks of docs/registration.md"
    " when it serves and the API server has been seen to reach it, so that nobody is locked out by an"
    " image that does not come."
)
KUBECONFIG: Final = _head(
    "How the engine reaches the API server from inside the cluster: with its service account's token,"
    " read anew when the kubelet rotates it. `gatekeeper serve --kubeconfig` reads it like any other"
    " kubeconfig."
)
SERVICE: Final = _head("Where the API server calls: it asks for the name gatekeeper.gatekeeper-system.svc.")
DEPLOYMENT: Final = _head(
    "The server: three replicas, each on a node of its own, so that one may be drained while another's"
    " node is dead. With fewer nodes: docs/install.md. Policies come with the image in /policies; the"
    " component ../policies mounts ConfigMaps there, whose edits are in force when the kubelet has"
    " brought them."
)
ACCOUNTS: Final = _head(
    "Who audits: it lists every kind of Kubernetes and tenancy but Secrets, and writes nothing but reports."
    " A ClusterRole of yours with the label gatekeeper-py.dev/audit=true adds what it says: custom kinds, or"
    " Secrets."
)
CRON_JOB: Final = _head(
    "Audits the cluster every hour and keeps a PolicyReport of every object in it (docs/audit.md). It needs"
    " the CustomResourceDefinitions of wgpolicyk8s.io/v1alpha2, and the policies in the image."
)
SHARDS: Final = _head(
    "Audits a large cluster once, divided among several pods: `kubectl create -f`, beside the component."
    " For another number of parts change completions, parallelism and the last argument alike."
)
WATCHERS: Final = _head(
    "Who audits all the time: it watches every kind of Kubernetes and tenancy but Secrets, and writes nothing"
    " but reports. A ClusterRole of yours with the label gatekeeper-py.dev/background=true adds what it says:"
    " custom kinds, or Secrets."
)
WATCHER: Final = _head(
    "Judges every object when it appears or changes, and keeps a PolicyReport of each (docs/background.md)."
    " It needs the CustomResourceDefinitions of wgpolicyk8s.io/v1alpha2."
)
DOOR: Final = _head(
    "Where the page and the metrics are. They name objects of all tenants, and nobody logs in: pods of"
    " namespaces with the label gatekeeper-py.dev/reads-audit=true may ask, and whoever may port-forward."
)
COMPONENT: Final = _head(
    "Brings these policies as ConfigMaps, one a folder, and mounts them into the server. Used by the"
    " `components` line of webhooks/kustomization.yaml. A policy of yours needs a line"
    " `folder.name.yaml=folder/name.yaml` here; an edit is in force as soon as the kubelet has brought"
    " it."
)


def webhooks(policies: PolicySet) -> Mapping[str, File]:
    """The files of `webhooks/`, but for its components, and for the definitions (tenancy.definitions)."""
    workload = Installation(policies).workload
    return {
        "namespace.yaml": (NAMESPACE, [namespace()]),
        "rbac.yaml": (RIGHTS, rights(policies)),
        "certificates.yaml": (KEEPSAKES, keepsakes()),
        "registration.yaml": (REGISTRATION, registration()),
        "kubeconfig.yaml": (KUBECONFIG, [kubeconfig()]),
        "service.yaml": (SERVICE, [service()]),
        "deployment.yaml": (DEPLOYMENT, [workload.quota(), workload.budget(), workload.deployment()]),
    }


def audit() -> Mapping[str, File]:
    """The files of the component `webhooks/audit/`."""
    return {
        "accounts.yaml": (ACCOUNTS, auditjobs.accounts()),
        "cronjob.yaml": (CRON_JOB, [auditjobs.cron_job(IMAGE)]),
        "shards.yaml": (SHARDS, [auditjobs.sharded_job(IMAGE)]),
    }


def background() -> Mapping[str, File]:
    """The files of the component `webhooks/background/`."""
    return {
        "accounts.yaml": (WATCHERS, backgroundaudit.accounts()),
        "deployment.yaml": (WATCHER, [backgroundaudit.deployment(IMAGE, {})]),
        "door.yaml": (DOOR, backgroundaudit.door()),
    }


def policies(files: Mapping[str, str]) -> tuple[str, Object]:
    """The component that lies beside the policies, with its head."""
    return COMPONENT, component(files)
