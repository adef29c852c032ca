"""A waiver admits what it is about, and nothing where anything is in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Decision, Waived
from gatekeeper_py.policy.admission.request import AdmissionRequest
from tests.policy.support import CONFIG_MAP, Json, bound, manifests, request, validating
from tests.tenancy.test_standing import API, FILES

MOMENT = datetime(2026, 12, 1, 12, tzinfo=UTC)
NAMESPACES = tuple(
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for name in ("foo", "foo-two", "stray")
)
TOLD = "data.a must be b"
POLICY = validating("p", validations=[{"expression": "object.data.a == 'b'", "message": TOLD}])
OTHER = validating("q", validations=[{"expression": "object.data.a != '2'", "message": "data.a is 2"}])
GOOD: Json = {
    "policies": ["p"],
    "tenants": ["foo"],
    "reason": "an old agent",
    "approvedBy": "the platform",
    "expires": "2026-12-31",
}
BAD_MAP: Json = {**CONFIG_MAP, "metadata": {"name": "web", "namespace": "foo"}, "data": {"a": "1"}}


def document(spec: Json, name: str = "w", **metadata: Any) -> Manifest:
    value = {"apiVersion": API, "kind": "Waiver", "metadata": {"name": name, **metadata}, "spec": spec}
    return Manifest(value, Source(f"cluster/Waiver/{name}"))


def engine(*waivers: Manifest, policies: tuple[Json, ...] = (POLICY,), bindings: Any = None) -> Engine:
    made = [*policies, *(bindings or map(bound, policies))]
    return Engine.load((*read_text(FILES, "t.yaml"), *manifests(*made)), Snapshot(NAMESPACES), waivers)


def asked(value: Json = BAD_MAP, moment: datetime | None = MOMENT, **fields: Any) -> AdmissionRequest:
    return replace(request(value, **fields), asked_at=moment)


def said(decision: Decision) -> str:
    assert decision.allowed is (decision.status is None)
    return "" if decision.status is None else decision.status.causes[0].message


HEAD = "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: data.a must be b"


def test_what_is_waived_is_admitted_and_recorded() -> None:
    decision = engine(document(GOOD)).review(asked())
    assert decision.allowed
    (finding,) = decision.findings
    assert finding.actions == ("Waived",)
    assert decision.audit_annotations == {"p/waived": "w"}
    assert finding.waived == Waived("w", date(2026, 12, 31), 30, "an old agent", "the platform")


def test_nothing_is_waived_of_which_no_document_speaks() -> None:
    assert said(engine().review(asked())) == HEAD


def without(*keys: str, **more: Any) -> Json:
    return {key: value for key, value in {**GOOD, **more}.items() if key not in keys}


FITTING: dict[str, Json] = {
    "the tenant": GOOD,
    "its namespace": without("tenants", namespaces=["foo"]),
    "a pattern of namespaces": without("tenants", namespaces=["fo*"]),
    "everything stated": {**GOOD, "namespaces": ["foo"], "kinds": ["ConfigMap"], "names": ["w*"]},
    "a condition that is true": {**GOOD, "condition": "object.data.a == '1' && tenant.name == 'foo'"},
    "one of several policies": {**GOOD, "policies": ["q", "p"]},
    "the last day": {**GOOD, "expires": "2026-12-01"},
}


@pytest.mark.parametrize("case", FITTING)
def test_a_waiver_admits_what_it_is_about(case: str) -> None:
    assert engine(document(FITTING[case]), policies=(POLICY, OTHER)).review(asked()).allowed


NOT_FITTING: dict[str, tuple[Json, str]] = {
    "another tenant": ({**GOOD, "tenants": ["platform", "foo-two", "fo"]}, ""),
    "another namespace": ({**GOOD, "namespaces": ["foo-two"]}, ""),
    "another policy": ({**GOOD, "policies": ["q"]}, ""),
    "another kind": ({**GOOD, "kinds": ["Secret"]}, ""),
    "another name": ({**GOOD, "names": ["api"]}, ""),
    "a condition that is false": ({**GOOD, "condition": "object.data.a == '3'"}, ""),
    "a condition without a value": (
        {**GOOD, "condition": "object.data.b == '1'"},
        " (the waiver 'w' does not hold: its condition has no value: expression 'object.data.b == '1'' "
        "resulted in error: no such key: b)",
    ),
    "a condition that takes too long": (
        {**GOOD, "condition": "[1,2,3,4,5,6,7,8,9].all(a, " * 7 + "true" + ")" * 7},
        " (the waiver 'w' does not hold: its condition has no value: expression '"
        + "[1,2,3,4,5,6,7,8,9].all(a, " * 7
        + "true"
        + ")" * 7
        + "' resulted in error: operation cancelled: actual cost limit exceeded)",
    ),
    "a day that is over": (
        {**GOOD, "expires": "2026-11-30"},
        " (the waiver 'w' has ended on 2026-11-30)",
    ),
}


@pytest.mark.parametrize("case", NOT_FITTING)
def test_a_waiver_admits_nothing_else(case: str) -> None:
    spec, remark = NOT_FITTING[case]
    made = engine(document(spec), policies=(POLICY, validating("q", validations=[{"expression": "true"}])))
    assert said(made.review(asked())) == HEAD + remark


def test_where_no_clock_tells_the_day_nothing_is_waived() -> None:
    told = said(engine(document(GOOD)).review(asked(moment=None)))
    assert told == f"{HEAD} (the waiver 'w' does not hold: no clock tells the day)"


CLOCKS = {
    "one that was never set": ({}, datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00+00:00"),
    "one before this was written": ({}, datetime(2025, 12, 31, tzinfo=UTC), "2025-12-31T00:00:00+00:00"),
    "one before the waiver": (
        {"creationTimestamp": "2026-12-02T00:00:00Z"},
        MOMENT,
        "2026-12-01T12:00:00+00:00",
    ),
    "any, where nobody knows since when": (
        {"creationTimestamp": "yesterday"},
        MOMENT,
        "2026-12-01T12:00:00+00:00",
    ),
    "any, where the zone is missing": (
        {"creationTimestamp": "2026-01-02T00:00:00"},
        MOMENT,
        "2026-12-01T12:00:00+00:00",
    ),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_a_clock_that_must_be_wrong_waives_nothing(case: str) -> None:
    metadata, moment, shown = CLOCKS[case]
    remark = f"the waiver 'w' does not hold: it was written later than the clock says, {shown}"
    assert said(engine(document(GOOD, **metadata)).review(asked(moment=moment))) == f"{HEAD} ({remark})"


def test_a_waiver_of_the_api_server_holds_from_when_it_was_written() -> None:
    made = engine(document(GOOD, creationTimestamp="2026-12-01T12:00:00Z"))
    assert made.review(asked()).allowed


def test_of_several_the_one_that_holds_longest_is_told() -> None:
    later = {**GOOD, "expires": "2027-06-30"}
    over = {**GOOD, "expires": "2026-01-31"}
    found = engine(document(GOOD, "a"), document(later, "b"), document(over, "c")).review(asked())
    assert [finding.waived and finding.waived.waiver for finding in found.findings] == ["b"]


def test_why_none_of_several_holds_is_told_of_each() -> None:
    over = [document({**GOOD, "expires": f"2026-0{month}-01"}, f"w{month}") for month in (1, 2)]
    remarks = "the waiver 'w2' has ended on 2026-02-01; the waiver 'w1' has ended on 2026-01-01"
    assert said(engine(*over).review(asked())) == f"{HEAD} ({remarks})"


def test_another_policy_that_refuses_the_same_object_still_does() -> None:
    value = {**BAD_MAP, "data": {"a": "2"}}
    decision = engine(document(GOOD), policies=(POLICY, OTHER)).review(asked(value))
    assert said(decision) == "ValidatingAdmissionPolicy 'q' with binding 'q-b' denied request: data.a is 2"
    assert [finding.actions for finding in decision.findings] == [("Waived",), ("Deny",)]


BROKEN = {
    "an expression without a value": validating("p", validations=[{"expression": "object.data.b == 'b'"}]),
    "a condition without a value": validating(
        "p",
        matchConditions=[{"name": "c", "expression": "object.data.b == 'b'"}],
        validations=[{"expression": "false"}],
    ),
    "an annotation without a value": validating(
        "p", auditAnnotations=[{"key": "k", "valueExpression": "string(object.data.b)"}]
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_rule_that_cannot_tell_is_not_waived(case: str) -> None:
    assert not engine(document(GOOD), policies=(BROKEN[case],)).review(asked()).allowed


def test_only_the_refusal_is_waived() -> None:
    binding = bound(POLICY, validationActions=["Deny", "Audit"])
    decision = engine(document(GOOD), bindings=[binding]).review(asked())
    assert (decision.allowed, decision.findings[0].actions) == (True, ("Waived", "Audit"))
    warned = engine(document(GOOD), bindings=[bound(POLICY, validationActions=["Warn"])]).review(asked())
    assert (warned.findings[0].actions, warned.findings[0].waived) == (("Warn",), None)
    assert len(warned.warnings) == 1


NODE: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "data": {"a": "1"}}
NAMESPACE: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}, "data": {"a": "1"}}


@pytest.mark.parametrize("value", [NODE, NAMESPACE], ids=["a Node", "a Namespace"])
def test_what_says_what_is_whose_is_never_waived(value: Json) -> None:
    wide = without("tenants", namespaces=["f*", "*o"])
    fields: dict[str, Any] = {"namespace": "foo"} if value is NAMESPACE else {}
    assert said(engine(document(wide)).review(asked(value, **fields))) == HEAD


def test_documents_of_tenancy_are_never_waived() -> None:
    value = {"apiVersion": API, "kind": "Tenant", "metadata": {"name": "x"}, "spec": {}, "data": {"a": "1"}}
    made = replace(
        asked(),
        kind=GroupVersionKind.parse(API, "Tenant"),
        resource=GroupVersionResource("tenancy.gatekeeper-py.dev", "v1alpha1", "tenants"),
        namespace="",
        object=value,
    )
    assert said(engine(document(GOOD)).review(made)) == HEAD


def test_where_two_tenants_claim_a_namespace_nothing_is_waived() -> None:
    twice = [
        Manifest(
            {
                "apiVersion": API,
                "kind": "Tenant",
                "metadata": {"name": name},
                "spec": {"namespaces": {"names": ["x"]}},
            },
            Source(f"cluster/Tenant/{name}"),
        )
        for name in ("one", "two")
    ]
    wide = document(without("tenants", namespaces=["x"]))
    value = {**BAD_MAP, "metadata": {"name": "web", "namespace": "x"}}
    assert not engine(*twice, wide).review(asked(value)).allowed


def test_a_namespace_that_nobody_claims_is_waived_by_its_name() -> None:
    value = {**BAD_MAP, "metadata": {"name": "web", "namespace": "stray"}}
    assert engine(document(without("tenants", namespaces=["stray"]))).review(asked(value)).allowed
    assert not engine(document(GOOD)).review(asked(value)).allowed


def test_what_is_deleted_is_known_by_its_name() -> None:
    gone = validating("p", validations=[{"expression": "object != null", "message": TOLD}])
    made = asked(BAD_MAP, operation="DELETE", old_object=BAD_MAP)
    made = replace(made, object=None)
    for names, allowed in ((["web"], True), (["api"], False)):
        assert engine(document({**GOOD, "names": names}), policies=(gone,)).review(made).allowed is allowed


def test_a_name_that_is_made_up_is_known_by_how_it_begins() -> None:
    value = {**BAD_MAP, "metadata": {"generateName": "web-", "namespace": "foo"}}
    for names, allowed in ((["web-*"], True), (["web-"], False), (["api-*"], False)):
        decision = engine(document({**GOOD, "names": names})).review(asked(value, name=""))
        assert decision.allowed is allowed


def test_where_nothing_is_waived_nobody_is_asked() -> None:
    made = engine()
    assert [each.waive for each in made.policies.extensions] == [None]
