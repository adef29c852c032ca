"""Where a host is, however it is spelled."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.places import Place, Surroundings, is_public, place_of

PODS = Surroundings((ipaddress.ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.255.255.254",
        "0x7f.0.0.1",
        "0X7F000001",
        "0177.0.0.1",
        "2130706433",
        "017700000001",
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "169.254.43518",
        "[fe80::1%eth0]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "ⓛocalhost",
        "127\u30020\uff0e0\uff611",
        "127.0.0.1.nip.io",
        "web.169-254-169-254.sslip.io",
        "a9fea9fe.nip.io",
        "7f000001.08080808.rbndr.us",
        "traefik.traefik.me",
        "localtest.me",
        "a.lvh.me",
        "metadata",
        "metadata.google.internal",
        "ip-10-0-0-1.eu-central-1.compute.internal",
        "kubernetes",
        "kubernetes.default",
        "host.docker.internal",
    ],
)
def test_what_is_inside_is_so_in_every_spelling(host: str) -> None:
    assert place_of(host).inner == "inside"


@pytest.mark.parametrize(
    ("host", "name", "namespace"),
    [
        ("db.bar.svc", "db", "bar"),
        ("DB.bar.SVC.cluster.local.", "db", "bar"),
        ("web-0.db.bar.svc.cluster.local", "web-0", "bar"),
        ("svc.bar.svc", "svc", "bar"),
        ("10-0-0-1.bar.pod.cluster.local", "10-0-0-1", "bar"),
        ("kubernetes.default.svc", "kubernetes", "default"),
        ("db。bar。svc", "db", "bar"),
    ],
)
def test_a_service_has_a_namespace(host: str, name: str, namespace: str) -> None:
    assert place_of(host) == Place("service", name, namespace)


@pytest.mark.parametrize(
    ("host", "inner"),
    [
        ("db.bar", "near"),
        ("web-0.db.bar", "near"),
        ("db.bar.", "outside"),
        ("a.b.example.com", "outside"),
        ("svc.cluster.local", "outside"),
        ("cluster.local", "near"),
        ("web", "outside"),
        ("10.1.2.3", "outside"),
        ("8.8.8.8.nip.io", "outside"),
        ("10-1-2-3.sslip.io", "near"),
        ("snip.io", "near"),
        ("256.0.0.1", "outside"),
        ("127.0.0.0.1", "outside"),
        ("1.2.3.4.5", "outside"),
        ("08.1", "outside"),
        ("", "outside"),
        ("[nonsense]", "outside"),
    ],
)
def test_other_hosts_are_near_or_outside(host: str, inner: str) -> None:
    assert place_of(host).inner == inner


@pytest.mark.parametrize("host", ["10.1.2.3", "10.66051", "[::ffff:10.1.2.3]", "167838211"])
def test_protected_addresses_are_inside(host: str) -> None:
    assert place_of(host, PODS).inner == "inside"


@pytest.mark.parametrize(
    "host",
    [
        *(
            "169.254.169.254",
            "127.0.0.1",
            "10.1.2.3",
            "0.0.0.0",
            "::1",
            "fe80::1%eth0",
            "::ffff:169.254.169.254",
        ),
        *("127.1", "2852039166", "0xa9fea9fe", "0x7f.1", "localhost", "a.localhost"),
        *("metadata.google.internal", "x.cluster.local", "cluster.local", "a.internal", "a.localdomain"),
        *("db.bar.svc", "256.1.1.1", "0x", "10.0.0.1.nip.io", "127\u30020.0.1"),
    ],
)
def test_a_host_of_the_node_its_network_or_the_cluster_is_not_public(host: str) -> None:
    assert not is_public(host, "cluster.local")


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "8.8.8.8",
        "0x08080808",
        "8.8.8.8.nip.io",
        "2606:4700::1111",
        "internal.example.org",
        "db",
    ],
)
def test_a_host_outside_is_public(host: str) -> None:
    assert is_public(host, "cluster.local")


def test_protected_addresses_are_not_public() -> None:
    assert not is_public("8.8.8.8", "cluster.local", Surroundings((ipaddress.ip_network("8.8.8.0/24"),)))


@pytest.mark.parametrize(
    ("host", "namespace"),
    [
        ("db.bar.svc.cluster.local", "bar"),
        ("DB.Bar.SVC.", "bar"),
        ("svc.svc.bar.svc", "bar"),
        ("db.own.svc.bar.svc", "bar"),
        ("1-2-3-4.bar.pod.cluster.local", "bar"),
        ("*.svc.cluster.local", "*"),
        ("*.bar.svc", "bar"),
        ("svc.example.com", ""),
        ("bar.svc", ""),
        ("", ""),
    ],
)
def test_a_host_lies_in_the_namespace_before_its_last_svc(host: str, namespace: str) -> None:
    assert place_of(host).namespace == namespace


@given(st.ip_addresses(v=4))
def test_an_address_is_found_out_in_each_of_its_spellings(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    spellings = [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        f"[::ffff:{address}]",
        f"{number >> 24}.{number & 0xFFFFFF}",
    ]
    assert len({place_of(spelling).inner for spelling in spellings}) == 1
