"""What a control plane is: a tenant's own API server, as its document says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.tenancy.patterns import glob_matches

__all__ = ["ControlPlane", "OwnPods", "Registration", "SecretKey", "SubTenant"]

Registration = Literal["api", "static", "none"]
"""How its API server is told to ask the engine: by objects there, by files (KEP-5793) or by others."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A part of a Secret of the host."""

    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}, key {self.key!r}"


@dataclass(frozen=True, slots=True)
class SubTenant:
    """Namespaces of the control plane that belong to another Tenant than the rest."""

    tenant: str
    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnPods:
    """Pods of the host that are a control plane: its API server, its store, its controllers."""

    namespace: str
    """In which `*` stands for any characters."""
    selector: Selector

    def cover(self, namespace: str, labels: Mapping[str, Any]) -> bool:
        """Whether a pod with these labels is one of them."""
        return glob_matches(self.namespace, namespace) and self.selector.matches(labels)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """One control plane. Whoever administers it is the tenant, and nobody else."""

    name: str
    tenant: str
    """Whose it is, and whose everything is that comes down from it."""
    file: str = ""
    """A kubeconfig of the platform's; or"""
    secret: SecretKey | None = None
    """one in a Secret, of which no more is believed than whom to trust and how to log in."""
    server: str = ""
    """Its address, in place of that of the kubeconfig."""
    client_names: frozenset[str] = frozenset()
    """Names of certificates that its API server shows; none: it shows none."""
    sub_tenants: tuple[SubTenant, ...] = ()
    platform_users: tuple[str, ...] = ()
    """Who works for the control plane itself there, besides its own controllers."""
    platform_groups: tuple[str, ...] = ()
    platform_namespaces: tuple[str, ...] = ()
    """Namespaces there that are not the tenant's."""
    syncers: tuple[str, ...] = ()
    """Users of the host that bring its objects down."""
    pods: tuple[OwnPods, ...] = ()
    registration: Registration = "api"
    source: str = ""
    """Where its document stands."""
