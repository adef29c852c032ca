"""Tenants as objects of a real cluster: one that is bad, or claims another's namespace, costs only itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.demo import policies_in
from tests.e2e.cluster import SECONDS, Cluster, guarded
from tests.e2e.conftest import namespace
from tests.e2e.harness import ALICE, BOB, GATEKEEPER, ControlPlane, wait_for

Json = dict[str, Any]


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    namespaces = ("one", "two", "both", "late")
    with guarded(bare_plane, tmp_path_factory.mktemp("tenants"), namespaces) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_tenants(cluster: Cluster) -> Iterator[None]:
    """Each test begins and ends without objects; the platform may always delete them."""
    yield
    cluster.admin("delete", "tenants", "--all")
    wait_for("nothing in doubt", lambda: not cluster.ready()["problems"], SECONDS)


def tenant(name: str, *namespaces: str, **spec: Any) -> Json:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "namespaces": {"names": list(namespaces)},
            "runtimeClasses": {"default": "kata", "allowed": ["kata"]},
            **spec,
        },
    }


def labelled(cluster: Cluster, where: str, name: str) -> bool:
    """Whether a pod of the namespace is stamped with the tenant's name."""
    return f'"tenancy.gatekeeper-py.dev/tenant": "{name}"' in cluster._run(where)[0]


def test_one_that_claims_what_another_has_is_refused_with_both_names(cluster: Cluster) -> None:
    cluster.admin.apply(tenant("one", "one", "both"))
    wait_for("tenant one", lambda: labelled(cluster, "both", "one"), SECONDS)
    wait_for("its status", lambda: cluster.row("one")[:2] == ("True", "InForce"), SECONDS)
    said = cluster.admin.refused(tenant("two", "two", "both"))
    assert (
        "Tenant 'two': the tenants 'one' (cluster/Tenant/one) and 'two' both claim the namespace 'both'"
        in said
    )
    assert cluster.row("one")[2] == '["both","one"]'
    assert cluster.admin.run("get", "tenant", "two").returncode != 0


def test_one_named_like_or_claiming_what_the_files_claim_is_refused(cluster: Cluster) -> None:
    assert "is declared at" in cluster.admin.refused(tenant("foo", "one"))
    said = cluster.admin.refused(tenant("evil", "foo"))
    assert "the tenants 'foo' (" in said
    assert "policies/tenants/foo.yaml:" in said
    assert "the namespace 'kube-system' is the platform's" in cluster.admin.refused(
        tenant("evil", "kube-system")
    )
    assert "spec.externalIPs[0] is '10.0.0.1/8'" in cluster.admin.refused(
        tenant("evil", "one", externalIPs=["10.0.0.1/8"])
    )


def test_what_is_there_nevertheless_closes_what_both_claim_and_nothing_else(cluster: Cluster) -> None:
    with cluster.unguarded():
        cluster.admin.apply(
            tenant("one", "one", "both"), tenant("two", "two", "both"), tenant("evil", "foo", "late")
        )
    wait_for("the problems", lambda: len(cluster.ready()["problems"]) >= 3, SECONDS)
    both = "the tenants 'one' (cluster/Tenant/one) and 'two' (cluster/Tenant/two) both claim it"
    assert f"namespace 'both' is closed: {both}" in cluster.said("both")
    assert "namespace 'foo' is closed: the tenants 'evil' (cluster/Tenant/evil) and 'foo' (" in cluster.said(
        "foo"
    )
    alice = cluster.plane.kubectl(ALICE, "foo").run("create", "configmap", "c")
    assert "namespace 'foo' is closed" in alice.stderr
    for where, owner in (("one", "one"), ("two", "two"), ("bar", "bar"), ("late", "evil")):
        assert labelled(cluster, where, owner), where
    assert cluster.plane.kubectl(BOB, "bar").run("create", "configmap", "c").returncode == 0
    for name in ("one", "two", "evil"):
        wait_for("the status", lambda name=name: cluster.row(name)[:2] == ("False", "Conflict"), SECONDS)  # type: ignore[misc]

    cluster.server.stop()
    cluster.server.start()
    assert cluster.ready()["ready"] is True
    cluster.admin.apply(namespace("new"), tenant("new", "new"))
    wait_for("the new tenant", lambda: labelled(cluster, "new", "new"), SECONDS)

    cluster.admin.apply(tenant("two", "two"))
    wait_for("the mended namespace", lambda: labelled(cluster, "both", "one"), SECONDS)
    with cluster.server.stopped():
        cluster.admin("delete", "tenant", "evil")
    wait_for("the freed namespace", lambda: labelled(cluster, "foo", "foo"), SECONDS)
    wait_for("the status", lambda: cluster.row("two")[:2] == ("True", "InForce"), SECONDS)


