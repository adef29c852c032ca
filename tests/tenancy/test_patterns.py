from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.patterns import (
    Globs,
    Hosts,
    glob_matches,
    globs_overlap,
    host_matches,
    image_matches,
)

GLOB = st.text("ab*", max_size=6)
NAME = st.text("ab", max_size=6)


@given(GLOB, NAME)
def test_a_glob_matches_as_shells_do(pattern: str, name: str) -> None:
    assert glob_matches(pattern, name) == fnmatch.fnmatchcase(name, pattern)


@given(GLOB, GLOB, NAME)
def test_globs_that_share_a_name_overlap(one: str, other: str, name: str) -> None:
    if glob_matches(one, name) and glob_matches(other, name):
        assert globs_overlap(one, other)


@given(st.lists(GLOB, max_size=5), NAME)
def test_many_globs_are_found_as_one_by_one(patterns: list[str], name: str) -> None:
    found = Globs((pattern, at) for at, pattern in enumerate(patterns)).fitting(name)
    assert sorted(found) == [at for at, pattern in enumerate(patterns) if glob_matches(pattern, name)]


def test_a_name_of_megabytes_is_looked_up_as_any_other() -> None:
    """A reference may spell a namespace of any length."""
    globs = Globs([("a*", 1), ("*b", 2), ("aa*c", 3)])
    assert sorted(globs.fitting("a" * 3_000_000 + "b")) == [1, 2]


@given(st.lists(GLOB, max_size=5))
def test_globs_that_overlap_are_akin(patterns: list[str]) -> None:
    akin = {frozenset(pair) for pair in Globs((each, each) for each in patterns).akin()}
    for one in patterns:
        assert all(frozenset((one, other)) in akin for other in patterns if globs_overlap(one, other))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [("a*", "b*", False), ("a*", "*b", True), ("a", "a", True), ("a*c", "ab", False)],
)
def test_globs_overlap(one: str, other: str, overlap: bool) -> None:
    assert globs_overlap(one, other) is overlap


HOSTS = [
    ("www.example.com", "www.example.com", True),
    ("www.example.com", "WWW.example.com.", True),
    ("*.example.com", "a.b.example.com", True),
    ("*.example.com", "example.com", False),
    ("*.example.com", "evilexample.com", False),
    ("*.foo.example.com", "*.example.com", False),
    ("*.example.com", "*.foo.example.com", True),
    ("www.example.com", "*.example.com", False),
    ("*", "anything", True),
    ("*", "", False),
]


@pytest.mark.parametrize(("pattern", "host", "within"), HOSTS)
def test_a_host_lies_within_a_pattern(pattern: str, host: str, within: bool) -> None:
    assert host_matches(pattern, host) is within


IMAGES = [
    ("*", "nginx", True),
    ("docker.io", "nginx", True),
    ("docker.io/library", "nginx:1@sha256:abc", True),
    ("docker.io/library/nginx", "index.docker.io/nginx", True),
    ("docker.io/foo", "foo/web:1", True),
    ("registry.example.com/foo", "registry.example.com/foo/web:1", True),
    ("registry.example.com/foo/", "registry.example.com/foo/web", True),
    ("registry.example.com/foo", "registry.example.com/foobar/web", False),
    ("registry.example.com/foo", "registry.example.com/foo/../bar/web", False),
    ("registry.example.com", "registry.example.com.evil.com/web", False),
    ("registry.example.com", "registry.example.com:5000/web", False),
    ("registry.example.com:5000", "registry.example.com:5000/web:2", True),
    ("localhost", "localhost/web", True),
]


@pytest.mark.parametrize(("registry", "image", "within"), IMAGES)
def test_an_image_comes_from_a_registry(registry: str, image: str, within: bool) -> None:
    assert image_matches(registry, image) is within


@pytest.mark.parametrize(
    ("pattern", "host", "near"),
    [
        ("bar.example.com", "bar.example.com", True),
        ("bar.example.com", "BAR.example.com.", True),
        ("bar.example.com", "www.bar.example.com", False),
        ("bar.example.com", "example.com", False),
        ("bar.example.com", "*.example.com", True),
        ("bar.example.com", "*.com", True),
        ("bar.example.com", "*.bar.example.com", False),
        ("*.bar.example.com", "www.bar.example.com", True),
        ("*.bar.example.com", "a.b.bar.example.com", True),
        ("*.bar.example.com", "*.bar.example.com", True),
        ("*.bar.example.com", "*.example.com", True),
        ("*.bar.example.com", "bar.example.com", False),
        ("*", "bar.example.com", False),
    ],
)
def test_a_host_is_near_a_pattern_when_one_name_is_both(pattern: str, host: str, near: bool) -> None:
    assert set(Hosts([(pattern, 1), ("other.example.org", 2)]).near(host)) == ({1} if near else set())
