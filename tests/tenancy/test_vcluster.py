"""How vcluster calls things at the host; the digests are those that its own code makes."""

from __future__ import annotations

import hashlib

import pytest

from gatekeeper_py.tenancy.vcluster import vcluster_name


@pytest.mark.parametrize(
    ("name", "namespace", "vcluster", "called"),
    [
        ("web", "default", "foo", "web-x-default-x-foo"),
        ("", "", "", "-x--x-"),
        ("a" * 47, "default", "foo", "a" * 47 + "-x-default-x-foo"),
    ],
)
def test_a_name_is_joined_to_its_namespace_and_vcluster(
    name: str, namespace: str, vcluster: str, called: str
) -> None:
    assert vcluster_name(name, namespace, vcluster) == called


def test_a_name_of_more_than_63_characters_keeps_52_and_a_digest() -> None:
    whole = f"{'a' * 60}-x-default-x-foo"
    digest = hashlib.sha256(whole.encode()).hexdigest()[:10]
    assert vcluster_name("a" * 60, "default", "foo") == f"{'a' * 52}-{digest}"
    assert len(vcluster_name("a" * 300, "default", "foo")) == 63


def test_no_dot_stays_before_the_digest() -> None:
    name = f"{'a' * 51}.{'b' * 30}"
    found = vcluster_name(name, "default", "foo")
    assert ".-" not in found
    assert found.startswith("a" * 51 + "-")
