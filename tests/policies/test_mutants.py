"""The tool that breaks policies sees a suite that fails to notice, and its list of survivors is exact."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper_py.policy.loading.load import read
from tests.policies.mutants import (
    ROOT,
    SURVIVORS,
    Tried,
    complaints,
    listed,
    main,
    mutants_of,
    name_of,
    try_all,
)
from tests.shipped import POLICIES

SHARE = 50
"""One mutant in so many may survive."""

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps, secrets]}
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  matchConditions: [{name: not-bob, expression: "request.userInfo.username != 'bob'"}]
  validations:
    - {expression: "!has(object.data) || object.data.a != 'YmI='", message: "data.a must not be b"}
    - {expression: "!has(object.spec)", messageExpression: "'no ' + object.kind"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny]}
"""
MUTATING = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: p}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  mutations:
    - patchType: JSONPatch
      jsonPatch: {expression: "[JSONPatch{op: 'add', path: '/data', value: {'a': 'b'}}]"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p}
"""
OBJECTS = """
user: alice
objects:
  good: {apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: foo}}
  secret: {apiVersion: v1, kind: Secret, metadata: {name: x, namespace: foo}}
  deployment: {apiVersion: apps/v1, kind: Deployment, metadata: {name: x, namespace: foo}}
cases:
"""
DENIED = """
  - {name: a, objects: [good, secret], operations: [CREATE, UPDATE], change: {data: {a: YmI=}}, expect: deny, message: must not be b}
"""
NO_DEPLOYMENT = """
  - {name: b, object: deployment, change: {spec: {}}, expect: deny, message: no Deployment}
"""
OF_BOB = """
  - {name: c, object: good, change: {data: {a: YmI=}}, user: bob, expect: allow}
"""
WHOLE = DENIED + NO_DEPLOYMENT + OF_BOB

MUTANTS = [
    "validation 1 replaced by true",
    "message of validation 1 replaced",
    "validation 2 replaced by true",
    "message of validation 2 replaced",
    'resource "configmaps" of rule 1 dropped',
    'resource "secrets" of rule 1 dropped',
    "operation CREATE of rule 1 dropped",
    "operation UPDATE of rule 1 dropped",
    'resource "deployments" of rule 2 dropped',
    "operation CREATE of rule 2 dropped",
    'match condition "not-bob" replaced by true',
]

SURVIVING = {
    "a suite that shows all": (WHOLE, []),
    "a suite without the other validation": (
        DENIED + OF_BOB,
        [MUTANTS[2], MUTANTS[3], MUTANTS[8], MUTANTS[9]],
    ),
    "a suite without the condition": (DENIED + NO_DEPLOYMENT, [MUTANTS[10]]),
    "a suite that quotes no message": (WHOLE.replace(", message: must not be b", ""), [MUTANTS[1]]),
    "a suite without one resource": (WHOLE.replace("[good, secret]", "[good]"), [MUTANTS[5]]),
    "a suite without one operation": (WHOLE.replace("[CREATE, UPDATE]", "[CREATE]"), [MUTANTS[7]]),
}


def written(folder: Path, cases: str, policy: str = POLICY) -> Path:
    (folder / "rule.yaml").write_text(policy)
    path = folder / "rule_test.yaml"
    path.write_text(OBJECTS + cases)
    return path


def changes(names: tuple[str, ...]) -> list[str]:
    return [name.partition(": ")[2] for name in names]


@pytest.mark.parametrize("case", SURVIVING)
def test_what_a_suite_does_not_show_survives(case: str, tmp_path: Path) -> None:
    cases, expected = SURVIVING[case]
    (tried,) = try_all([written(tmp_path, cases)], ())
    assert tried.faults == ()
    assert changes(tried.mutants) == MUTANTS
    assert changes(tried.survivors) == expected


@pytest.mark.parametrize(
    ("part", "survivors"),
    [
        ("{data: {a: b}}", []),
        ("{metadata: {name: x}}", ["mutation"]),
    ],
)
def test_a_mutation_is_dropped_too(part: str, survivors: list[str], tmp_path: Path) -> None:
    suite = written(tmp_path, f"  - {{name: a, object: good, patched: {part}, expect: allow}}\n", MUTATING)
    (tried,) = try_all([suite], ())
    assert changes(tried.mutants) == [
        'resource "configmaps" of rule 1 dropped',
        "operation CREATE of rule 1 dropped",
        "mutation 1 dropped",
    ]
    assert [change.partition(" ")[0] for change in changes(tried.survivors)] == survivors


def test_a_suite_that_fails_on_the_policy_as_it_is_kills_nothing(tmp_path: Path) -> None:
    suite = written(tmp_path, "  - {name: a, object: good, expect: deny}\n")
    (tried,) = try_all([suite], ())
    assert tried.faults == (f"{suite}: a: expected deny, got allow",)
    assert list(complaints([tried], [])) == [
        f"{suite}: a: expected deny, got allow (before anything is broken)"
    ]


def test_the_list_is_held_to_both_ways() -> None:
    tried = [Tried(mutants=("a", "b", "c"), survivors=("a", "b"))]
    assert list(complaints(tried, ["a", "b"])) == []
    assert list(complaints(tried, ["a", "c", "d"])) == [
        "b",
        "c: listed, but killed",
        "d: listed, but there is no such mutant",
    ]


def test_every_process_tells_of_its_suites(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, DENIED + NO_DEPLOYMENT)
    command = [sys.executable, "-m", "tests.policies.mutants", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    survivor = 'rule.yaml: match condition "not-bob" replaced by true'
    assert ended.stdout.splitlines() == [
        f"{tmp_path}/one/{survivor}",
        f"{tmp_path}/other/{survivor}",
        "22 mutants of 2 policies, 2 survive, 0 of them listed",
    ]
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_suite_that_shows_all_ends_green(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written(tmp_path, WHOLE))]) == 0
    assert capsys.readouterr().out == "11 mutants of 1 policies, 0 survive, 0 of them listed\n"


def test_a_folder_without_a_suite_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path)])
    assert "no suite is there" in capsys.readouterr().err


def test_mutants_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", str(written(tmp_path, WHOLE))]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{tmp_path}/rule.yaml: {change}" for change in MUTANTS]


def shipped() -> list[str]:
    policies = [policy for policy in read([POLICIES]) if policy.object["kind"].endswith("AdmissionPolicy")]
    return [name_of(Path(policy.source.path), mutant) for policy in policies for mutant in mutants_of(policy)]


def test_the_list_of_survivors_is_short_and_says_why() -> None:
    names = shipped()
    assert len(names) == len(set(names))
    known = listed()
    assert [name for name in known if name not in names] == []
    assert [name for name, reason in known.items() if not reason.strip()] == []
    assert len(known) * SHARE <= len(names)
    assert SURVIVORS.read_text().count("mutant:") == len(known)
