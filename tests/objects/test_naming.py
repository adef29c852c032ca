from __future__ import annotations

import pytest

from gatekeeper_py.cel.syntax import tokens
from gatekeeper_py.objects import naming as names


@pytest.mark.parametrize("value", ["a", "a-b.c-1", "1", "a" * 253])
def test_good_subdomains(value: str) -> None:
    assert names.dns_subdomain(value) == []


@pytest.mark.parametrize("value", ["", "A", "-a", "a..b", "a_b", "a\n", "a" * 254, "a."])
def test_bad_subdomains(value: str) -> None:
    assert names.dns_subdomain(value)


@pytest.mark.parametrize("value", ["a", "v1beta1", "a-b", "a" * 63])
def test_good_labels(value: str) -> None:
    assert names.dns_label_1035(value) == []


@pytest.mark.parametrize("value", ["1a", "A", "a.b", "a-", "a" * 64, "a\n"])
def test_bad_labels(value: str) -> None:
    assert names.dns_label_1035(value)


@pytest.mark.parametrize("value", ["a", "A.b_c", "example.com/a", "1"])
def test_good_qualified_names(value: str) -> None:
    assert names.qualified_name(value) == []


@pytest.mark.parametrize(
    ("value", "begins"),
    [
        ("/a", ["prefix part must be non-empty"]),
        ("a/", ["name part must be non-empty", "name part must consist of"]),
        ("A/a", ["prefix part a lowercase RFC 1123 subdomain must consist of"]),
        ("a/b/c", ["a valid label key must consist of"]),
        ("a b", ["name part must consist of"]),
        ("a" * 64, ["name part must be no more than 63 bytes"]),
        ("é", ["name part must consist of"]),
    ],
)
def test_bad_qualified_names(value: str, begins: list[str]) -> None:
    complaints = names.qualified_name(value)
    assert len(complaints) == len(begins)
    assert all(found.startswith(begin) for found, begin in zip(complaints, begins, strict=True))


@pytest.mark.parametrize(("value", "good"), [("", True), ("a_B.1", True), ("-a", False), ("a" * 64, False)])
def test_label_values(value: str, good: bool) -> None:
    assert (names.label_value(value) == []) is good


@pytest.mark.parametrize(
    ("value", "complaints"),
    [
        ("a:b", []),
        (".", ["may not be '.'"]),
        ("..", ["may not be '..'"]),
        ("a/b%", ["may not contain '/'", "may not contain '%'"]),
    ],
)
def test_path_segments(value: str, complaints: list[str]) -> None:
    assert names.path_segment(value) == complaints


@pytest.mark.parametrize(
    ("value", "good"),
    [("a", True), ("_a1", True), ("1a", False), ("a-b", False), ("in", False), ("a\n", False)],
)
def test_cel_identifiers(value: str, good: bool) -> None:
    assert names.cel_identifier(value) is good


def test_words_that_name_no_variable_are_those_of_the_language() -> None:
    assert names.CEL_RESERVED == tokens.RESERVED
