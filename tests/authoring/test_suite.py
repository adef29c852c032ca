"""Suites are read strictly: what is wrong is said with its place and its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.authoring.suite import Case, find_suites, merge, missing, read_suite
from gatekeeper_py.authoring.workload import TEMPLATES, WORKLOADS
from gatekeeper_py.manifests.manifest import ManifestError

OBJECTS = (
    "objects: {good: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, expect: allow}}, "
    "pod: {apiVersion: v1, kind: Pod, metadata: {name: a, expect: allow}, spec: {}}}\n"
)
WORKLOADS_TOLD = (
    "Write all, templates, or a list of Pod, PodTemplate, ReplicationController, Deployment, StatefulSet, "
    "DaemonSet, ReplicaSet, Job, CronJob"
)

PROBLEMS = {
    "an unknown field": (
        "cases: [{name: a, object: good, users: bob, expect: deny}]",
        "2:40: cases[0].users is unknown. Did you mean user?",
    ),
    "an unknown object": (
        "cases: [{name: a, object: bad, expect: allow}]",
        "2:27: no object is called 'bad'. Known are good, pod",
    ),
    "an expectation YAML reads as a bool": (
        "cases: [{name: a, object: good, expect: no}]",
        "2:41: cases[0].expect must be a string, not false",
    ),
    "an unknown expectation": (
        "cases: [{name: a, object: good, expect: refuse}]",
        "2:41: cases[0].expect is 'refuse'. It must be one of allow, deny, warn, waived, unmatched",
    ),
    "an unknown operation": (
        "cases: [{name: a, object: good, operation: PATCH, expect: allow}]",
        "2:44: cases[0].operation is 'PATCH'. It must be one of CREATE, UPDATE, DELETE, CONNECT",
    ),
    "one group where a list belongs": (
        "cases: [{name: a, object: good, groups: dev, expect: allow}]",
        "2:41: cases[0].groups must be a list, not 'dev'",
    ),
    "no cases": ("policies: [rule.yaml]", "1:1: lacks cases. Add it"),
    "an empty list of cases": ("cases: []", "2:8: a suite has cases. Add one"),
    "groups of nobody": (
        "cases: [{name: a, object: good, groups: [admins], expect: allow}]",
        "2:41: groups are of a user, and nobody is named: a cluster administrator asks. Write user",
    ),
    "no expectation": ("cases: [{name: a, object: good}]", "2:9: cases[0] lacks expect. Add it"),
    "two cases of one name": (
        "cases: [{name: a, object: good, expect: allow}, {name: a, object: good, expect: deny}]",
        "2:56: cases[0] has this name, too. Say what this one shows",
    ),
    "a stored object of a CREATE": (
        "cases: [{name: a, object: good, oldChange: {data: {a: b}}, operation: CREATE, expect: allow}]",
        "2:44: oldChange is what is stored, and CREATE replaces nothing. Remove it, or write operation: UPDATE",
    ),
    "an existing object without kind": (
        "cluster: [{apiVersion: v1}]\ncases: [{name: a, object: good, expect: allow}]",
        "2:11: cluster[0] lacks kind. Add it",
    ),
    "tenants that are none": (
        "tenants: [5]\ncases: [{name: a, object: good, expect: allow}]",
        "2:11: tenants are a file, example, or a document. Write one of them",
    ),
    "no name": ("cases: [{object: good, expect: allow}]", "2:9: cases[0] lacks name. Add it"),
    "a case that is none": ("cases: [here]", "2:9: cases[0] must be a mapping, not 'here'"),
    "cases that are none": ("cases: 5", "2:8: cases must be a list, not 5"),
    "an object that is none": (
        "cases: [{name: a, object: 5, expect: allow}]",
        "2:27: an object is a manifest, or the name of one in objects. Write either",
    ),
    "a cluster of numbers": (
        "cluster: [5]\ncases: [{name: a, object: good, expect: allow}]",
        "2:11: cluster[0] must be a mapping, not 5",
    ),
    "no object": ("cases: [{name: a, expect: allow}]", "2:9: cases[0] lacks object. Add it"),
    "an object and several": (
        "cases: [{name: a, object: good, objects: [good], expect: allow}]",
        "2:42: a case has object or objects. Keep one of them",
    ),
    "an operation and several": (
        "cases: [{name: a, object: good, operation: CREATE, operations: [CREATE], expect: allow}]",
        "2:64: a case has operation or operations. Keep one of them",
    ),
    "no subresource of several": (
        "cases: [{name: a, object: good, subresources: [], expect: allow}]",
        "2:47: subresources is empty. Name one at least",
    ),
    "an unknown object of several": (
        "cases: [{name: a, objects: [good, bad], expect: allow}]",
        "2:35: no object is called 'bad'. Known are good, pod",
    ),
    "an old object of several": (
        "cases: [{name: a, objects: [good], old: good, expect: allow}]",
        "2:41: old is of one object. Write oldChange, or a case for each object",
    ),
    "an update that changes nothing": (
        "cases: [{name: a, object: good, operations: [CREATE, UPDATE], expect: allow}]",
        "2:45: an UPDATE without a change, and without what is stored. Write change, or old",
    ),
    "workloads of what is no pod": (
        "cases: [{name: a, object: good, workloads: all, expect: allow}]",
        "2:44: only a Pod is tried in workloads. Remove it",
    ),
    "an unknown workload": (
        "cases: [{name: a, object: pod, workloads: [Pods], expect: allow}]",
        f"2:43: workloads is ['Pods']. {WORKLOADS_TOLD}",
    ),
    "no workload": (
        "cases: [{name: a, object: pod, workloads: [], expect: allow}]",
        f"2:43: workloads is []. {WORKLOADS_TOLD}",
    ),
    "an unknown word for workloads": (
        "workloads: every\ncases: [{name: a, object: pod, expect: allow}]",
        f"2:12: workloads is 'every'. {WORKLOADS_TOLD}",
    ),
    "a waiver, and no day to try it on": (
        "waivers: [{apiVersion: v1, kind: Waiver}]\ncases: [{name: a, object: good, expect: waived}]",
        "3:9: waivers hold until a day, and this case has none. Write today",
    ),
    "a day that is none": (
        "cases: [{name: a, object: good, today: '2027-02-30', expect: allow}]",
        "2:40: today is '2027-02-30', which is no day. Write it as 2027-01-31",
    ),
    "a day for all that is none": (
        "today: '2027-13-01'\ncases: [{name: a, object: good, expect: allow}]",
        "2:8: today is '2027-13-01', which is no day. Write it as 2027-01-31",
    ),
    "a policy that is no path": (
        "policies: 7\ncases: [{name: a, object: good, expect: allow}]",
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
    path.write_text(OBJECTS + "cases: [{name: a, object: good, old: good, expect: allow}]")
    suite = read_suite(path)
    assert suite.policies == (tmp_path / "rule.yaml",)
    assert [case.operation for case in suite.cases] == ["UPDATE"]
    assert find_suites([tmp_path]) == [path]


TRIED = {
    "one": ("{name: a, object: good, expect: allow}", ["a"]),
    "operations": (
        "{name: a, object: good, operations: [CREATE, DELETE], expect: allow}",
        ["a (CREATE)", "a (DELETE)"],
    ),
    "objects": (
        "{name: a, objects: [good, {apiVersion: v1, kind: Secret, metadata: {name: b}}], expect: allow}",
        ["a (good)", "a (Secret)"],
    ),
    "subresources and operations": (
        "{name: a, object: pod, subresources: [exec, attach], operations: [CREATE, CONNECT], expect: allow}",
        ["a (CREATE, exec)", "a (CREATE, attach)", "a (CONNECT, exec)", "a (CONNECT, attach)"],
    ),
    "some workloads": (
        "{name: a, object: pod, workloads: [Pod, Job], expect: allow}",
        ["a (Pod)", "a (Job)"],
    ),
    "workloads and operations": (
        "{name: a, object: pod, workloads: [Pod, Job], operations: [CREATE, DELETE], expect: allow}",
        ["a (Pod, CREATE)", "a (Job, CREATE)", "a (Pod, DELETE)", "a (Job, DELETE)"],
    ),
    "all workloads": (
        "{name: a, object: pod, workloads: all, expect: allow}",
        [f"a ({kind})" for kind in WORKLOADS],
    ),
    "templates": (
        "{name: a, object: pod, workloads: templates, expect: allow}",
        [f"a ({kind})" for kind in TEMPLATES],
    ),
}


@pytest.mark.parametrize("case", TRIED)
def test_a_case_is_tried_with_each_of_several(case: str, tmp_path: Path) -> None:
    text, names = TRIED[case]
    assert [case.name for case in cases(tmp_path, f"cases: [{text}]")] == names


def test_an_object_that_no_case_starts_from_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rule_test.yaml"
    path.write_text(OBJECTS + "cases: [{name: a, object: good, expect: allow}]")
    assert list(map(str, read_suite(path).unused)) == [f"{path}:1:93: no case uses object 'pod'. Remove it"]


def test_an_object_with_an_anchor_may_be_another_s_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rule_test.yaml"
    text = "objects:\n  base: &base {apiVersion: v1, kind: Pod}\n  pod: {<<: *base, spec: {}}\n"
    path.write_text(text + "cases: [{name: a, object: pod, expect: allow}]")
    assert read_suite(path).unused == ()


def test_tenants_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "{apiVersion: tenancy.gatekeeper-py.dev/v1alpha1, kind: Tenant, metadata: {name: mine}}"
    )
    path = tmp_path / "rule_test.yaml"
    path.write_text(f"{OBJECTS}tenants: [open, mine.yaml]\ncases: [{{name: a, object: good, expect: allow}}]")
    suite = read_suite(path)
    assert [tenant.name for tenant in suite.tenants] == ["settings", "foo", "bar", "mine"]
    assert suite.named


def test_tenants_that_are_not_there_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rule_test.yaml"
    path.write_text(f"{OBJECTS}tenants: [exampel]\ncases: [{{name: a, object: good, expect: allow}}]")
    with pytest.raises(ManifestError) as caught:
        read_suite(path)
    assert str(caught.value) == (
        f"{path}:2:11: {tmp_path}/exampel: no such file or folder. Check the path. "
        "Name a file, or one of example, open, closed, unknown-kinds-refuse, unknown-kinds-warn, "
        "virtual-nodes"
    )


def test_what_a_suite_says_holds_where_a_case_does_not_say(tmp_path: Path) -> None:
    text = """