def test_the_platform_mends_a_closed_namespace_and_a_tenant_does_not(cluster: Cluster) -> None:
    cluster.plane.kubectl(BOB, "bar")("create", "configmap", "old")
    with cluster.unguarded():
        cluster.admin.apply(tenant("evil", "bar"))
    wait_for("the problem", lambda: "is closed" in cluster.said("bar"), SECONDS)
    bob = cluster.plane.kubectl(BOB, "bar")
    assert "is closed" in bob.run("delete", "configmap", "old").stderr
    cluster.admin("label", "namespace", "bar", "looked-at=yes", "--overwrite")
    cluster.admin("delete", "configmap", "old", "-n", "bar")


def test_status_follows_the_namespaces(cluster: Cluster) -> None:
    cluster.admin.apply(tenant("grows", "first", "second"))
    wait_for("the status", lambda: cluster.row("grows")[2] == "[]", SECONDS)
    cluster.admin.apply(namespace("first"))
    wait_for("the namespace", lambda: cluster.row("grows")[2] == '["first"]', SECONDS)
    version = ("get", "tenant", "grows", "-o", "jsonpath={.metadata.resourceVersion}")
    before = cluster.admin(*version)
    cluster.admin.apply(namespace("unrelated"))
    wait_for("another tenant", lambda: cluster.runs("unrelated"), SECONDS)
    assert cluster.admin(*version) == before


def test_the_engine_may_write_status_and_nothing_else(cluster: Cluster) -> None:
    cluster.admin.apply(tenant("one", "one"))
    engine = cluster.plane.kubectl(GATEKEEPER)
    for verb in ("create", "update", "patch", "delete"):
        assert engine.run("auth", "can-i", verb, "tenants.tenancy.gatekeeper-py.dev").stdout.strip() == "no"
    can = engine.run("auth", "can-i", "patch", "tenants.tenancy.gatekeeper-py.dev", "--subresource=status")
    assert can.stdout.strip() == "yes"


def test_bad_files_do_not_keep_new_tenants_out(cluster: Cluster) -> None:
    bad = cluster.server.policies / "bad.yaml"
    bad.write_text("a: [b")
    try:
        wait_for("the problem", lambda: bool(cluster.ready()["problems"]), SECONDS)
        cluster.admin.apply(tenant("one", "one"))
        wait_for("the new tenant", lambda: labelled(cluster, "one", "one"), SECONDS)
    finally:
        bad.unlink()


EDITS: dict[str, Callable[[Path], object]] = {
    "emptied": lambda folder: _away(folder, "*"),
    "the tenants moved away": lambda folder: _away(folder, "tenants"),
    "a file without a byte": lambda folder: (folder / "tenants" / "foo.yaml").write_text(""),
    "a file cut at the mark": lambda folder: _cut(folder / "host-access" / "privileged.yaml"),
}


def _away(folder: Path, pattern: str) -> None:
    aside = folder.parent / "aside"
    aside.mkdir(exist_ok=True)
    for path in folder.glob(pattern):
        path.rename(aside / path.name)


def _cut(file: Path) -> None:
    head, mark, _ = file.read_text().rpartition("---\n")
    file.write_text(head + mark)


@pytest.mark.parametrize("case", EDITS)
def test_an_edit_that_takes_everything_away_opens_nothing(cluster: Cluster, case: str) -> None:
    folder = cluster.server.policies
    EDITS[case](folder)
    try:
        wait_for("the problem", lambda: bool(cluster.ready()["problems"]), SECONDS)
        for _ in range(10):
            assert "host-access-privileged" in cluster._privileged()
            assert cluster.runs("foo")
    finally:
        shutil.rmtree(folder.parent / "aside", ignore_errors=True)
        policies_in(folder.parent)
    wait_for("what there was", lambda: not cluster.ready()["problems"], SECONDS)
