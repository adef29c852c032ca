"""A bad Tenant that is an object of the cluster costs only itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.tenancy.documents import TenancyError, load_tenancy
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy

Json = dict[str, Any]

API = "tenancy.gatekeeper-py.dev/v1alpha1"
FILES = f"""\
apiVersion: {API}
kind: Tenant
metadata: {{name: foo}}
spec: {{namespaces: {{names: [foo], patterns: ["foo-*"]}}, labels: {{team: foo}}}}
---
apiVersion: {API}
kind: Tenant
metadata: {{name: platform}}
spec: {{trusted: true, namespaces: {{names: [kube-system, monitoring]}}}}
"""
FOO: Json = {"namespaces": {"names": ["foo"], "patterns": ["foo-*"]}, "labels": {"team": "foo"}}


def guest(name: str, spec: object, kind: str = "Tenant") -> Manifest:
    value = {"apiVersion": API, "kind": kind, "metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}
    return Manifest(value, Source(f"cluster/{kind}/{name}"))


def named(*names: str, **more: Any) -> Json:
    return {"namespaces": {"names": list(names)}, **more}


def tenancy(*guests: Manifest, files: str = FILES) -> Tenancy:
    return load_tenancy(read_text(files, "t.yaml"), guests)


def owner(found: Tenancy, namespace: str, **labels: str) -> str:
    """The owner's name, or why there is none."""
    try:
        tenant = found.owner(namespace, lambda _name: labels)
    except ContestedNamespace as error:
        return str(error)
    return tenant.name if tenant else ""


def standing(found: Tenancy, name: str, kind: str = "Tenant") -> tuple[str, tuple[str, ...]]:
    its = found.standings[f"{kind}/{name}"]
    return its.reason, its.faults


def test_a_good_tenant_is_in_force_beside_those_of_the_files() -> None:
    found = tenancy(guest("bar", named("bar")))
    assert standing(found, "bar") == ("InForce", ())
    assert [owner(found, name) for name in ("foo", "bar", "kube-system")] == ["foo", "bar", "platform"]
    assert (found.problems, found.in_doubt) == ((), False)


