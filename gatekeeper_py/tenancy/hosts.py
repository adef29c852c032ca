"""Which hosts a text names: an address, a list of such, words with URLs among them, or settings as JSON.

Where a host leads is told by `places`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from urllib.parse import unquote

from gatekeeper_py.tenancy.addresses import address_of, canonical
from gatekeeper_py.tenancy.places import place_of

__all__ = [
    "MOST_HOSTS",
    "called_hosts",
    "dialled_hosts",
    "hosts_in",
    "hosts_of_settings",
    "named_hosts",
    "whole_hosts",
]

LONGEST_LEAF = 4096
"""Characters of a text that as a whole may be addresses; a longer one is prose, or a file."""
MOST_HOSTS = 256
"""Addresses of one text that are looked at: lists of brokers have some dozens."""

AUTHORITY = re.compile(
    r"[/\\]*((?:[^\s/?#\\\"'`<>{}|;()\[\]@]*@)*(?:\[[0-9a-f:.%]*\])?[^\s/?#\\\"'`<>{}|;()\[\]]*)",
    re.IGNORECASE,
)
"""What follows the slashes of a URL, up to its path: hosts between commas; the first may be one of IPv6."""
ENCODED = re.compile(r"[a-z][a-z0-9+.-]*(?:%3a|:)(?:%2f|/){2}", re.IGNORECASE)
"""How a URL begins that as a whole is written as a part of another."""
WHOLE = re.compile(
    r"(?:(?:[a-z][a-z0-9+.-]{0,30}:){0,3}@?//|jdbc:[a-z0-9]+:[a-z]+:[^@/\s]*@(?!/)|(?:https?|ipv[46]|tcp|udp):[/\\]{0,2}(?=[^/]*[.\[]))(.*)|(\S+)",
    re.IGNORECASE | re.DOTALL,
)
"""A URL, whose slashes some leave out or turn round, or a word."""
RESOLVED = re.compile(r"(?:dns|xds|passthrough)://[^/]+/([^/]+)", re.IGNORECASE)
"""A target of gRPC (grpc/doc/naming.md): the host stands behind the one that is asked for it."""
MISREAD = re.compile(r"[#?\\][^/@]*@([^/?#\\\s]+)")
"""A host behind what ends the authority for some readers of URLs, and is a user's name for others."""
COPIED = re.compile(r"[a-z0-9_.-]+@([a-z0-9.-]+):[^0-9\s]\S*", re.IGNORECASE)
"""`git@host:path`, as ssh and git read it."""
DIALLED = re.compile(r"(?:^|@)(?:tcp|udp)[46]?\(([^()\s]+)\)", re.IGNORECASE)
"""`user:password@tcp(host:port)/database`, as drivers of MySQL read it."""
STATED = re.compile(
    r"(?:^|[\s;,?&])(?:host|hosts|hostaddr|server|server ?name|data source|address|addr|endpoint"
    r"|network address)\s*=\s*(?:tcp:|np:)?([^\s;&'\"]+)",
    re.IGNORECASE,
)
"""`host=... port=...` and `Server=...;Database=...`, as drivers of PostgreSQL and SQL Server read it."""
HOST_AND_PORT = re.compile(
    r"(\[[0-9a-f:.%]+\]|[a-z0-9_.-]*[a-z0-9.]|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*)(:[0-9]{1,5})?(/.*)?",
    re.IGNORECASE,
)
PORT = re.compile(r"[:;]")
"""What stands behind a host: its port, or what SQL Server's driver is told besides."""
PARAMETER = re.compile(r"[a-z][\w.-]*=.*", re.IGNORECASE)
"""What stands behind a URL of SQL Server, and a semicolon."""
NETWORK_MASK = re.compile(r"/[0-9]{1,3}")
SEPARATORS = re.compile(r"[\s,;]+")
TEMPLATE = re.compile(r"%%[a-z_]+%%|\$\{data\.[a-z0-9_.]+\}|\$host\b", re.IGNORECASE)
"""What an agent fills in by the pod that carries the text: its own address, its own port."""
TOKEN = re.compile(
    rf"(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]*:)?//{AUTHORITY.pattern}"
    r"|(?<![a-z0-9_.-])(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?|localhost)",
    re.IGNORECASE,
)
"""A URL up to its path, or what stands alone and has dots as hosts have. Each begins where a word does, so
that a long word is read once."""
CALLED = re.compile(r"(host|hostname|server|address|addr|endpoint|url|uri|target)s?$", re.IGNORECASE)
"""What fields are called that hold a host, be it ever so short."""
NUMBERED = re.compile(r"v?[0-9]{1,7}(\.[0-9]+){0,2}[a-z]?", re.IGNORECASE)
"""A version or a share of a second: three numbers make no address that anybody writes."""


