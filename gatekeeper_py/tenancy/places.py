"""Where a text leads that names a host: a Service, a place inside the cluster, or somewhere outside.

One place has many spellings, and programs that call read more of them than people write: `127.1`,
`0x7f.0.0.1`, `2130706433` and `[::ffff:7f00:1]` are one address (inet_aton of POSIX, RFC 4291 section 2.5.5,
RFC 6052), and `db.bar`, `db.bar.svc` and `web-0.db.bar.svc.cluster.local.` lie in one namespace (the search
path that kubernetes/pkg/kubelet/network/dns gives every pod).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote

__all__ = [
    "CLUSTER",
    "Network",
    "Place",
    "Surroundings",
    "called_hosts",
    "hosts_in",
    "place_of",
    "whole_hosts",
]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_LEAF = 4096
"""Characters of a text that as a whole may be addresses; a longer one is prose, or a file."""
MOST_HOSTS = 256
"""Addresses of one text that are looked at: lists of brokers have some dozens."""

AUTHORITY = re.compile(r"\[[0-9a-f:.%]*\]|[^\s\"'`<>{}|;)\]]*", re.IGNORECASE)
"""What follows the slashes of a URL among words; the host may be one of IPv6."""
WHOLE = re.compile(r"(?:[a-z][a-z0-9+.-]{0,30}:){0,3}//(.*)|(\S+)", re.IGNORECASE | re.DOTALL)
HOST_AND_PORT = re.compile(
    r"(\[[0-9a-f:.%]+\]|[a-z0-9_.-]*[a-z0-9.]|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*)(:[0-9]{1,5})?(/.*)?",
    re.IGNORECASE,
)
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
NETWORK_MASK = re.compile(r"/[0-9]{1,3}")
SEPARATORS = re.compile(r"[\s,;]+")
DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
"""What IDNA takes for a dot (RFC 3490, section 3.1), and so do clients that speak it."""

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
TRANSLATED: tuple[tuple[ipaddress.IPv6Network, int], ...] = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""Networks of IPv6 in which an address of IPv4 stands, and how many bits after it."""
INNER_NAMES = frozenset(
    (
        "kubernetes",
        "kubernetes.default",
        "localhost.localdomain",
        "localhost4",
        "localhost6",
        "ip6-localhost",
        "ip6-loopback",
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
INNER_DOMAINS = (".localhost", ".compute.internal", ".ec2.internal", ".metadata.google.internal")
"""Of names that lead to the machine itself, to machines by their address, and to metadata."""

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


def whole_hosts(text: str) -> Iterator[str]:
    """The hosts of a text that is nothing but addresses: a URL, `host:port`, an IP address, a name of a
    Service, or a list of such. A network (`10.0.0.0/8`) is none, nor is a bare word or path."""
    if len(text) > LONGEST_LEAF:
        return
    found: list[str] = []
    for part in SEPARATORS.split(text.strip(), maxsplit=MOST_HOSTS):
        hosts = _hosts_of(part)
        if part and not hosts:
            return
        found += hosts
    yield from found


def called_hosts(text: str) -> Iterator[str]:
    """The hosts of a text that is surely an address, several between commas: a bare word is a host, too."""
    if text.startswith(("/", "?", "#")) and not text.startswith("//"):
        return  # a path, below something else
    for part in text[:LONGEST_LEAF].split(","):
        url = WHOLE.fullmatch(part.strip())
        if url is not None:
            yield from _authority_hosts(url[1] if url[1] is not None else url[2])


def hosts_in(text: str) -> Iterator[str]:
    """The hosts of the URLs among other words."""
    at = text.find("://")
    for _ in range(MOST_HOSTS):
        authority = AUTHORITY.match(text, at + 3) if at >= 0 else None
        if authority is None:
            return
        yield from _authority_hosts(authority[0])
        at = text.find("://", authority.end())


def place_of(host: str, around: Surroundings = CLUSTER) -> Place:
    """Where a host is, however it is spelled."""
    name = _canonical(host)
    address = _address(name)
    if address is not None:
        inside = _is_inner(address, around)
        return Place("inside" if inside else "outside", str(address))
    labels = name.split(".")
    for index in range(len(labels) - 1, 1, -1):
        if labels[index] in ("svc", "pod"):
            return Place("service", labels[0], labels[index - 1])
    if name == "localhost" or name in INNER_NAMES or name.endswith(INNER_DOMAINS):
        return Place("inside", name)
    searched = 2 <= len(labels) <= 3 and "svc" not in labels and not host.endswith(".")
    return Place("near" if searched else "outside", name)


def _hosts_of(part: str) -> list[str]:
    """The hosts of one address; none when it is none."""
    match = WHOLE.fullmatch(part)
    if match is None:
        return []
    if match[1] is not None:
        return list(_authority_hosts(match[1]))
    bare = HOST_AND_PORT.fullmatch(part.rpartition("@")[2])
    if bare is None or (bare[3] and NETWORK_MASK.fullmatch(bare[3])):
        return []
    host, port = _canonical(bare[1]), bare[2]
    address = _address(host)
    if address is not None:
        whole = port or host.count(".") == 3 or ":" in host
        return [host] if whole and not address.is_unspecified else []  # one to listen at is none to call
    return [host] if port or _is_surely_host(host) else []


def _is_surely_host(name: str) -> bool:
    """Whether a name without a scheme and a port is a host all the same."""
    return name == "localhost" or ("." in name and place_of(name).inner in ("service", "inside"))


def _authority_hosts(rest: str) -> Iterator[str]:
    """Hosts of what stands after `//`: several between commas, or after another slash (`dns:///host`)."""
    authority = re.split(r"[/?#\\]", rest.lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    for host in authority.split(",")[:MOST_HOSTS]:
        name = unquote(host)
        bracketed = name.startswith("[")
        yield name.partition("]")[0] + "]" if bracketed else name.partition(":")[0]


def _canonical(host: str) -> str:
    text = unicodedata.normalize("NFKC", host.translate(DOTS)) if not host.isascii() else host
    return text.strip().lower().rstrip(".")


def _address(name: str) -> Address | None:
    """The address a name is, in any form that inet_aton or a URL takes."""
    if name.startswith("[") or ":" in name:
        try:
            return _translated(ipaddress.IPv6Address(name.strip("[]").partition("%")[0]))
        except ValueError:
            return None
    parts = name.split(".")
    if len(parts) > 4 or not all(map(NUMBER.fullmatch, parts)):
        return None
    return _from_parts([_number(part) for part in parts])


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    octal = len(text) > 1 and text.startswith("0") and not set(text) & set("89")
    return int(text, 8 if octal else 10)


def _from_parts(numbers: Sequence[int]) -> Address | None:
    """The last part fills what the others leave (inet_aton)."""
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 1 << 8 * (4 - len(first)):
        return None
    value = sum(number << 8 * (3 - index) for index, number in enumerate(first)) + last
    return ipaddress.IPv4Address(value)


def _translated(address: ipaddress.IPv6Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for."""
    if int(address) > 1:
        for network, below in TRANSLATED:
            if address in network:
                return ipaddress.IPv4Address(int(address) >> below & 0xFFFFFFFF)
    return address


def _is_inner(address: Address, around: Surroundings) -> bool:
    return (
        address.is_loopback
        or address.is_unspecified
        or any(address in network for network in (*CLOUD_SERVICES, *around.protected))
    )