CONFLICTS: dict[str, tuple[tuple[Json, Json], str, tuple[str, ...], Mapping[str, str]]] = {
    "by name": ((named("a", "b"), named("b", "c")), "b", ("a", "c"), {}),
    "by name and pattern": ((named("b-1", "a"), {"namespaces": {"patterns": ["b-*"]}}), "b-1", ("a",), {}),
    "by two patterns": (
        ({"namespaces": {"patterns": ["b-*"]}}, {"namespaces": {"patterns": ["*-b"]}}),
        "b-b",
        ("b-1", "1-b"),
        {},
    ),
    "by one selector": (
        (
            {"namespaces": {"names": ["a"], "selector": {"matchLabels": {"team": "b"}}}},
            {"namespaces": {"names": ["c"], "selector": {"matchLabels": {"team": "b"}}}},
        ),
        "any",
        ("a", "c"),
        {"team": "b"},
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_that_conflict_only_what_both_claim_is_closed(case: str, turned: bool) -> None:
    specs, contested, others, labels = CONFLICTS[case]
    guests = [guest(name, spec) for name, spec in zip(("one", "two"), specs, strict=True)]
    found = tenancy(*(reversed(guests) if turned else guests), guest("bar", named("bar")))
    for name in ("one", "two"):
        reason, faults = standing(found, name)
        assert reason == "Conflict"
        assert any("'one'" in fault and "'two'" in fault for fault in faults)
    assert {"one", "two"} <= {word.strip("',") for word in owner(found, contested, **labels).split()}
    assert {owner(found, name) for name in others} <= {"one", "two"}
    assert [owner(found, name) for name in ("foo", "bar")] == ["foo", "bar"]


def test_a_conflict_with_a_file_closes_what_both_claim_and_names_the_file() -> None:
    found = tenancy(guest("evil", named("foo", "mine")))
    told = "the tenants 'foo' (t.yaml:1) and 'evil' both claim the namespace 'foo'; leave it to one of them"
    assert standing(found, "evil") == ("Conflict", (told,))
    assert found.problems == (f"cluster/Tenant/evil: {told}",)
    assert owner(found, "foo") == (
        "namespace 'foo' is closed: the tenants 'evil' (cluster/Tenant/evil) and 'foo' (t.yaml:1) both claim "
        "it; leave it to one of them"
    )
    assert [owner(found, name) for name in ("foo-1", "mine")] == ["foo", "evil"]


def test_one_that_is_named_like_one_of_the_files_gives_way_to_it() -> None:
    found = tenancy(guest("foo", named("foo", "more")))
    told = "Tenant 'foo' is declared at t.yaml:1, which holds; keep one of them"
    assert standing(found, "foo") == ("NameTaken", (told,))
    assert owner(found, "foo") == "foo"
    assert found.by_name["foo"].labels == {"team": "foo"}
    assert owner(found, "more") == (
        "namespace 'more' is closed: the tenant 'foo' (cluster/Tenant/foo), which claims it, is not in force: "
        f"{told}"
    )


def test_one_that_says_the_same_as_the_files_is_well() -> None:
    found = tenancy(guest("foo", FOO))
    assert standing(found, "foo") == ("InForce", ())
    assert (owner(found, "foo"), found.in_doubt) == ("foo", False)


INVALID: dict[str, tuple[object, str]] = {
    "an unknown field": (named("bad", isolation="vm"), "spec.isolation is unknown"),
    "a wrong address": (named("bad", externalIPs=["10.0.0.1/8"]), "spec.externalIPs[0] is '10.0.0.1/8'"),
    "no names": ({"namespaces": {"names": "bad"}}, "spec.namespaces.names must be a list"),
    "no claim": ({}, "spec lacks namespaces"),
    "no spec": (None, "spec must be a mapping"),
    "a broken claim": (
        {"namespaces": {"names": ["bad"], "selector": {"matchLabels": {}}}},
        "spec.namespaces.selector would claim namespaces that lack a label",
    ),
    "a broken selector": (
        {"namespaces": {"names": ["bad"], "selector": {"matchExpressions": [{"key": "a"}]}}},
        "spec.namespaces.selector.matchExpressions[0] lacks operator",
    ),
    "an owner without a kind": (named("bad", owners=[{"name": "eve"}]), "spec.owners[0] lacks kind"),
    "an owner of another type": (named("bad", owners=["eve", {"kind": [], "name": {}}]), "spec.owners[0]"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_one_closes_what_it_claims_as_far_as_that_can_be_read(case: str) -> None:
    spec, what = INVALID[case]
    found = tenancy(guest("bad", spec), guest("bar", named("bar")))
    reason, faults = standing(found, "bad")
    assert reason == "Invalid"
    assert faults[0].startswith(what)
    assert [owner(found, name) for name in ("foo", "bar", "stray")] == ["foo", "bar", "stray"]
    legible = isinstance(spec, dict) and spec.get("namespaces", {}).get("names") == ["bad"]
    assert owner(found, "bad").startswith("namespace 'bad' is closed: ") is legible


def test_an_invalid_one_takes_nothing_from_a_good_one() -> None:
    found = tenancy(guest("bad", named("foo", "bar", isolation="vm")), guest("bar", named("bar")))
    assert [owner(found, name) for name in ("foo", "bar")] == ["foo", "bar"]


def test_people_of_an_invalid_one_belong_to_a_tenant_still() -> None:
    owners = [{"kind": "User", "name": "eve"}, {"kind": "Group", "name": "team"}]
    found = tenancy(guest("bad", named("bad", isolation="vm", owners=owners)))
    assert (found.owned_by("eve", ()), found.owned_by("x", ("team",))) == (["bad"], ["bad"])
    assert "bad" in found.declared


def test_an_unclaimed_namespace_cannot_pass_for_an_invalid_tenant() -> None:
    assert owner(tenancy(guest("bad", named("x", isolation="vm"))), "bad") == "unclaimed.bad"


PLATFORM: dict[str, tuple[str, Json, str, str]] = {
    "a namespace by name": (
        "evil",
        named("kube-system"),
        FILES,
        "the namespace 'kube-system' is the platform's; leave it to the tenant 'platform'",
    ),
    "a namespace by pattern": (
        "evil",
        {"namespaces": {"patterns": ["moni*"]}},
        FILES,
        "the namespace 'monitoring', by name and by the pattern 'moni*' is the platform's; "
        "leave it to the tenant 'platform'",
    ),
    "as another platform": (
        "evil",
        named("monitoring", trusted=True),
        FILES,
        "the namespace 'monitoring' is the platform's; leave it to the tenant 'platform'",
    ),
    "what no file names": (
        "evil",
        named("kube-public"),
        FILES.partition("---")[0],
        "the namespace 'kube-public' is the platform's; leave it to the tenant 'platform'",
    ),
    "the name": (
        "platform",
        named("mine"),
        FILES.partition("---")[0],
        "the tenant 'platform' is the platform; make it trusted, or choose another name",
    ),
}


@pytest.mark.parametrize("case", PLATFORM)
def test_nobody_takes_anything_from_the_platform(case: str) -> None:
    name, spec, files, told = PLATFORM[case]
    found = tenancy(guest(name, spec), files=files)
    assert standing(found, name) == ("PlatformNamespace", (told,))
    for namespace in ("kube-system", "kube-public", "kube-node-lease"):
        assert owner(found, namespace) == "platform"
        assert found.by_name["platform"].trusted


def test_the_platform_may_be_an_object_and_keeps_what_it_does_not_name() -> None:
    found = tenancy(guest("platform", named("cert-manager", trusted=True)), files=FILES.partition("---")[0])
    assert standing(found, "platform") == ("InForce", ())
    assert [owner(found, name) for name in ("cert-manager", "kube-system")] == ["platform", "platform"]


def test_two_platforms_of_the_cluster_do_not_close_kube_system() -> None:
    two = [guest(name, named("kube-system", "a", trusted=True)) for name in ("platform", "ops")]
    found = tenancy(*two, files=FILES.partition("---")[0])
    assert found.owner("kube-system", lambda _name: {}) is not None
    assert owner(found, "a").startswith("namespace 'a' is closed")


def test_settings_of_the_files_hold_against_those_of_the_cluster() -> None:
    settings = f"---\napiVersion: {API}\nkind: TenancySettings\nmetadata: {{name: settings}}\nspec: {{unclaimed: refuse}}\n"
    found = tenancy(guest("settings", {"unclaimed": "ignore"}, "TenancySettings"), files=FILES + settings)
    assert found.settings.unclaimed == "refuse"
    told = "TenancySettings 'settings' is declared at t.yaml:11, which holds; keep one of them"
    assert standing(found, "settings", "TenancySettings") == ("NameTaken", (told,))


def test_of_settings_of_the_cluster_the_sound_fields_hold() -> None:
    spec = {"unclaimed": "refuse", "protectedCIDRs": ["10.0.0.0/8", "x"], "clusterDomain": "a.example"}
    found = tenancy(guest("settings", spec, "TenancySettings"))
    assert (found.settings.unclaimed, found.settings.cluster_domain) == ("refuse", "a.example")
    assert found.settings.protected_cidrs == ()
    assert standing(found, "settings", "TenancySettings")[0] == "Invalid"
    assert found.problems != ()


@pytest.mark.parametrize("spec", [None, [], {"unclaimed": 1}, {"unknown": 1}])
def test_settings_of_which_nothing_is_sound_are_the_usual_ones(spec: object) -> None:
    assert tenancy(guest("settings", spec, "TenancySettings")).settings.unclaimed == "own-tenant"


def test_files_are_refused_whole_as_ever() -> None:
    with pytest.raises(TenancyError, match=r"t\.yaml:4:68: spec\.isolation is unknown"):
        tenancy(files=FILES.replace("labels:", "isolation: vm, labels:", 1))
