"""Everything that an installation applies, in the order in which it may be applied.

The webhook configurations are there from the beginning but hold no webhook, so nothing is asked and nobody
can be locked out: the engine fills them in (`registrar`) once the API server has been seen to reach it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gatekeeper_py.installation import auditjobs, backgroundaudit
from gatekeeper_py.installation.config_maps import config_maps
from gatekeeper_py.installation.deployment import Spread, Workload
from gatekeeper_py.installation.identifiers import (
    CERTIFICATES,
    CONFIGURATIONS,
    LABELS,
    LEASE,
    NAME,
    NAMESPACE,
    REACH,
)
from gatekeeper_py.installation.rights import rights
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.fields import definitions

__all__ = ["IMAGE", "REPLICAS", "Audits", "Installation", "keepsakes", "namespace", "registration"]

Audits: TypeAlias = Literal["hourly", "background"]
"""A CronJob, or a Deployment that watches."""

IMAGE = "gatekeeper-py:latest"

REPLICAS = 3
"""One may be drained while another's node is dead."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What to install."""

    policies: PolicySet
    """What the engine will serve: its rights follow from it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The same as text, by path below its folder, to be brought as ConfigMaps. None: the image has them."""
    image: str = IMAGE
    replicas: int = REPLICAS
    spread: Spread = "required"
    inside: bool = True
    """Whether the server runs in the cluster."""
    audit: Audits | None = None
    """What audits what exists, beside the server."""

    def objects(self) -> list[Object]:
        """All of it."""
        served = [*self.policies_objects(), *self.workload.objects()] if self.inside else []
        return [
            *map(dict, definitions()),
            namespace(),
            *rights(self.policies),
            *keepsakes(),
            *registration(),
            *served,
            *self.audit_objects(),
        ]

    def audit_objects(self) -> list[Object]:
        """What audits, if anything is to."""
        if self.audit == "hourly":
            return [*auditjobs.accounts(), auditjobs.cron_job(self.image)]
        if self.audit == "background":
            made = backgroundaudit.deployment(self.image, self.files)
            return [*backgroundaudit.accounts(), *backgroundaudit.door(), made]
        return []

    @property
    def workload(self) -> Workload:
        """How the server runs."""
        return Workload(self.image, self.replicas, self.spread, self.files)

    def policies_objects(self) -> list[Object]:
        """The ConfigMaps of the policies."""
        return config_maps(self.files)


def namespace() -> Object:
    """The engine's own, which the webhooks exempt by its exact name."""
    labels = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def keepsakes() -> list[Object]:
    """What the engine writes. Its content is not said here, so that applying it again leaves it alone."""
    named = [
        ("v1", "Secret", CERTIFICATES),
        ("v1", "ConfigMap", REACH),
        (LEASE.api_version, LEASE.kind, NAME),
    ]
    return [
        {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": LABELS},
        }
        for api_version, kind, name in named
    ]


def registration() -> list[Object]:
    """Both webhook configurations, as yet without a webhook."""
    return [
        {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": NAME, "labels": LABELS},
        }
        for kind in CONFIGURATIONS
    ]
