"""How a host is spelled: one name or address has many spellings, and programs that call read more of them
than people write.

`127.1`, `0x7f.0.0.1`, `2130706433` and `[::ffff:7f00:1]` are one address (inet_aton of POSIX, RFC 4291
section 2.5.5, RFC 6052), and some zones of DNS answer with an address that stands in the name:
`127-0-0-1.nip.io`.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

__all__ = ["MIRRORS", "Address", "Network", "address_of", "canonical", "is_numeric", "mirrored"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
"""What IDNA takes for a dot (RFC 3490, section 3.1), and so do clients that speak it."""
TRANSLATED: tuple[tuple[ipaddress.IPv6Network, int], ...] = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""Networks of IPv6 in which an address of IPv4 stands, and how many bits after it."""
MIRRORS = (
    *(".nip.io", ".sslip.io", ".xip.io", ".backname.io", ".local-ip.co", ".local-ip.sh", ".traefik.me"),
    *(".local-ip.medicmobile.org", ".1u.ms", ".rbndr.us"),
)
"""Zones that answer with an address that stands in the name."""
MIRRORED = re.compile(
    r"(?<![0-9])(?:[0-9]{1,3}[.-]){3}[0-9]{1,3}(?![0-9])|(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])"
)
"""Such an address, with dots, with hyphens or as eight digits."""


def canonical(host: str) -> str:
    """A host in small letters, with plain dots, and without the last one."""
    text = unicodedata.normalize("NFKC", host.translate(DOTS)) if not host.isascii() else host
    return text.strip().lower().rstrip(".")


def address_of(name: str) -> Address | None:
    """The address that a canonical host is, in any form that inet_aton or a URL takes.

    One of IPv6 that stands for one of IPv4 is that.
    """
    if name.startswith("[") or ":" in name:
        try:
            return _translated(ipaddress.IPv6Address(name.strip("[]").partition("%")[0]))
        except ValueError:
            return None
    parts = name.split(".")
    if len(parts) > 4 or not all(map(NUMBER.fullmatch, parts)):
        return None
    return _from_parts([_number(part) for part in parts])


def is_numeric(name: str) -> bool:
    """Whether a canonical host has numbers alone, and so is an address or nothing."""
    return all(map(NUMBER.fullmatch, name.split(".")))


def mirrored(name: str) -> Iterator[Address] | None:
    """The addresses that a zone may answer with for a name; None where it is no such zone."""
    if not name.endswith(MIRRORS):
        return None
    return filter(None, map(_mirrored, MIRRORED.findall(name)))


def _mirrored(text: str) -> Address | None:
    return address_of(text.replace("-", ".") if len(text) != 8 or not text.isalnum() else f"0x{text}")


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
