"""Suites are read strictly: what is wrong is said with its place and its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.authoring.suite import find_suites, merge, missing, read_suite
from gatekeeper_py.manifests.manifest import ManifestError

OBJECTS = "objects: {good: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}}\n"

PROBLEMS = {
    "an unknown field": (
        "cases: [{name: a, object: good, expects: deny}]",
        "2:42: cases[0].expects is unknown. Did you mean expect?",
    ),
    "an unknown object": (
        "cases: [{name: a, object: bad}]",
        "2:27: no object is called 'bad'. Known are good",
    ),
    "an expectation YAML reads as a bool": (
        "cases: [{name: a, object: good, expect: no}]",
        "2:41: cases[0].expect must be a string, not false",
    ),
    "an unknown expectation": (
        "cases: [{name: a, object: good, expect: refuse}]",
        "2:41: cases[0].expect is 'refuse'. It must be one of allow, deny, warn",
    ),
    "an unknown operation": (
        "cases: [{name: a, object: good, operation: PATCH}]",
        "2:44: cases[0].operation is 'PATCH'. It must be one of CREATE, UPDATE, DELETE, CONNECT",
    ),
    "one group where a list belongs": (
        "cases: [{name: a, object: good, groups: dev}]",
        "2:41: cases[0].groups must be a list, not 'dev'",
    ),
    "no cases": ("policies: [rule.yaml]", "1:1: lacks cases. Add it"),
    "an empty list of cases": ("cases: []", "2:8: a suite has cases. Add one"),
    "no name": ("cases: [{object: good}]", "2:9: cases[0] lacks name. Add it"),
    "a case that is none": ("cases: [here]", "2:9: cases[0] must be a mapping, not 'here'"),
    "cases that are none": ("cases: 5", "2:8: cases must be a list, not 5"),
    "an object that is none": (
        "cases: [{name: a, object: 5}]",
        "2:27: an object is a manifest, or the name of one in objects. Write either",
    ),
    "a cluster of numbers": (
        "cluster: [5]\ncases: [{name: a, object: good}]",
        "2:11: cluster[0] must be a mapping, not 5",
    ),
    "a policy that is no path": (
        "policies: 7\ncases: [{name: a, object: good}]",
        "2:11: policies must be a list, not 7",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_suite_is_read_strictly(case: str, tmp_path: Path) -> None:
    text, expected = PROBLEMS[case]
    path = tmp_path / "rule_test.yaml"
    path.write_text(OBJECTS + text)
    with pytest.raises(ManifestError) as caught:
        read_suite(path)
    assert [str(problem) for problem in caught.value.problems] == [f"{path}:{expected}"]


def test_a_suite_is_about_the_file_it_stands_beside(tmp_path: Path) -> None:
    path = tmp_path / "rule_test.yaml"
    path.write_text(OBJECTS + "cases: [{name: a, object: good, old: good}]")
    suite = read_suite(path)
    assert suite.policies == (tmp_path / "rule.yaml",)
    assert [case.operation for case in suite.cases] == ["UPDATE"]
    assert find_suites([tmp_path]) == [path]


@pytest.mark.parametrize(
    ("value", "change", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_a_change_is_a_merge_patch(value: Any, change: Any, merged: Any) -> None:
    assert merge(value, change) == merged


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"a": {"b": [1, 2]}}, []),
        ({"a": {"c": None}}, []),
        ({"a": {"b": None}}, ["a.b is [1, 2], expected to be absent"]),
        ({"a": {"b": [1, 3]}}, ["a.b[1] is 2, expected 3"]),
        ({"a": {"b": [1]}}, ["a.b is [1, 2], expected [1]"]),
        ({"a": {"b": {"x": 1}}}, ["a.b is [1, 2], not a mapping"]),
        ({"z": 1}, ["z is absent, expected 1"]),
    ],
)
def test_what_is_missing_is_told(part: Any, told: list[str]) -> None:
    assert list(missing({"a": {"b": [1, 2]}}, part)) == told
