"""IP addresses: `ip`, `isIP`, `ip.isCanonical` and what an address tells (apiserver/pkg/cel/library/ip.go).

Addresses are read as Go's net/netip reads them. IPv4-mapped IPv6 addresses, zones and leading zeros
are errors: each lets an address be written so that two programs take it for different ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, INT, STRING, Type, opaque
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.golang.quoting import quote

__all__ = ["IP", "IP_TYPE", "LIBRARY", "AddressError", "parse_address", "parse_ip"]

IP_TYPE = opaque("net.IP")

_MAPPED = 0xFFFF
"""Bits 32 and up of an IPv4-mapped IPv6 address."""
_BROADCAST = 0xFFFFFFFF
_DIGITS = frozenset("0123456789")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class IP:
    """An address without a zone."""

    cel_type: ClassVar[Type] = IP_TYPE

    number: int
    bits: int
    """32 or 128."""

    def __str__(self) -> str:
        """The canonical form, as Go prints it (RFC 5952)."""
        return str(IPv4Address(self.number) if self.bits == 32 else IPv6Address(self.number))

    @property
    def family(self) -> int:
        """4 or 6."""
        return 4 if self.bits == 32 else 6

    @property
    def size(self) -> int:
        """Bytes of the address."""
        return self.bits // 8

    @property
    def mapped(self) -> bool:
        """Whether this is an IPv4 address inside IPv6: `::ffff:1.2.3.4`."""
        return self.bits == 128 and self.number >> 32 == _MAPPED

    @property
    def unspecified(self) -> bool:
        """`0.0.0.0` or `::`."""
        return self.number == 0

    @property
    def loopback(self) -> bool:
        """127.0.0.0/8 or `::1`."""
        return self.number >> 24 == 127 if self.bits == 32 else self.number == 1

    @property
    def multicast(self) -> bool:
        """224.0.0.0/4 or ff00::/8."""
        return self.number >> 28 == 0xE if self.bits == 32 else self.number >> 120 == 0xFF

    @property
    def link_local_multicast(self) -> bool:
        """224.0.0.0/24 or ff02::/16, whatever its flags."""
        if self.bits == 32:
            return self.number >> 8 == 0xE00000
        return self.number >> 112 & 0xFF0F == 0xFF02

    @property
    def link_local_unicast(self) -> bool:
        """169.254.0.0/16 or fe80::/10."""
        return self.number >> 16 == 0xA9FE if self.bits == 32 else self.number >> 118 == 0x3FA

    @property
    def global_unicast(self) -> bool:
        """Anything else; private addresses too."""
        if self.bits == 32 and self.number == _BROADCAST:
            return False
        return not (self.unspecified or self.loopback or self.multicast or self.link_local_unicast)


class AddressError(Exception):
    """A text is no address; the message is net/netip's and is only composed when asked for."""

    def __init__(self, text: str, reason: str, rest: str = "") -> None:
        super().__init__(reason)
        self.text = text
        self.rest = rest

    def __str__(self) -> str:
        """The message of netip.ParseAddr."""
        where = f" (at {quote(self.rest)})" if self.rest else ""
        return f"ParseAddr({quote(self.text)}): {self.args[0]}{where}"


def parse_address(text: str) -> tuple[IP, str]:
    """The address `text` spells and its zone, as netip.ParseAddr reads it; raise `AddressError`."""
    for character in text:
        if character == ".":
            return IP(_parse_ipv4(text, text), 32), ""
        if character == ":":
            return _parse_ipv6(text)
        if character == "%":
            raise AddressError(text, "missing IPv6 address")
    raise AddressError(text, "unable to parse IP")


def _parse_ipv4(whole: str, part: str) -> int:
    """The number of a dotted quad `part` of `whole`."""
    fields: list[int] = []
    value = digits = 0
    for index, character in enumerate(part):
        if character in _DIGITS:
            if digits == 1 and value == 0:
                raise AddressError(whole, "IPv4 field has octet with leading zero")
            value = value * 10 + int(character)
            digits += 1
            if value > 255:
                raise AddressError(whole, "IPv4 field has value >255")
        elif character == ".":
            if digits == 0 or index == len(part) - 1:
                raise AddressError(whole, "IPv4 field must have at least one digit", part[index:])
            if len(fields) == 3:
                raise AddressError(whole, "IPv4 address too long")
            fields.append(value)
            value = digits = 0
        else:
            raise AddressError(whole, "unexpected character", part[index:])
    if len(fields) < 3:
        raise AddressError(whole, "IPv4 address too short")
    return int.from_bytes(bytes((*fields, value)), "big")


