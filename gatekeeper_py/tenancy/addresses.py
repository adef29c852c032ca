"""Which hosts a text of settings names, as a controller would call them.

Annotations carry whole configurations as JSON, YAML or lists of URLs. What may be a host is reported; whether
a tenant may have it called is told by `Context.may_call`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["hosts", "is_inner"]

TEMPLATE = re.compile(r"%%[a-z_]+%%|\$\{data\.[a-z0-9_.]+\}|\$host\b", re.IGNORECASE)
"""What an agent fills in by the pod that carries the text: its own address, its own port."""
TOKEN = re.compile(
    r"(?<![a-z0-9+.-])(?:(?:[a-z][a-z0-9+.-]*:)?//)(?:[^\s/\"'@?#]*@)?(?P<url>\[[0-9a-f:.%]+\]|[^\s/:\"'?#,;|)\]}]+)"
    r"|(?<![a-z0-9_.-])(?P<plain>\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?|localhost)",
    re.IGNORECASE,
)
"""A URL with its host, or what stands alone and has dots as hosts have. Each begins where a word does, so
that a long word is read once."""
ODD_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)
"""An address in a notation of old: 2852039166, 0xA9.254.0xA9FE."""
INNER_NAMES = ("localhost", ".localhost", ".internal", ".localdomain")
"""How names end that lead to the node, or to its cloud's metadata."""
CALLED = re.compile(r"(host|hostname|server|address|addr|endpoint|url|uri|target)s?$", re.IGNORECASE)
"""What fields are called that hold a host, be it ever so short."""
NUMBERED = re.compile(r"v?[0-9]{1,7}(\.[0-9]+){0,2}[a-z]?", re.IGNORECASE)
"""A version or a share of a second: three numbers make no address that anybody writes."""


def hosts(text: str) -> Iterator[str]:
    """The hosts that a text names, in lower case, without templates that stand for the pod itself."""
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
        elif isinstance(inner, str):
            yield from _named(TEMPLATE.sub("%", inner))


def _named(text: str) -> Iterator[str]:
    for match in TOKEN.finditer(text):
        host = (match["url"] or match["plain"]).strip("[].").lower()
        if "%" not in host and (match["url"] or not NUMBERED.fullmatch(host)):
            yield host


def is_inner(host: str, cluster_domain: str) -> bool:
    """Whether a host is of the node, its cloud or the cluster: no public address, or such a name."""
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        name = f".{host}"
        return ODD_NUMBER.fullmatch(host) is not None or name.endswith((*INNER_NAMES, f".{cluster_domain}"))
