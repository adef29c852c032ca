"""One place has many spellings."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.places import (
    LONGEST_LEAF,
    MOST_HOSTS,
    Place,
    Surroundings,
    called_hosts,
    hosts_in,
    place_of,
    whole_hosts,
)

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
    ("text", "hosts"),
    [
        ("http://db.bar/x", ["db.bar"]),
        ("HTTP://u:p@db.bar:80?q#f", ["db.bar"]),
        ("https://example.org@169.254.169.254/", ["169.254.169.254"]),
        ("http://169.254.169.254\\@example.org/", ["169.254.169.254"]),
        ("//db.bar/x", ["db.bar"]),
        ("dns:///db.bar:53", ["db.bar"]),
        ("jdbc:postgresql://db.bar:5432/x", ["db.bar"]),
        ("mongodb://a.bar:1,b.bar:2/x", ["a.bar", "b.bar"]),
        ("a.bar:9092, b.bar:9092", ["a.bar", "b.bar"]),
        ("http://db%2Ebar/", ["db.bar"]),
        ("[::1]:80", ["[::1]"]),
        ("http://[::1]/", ["[::1]"]),
        ("::1", ["::1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("127.0.0.1:80/x", ["127.0.0.1"]),
        ("localhost", ["localhost"]),
        ("db.bar.svc", ["db.bar.svc"]),
        ("u@db.bar:22", ["db.bar"]),
    ],
)
def test_a_text_that_is_an_address_has_hosts(text: str, hosts: list[str]) -> None:
    assert list(whole_hosts(text)) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "web",
        "example.org",
        "127.0.0.1/32",
        "10.0.0.0/8",
        "0.0.0.0:8080",
        "0.0.0.0",
        "0:65535",
        "1.2.3",
        "12:30:45",
        "/a/b",
        "a sentence of words",
        "listen on 127.0.0.1:80",
        "registry.example.org/web:1.2",
        "cluster.local",
        "metadata",
        "kubernetes",
        "http://a.bar " + "x" * LONGEST_LEAF,
    ],
)
def test_what_is_no_address_has_none(text: str) -> None:
    assert list(whole_hosts(text)) == []


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("localhost", ["localhost"]),
        ("db.bar", ["db.bar"]),
        ("db.bar:80, http://c.bar", ["db.bar", "c.bar"]),
        ("/a.bar", []),
        ("?a.bar", []),
        ("//a.bar", ["a.bar"]),
        ("169.254.169.254/x", ["169.254.169.254"]),
    ],
)
def test_what_is_surely_called_is_a_host_though_it_is_a_bare_word(text: str, hosts: list[str]) -> None:
    assert list(called_hosts(text)) == hosts


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ('tee("http://db.bar.svc/x")', ["db.bar.svc"]),
        ("proxy_pass http://[::1]:80; # https://a.bar", ["[::1]", "a.bar"]),
        ("no URL: a//b", []),
        ("http://a http://b", ["a", "b"]),
    ],
)
def test_urls_are_found_among_words(text: str, hosts: list[str]) -> None:
    assert list(hosts_in(text)) == hosts


def test_no_more_hosts_are_looked_at_than_a_text_may_have() -> None:
    assert len(list(hosts_in("http://a " * 10_000))) == MOST_HOSTS
    assert len(list(whole_hosts("//a,b," * 600))) <= MOST_HOSTS


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


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    for host in (*whole_hosts(text), *called_hosts(text), *hosts_in(f"x://{text}")):
        place_of(host)