user: alice
workloads: [Job]
cases:
  - {name: a, object: pod, expect: allow}
  - {name: b, object: pod, workloads: [Pod], user: bob, expect: allow}
  - {name: c, object: pod, subresource: exec, expect: allow}
  - {name: d, object: good, expect: allow}
"""
    told = [(case.name, case.user, case.object["kind"]) for case in cases(tmp_path, text)]
    assert told == [
        ("a (Job)", "alice", "Job"),
        ("b (Pod)", "bob", "Pod"),
        ("c", "alice", "Pod"),
        ("d", "alice", "ConfigMap"),
    ]


STORED: dict[str, tuple[str, list[tuple[str | None, dict[str, str] | None]]]] = {
    "the object before its change": (
        "{name: a, object: good, change: {data: {a: b}}, operations: [CREATE, UPDATE], expect: allow}",
        [("CREATE", None), ("UPDATE", {})],
    ),
    "the same of one operation": (
        "{name: a, object: good, change: {data: {a: b}}, operation: UPDATE, expect: allow}",
        [("UPDATE", {})],
    ),
    "the same of a subresource that is updated": (
        "{name: a, object: good, change: {data: {a: b}}, subresource: status, expect: allow}",
        [("UPDATE", {})],
    ),
    "the object with a change of its own": (
        "{name: a, object: good, change: {data: {a: b}}, oldChange: {data: {c: d}}, expect: allow}",
        [("UPDATE", {"c": "d"})],
    ),
    "another object": (
        "{name: a, object: pod, old: good, oldChange: {data: {c: d}}, expect: allow}",
        [("UPDATE", {"c": "d"})],
    ),
    "what the cluster has": ("{name: a, object: good, operation: UPDATE, expect: allow}", [("UPDATE", None)]),
    "nothing, of a deletion": (
        "{name: a, object: good, change: {data: {a: b}}, operation: DELETE, expect: allow}",
        [("DELETE", None)],
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_what_is_stored(case: str, tmp_path: Path) -> None:
    text, expected = STORED[case]
    found = [
        (case.operation, None if case.old is None else case.old.get("data", {}))
        for case in cases(tmp_path, f"cases: [{text}]")
    ]
    assert found == expected


def test_old_and_patched_move_into_the_template_too(tmp_path: Path) -> None:
    text = """
