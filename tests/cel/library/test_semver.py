"""Semantic versions and their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.library.semver import Semver, parse
from tests.cel.library.expressions import error, evaluate

ORDER = [
    "0.9.9",
    "1.0.0-1",
    "1.0.0-2",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-rc.2",
    "1.0.0-rc.10",
    "1.0.0",
    "1.0.1",
    "1.10.0",
    "2.0.0",
]
PARTS = st.lists(st.sampled_from(["0", "1", "10", "a", "b-c"]), max_size=3)
VERSIONS = st.builds(
    lambda a, b, c, parts: parse(f"{a}.{b}.{c}" + ("-" + ".".join(parts) if parts else "")),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 2),
    PARTS,
)


def test_versions_are_ordered_as_the_specification_says() -> None:
    for number, left in enumerate(ORDER):
        for other, right in enumerate(ORDER):
            expected = (number > other) - (number < other)
            data = {"a": left, "b": right}
            assert evaluate("semver(object.a).compareTo(semver(object.b))", data) == expected


def test_build_metadata_count_for_nothing() -> None:
    assert evaluate("semver('1.0.0+a') == semver('1.0.0+b')") is True
    assert hash(parse("1.0.0+a")) == hash(parse("1.0.0+b"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("semver('v1.02', true) == semver('1.2.0')", True),
        ("isSemver('v1.0')", False),
        ("isSemver('v1.0', true)", True),
        ("semver('1.2.3').patch()", 3),
        ("semver('18446744073709551615.0.0').major()", -1),
    ],
)
def test_versions_may_be_normalized(text: str, value: object) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("", "Version string empty"),
        ("1.2", "No Major.Minor.Patch elements found"),
        ("01.2.3", 'Major number must not contain leading zeroes "01"'),
        ("1.2.x", 'Invalid character(s) found in patch number "x"'),
        ("1.2.3-a_b", 'Invalid character(s) found in prerelease "a_b"'),
        ("1.2.3-", "Prerelease is empty"),
        ("1.2.3+", "Build meta data is empty"),
        ("1.2.\u0663", 'Invalid character(s) found in patch number "\u0663"'),
        ("..", 'strconv.ParseUint: parsing "": invalid syntax'),
        ("18446744073709551616.0.0", 'strconv.ParseUint: parsing "18446744073709551616": value out of range'),
    ],
)
def test_bad_versions_are_refused_in_words(version: str, message: str) -> None:
    assert error("semver(object)", version) == message


def test_long_versions_run_out_of_budget_or_are_refused() -> None:
    assert evaluate("isSemver(object)", "1" * 1_000_000 + ".0.0") is False
    many = "1.0.0-" + ".".join(["1"] * 1_000_000)
    text = "[semver(object)].all(v, lists.range(100).all(i, v.compareTo(v) == 0))"
    assert error(text, many) == "operation cancelled: actual cost limit exceeded"


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_is_total(one: Semver, two: Semver, three: Semver) -> None:
    assert one.compare(two) == -two.compare(one)
    assert (one.compare(two) == 0) == (one == two)
    if one.compare(two) <= 0 and two.compare(three) <= 0:
        assert one.compare(three) <= 0


@given(VERSIONS)
def test_a_version_is_printed_as_it_was_written(version: Semver) -> None:
    assert parse(str(version)) == version
