"""Networks and what they contain."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.library.cidr import CIDR, parse_cidr
from gatekeeper_py.cel.library.ip import IP
from tests.cel.library.expressions import error, evaluate

NETWORKS = st.builds(
    lambda number, prefix: CIDR(IP(number, 32), prefix), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
WORDS = "network address parse error during conversion from string: "


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cidr('10.1.2.3/16').masked() == cidr('10.1.0.0/16')", True),
        ("cidr('10.1.2.3/16') == cidr('10.1.0.0/16')", False),
        ("string(cidr('10.1.2.3/16').ip())", "10.1.2.3"),
        ("cidr('0.0.0.0/0').containsIP('::1')", False),
        ("cidr('192.168.0.0/24').containsIP('192.168.0.1')", True),
        ("cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')", True),
        ("cidr('192.168.10.0/24').containsCIDR(cidr('192.168.0.0/16'))", False),
        ("cidr('::/0').prefixLength()", 0),
    ],
)
def test_networks_tell_what_they_contain(text: str, value: object) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("10.0.0.0", f"{WORDS}netip.ParsePrefix(\"10.0.0.0\"): no '/'"),
        ("10.0.0.0/33", f'{WORDS}netip.ParsePrefix("10.0.0.0/33"): prefix length out of range'),
        ("10.0.0.0/08", f'{WORDS}netip.ParsePrefix("10.0.0.0/08"): bad bits after slash: "08"'),
        ("10.0.0.0/٨", f'{WORDS}netip.ParsePrefix("10.0.0.0/٨"): bad bits after slash: "٨"'),
        ("::ffff:1.2.3.4/100", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4/100" is not allowed'),
    ],
)
def test_bad_networks_are_refused_in_words(network: str, reason: str) -> None:
    assert error("cidr(object)", network) == WORDS + reason
    assert evaluate("isCIDR(object)", network) is False


def test_an_address_that_is_none_fits_no_overload() -> None:
    assert error("cidr('10.0.0.0/8').containsIP('x')") == "no such overload"


@given(NETWORKS, st.integers(0, 2**32 - 1))
def test_containment_is_that_of_the_standard_library(network: CIDR, number: int) -> None:
    other = IPv4Network((network.masked().address.number, network.prefix))
    assert network.contains(IP(number, 32)) == (int(other[0]) <= number <= int(other[-1]))


@given(NETWORKS, NETWORKS)
def test_a_network_covers_what_it_contains(outer: CIDR, inner: CIDR) -> None:
    first, last = (
        inner.masked().address.number,
        inner.masked().address.number | (2 ** (32 - inner.prefix) - 1),
    )
    expected = all(outer.contains(IP(number, 32)) for number in (first, last))
    assert outer.covers(inner) == expected
    assert parse_cidr(str(inner)) == inner
