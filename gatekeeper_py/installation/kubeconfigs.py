"""How the control planes of tenants are reached: by files of the platform, or by Secrets of the host."""

from __future__ import annotations

import base64
import binascii
import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.cluster.connection import configuration
from gatekeeper_py.cluster.credentials import login
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.installation.access import Access, AccessError
from gatekeeper_py.installation.identifiers import SECRET
from gatekeeper_py.tenancy.control_plane import ControlPlane, SecretKey

__all__ = ["Kubeconfigs"]


@dataclass(frozen=True, slots=True)
class Kubeconfigs:
    """Reads kubeconfigs, anew each time: they are renewed under way."""

    host: Access | None
    """None where there is no host to read Secrets of."""

    def __call__(self, document: ControlPlane) -> SingleConfig:
        """How to connect; raises `ClusterError`."""
        if document.secret is not None:
            return login(self._secret(document.secret), document.server)
        config = configuration(Path(document.file))
        if document.server:
            cluster = copy.copy(config.cluster)
            cluster.server = document.server
            config = config._replace(cluster=cluster)
        return config

    def _secret(self, secret: SecretKey) -> bytes:
        if self.host is None:
            raise ClusterError(NO_HOST.format(secret))
        try:
            found = self.host.get(SECRET, secret.name, secret.namespace)
        except AccessError as error:
            raise ClusterError(f"{error}. {ALLOW}") from error
        held = (found or {}).get("data") or {}
        if secret.key not in held:
            raise ClusterError(f"there is no Secret {secret}")
        try:
            return base64.b64decode(held[secret.key], validate=True)
        except (binascii.Error, ValueError, TypeError) as error:  # the API server lets nothing else in
            raise ClusterError(f"the Secret {secret} holds no base64") from error


NO_HOST: Final = (
    "its kubeconfig is in the Secret {}, and no host is followed. Start the server with --kubeconfig"
)
ALLOW: Final = "`gatekeeper install --control-plane NAME` prints the right to read it"
