"""Waivers are read strictly: a file that is wrong is refused, an object of the cluster costs only itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_with_tenancy
from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import LoadError
from gatekeeper_py.tenancy.tenant import Standing, Tenancy
from gatekeeper_py.tenancy.waivers import neglected
from tests.policy.support import Json, bound, manifests, mutating, validating
from tests.tenancy.test_refusals import ADMIN
from tests.tenancy.test_ruling import GOOD, NAMESPACES, POLICY, asked, document, without
from tests.tenancy.test_standing import API, FILES

CHANGES = mutating("m", "[JSONPatch{op: 'test', path: '/kind', value: 'ConfigMap'}]")
GUARD = validating("guard", validations=[{"expression": "true"}])
GUARD["metadata"]["annotations"] = {"policy.gatekeeper-py.dev/waivable": "false"}
MAPS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
ABOUT_MAPS = {**POLICY, "spec": {**POLICY["spec"], "matchConstraints": {"resourceRules": [MAPS]}}}
POLICIES = manifests(*(part for each in (ABOUT_MAPS, CHANGES, GUARD) for part in (each, bound(each))))


def load(*waivers: Manifest, files: str = "", whole: bool = True) -> tuple[Engine, Tenancy]:
    documents = (*read_text(FILES, "t.yaml"), *POLICIES, *(read_text(files, "w.yaml") if files else ()))
    policies, tenancy = load_with_tenancy(documents, waivers, whole=whole)
    return Engine(policies, Snapshot(NAMESPACES)), tenancy


WRONG: dict[str, tuple[Json, str]] = {
    "no policies": (without("policies"), "spec lacks policies; add it"),
    "an empty list of policies": (
        {**GOOD, "policies": []},
        "spec.policies is empty; name one at least, or leave it out",
    ),
    "nobody": (without("tenants"), "spec waives for everybody; give tenants, namespaces or both"),
    "an empty list of tenants": (
        {**GOOD, "tenants": []},
        "spec.tenants is empty; name one at least, or leave it out",
    ),
    "an empty list of kinds": (
        {**GOOD, "kinds": []},
        "spec.kinds is empty; name one at least, or leave it out",
    ),
    "every namespace": (
        without("tenants", namespaces=["*"]),
        "spec.namespaces[0] is '*', which does not match ^[-a-z0-9*]*[a-z0-9][-a-z0-9*]*$",
    ),
    "every kind": (
        {**GOOD, "kinds": ["*"]},
        "spec.kinds[0] is '*', which does not match ^[A-Za-z][A-Za-z0-9]*(\\.[-a-z0-9.]+)?$",
    ),
    "an unknown policy": (
        {**GOOD, "policies": ["p", "host-acess"]},
        "spec.policies[1] is 'host-acess', which is no policy; correct or remove it",
    ),
    "a pattern of policies": (
        {**GOOD, "policies": ["*"]},
        "spec.policies[0] is '*', which is no policy; correct or remove it",
    ),
    "a policy that changes": (
        {**GOOD, "policies": ["m"]},
        "spec.policies[0] is 'm', which changes what is absent and refuses nothing; waive the policy that "
        "refuses what is present",
    ),
    "a policy that guards waivers": (
        {**GOOD, "policies": ["guard"]},
        "spec.policies[0] is 'guard', which is never waived; remove it",
    ),
    "no reason": (without("reason"), "spec lacks reason; add it"),
    "a blank reason": (
        {**GOOD, "reason": " "},
        "spec.reason is ' ', which does not match [^ \\t\\n]",
    ),
    "nobody who approved": (without("approvedBy"), "spec lacks approvedBy; add it"),
    "no end": (without("expires"), "spec lacks expires; add it"),
    "no day": (
        {**GOOD, "expires": "2027-02-30"},
        "spec.expires is '2027-02-30', which is no day; write it as 2027-01-31",
    ),
    "a word for a day": (
        {**GOOD, "expires": "never"},
        "spec.expires is 'never', which does not match ^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    ),
    "a kind in small letters": (
        {**GOOD, "kinds": ["Pod", "pod"]},
        "spec.kinds[1] is 'pod', which no kind is called; did you mean Pod?",
    ),
    "a resource for a kind": (
        {**GOOD, "kinds": ["deployments.apps"]},
        "spec.kinds[0] is 'deployments.apps', which no kind is called; did you mean Deployment?",
    ),
    "an unknown field": ({**GOOD, "namespace": "foo"}, "spec.namespace is unknown; did you mean namespaces?"),
    "a condition that is none": (
        {**GOOD, "condition": "object.metadata.name"},
        "spec.condition does not compile: must evaluate to bool but got dyn",
    ),
    "a condition with a slip": (
        {**GOOD, "condition": "tenant.nam == 'foo'"},
        "spec.condition does not compile: compilation failed: ERROR: <input>:1:7: undefined field 'nam'\n"
        " | tenant.nam == 'foo'\n | ......^",
    ),
    "a condition that looks things up": (
        {**GOOD, "condition": "cluster.list('v1', 'Secret', 'foo').size() == 0"},
        "spec.condition looks up objects of the cluster; ask about the request alone",
    ),
    "a condition that looks up by a word": (
        {**GOOD, "condition": "reached(object).size() == 0"},
        "spec.condition looks up objects of the cluster; ask about the request alone",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_object_of_the_cluster_that_is_wrong_waives_nothing_and_costs_only_itself(case: str) -> None:
    spec, fault = WRONG[case]
    made, tenancy = load(document(spec, "bad"), document({**GOOD, "names": ["web"]}, "good"))
    assert tenancy.standings == {
        "Waiver/bad": Standing("Invalid", (fault,)),
        "Waiver/good": Standing("InForce"),
    }
    assert [waiver.name for waiver in tenancy.waivers] == ["good"]
    assert tenancy.problems == (f"cluster/Waiver/bad: {fault}",)
    assert made.review(asked()).allowed


def file(spec: Json, name: str = "w") -> str:
    return f"{{apiVersion: {API}, kind: Waiver, metadata: {{name: {name}}}, spec: {spec}}}"


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_wrong_is_an_error(case: str) -> None:
    spec, fault = WRONG[case]
    with pytest.raises(LoadError) as caught:
        load(files=file(spec))
    what, _, remedy = fault.partition("; ")
    told = f"{what}. {remedy[:1].upper()}{remedy[1:]}" if remedy else what
    (problem,) = caught.value.problems
    assert (problem.path, str(problem).partition(": ")[2]) == ("w.yaml", told)


def test_every_file_that_is_wrong_is_told() -> None:
    with pytest.raises(LoadError) as caught:
        load(files=f"{file({**GOOD, 'policies': ['x']})}\n---\n{file({**GOOD, 'policies': ['y']}, 'v')}")
    assert [problem.line for problem in caught.value.problems] == [1, 3]


def test_two_files_of_one_name_are_an_error() -> None:
    with pytest.raises(LoadError, match=r"Waiver 'w' is declared at w\.yaml:1 too\. Keep one"):
        load(files=f"{file(GOOD)}\n---\n{file(GOOD)}")


def test_a_waiver_of_a_file_is_in_force() -> None:
    made, tenancy = load(files=file(GOOD))
    assert [waiver.source for waiver in tenancy.waivers] == ["w.yaml:1"]
    assert made.review(asked()).allowed


def test_a_waiver_alone_is_no_tenancy() -> None:
    documents = (*POLICIES, *read_text(file(GOOD), "w.yaml"))
    _, tenancy = load_with_tenancy(documents)
    assert tenancy.settings.unclaimed == "ignore"


def test_what_a_file_says_holds_against_an_object_of_the_same_name() -> None:
    other = {**GOOD, "expires": "2030-01-01"}
    _, tenancy = load(document(other), files=file(GOOD))
    told = "Waiver 'w' is declared at w.yaml:1, which holds; keep one of them"
    assert tenancy.standings == {"Waiver/w": Standing("NameTaken", (told,))}
    assert [str(waiver.expires) for waiver in tenancy.waivers] == ["2026-12-31"]


def test_of_a_part_of_the_policies_waivers_may_name_others() -> None:
    load(files=file({**GOOD, "policies": ["elsewhere"]}), whole=False)


def test_metadata_of_an_odd_shape_costs_only_itself() -> None:
    bad = document(GOOD, "bad")
    bad.object["metadata"] = "odd"
    _, tenancy = load(bad, document(GOOD))
    assert [waiver.name for waiver in tenancy.waivers] == ["w"]


# --- what is refused when it is written

HEAD = 'waivers.tenancy.gatekeeper-py.dev "w" is forbidden: '


def writing(value: Json, old: Json | None = None, **fields: Any) -> AdmissionRequest:
    return AdmissionRequest(
        "u",
        GroupVersionKind.parse(API, "Waiver"),
        GroupVersionResource("tenancy.gatekeeper-py.dev", "v1alpha1", "waivers"),
        "CREATE" if old is None else "UPDATE",
        "w",
        user=ADMIN,
        object=value,
        old_object=old,
        **fields,
    )


def refused(value: Json, old: Json | None = None) -> str:
    made, _ = load()
    decision = made.review(writing(value, old))
    return decision.status.message if decision.status else ""


@pytest.mark.parametrize("case", WRONG)
def test_what_would_not_be_in_force_is_refused_when_it_is_written(case: str) -> None:
    spec, fault = WRONG[case]
    lines = [f"{HEAD}{line}" for line in f"Waiver 'w': {fault}".splitlines()]
    assert refused(document(spec).object) == "\n".join(lines)


def test_what_is_right_may_be_written() -> None:
    assert refused(document(GOOD).object) == ""


def test_what_is_wrong_already_may_be_mended_step_by_step() -> None:
    bad = document({**GOOD, "policies": ["x"], "expires": "2027-02-30"}).object
    assert refused(document({**GOOD, "policies": ["x"]}).object, bad) != ""
    half = document({**GOOD, "policies": ["x", "y"]}).object
    assert refused(document({**GOOD, "policies": ["x"]}).object, half) == ""


def test_a_waiver_whose_policy_is_gone_may_be_labelled() -> None:
    old = document({**GOOD, "policies": ["x"]}).object
    new = {**old, "metadata": {"name": "w", "labels": {"a": "b"}}}
    assert refused(new, old) == ""


# --- what waives nothing


def test_what_waives_nothing_is_told_with_what_to_do() -> None:
    over = {**GOOD, "expires": "2026-11-30"}
    _, tenancy = load(document(GOOD, "a"), document(over, "b"), document({**GOOD, "tenants": ["fo"]}, "c"))
    assert list(neglected(tenancy, datetime(2026, 12, 1, tzinfo=UTC))) == [
        "cluster/Waiver/b: the waiver 'b' has ended on 2026-11-30: what it admitted is refused again. "
        "Give it another day, or remove it",
        "cluster/Waiver/c: the waiver 'c' is for the tenant 'fo', which there is none of. Correct the name",
    ]