def whole_hosts(text: str) -> Iterator[str]:
    """The hosts of a text that is nothing but addresses: a URL, `host:port`, an IP address, a name of a
    Service, or a list of such. A network (`10.0.0.0/8`) is none, nor is a bare word or path."""
    if len(text) > LONGEST_LEAF:
        return
    found: list[str] = []
    for part in SEPARATORS.split(text.strip(), maxsplit=MOST_HOSTS):
        hosts = _hosts_of(unquote(part) if ENCODED.match(part) else part)
        if part and not hosts and not (found and PARAMETER.fullmatch(part)):
            return
        found += hosts
    yield from found


def named_hosts(text: str) -> Iterator[str]:
    """The hosts of a text that says where something is: `db.bar`, or a list of such, without schemes and
    ports. A bare word is none, for it may as well be the name of an object."""
    for part in SEPARATORS.split(text.strip()[:LONGEST_LEAF], maxsplit=MOST_HOSTS):
        bare = HOST_AND_PORT.fullmatch(part)
        if bare is not None and "." in bare[1] and not bare[3] and address_of(canonical(bare[1])) is None:
            yield canonical(bare[1])


def dialled_hosts(text: str) -> Iterator[str]:
    """The hosts that a driver finds in a text by which it connects to a database; no bare words."""
    found = chain(DIALLED.finditer(text), STATED.finditer(text))
    for match in islice(found, MOST_HOSTS):
        yield from (host for host in _listed_hosts(match[1]) if "." in host or "[" in host)


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
        yield from _listed_hosts(authority[1])
        at = text.find("://", max(at + 3, authority.end() - 1))  # `http://a,http://b`: the colon was read


def hosts_of_settings(text: str) -> Iterator[str]:
    """The hosts that settings name, as JSON or in words, in small letters.

    Templates that stand for the pod itself are left out.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    stack = [value]
    while stack:
        inner: Any = stack.pop()
        if isinstance(inner, dict):
            for key, item in inner.items():
                called = CALLED.search(key) and isinstance(item, str) and "://" not in item
                stack += [key, f"//{item}" if called else item]
        elif isinstance(inner, list):
            stack += inner
        elif isinstance(inner, str) and _may_name_hosts(inner):
            yield from _named(TEMPLATE.sub("%", inner))


def _may_name_hosts(text: str) -> bool:
    """Whether more than words stand in a text: most of what settings hold is not worth a search."""
    return "." in text or "/" in text or ":" in text or "localhost" in text.lower()


def _named(text: str) -> Iterator[str]:
    for match in TOKEN.finditer(text):
        plain = match[2]
        if plain is not None and NUMBERED.fullmatch(plain):
            continue
        for host in [plain] if plain is not None else _listed_hosts(match[1]):
            name = canonical(host).strip("[]")
            if name and "%" not in name:
                yield name


def _hosts_of(part: str) -> list[str]:
    """The hosts of one address; none when it is none."""
    match = WHOLE.fullmatch(part)
    if match is None:
        return []
    if match[1] is not None:
        behind = [RESOLVED.match(part), MISREAD.search(match[1])]
        return [*_authority_hosts(match[1]), *chain(*(_listed_hosts(found[1]) for found in behind if found))]
    copied = COPIED.fullmatch(part)
    if copied is not None:
        return [copied[1]]
    bare = HOST_AND_PORT.fullmatch(part.rpartition("@")[2])
    if bare is None or (bare[3] and NETWORK_MASK.fullmatch(bare[3])):
        return []
    host, port = canonical(bare[1]), bare[2]
    address = address_of(host)
    if address is not None:
        whole = port or host.count(".") == 3 or ":" in host
        return [host] if whole and not address.is_unspecified else []  # one to listen at is none to call
    return [host] if port or _is_surely_host(host) else []


def _is_surely_host(name: str) -> bool:
    """Whether a name without a scheme and a port is a host all the same."""
    return name == "localhost" or ("." in name and place_of(name).inner in ("service", "inside"))


def _authority_hosts(rest: str) -> Iterator[str]:
    """Hosts of what stands after `//`: several between commas, or after another slash (`dns:///host`)."""
    return _listed_hosts(re.split(r"[/?#\\]", rest.lstrip("/\\"), maxsplit=1)[0])


def _listed_hosts(authority: str) -> Iterator[str]:
    """Hosts of an authority, without users and ports."""
    for host in authority.rpartition("@")[2].split(",")[:MOST_HOSTS]:
        name = unquote(host)
        bracketed = name.startswith("[")
        yield name.partition("]")[0] + "]" if bracketed else PORT.split(name, maxsplit=1)[0]
