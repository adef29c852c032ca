"""Who owns a namespace, and what a tenant grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.tenancy import tenant as model
from gatekeeper_py.tenancy.tenant import (
    TENANT_LABEL,
    Choice,
    Claim,
    ContestedNamespace,
    Grant,
    Owner,
    Settings,
    Tenancy,
    Tenant,
    Unclaimed,
)


def team(name: str) -> Selector:
    return Selector.of({"matchLabels": {"team": name}})


TENANTS = (
    Tenant("foo", claim=Claim(names=("foo-1", "bar-x"), selectors=(team("foo"), team("both")))),
    Tenant("bar", claim=Claim(patterns=("bar-*",), selectors=(team("bar"), team("both")))),
)
TEAMS = {"stray": "foo", "bar-1": "foo", "foo-1": "bar", "torn": "both"}


def labels(namespace: str) -> Mapping[str, str]:
    return {"team": TEAMS[namespace]} if namespace in TEAMS else {}


@pytest.mark.parametrize(
    ("namespace", "tenant"),
    [("foo-1", "foo"), ("bar-x", "foo"), ("bar-1", "bar"), ("stray", "foo"), ("other", None)],
    ids=["a name beats labels", "a name beats a pattern", "a pattern beats labels", "labels", "nobody"],
)
def test_the_surest_claim_wins(namespace: str, tenant: str | None) -> None:
    claimant = Tenancy(TENANTS).claimant(namespace, labels)
    assert (claimant.name if claimant else None) == tenant


def test_a_namespace_that_two_claim_by_labels_is_contested() -> None:
    with pytest.raises(ContestedNamespace) as raised:
        Tenancy(TENANTS).owner("torn", labels)
    assert str(raised.value) == (
        "namespace 'torn' is claimed by the tenants bar and foo through its labels; "
        "change its labels or their selectors so that one is left"
    )


def test_two_selectors_of_one_tenant_do_not_contest() -> None:
    tenant = Tenant("foo", claim=Claim(selectors=(team("foo"), Selector.of({}))))
    assert Tenancy((tenant,)).owner("stray", labels) is tenant


def test_labels_are_not_asked_for_when_no_tenant_selects() -> None:
    def ask(namespace: str) -> Mapping[str, str]:
        raise AssertionError(namespace)

    assert Tenancy((Tenant("foo"),)).claimant("stray", ask) is None


@pytest.mark.parametrize(
    ("unclaimed", "expected"),
    [("own-tenant", ("other", False, False)), ("refuse", ("other", False, True)), ("ignore", None)],
)
def test_the_settings_say_who_owns_what_nobody_claims(
    unclaimed: Unclaimed, expected: tuple[str, bool, bool] | None
) -> None:
    owner = Tenancy(TENANTS, Settings(unclaimed=unclaimed)).owner("other", labels)
    assert (owner and (owner.name, owner.claimed, owner.refused)) == expected


def test_an_unclaimed_namespace_may_use_what_the_template_grants() -> None:
    template = Tenant("", isolation="sandbox", registries=("r.example",))
    owner = Tenancy(TENANTS, template=template).owner("other", labels)
    assert owner is not None
    assert (owner.isolation, owner.registries, owner.claimed) == ("sandbox", ("r.example",), False)
    assert owner.claim == Claim(names=("other",))


def test_an_unclaimed_namespace_called_like_a_tenant_is_not_that_tenant() -> None:
    owner = Tenancy(TENANTS).owner("foo", labels)
    assert owner is not None
    assert (owner.name, owner.claimed) == ("unclaimed.foo", False)


def test_names_from_requests_take_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MAXIMUM_REMEMBERED", 1)
    tenancy = Tenancy()
    same = [tenancy.owner(name, labels) is tenancy.owner(name, labels) for name in ("a", "b")]
    assert same == [True, False]
    assert tenancy.owner("b", labels) == tenancy.owner("b", labels)


def test_what_cannot_be_a_namespace_is_not_remembered() -> None:
    tenancy = Tenancy()
    same = [tenancy.owner(name, labels) is tenancy.owner(name, labels) for name in ("a" * 63, "a" * 64)]
    assert same == [True, False]


@pytest.mark.parametrize(
    ("choice", "name", "permitted"),
    [
        (Choice(), "a", False),
        (Choice(), "", False),
        (Choice(("a",)), "a", True),
        (Choice(("a",)), "ab", False),
        (Choice(("a*",)), "ab", False),
        (Choice(("*",)), "a", True),
        (Choice(default="a"), "a", True),
        (Choice(default="a"), "", False),
    ],
)
def test_a_choice_permits_exact_names_all_or_its_default(choice: Choice, name: str, permitted: bool) -> None:
    assert choice.permits(name) is permitted


def grant(**fields: Any) -> Grant:
    return Grant(**{"to": ("bar",), "kinds": ("Service",), **fields})


@pytest.mark.parametrize(
    ("given", "covered"),
    [
        (grant(), True),
        (grant(to=("*",)), True),
        (grant(to=("foo", "baz")), False),
        (grant(to=()), False),
        (grant(kinds=("*",)), True),
        (grant(kinds=("Service.g",)), True),
        (grant(kinds=("Service.h",)), False),
        (grant(kinds=("Serv*",)), False),
        (grant(names=("d*",)), True),
        (grant(names=("e", "d")), False),
        (grant(namespaces=("foo-*",)), True),
        (grant(namespaces=("foo",)), False),
        (grant(namespaces=()), False),
    ],
)
def test_a_grant_covers_an_object_by_tenant_kind_namespace_and_name(given: Grant, covered: bool) -> None:
    assert given.covers("bar", "g", "Service", "foo-1", "db") is covered


@pytest.mark.parametrize(
    ("grants", "shares"),
    [
        ((), False),
        ((grant(),), False),
        ((grant(kinds=("Namespace",)),), True),
        ((grant(kinds=("*",), to=("*",)),), True),
        ((grant(kinds=("Namespace",), to=("baz",)),), False),
        ((grant(kinds=("Namespace",), to=("baz",)), grant()), False),
    ],
)
def test_a_tenant_shares_itself_by_sharing_its_namespaces(grants: tuple[Grant, ...], shares: bool) -> None:
    assert Tenant("foo", sharing=grants).shares_itself_with("bar") is shares


OWNERS = (Owner("User", "ann"), Owner("Group", "ops"), Owner("ServiceAccount", "bot", "ci"))


@pytest.mark.parametrize(
    ("username", "groups", "owns"),
    [
        ("ann", (), True),
        ("eve", ("ops",), True),
        ("system:serviceaccount:ci:bot", (), True),
        ("ops", ("ann",), False),
        ("bot", ("bot",), False),
        ("system:serviceaccount:evil:bot", (), False),
        ("", (), False),
    ],
)
def test_an_owner_is_known_by_kind_and_name(username: str, groups: tuple[str, ...], owns: bool) -> None:
    tenancy = Tenancy((Tenant("foo", owners=OWNERS), Tenant("bar")))
    assert tenancy.owned_by(username, groups) == (["foo"] if owns else [])


def test_a_user_may_own_many_tenants() -> None:
    tenants = tuple(Tenant(name, owners=(*OWNERS, *OWNERS)) for name in ("b", "a"))
    assert Tenancy(tenants).owned_by("ann", ("ops",)) == ["a", "b"]


def test_the_label_that_names_the_tenant_cannot_be_configured_away() -> None:
    tenant = Tenant("foo", labels={"team": "x", TENANT_LABEL: "bar"})
    assert tenant.workload_labels == {"team": "x", TENANT_LABEL: "foo"}


def test_a_tenant_has_no_image_and_no_hostname_that_it_is_not_granted() -> None:
    bare = Tenant("foo")
    granted = Tenant("foo", registries=("r.example/foo",), hostnames=("a.example", "*.foo.example"))
    assert [each.allows_image("r.example/foo/app:1") for each in (bare, granted)] == [False, True]
    assert [each.owns_hostname("x.foo.example") for each in (bare, granted)] == [False, True]
    assert not granted.allows_image("r.example/foobar/app:1")
    assert not granted.owns_hostname("x.bar.example")