cases:
  - name: a
    object: pod
    change: {spec: {hostPID: true}}
    operation: UPDATE
    workloads: [CronJob]
    patched: {spec: {hostPID: false}}
    expect: allow
"""
    (case,) = cases(tmp_path, text)
    assert case.old is not None

    def pod_spec(value: Any) -> Any:
        return value["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    assert pod_spec(case.object) == {"hostPID": True, "restartPolicy": "Never"}
    assert pod_spec(case.old) == {"restartPolicy": "Never"}
    assert pod_spec(case.patched) == {"hostPID": False}


def cases(folder: Path, text: str) -> tuple[Case, ...]:
    path = folder / "rule_test.yaml"
    path.write_text(OBJECTS + text)
    return read_suite(path).cases


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
        ({"a": {"b": None}}, ["- a.b: (absent)", "+ a.b: [1,2]"]),
        ({"a": {"b": [1, 3]}}, ["- a.b[1]: 3", "+ a.b[1]: 2"]),
        ({"a": {"b": [1]}}, ["- a.b: [1]", "+ a.b: [1,2]"]),
        ({"a": {"b": {"x": 1}}}, ['- a.b: {"x":1}', "+ a.b: [1,2]"]),
        ({"z": 1}, ["- z: 1", "+ z: (absent)"]),
    ],
)
def test_what_is_missing_is_told(part: Any, told: list[str]) -> None:
    assert list(missing({"a": {"b": [1, 2]}}, part)) == told