def _parse_ipv6(whole: str) -> tuple[IP, str]:
    text, percent, zone = whole.partition("%")
    if percent and not zone:
        raise AddressError(whole, "zone must be a non-empty string")
    groups, ellipsis = _groups(whole, text)
    if ellipsis is None and len(groups) < 8:
        raise AddressError(whole, "address string too short")
    if ellipsis is not None:
        if len(groups) == 8:
            raise AddressError(whole, "the :: must expand to at least one field of zeros")
        groups[ellipsis:ellipsis] = [0] * (8 - len(groups))
    number = 0
    for group in groups:
        number = number << 16 | group
    return IP(number, 128), zone


def _groups(whole: str, text: str) -> tuple[list[int], int | None]:
    """The 16-bit groups written in `text`, and where `::` stands among them."""
    groups: list[int] = []
    ellipsis = None
    if text.startswith("::"):
        ellipsis, text = 0, text[2:]
        if not text:
            return groups, ellipsis
    while len(groups) < 8:
        length = _group_length(whole, text)
        if text[length : length + 1] == ".":
            _check_embedded(whole, text, len(groups), ellipsis)
            number = _parse_ipv4(whole, text)
            groups += (number >> 16, number & 0xFFFF)
            return groups, ellipsis
        groups.append(int(text[:length], 16))
        text = text[length:]
        if not text:
            return groups, ellipsis
        text = _after_colon(whole, text)
        if text[0] == ":":
            if ellipsis is not None:
                raise AddressError(whole, "multiple :: in address", text)
            ellipsis, text = len(groups), text[1:]
            if not text:
                return groups, ellipsis
    raise AddressError(whole, "trailing garbage after address", text)


def _group_length(whole: str, text: str) -> int:
    length = 0
    while length < len(text) and text[length] in _HEXADECIMAL:
        if length > 3:
            raise AddressError(whole, "each group must have 4 or less digits", text)
        length += 1
    if length == 0:
        raise AddressError(whole, "each colon-separated field must have at least one digit", text)
    return length


def _check_embedded(whole: str, text: str, groups: int, ellipsis: int | None) -> None:
    """Whether an IPv4 address may stand here, at the end of an IPv6 address."""
    if ellipsis is None and groups != 6:
        raise AddressError(
            whole, "embedded IPv4 address must replace the final 2 fields of the address", text
        )
    if groups > 6:
        raise AddressError(
            whole, "too many hex fields to fit an embedded IPv4 at the end of the address", text
        )


def _after_colon(whole: str, text: str) -> str:
    if text[0] != ":":
        raise AddressError(whole, "unexpected character, want colon", text)
    if len(text) == 1:
        raise AddressError(whole, "colon must be followed by more characters", text)
    return text[1:]


def parse_ip(text: str) -> IP:
    """The address `text` spells under the rules of Kubernetes; raise `EvaluationError`."""
    try:
        address, zone = parse_address(text)
    except AddressError as error:
        raise EvaluationError(
            f"IP Address {quote(text)} parse error during conversion from string: {error}"
        ) from None
    if zone:
        raise EvaluationError(f"IP address {quote(text)} with zone value is not allowed")
    if address.mapped:
        raise EvaluationError(f"IPv4-mapped IPv6 address {quote(text)} is not allowed")
    return address


def _is_ip(text: str) -> bool:
    try:
        address, zone = parse_address(text)
    except AddressError:
        return False
    return not zone and not address.mapped


def _question(name: str, identifier: str, attribute: str, result: Type = BOOL) -> Function:
    """A method without arguments that reads `attribute` of the address."""

    def answer(address: IP) -> object:
        return getattr(address, attribute)

    return Function(name, (Overload(identifier, (IP_TYPE,), result, answer, member=True),))


LIBRARY = Library(
    "kubernetes.net.ip",
    functions=(
        Function("ip", (Overload("string_to_ip", (STRING,), IP_TYPE, parse_ip, cost=costs.traversal),)),
        Function("isIP", (Overload("is_ip", (STRING,), BOOL, _is_ip, cost=costs.traversal),)),
        Function(
            "ip.isCanonical",
            (
                Overload(
                    "ip_is_canonical",
                    (STRING,),
                    BOOL,
                    lambda text: str(parse_ip(text)) == text,
                    cost=costs.twice,
                ),
            ),
        ),
        Function("string", (Overload("ip_to_string", (IP_TYPE,), STRING, str),)),
        _question("family", "ip_family", "family", INT),
        _question("isUnspecified", "ip_is_unspecified", "unspecified"),
        _question("isLoopback", "ip_is_loopback", "loopback"),
        _question("isLinkLocalMulticast", "ip_is_link_local_multicast", "link_local_multicast"),
        _question("isLinkLocalUnicast", "ip_is_link_local_unicast", "link_local_unicast"),
        _question("isGlobalUnicast", "ip_is_global_unicast", "global_unicast"),
    ),
    types=(IP_TYPE,),
)
