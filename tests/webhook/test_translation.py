"""What of a condition is left without the words of tenancy."""

from __future__ import annotations

import pytest

from gatekeeper_py.tenancy.tenant import Claim, Settings, Tenancy, Tenant
from gatekeeper_py.webhook.translation import Translation
from tests.policy.support import engine, validating
from tests.tenancy.test_control_planes import load, plane

PLATFORM = Tenancy(tenants=(Tenant("platform", trusted=True, claim=Claim(names=("kube-system",))),))
NOBODY = Tenancy(settings=Settings(platform_users=(), platform_groups=()))


def necessary(*conditions: str, tenancy: Tenancy = PLATFORM) -> set[str]:
    named = [{"name": f"c{at}", "expression": text} for at, text in enumerate(conditions)]
    policy = validating("p", matchConditions=named, validations=[{"expression": "true"}])
    (loaded,) = engine(policy).policies.validating
    return set(Translation(tenancy).necessary(each.expression for each in loaded.match_conditions))


LEFT = {
    "request.operation == 'CREATE'": {"(request.operation == 'CREATE')"},
    "tenant != null && !tenant.trusted": {"!trustedNamespace"},
    "!requester.platform && request.operation != 'DELETE'": {
        "!platformUser",
        "(request.operation != 'DELETE')",
    },
    "!requester.platform || request.operation != 'DELETE'": {
        "(!platformUser ||\n(request.operation != 'DELETE'))"
    },
    "!(requester.trusted || tenant.trusted)": {"!((trustedUser ||\ntrustedNamespace))"},
    "!(requester.trusted && tenant.claimed)": set(),
    "!!requester.trusted": set(),
    "!(!requester.trusted)": set(),
    "requester.trusted": set(),
    "requester.claimed || request.operation == 'CREATE'": set(),
    "object.?metadata.?labels != oldObject.?metadata.?labels": {
        "(object.?metadata.?labels != oldObject.?metadata.?labels)"
    },
    "object.?spec != oldObject.?spec": {"(object.?spec != oldObject.?spec)"},
    "object.?spec.?x != oldObject.?spec.?x": set(),
    "object.?metadata.?labels.?x != oldObject.?metadata.?labels.?x": set(),
    "object.metadata.name == 'x'": set(),
    "has(object.metadata)": set(),
    "request.name == 'x'": set(),
    "object.?metadata.?labels.orValue({}) == {}": {"(object.?metadata.?labels.orValue({}) == {})"},
    "oldObject == null || request.kind.kind in ['A']": {"(oldObject == null || request.kind.kind in ['A'])"},
}


@pytest.mark.parametrize(("text", "expected"), LEFT.items(), ids=LEFT)
def test_what_is_left_holds_whenever_the_condition_does_and_never_fails(
    text: str, expected: set[str]
) -> None:
    assert necessary(text) == expected


def test_all_conditions_are_necessary() -> None:
    assert necessary("!tenant.trusted", "request.operation == 'CREATE'") == {
        "!trustedNamespace",
        "(request.operation == 'CREATE')",
    }


def test_where_no_document_tells_of_anybody_nothing_is_known() -> None:
    assert necessary("!tenant.trusted && !requester.trusted", tenancy=NOBODY) == set()


def test_a_name_is_said_once_and_only_where_it_is_used() -> None:
    translation = Translation(PLATFORM)
    assert translation.with_names("true") == "true"
    told = translation.with_names("!trustedNamespace || trustedNamespace")
    assert told == (
        "[has(request.namespace) && request.namespace in ['kube-system']].exists(trustedNamespace,\n"
        "!trustedNamespace || trustedNamespace)"
    )


def test_a_namespace_that_two_claim_by_name_counts_for_the_one_that_has_it() -> None:
    tenants = (
        Tenant("platform", trusted=True, claim=Claim(names=("shared",))),
        Tenant("foo", claim=Claim(names=("shared",))),
    )
    assert necessary("!tenant.trusted", tenancy=Tenancy(tenants=tenants, settings=NOBODY.settings)) == set()


def test_who_brings_down_is_known_by_exact_names_both_ways() -> None:
    found = load(plane(syncer={"users": ["s2", "s1"]}))
    assert necessary("requester.syncs", tenancy=found) == {"request.userInfo.username in ['s1', 's2']"}
    assert necessary("!requester.syncs", tenancy=found) == {"!(request.userInfo.username in ['s1', 's2'])"}
    assert necessary("requester.syncs") == {"false"}
