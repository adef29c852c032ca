"""Policies from files, and from files and a live cluster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from gatekeeper_py.cluster.live import LiveCluster
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale
from gatekeeper_py.objects.resource import GroupVersion, GroupVersionKind
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.origin import TENANCY_KINDS, Demands, FromCluster, FromFiles
from gatekeeper_py.webhook.revision import BadPolicies, Policies, Reviewer, Webhook
from tests.policy.support import CONFIG_MAP, bound, mutating, request, validating

Json = dict[str, Any]

CONFIG_MAP_KIND = GroupVersionKind("", "v1", "ConfigMap")
NO = validating("no", validations=[{"expression": "false"}])
STAMP = mutating("stamp", "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]")
LOOKS_UP = validating(
    "looks",
    validations=[{"expression": "cluster.get('v1', 'ConfigMap', request.namespace, 'known').hasValue()"}],
)
KNOWN = {**CONFIG_MAP, "metadata": {"name": "known", "namespace": "cases"}}
OF_TENANT = validating("owned", validations=[{"expression": "tenant != null && tenant.name == 'foo'"}])


def tenant(name: str = "foo", version: str = "1", **spec: Any) -> Json:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": version},
        "spec": {"namespaces": {"names": ["cases"]}, **spec},
    }


def write(folder: Path, *objects: Json, name: str = "policies.json") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    return folder


def in_force(*policies: Json) -> tuple[Json, ...]:
    return (*policies, *map(bound, policies))


def ask(review: Reviewer, webhook: Webhook, asked: AdmissionRequest | None = None) -> Decision:
    return review(asked or request(CONFIG_MAP), webhook, time.monotonic() + 60)


class Live:
    """A live cluster whose news the test decides."""

    max_age = 30.0

    def __init__(self, *objects: Json, synced: bool = True) -> None:
        self.view = Snapshot(objects)
        self.synced = synced
        self.max_age = 30.0
        self.forbids = False
        self.problems = {CONFIG_MAP_KIND: "forbidden"}
        self.followed: list[frozenset[GroupVersionKind]] = []
        self.ages = {CONFIG_MAP_KIND: 1.5}

    @property
    def stale(self) -> dict[GroupVersionKind, Stale]:
        return {CONFIG_MAP_KIND: Stale(CONFIG_MAP_KIND, 47.0, "forbidden")}

    def inquire(self, name: str) -> bool:
        return name != "new"

    @property
    def seen(self) -> Snapshot:
        return self.view

    def wait_until_synced(self, seconds: float) -> bool:
        assert seconds > 0
        return self.synced

    def follow(self, kinds: Iterable[GroupVersionKind]) -> list[GroupVersionKind]:
        self.followed.append(frozenset(kinds))
        self.synced = self.synced and not self.forbids
        return list(kinds)

    def unfollow(self, kinds: Iterable[GroupVersionKind]) -> None:
        self.followed.remove(frozenset(kinds))
        self.synced = True


def from_cluster(folder: Path, live: Live) -> FromCluster:
    return FromCluster(folder, cast(LiveCluster, live))


# --- files


def test_each_door_has_its_own_phase(tmp_path: Path) -> None:
    loaded = FromFiles(write(tmp_path, *in_force(NO, STAMP)), None).load()
    mutated, validated = ask(loaded.review, "mutate"), ask(loaded.review, "validate")
    assert loaded.count == 2
    assert (mutated.allowed, len(mutated.patch)) == (True, 1)
    assert (validated.allowed, validated.patch) == (False, ())


def test_the_cluster_may_be_files_which_count_as_policies_do(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", *in_force(LOOKS_UP))
    cluster = write(tmp_path / "cluster", CONFIG_MAP)
    origin = FromFiles(policies, cluster)
    before = origin.fingerprint()
    assert not ask(origin.load().review, "validate").allowed
    write(cluster, KNOWN)
    assert origin.fingerprint() != before
    assert ask(origin.load().review, "validate").allowed
    assert origin.watched == [policies, cluster]


BAD: dict[str, Callable[[Path], FromFiles]] = {
    "no such folder": lambda folder: FromFiles(folder / "gone", None),
    "no such cluster": lambda folder: FromFiles(write(folder, NO), folder / "gone"),
    "no YAML": lambda folder: FromFiles(_raw(folder, "a: [b"), None),
    "no object": lambda folder: FromFiles(_raw(folder, "- 1"), None),
    "no policy": lambda folder: FromFiles(write(folder, {**NO, "spec": {}}), None),
    "no expression": lambda folder: FromFiles(
        write(folder, validating("p", validations=[{"expression": "tenant.nmae"}])), None
    ),
    "no tenant": lambda folder: FromFiles(write(folder, tenant(isolation="vm")), None),
    "a bad cluster": lambda folder: FromFiles(write(folder, NO), _raw(folder / "cluster", "{")),
}


def _raw(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_cannot_be_loaded_says_where_and_why(tmp_path: Path, make: Callable[[Path], FromFiles]) -> None:
    with pytest.raises(BadPolicies) as caught:
        make(tmp_path).load()
    assert caught.value.problems
    assert all(problem.startswith(str(tmp_path)) for problem in caught.value.problems)


# --- a live cluster


def test_the_kinds_policies_name_are_followed(tmp_path: Path) -> None:
    live = Live()
    from_cluster(write(tmp_path, *in_force(LOOKS_UP)), live).load()
    assert live.followed == [frozenset({CONFIG_MAP_KIND})]


def test_an_edit_that_names_a_kind_that_cannot_be_read_is_refused_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    live = Live()
    live.forbids = True
    origin = from_cluster(write(tmp_path, *in_force(LOOKS_UP)), live)
    before = origin.fingerprint()
    with pytest.raises(BadPolicies, match="the cluster: ConfigMap: forbidden"):
        origin.load()
    assert (live.followed, live.synced) == ([], True)
    write(tmp_path, *in_force(NO))
    assert origin.fingerprint() != before
    live.forbids = False
    assert origin.load().count == 1


def test_what_is_stale_is_told(tmp_path: Path) -> None:
    assert from_cluster(tmp_path, Live()).notices() == [
        "ConfigMap (v1) was last known 47 s ago: forbidden. What needs it is refused, but for the platform"
    ]
    assert FromFiles(tmp_path, None).notices() == []


SCALERS = {
    "apiGroups": ["autoscaling"],
    "apiVersions": ["v1"],
    "operations": ["*"],
    "resources": ["horizontalpodautoscalers"],
}


def test_the_versions_that_policies_need_are_told(tmp_path: Path) -> None:
    policy = validating(
        "p", matchConstraints={"resourceRules": [SCALERS]}, validations=[{"expression": "true"}]
    )
    folder = write(tmp_path, *in_force(policy))
    for origin in (from_cluster(folder, Live()), FromFiles(folder, None)):
        assert origin.load().conversions() == {GroupVersion("autoscaling", "v1")}


def test_a_stale_tenant_leaves_what_was_loaded_and_closes_decisions(tmp_path: Path) -> None:
    live = Live(tenant())
    origin = from_cluster(write(tmp_path, *in_force(OF_TENANT)), live)
    review = origin.load().review
    live.view = cast(Snapshot, Guarded(live.view, {TENANCY_KINDS[0]: Stale(TENANCY_KINDS[0], 47.0, "403")}))
    decision = ask(review, "validate")
    assert decision.status is not None
    assert decision.status.code == 503


def test_each_review_sees_the_cluster_of_its_moment(tmp_path: Path) -> None:
    live = Live()
    review = from_cluster(write(tmp_path, *in_force(LOOKS_UP)), live).load().review
    assert not ask(review, "validate").allowed
    live.view = Snapshot([KNOWN])
    assert ask(review, "validate").allowed


def test_tenants_may_be_objects_of_the_cluster(tmp_path: Path) -> None:
    live = Live(tenant())
    loaded = from_cluster(write(tmp_path, *in_force(OF_TENANT)), live).load()
    assert (loaded.count, ask(loaded.review, "validate").allowed) == (1, True)
    assert {kind.kind for kind in TENANCY_KINDS} == {"Tenant", "TenancySettings", "Waiver", "ControlPlane"}


def test_a_bad_tenant_of_the_cluster_costs_only_itself(tmp_path: Path) -> None:
    live = Live(tenant(), tenant("bad", isolation="vm", namespaces={"names": ["other"]}))
    loaded = from_cluster(write(tmp_path, *in_force(OF_TENANT)), live).load()
    assert ask(loaded.review, "validate").allowed
    (problem,) = loaded.problems
    assert problem.startswith("cluster/Tenant/bad: spec.isolation is unknown; ")


def test_a_tenant_in_both_places_is_that_of_the_file(tmp_path: Path) -> None:
    live = Live(tenant(labels={"a": "b"}))
    loaded = from_cluster(write(tmp_path, *in_force(OF_TENANT), tenant()), live).load()
    assert ask(loaded.review, "validate").allowed
    (problem,) = loaded.problems
    assert problem.startswith(f"cluster/Tenant/foo: Tenant 'foo' is declared at {tmp_path}/policies.json:3, ")


def test_new_tenants_are_put_over_the_files_in_force_while_those_there_are_bad(tmp_path: Path) -> None:
    live = Live(tenant("bar", namespaces={"names": ["bar"]}))
    policies = Policies(from_cluster(write(tmp_path, *in_force(OF_TENANT)), live).load)
    assert not ask(policies.reload().loaded.review, "validate").allowed
    (tmp_path / "more.yaml").write_text("a: [b")
    live.view = Snapshot([tenant("bar", namespaces={"names": ["bar"]}), tenant()])
    with pytest.raises(BadPolicies):
        policies.reload()
    assert policies.in_force is not None
    assert ask(policies.in_force.loaded.review, "validate").allowed
    (problem,) = policies.problems
    assert problem.startswith(f"{tmp_path}/more.yaml:2:1: not valid YAML")


# --- nothing there


@pytest.mark.parametrize("documents", [(), (tenant(),)], ids=["nothing", "tenants only"])
def test_without_a_policy_nothing_is_served_unless_nobody_demands_one(
    tmp_path: Path, documents: tuple[Json, ...]
) -> None:
    folder = write(tmp_path, *documents) if documents else tmp_path
    for origin in (FromFiles(folder, None), from_cluster(folder, Live())):
        with pytest.raises(BadPolicies) as caught:
            origin.load()
        (problem,) = caught.value.problems
        assert problem.startswith(f"{folder}: holds no policy")
        assert problem.endswith("; --allow-no-policies would serve without")
    assert FromFiles(folder, None, Demands(policies=False)).load().count == 0


def test_policies_about_tenants_want_a_tenancy_document_from_anywhere(tmp_path: Path) -> None:
    folder = write(tmp_path, *in_force(OF_TENANT))
    for origin in (FromFiles(folder, None), from_cluster(folder, Live())):
        with pytest.raises(BadPolicies) as caught:
            origin.load()
        assert caught.value.problems == (
            f"{folder}: the policies ask about tenants, and there is no tenancy document. Add the "
            "TenancySettings, or a Tenant; --allow-no-tenants would serve without, and nothing would be a "
            "tenant's",
        )
    assert from_cluster(folder, Live(tenant())).load().count == 1
    assert FromFiles(folder, None, Demands(tenants=False)).load().count == 1


def test_policies_about_nobody_in_particular_want_no_tenancy_document(tmp_path: Path) -> None:
    hidden = validating("macro", validations=[{"expression": "[1].all(tenant, tenant > 0)"}])
    assert FromFiles(write(tmp_path, *in_force(NO, hidden)), None).load().count == 2


def test_what_does_nothing_is_a_warning(tmp_path: Path) -> None:
    folder = write(tmp_path, NO)
    for origin in (FromFiles(folder, None), from_cluster(folder, Live())):
        (warning,) = origin.load().warnings()
        assert 'policy "no" has no binding, so it is not in force. ' in warning


def test_policies_about_kinds_the_cluster_lacks_are_told_by_name(tmp_path: Path) -> None:
    rule = {"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
    argo = validating(
        "argo", validations=[{"expression": "true"}], matchConstraints={"resourceRules": [rule]}
    )
    folder = write(tmp_path, *in_force(argo))
    assert FromFiles(folder, None).load().warnings() == ()
    assert from_cluster(folder, Live()).load().warnings() == (
        "the cluster serves nothing that these policies are about: argo",
    )


@pytest.mark.parametrize(
    ("later", "seen"),
    [
        (Live(tenant()), False),
        (Live(tenant(version="2")), True),
        (Live(tenant(), tenant("bar")), True),
        (Live(), True),
        (Live(tenant(), KNOWN), False),
    ],
    ids=["nothing", "an edited tenant", "a new tenant", "no tenant any more", "another object"],
)
def test_only_changes_of_tenants_load_anew(tmp_path: Path, later: Live, seen: bool) -> None:
    write(tmp_path, NO)
    before = from_cluster(tmp_path, Live(tenant())).fingerprint()
    assert (from_cluster(tmp_path, later).fingerprint() != before) is seen


def test_a_tenant_whose_status_alone_is_new_does_not_load_anew(tmp_path: Path) -> None:
    write(tmp_path, NO)

    def seen(generation: int, version: str) -> object:
        made = tenant(version=version)
        made["metadata"]["generation"] = generation
        return from_cluster(tmp_path, Live(made)).fingerprint()

    assert seen(1, "1") == seen(1, "2") != seen(2, "3")


def test_a_cluster_that_is_not_read_yet_gives_no_policies(tmp_path: Path) -> None:
    origin = from_cluster(write(tmp_path, NO), Live(synced=False))
    with pytest.raises(BadPolicies) as caught:
        origin.load()
    assert caught.value.problems == ("the cluster: ConfigMap: forbidden",)


def test_a_namespace_has_an_owner_once_it_is_known_or_claimed_by_name(tmp_path: Path) -> None:
    live = Live(tenant())
    live.view = Snapshot([tenant(), NEWS], complete=True)
    loaded = from_cluster(write(tmp_path, *in_force(NO)), live).load()
    owners = {name: loaded.owner(name) for name in ("cases", "news", "unheard-of")}
    assert owners == {"cases": "foo", "news": "news", "unheard-of": ""}
    assert [loaded.knows(name) for name in ("news", "unheard-of")] == [True, False]
    assert set(loaded.tenancy.by_name) == {"foo", "platform"}


NEWS = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "news"}}


def test_a_view_has_an_age_by_kind(tmp_path: Path) -> None:
    assert from_cluster(tmp_path, Live()).ages() == {"ConfigMap": 1.5}
    assert FromFiles(tmp_path, None).ages() == {}


# --- a ceiling over a tenant

CEILING = validating(
    "ceiling",
    matchConstraints={
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        ]
    },
    validations=[{"expression": "ceilingExcess(object).size() == 0"}],
)
LOW = tenant(ceiling={"pods": 1})


def pod(name: str) -> Json:
    metadata = {"name": name, "namespace": "cases"}
    spec = {"containers": [{"name": "a", "image": "a"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_a_live_cluster_counts_what_was_admitted_before_it_is_seen(tmp_path: Path) -> None:
    ended = {**pod("ended"), "status": {"phase": "Failed"}}
    loaded = from_cluster(write(tmp_path, *in_force(CEILING), LOW), Live(ended)).load()
    found = [ask(loaded.review, "validate", request(pod(name))).allowed for name in ("a", "b", "a")]
    assert found == [True, False, True]  # the last is the first again, which takes no more than it has


def test_files_cannot_tell_what_is_left_of_a_ceiling(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", pod("there"))
    loaded = FromFiles(write(tmp_path / "policies", *in_force(CEILING), LOW), cluster).load()
    refused = ask(loaded.review, "validate", request(pod("a")))
    assert not refused.allowed
    assert refused.status is not None
    assert "nobody can tell what is left of the tenant's ceiling" in refused.status.message
