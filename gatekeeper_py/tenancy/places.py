"""Where a host is: a Service, a place inside the cluster, or somewhere outside.

`db.bar`, `db.bar.svc` and `web-0.db.bar.svc.cluster.local.` lie in one namespace (the search path that
kubernetes/pkg/kubelet/network/dns gives every pod). How a host may be spelled is told by `addresses`, which
hosts a text names by `hosts`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gatekeeper_py.tenancy.addresses import (
    MIRRORS,
    Address,
    Network,
    address_of,
    canonical,
    is_numeric,
    mirrored,
)

__all__ = ["CLUSTER", "Place", "Surroundings", "is_public", "place_of"]

CLOUD_SERVICES: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",  # link-local, with the metadata services of AWS, Azure, Google and most others
            "fe80::/10",
            "fd00:ec2::/32",  # AWS by IPv6
            "fd20:ce::254/128",  # Google by IPv6
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure's wire server
            "192.0.0.192/32",  # Oracle
        ),
    )
)
"""Where a machine is told who it is."""
INNER_NAMES = frozenset(
    (
        "kubernetes",
        "kubernetes.default",
        "fuf.me",
        "lacolhost.com",
        "local.gd",
        "localho.st",
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost6",
        "localtest.me",
        "lvh.me",
        "ip6-localhost",
        "ip6-loopback",
        "vcap.me",
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
        "host.docker.internal",
        "host.containers.internal",
        "host.minikube.internal",
    )
)
"""Of the machine itself, of its cloud's metadata, of the API server, and of what answers with 127.0.0.1."""
INNER_DOMAINS = (
    *(".localhost", ".compute.internal", ".ec2.internal", ".metadata.google.internal"),
    *(".fuf.me", ".lacolhost.com", ".local.gd", ".localho.st", ".localtest.me", ".lvh.me", ".vcap.me"),
)
"""Of names that lead to the machine itself, to machines by their address, and to metadata."""
TELLING = (*INNER_DOMAINS, *MIRRORS)
"""Of names that tell where they lead; any other has to be asked for."""
PRIVATE_DOMAINS = (".internal", ".localdomain")
"""Of names that nobody outside can have: machines of the node's network, and its cloud."""

Inner: TypeAlias = Literal["service", "inside", "near", "outside"]
"""A Service; what no tenant may have called; what may be a Service by its last label; anywhere else."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is inside a cluster, besides what is inside every one."""

    protected: tuple[Network, ...] = ()
    """Addresses of pods, Services and nodes."""


CLUSTER = Surroundings()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is."""

    inner: Inner
    name: str = ""
    """Of the Service, or the host."""
    namespace: str = ""


def place_of(host: str, around: Surroundings = CLUSTER) -> Place:
    """Where a host is, however it is spelled."""
    name = canonical(host)
    address = address_of(name)
    if address is not None:
        return Place("inside" if _is_inner(address, around) else "outside", str(address))
    labels = name.split(".")
    for index in range(len(labels) - 1, 1, -1):
        if labels[index] in ("svc", "pod"):
            return Place("service", labels[0], labels[index - 1])
    if labels[:2] == ["*", "svc"]:
        return Place("service", "*", "*")
    if name in INNER_NAMES or (name.endswith(TELLING) and _leads_inside(name, around)):
        return Place("inside", name)
    searched = 2 <= len(labels) <= 3 and "svc" not in labels and not host.endswith(".")
    return Place("near" if searched else "outside", name)


def is_public(host: str, cluster_domain: str, around: Surroundings = CLUSTER) -> bool:
    """Whether a host is surely outside: no address or name of a private network, nor of the cluster."""
    name = canonical(host)
    address = address_of(name)
    stated = [address] if address is not None else mirrored(name)
    if stated is not None:
        found = list(stated)
        return bool(found) and all(each.is_global and not _is_inner(each, around) for each in found)
    inner = place_of(host, around).inner in ("service", "inside")
    return not (inner or is_numeric(name) or f".{name}".endswith((*PRIVATE_DOMAINS, f".{cluster_domain}")))


def _leads_inside(name: str, around: Surroundings) -> bool:
    """Whether DNS answers a name that tells where it leads with an inner address, or nobody can tell."""
    found = list(mirrored(name) or ())
    return not found or any(_is_inner(address, around) for address in found)


def _is_inner(address: Address, around: Surroundings) -> bool:
    return (
        address.is_loopback
        or address.is_unspecified
        or any(address in network for network in (*CLOUD_SERVICES, *around.protected))
    )
