"""Which hosts a text names, and which of them are not outside."""

from __future__ import annotations

import pytest

from gatekeeper_py.tenancy.addresses import hosts, is_inner

NAMED = {
    "a URL": ("http://db.bar:80/x", ["db.bar"]),
    "a URL with a user": ("https://u:p@db.bar.svc/x?y=z", ["db.bar.svc"]),
    "an address of version 6": ("http://[::1]:80", ["::1"]),
    "a host with a port": ("redis.bar:6379", ["redis.bar"]),
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
def test_hosts_of_a_text(text: str, named: list[str]) -> None:
    assert list(hosts(text)) == named


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
        *("metadata.google.internal", "x.cluster.local", "cluster.local"),
    ],
)
def test_an_inner_host(host: str) -> None:
    assert is_inner(host, "cluster.local")


@pytest.mark.parametrize("host", ["example.org", "8.8.8.8", "2606:4700::1111", "internal.example.org", "db"])
def test_a_host_outside(host: str) -> None:
    assert not is_inner(host, "cluster.local")
