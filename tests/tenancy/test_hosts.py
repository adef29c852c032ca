"""Which hosts a text names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.hosts import (
    LONGEST_LEAF,
    MOST_HOSTS,
    called_hosts,
    dialled_hosts,
    hosts_in,
    hosts_of_settings,
    whole_hosts,
)
from gatekeeper_py.tenancy.places import place_of


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("http://db.bar/x", ["db.bar"]),
        ("HTTP://u:p@db.bar:80?q#f", ["db.bar"]),
        ("https://example.org@169.254.169.254/", ["169.254.169.254"]),
        ("http://169.254.169.254\\@example.org/", ["169.254.169.254", "example.org"]),
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
        ("git@db.bar:x/y.git", ["db.bar"]),
        ("ipv4:169.254.169.254:80", ["169.254.169.254"]),
        ("ipv6:[::1]:80", ["[::1]"]),
        ("http:169.254.169.254", ["169.254.169.254"]),
        ("http:/169.254.169.254/x", ["169.254.169.254"]),
        ("http:\\\\169.254.169.254\\x", ["169.254.169.254"]),
        ("dns://8.8.8.8/db.bar:53", ["8.8.8.8", "db.bar"]),
        ("jdbc:oracle:thin:@//db.bar:1521/x", ["db.bar"]),
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
        ("see http://a.example.org,http://db.bar.svc/x", ["a.example.org", "http", "db.bar.svc"]),
        ("see http://a.example.org/x,http://db.bar.svc/x", ["a.example.org", "db.bar.svc"]),
        ("call http://a.example.org/?to=http://db.bar.svc", ["a.example.org", "db.bar.svc"]),
    ],
)
def test_urls_are_found_among_words(text: str, hosts: list[str]) -> None:
    assert list(hosts_in(text)) == hosts


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("u:p@tcp(db.bar:3306)/x", ["db.bar"]),
        ("tcp4(127.0.0.1:3306)/x", ["127.0.0.1"]),
        ("host=db.bar port=5432 user=x", ["db.bar"]),
        ("user=x hostaddr = 10.0.0.1", ["10.0.0.1"]),
        ("Server=tcp:db.bar,1433;Database=x", ["db.bar"]),
        ("postgresql:///x?host=db.bar&port=1", ["db.bar"]),
        ("host=db port=5432", []),
        ("localhost=1 a(b)", []),
        ("ghost=a.bar", []),
    ],
)
def test_drivers_find_hosts_in_what_they_connect_by(text: str, hosts: list[str]) -> None:
    assert list(dialled_hosts(text)) == hosts


def test_no_more_hosts_are_looked_at_than_a_text_may_have() -> None:
    assert len(list(hosts_in("http://a " * 10_000))) == MOST_HOSTS
    assert len(list(whole_hosts("//a,b," * 600))) <= MOST_HOSTS


NAMED = {
    "a URL": ("http://db.bar:80/x", ["db.bar"]),
    "a URL with a user": ("https://u:p@db.bar.svc/x?y=z", ["db.bar.svc"]),
    "an address of version 6": ("http://[::1]:80", ["::1"]),
    "a host with a port": ("redis.bar:6379", ["redis.bar"]),
    "a list of URLs": ("https://a.example.org,http://db.bar.svc/x", ["a.example.org", "http", "db.bar.svc"]),
    "a host behind signs": ("http://db%2Ebar.svc/", ["db.bar.svc"]),
    "several hosts of one URL": ("mongodb://a.bar:1,b.bar:2/x", ["a.bar", "b.bar"]),
    "several": ("a.example.org, https://b", ["a.example.org", "b"]),
    "JSON, however it is escaped": (r'[{"url": "\u0068ttp:\/\/10.0.0.1"}]', ["10.0.0.1"]),
    "a short host in a field for one": ('{"host": "db"}', ["db"]),
    "a number in a field for a host": ('{"server": "2852039166"}', ["2852039166"]),
    "a number elsewhere": ('{"size": "12345678", "port": 80}', []),
    "a version": ('{"version": "1.2.3"}', []),
    "the pod itself": ('[{"url": "http://%%host%%:%%port%%/metrics"}]', []),
    "the pod itself, by Elastic": ("${data.host}:6379", []),
    "nested deeply": ('[[[{"a": [{"url": "http://x.y"}]}]]]', ["x.y"]),
    "words": ("reads the logs, and no more", []),
    "what is no JSON": ("[" * 100_000, []),
}


@pytest.mark.parametrize(("text", "named"), NAMED.values(), ids=NAMED)
def test_settings_name_hosts(text: str, named: list[str]) -> None:
    assert list(hosts_of_settings(text)) == named


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    for host in (
        *whole_hosts(text),
        *called_hosts(text),
        *hosts_in(f"x://{text}"),
        *hosts_of_settings(text),
        *dialled_hosts(text),
    ):
        place_of(host)
