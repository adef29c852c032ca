"""One host has many spellings."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.addresses import address_of, canonical, is_numeric, mirrored


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("DB.Bar.", "db.bar"),
        (" a ", "a"),
        ("127\u30020\uff0e0\uff611", "127.0.0.1"),
        ("\u24dbocalhost", "localhost"),
    ],
)
def test_a_host_has_one_canonical_name(host: str, name: str) -> None:
    assert canonical(host) == name


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("0x7f.0.0.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("10.66051", "10.1.2.3"),
        ("[::ffff:7f00:1]", "127.0.0.1"),
        ("64:ff9b::7f00:1", "127.0.0.1"),
        ("2002:7f00:1::", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
def test_an_address_in_any_notation_is_one(name: str, address: str) -> None:
    assert str(address_of(name)).partition("%")[0] == address


@pytest.mark.parametrize(
    "name", ["", "web", "256.0.0.1", "1.2.3.4.5", "08.1.x", "[nonsense]", "a.1", "4294967296"]
)
def test_other_names_are_no_address(name: str) -> None:
    assert address_of(name) is None


@pytest.mark.parametrize(
    ("name", "numeric"), [("1.2.3.4.5", True), ("0x1.2", True), ("a.1", False), ("", False)]
)
def test_numbers_alone_are_an_address_or_nothing(name: str, numeric: bool) -> None:
    assert is_numeric(name) is numeric


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("127.0.0.1.nip.io", ["127.0.0.1"]),
        ("web.10-0-0-1.sslip.io", ["10.0.0.1"]),
        ("a9fea9fe.nip.io", ["169.254.169.254"]),
        ("7f000001.08080808.rbndr.us", ["127.0.0.1", "8.8.8.8"]),
        ("web.nip.io", []),
        ("999.0.0.1.nip.io", []),
    ],
)
def test_some_zones_answer_with_the_address_in_the_name(name: str, addresses: list[str]) -> None:
    assert list(map(str, mirrored(name) or ())) == addresses


def test_others_answer_with_what_they_like() -> None:
    assert mirrored("127.0.0.1.example.org") is None


@given(st.ip_addresses(v=4))
def test_the_spellings_of_an_address_are_one(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    spellings = [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        f"{number >> 24}.{number & 0xFFFFFF}",
    ]
    assert {address_of(spelling) for spelling in spellings} == {address}
