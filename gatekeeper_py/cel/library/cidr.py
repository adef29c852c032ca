"""Networks: `cidr`, `isCIDR` and what a network contains (apiserver/pkg/cel/library/cidr.go).

Host bits may be set: `cidr('10.1.2.3/16')` is a network, `masked()` clears them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, INT, STRING, Type, opaque
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.library.ip import IP, IP_TYPE, AddressError, parse_address, parse_ip
from gatekeeper_py.golang.quoting import quote

__all__ = ["CIDR", "CIDR_TYPE", "LIBRARY", "parse_cidr"]

CIDR_TYPE = opaque("net.CIDR")


@dataclass(frozen=True, slots=True)
class CIDR:
    """An address and how many of its leading bits name the network."""

    cel_type: ClassVar[Type] = CIDR_TYPE

    address: IP
    prefix: int

    def __str__(self) -> str:
        """`10.0.0.0/8`."""
        return f"{self.address}/{self.prefix}"

    @property
    def size(self) -> int:
        """Bytes of the prefix."""
        return -(-self.prefix // 8)

    def masked(self) -> CIDR:
        """The same network without host bits."""
        host = self.address.bits - self.prefix
        return CIDR(IP(self.address.number >> host << host, self.address.bits), self.prefix)

    def contains(self, address: IP) -> bool:
        """Whether the address is of this family and network."""
        if address.bits != self.address.bits:
            return False
        host = self.address.bits - self.prefix
        return (address.number ^ self.address.number) >> host == 0

    def covers(self, other: CIDR) -> bool:
        """Whether every address of the other network is in this one."""
        return self.prefix <= other.prefix and self.contains(other.address)


class _PrefixError(Exception):
    """A text is no network; the message is net/netip's."""


def parse_cidr(text: str) -> CIDR:
    """The network `text` spells under the rules of Kubernetes; raise `EvaluationError`."""
    try:
        return _parse(text)
    except _PrefixError as error:
        # Kubernetes prefixes the words twice, once in each of two functions.
        prefix = "network address parse error during conversion from string: "
        raise EvaluationError(f"{prefix}{error}") from None


def _parse(text: str) -> CIDR:
    head, slash, bits = text.rpartition("/")
    if not slash:
        raise _refused(text, "no '/'")
    try:
        address, zone = parse_address(head)
    except AddressError as error:
        raise _refused(text, str(error)) from None
    if zone:
        raise _refused(text, "IPv6 zones cannot be present in a prefix")
    prefix = _parse_bits(text, bits)
    if prefix > address.bits:
        raise _refused(text, "prefix length out of range")
    if address.mapped:
        raise _PrefixError(f"IPv4-mapped IPv6 address {quote(text)} is not allowed")
    return CIDR(address, prefix)


def _parse_bits(text: str, bits: str) -> int:
    if not (bits.isascii() and bits.isdecimal()) or (len(bits) > 1 and bits[0] == "0") or len(bits) > 18:
        raise _refused(text, f"bad bits after slash: {quote(bits)}")
    return int(bits)


def _refused(text: str, reason: str) -> _PrefixError:
    words = "network address parse error during conversion from string: netip.ParsePrefix"
    return _PrefixError(f"{words}({quote(text)}): {reason}")


def _is_cidr(text: str) -> bool:
    try:
        _parse(text)
    except _PrefixError:
        return False
    return True


def _contains_string(network: CIDR, text: str) -> bool:
    try:
        return network.contains(parse_ip(text))
    except EvaluationError:
        # Kubernetes hands the parse error on as an argument, which fits no overload.
        raise EvaluationError("no such overload") from None


def _compare_cost(network: CIDR, _other: object) -> int:
    """Compare two byte strings of the length of the prefix."""
    return costs.scaled(2 * network.size)


def _cover_cost(network: CIDR, _other: object) -> int:
    return costs.scaled(2 * network.size) + costs.scaled(network.size) + 1


def _parsed(cost: Callable[[CIDR, object], int]) -> Callable[[CIDR, str], int]:
    """And parse the other first: counted only where the checker knows that it is text."""
    return lambda network, text: cost(network, text) + costs.traversal(text)


LIBRARY = Library(
    "kubernetes.net.cidr",
    functions=(
        Function(
            "cidr", (Overload("string_to_cidr", (STRING,), CIDR_TYPE, parse_cidr, cost=costs.traversal),)
        ),
        Function("isCIDR", (Overload("is_cidr", (STRING,), BOOL, _is_cidr, cost=costs.traversal),)),
        Function(
            "containsIP",
            (
                Overload(
                    "cidr_contains_ip_string",
                    (CIDR_TYPE, STRING),
                    BOOL,
                    _contains_string,
                    member=True,
                    cost=_parsed(_compare_cost),
                    unresolved_cost=_compare_cost,
                ),
                Overload(
                    "cidr_contains_ip_ip",
                    (CIDR_TYPE, IP_TYPE),
                    BOOL,
                    CIDR.contains,
                    member=True,
                    cost=_compare_cost,
                ),
            ),
        ),
        Function(
            "containsCIDR",
            (
                Overload(
                    "cidr_contains_cidr_string",
                    (CIDR_TYPE, STRING),
                    BOOL,
                    lambda network, text: network.covers(parse_cidr(text)),
                    member=True,
                    cost=_parsed(_cover_cost),
                    unresolved_cost=_cover_cost,
                ),
                Overload(
                    "cidr_contains_cidr",
                    (CIDR_TYPE, CIDR_TYPE),
                    BOOL,
                    CIDR.covers,
                    member=True,
                    cost=_cover_cost,
                ),
            ),
        ),
        Function(
            "ip",
            (Overload("cidr_ip", (CIDR_TYPE,), IP_TYPE, lambda network: network.address, member=True),),
        ),
        Function(
            "prefixLength",
            (Overload("cidr_prefix_length", (CIDR_TYPE,), INT, lambda network: network.prefix, member=True),),
        ),
        Function("masked", (Overload("cidr_masked", (CIDR_TYPE,), CIDR_TYPE, CIDR.masked, member=True),)),
        Function("string", (Overload("cidr_to_string", (CIDR_TYPE,), STRING, str),)),
    ),
    types=(CIDR_TYPE,),
)
