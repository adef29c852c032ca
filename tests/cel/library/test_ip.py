"""An address is written one way; what lets two programs read it differently is refused."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.library.ip import IP, parse_ip
from tests.cel.library.expressions import error, evaluate

PREFIX = "parse error during conversion from string: ParseAddr"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("::ffff:1.2.3.4", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'),
        ("::FFFF:0102:0304", 'IPv4-mapped IPv6 address "::FFFF:0102:0304" is not allowed'),
        ("fe80::1%eth0", 'IP address "fe80::1%eth0" with zone value is not allowed'),
        ("1.2.3.04", f'IP Address "1.2.3.04" {PREFIX}("1.2.3.04"): IPv4 field has octet with leading zero'),
        ("0x7f.1", f'IP Address "0x7f.1" {PREFIX}("0x7f.1"): unexpected character (at "x7f.1")'),
        ("2130706433", f'IP Address "2130706433" {PREFIX}("2130706433"): unable to parse IP'),
        ("127.1", f'IP Address "127.1" {PREFIX}("127.1"): IPv4 address too short'),
        (
            "1.2.3.4\0",
            f'IP Address "1.2.3.4\\x00" {PREFIX}("1.2.3.4\\x00"): unexpected character (at "\\x00")',
        ),
        ("１.2.3.4", f'IP Address "１.2.3.4" {PREFIX}("１.2.3.4"): unexpected character (at "１.2.3.4")'),
    ],
)
def test_ambiguous_addresses_are_refused(address: str, message: str) -> None:
    assert error("ip(object)", address) == message
    assert evaluate("isIP(object)", address) is False


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ip('169.254.169.254').isLinkLocalUnicast()", True),
        ("ip('127.8.8.8').isLoopback()", True),
        ("ip('10.0.0.1').isGlobalUnicast()", True),
        ("ip('ff02::1').isLinkLocalMulticast()", True),
        ("ip('::').isUnspecified()", True),
        ("ip('::1').family()", 6),
        ("string(ip('2001:DB8:0:0:1:0:0:1'))", "2001:db8::1:0:0:1"),
        ("ip.isCanonical('2001:DB8::1')", False),
        ("ip('::1') == ip('0:0:0:0:0:0:0:1')", True),
        ("type(ip('::1')) == net.IP", True),
    ],
)
def test_addresses_tell_what_they_are(text: str, value: object) -> None:
    assert evaluate(text) == value


def test_a_long_text_is_no_address() -> None:
    for text in ("1" * 3_000_000, "1." * 1_000_000, ":" * 3_000_000, "1:" * 1_000_000):
        assert evaluate("isIP(object)", text) is False


@given(st.integers(0, 2**32 - 1))
def test_every_ipv4_address_is_canonical(number: int) -> None:
    text = str(IPv4Address(number))
    assert parse_ip(text) == IP(number, 32)
    assert str(parse_ip(text)) == text


@given(st.integers(0, 2**128 - 1).filter(lambda number: number >> 32 != 0xFFFF))
def test_every_spelling_of_an_ipv6_address_is_the_same_address(number: int) -> None:
    address = IPv6Address(number)
    assert parse_ip(address.exploded) == parse_ip(address.compressed.upper()) == IP(number, 128)
    assert str(IP(number, 128)) == address.compressed
