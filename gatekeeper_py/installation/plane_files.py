"""What a tenant's own API server is given as files, and what the host gives the engine for it.

An API server that reads its webhooks from a folder (KEP-5793, `ManifestBasedAdmissionControlConfig`, alpha in
1.36) lets nobody change or delete them through its API, its administrator neither. Their names end in
`.static.k8s.io`, they call URLs and no Services (apiserver/pkg/admission/plugin/webhook/manifest).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final
from urllib.parse import urlsplit

from gatekeeper_py.installation.identifiers import LABELS, NAME, NAMESPACE, RBAC
from gatekeeper_py.manifests.dumping import dump_all
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.tenancy.control_plane import ControlPlane

__all__ = ["FEATURE", "manifests", "secret_rights", "webhook_files"]

FEATURE: Final = "ManifestBasedAdmissionControlConfig"
"""The feature gate of the API server."""

CONFIG: Final = "apiserver.config.k8s.io/v1"
PLUGINS: Final = ("MutatingAdmissionWebhook", "ValidatingAdmissionWebhook")
HTTPS_PORT: Final = 443


def manifests(
    configurations: Sequence[Object], folder: PurePath, url: str, login: tuple[bytes, bytes] | None = None
) -> Mapping[str, str]:
    """The files by their paths below a folder, which the API server finds under this name.

    `login` are the certificate and key (PEM) that it is to show to the engine at this URL.
    """
    named = {
        **webhook_files(configurations),
        "admission.yaml": dump_all([_admission(folder, shows=login is not None)]),
    }
    if login is not None:
        named["kubeconfig.yaml"] = dump_all([_kubeconfig(url, *login)])
    return named


def webhook_files(configurations: Sequence[Object]) -> Mapping[str, str]:
    """Those of the files that follow from policies, address and CA."""
    return {
        "mutating/gatekeeper.yaml": dump_all(configurations[:1]),
        "validating/gatekeeper.yaml": dump_all(configurations[1:]),
    }


def _admission(folder: PurePath, *, shows: bool) -> Object:
    """The AdmissionConfiguration, for --admission-control-config-file."""
    login = {"kubeConfigFile": str(folder / "kubeconfig.yaml")} if shows else {}
    folders = {plugin: plugin.removesuffix("AdmissionWebhook").lower() for plugin in PLUGINS}
    plugins = [
        {
            "name": plugin,
            "configuration": {
                "apiVersion": CONFIG,
                "kind": "WebhookAdmissionConfiguration",
                **login,
                "staticManifestsDir": str(folder / folders[plugin]),
            },
        }
        for plugin in PLUGINS
    ]
    return {"apiVersion": CONFIG, "kind": "AdmissionConfiguration", "plugins": plugins}


def _kubeconfig(url: str, certificate: bytes, key: bytes) -> Object:
    """By which the API server logs in at webhooks: a user is called as the host that it is shown to."""
    parts = urlsplit(url)
    user = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
    name = f"{parts.hostname}:{parts.port or HTTPS_PORT}"
    return {"apiVersion": "v1", "kind": "Config", "users": [{"name": name, "user": user}]}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def secret_rights(document: ControlPlane) -> list[Object]:
    """At the host: that the engine may read the Secret with the kubeconfig; nothing where that is a file."""
    secret = document.secret
    if secret is None:
        return []
    metadata = {
        "name": f"gatekeeper-control-plane-{document.name}",
        "namespace": secret.namespace,
        "labels": LABELS,
    }
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret.name], "verbs": ["get"]}
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": metadata["name"]}
    version = f"{RBAC}/v1"
    return [
        {"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": [rule]},
        {
            "apiVersion": version,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": reference,
            "subjects": [account],
        },
    ]
