"""Which control planes are in force, what closes one, and whose is what within."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_with_tenancy
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.request import UserInfo
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.control_planes import inside, standing_of, why_closed
from gatekeeper_py.tenancy.documents import TenancyError, load_tenancy
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.policy.support import request

Json = dict[str, Any]

API = "tenancy.gatekeeper-py.dev/v1alpha1"
POD: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}


def document(kind: str, name: str, path: str = "t.yaml", **spec: Any) -> Manifest:
    value = {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return Manifest(value, Source(path))


def tenant(name: str, **spec: Any) -> Manifest:
    return document("Tenant", name, **{"namespaces": {"names": [name]}, **spec})


def plane(name: str = "one", path: str = "t.yaml", **spec: Any) -> Manifest:
    known = {"tenant": "foo", "kubeconfig": {"file": f"/etc/{name}"}}
    return document("ControlPlane", name, path, **{**known, **spec})


HOST = (tenant("foo"), tenant("bar"), tenant("dev"), tenant("ops", trusted=True))


def load(*documents: Manifest, living: tuple[Manifest, ...] = ()) -> Tenancy:
    return load_tenancy((*HOST, *documents), living)


def living(name: str = "one", **spec: Any) -> Manifest:
    return plane(name, f"cluster/ControlPlane/{name}", **spec)


# --- documents


@pytest.mark.parametrize(
    "name", ["a/b", "/etc", "../foo", "x y", "é", "Foo", "-a", "a-", "a_b", "a%2fb", "one\n", "a" * 54, "a.b"]
)
def test_a_name_that_makes_no_path_is_refused(name: str) -> None:
    with pytest.raises(TenancyError, match="which makes no path"):
        load(plane(name))


@pytest.mark.parametrize(
    "server", ["https://10.0.0.7:6443", "https://[fd00::7]", "https://foo.foo.svc:443", "https://127.0.0.1:1"]
)
def test_addresses_of_api_servers_are_taken(server: str) -> None:
    assert load(plane(server=server)).control_planes[0].server == server


def test_two_files_of_one_name_are_refused_and_a_file_holds_against_the_clusters() -> None:
    with pytest.raises(TenancyError, match="is declared at"):
        load(plane("one"), plane("one", tenant="bar", kubeconfig={"file": "/x"}))
    tenancy = load(plane("one"), living=(living("one", tenant="bar", kubeconfig={"file": "/x"}),))
    assert [each.tenant for each in tenancy.control_planes] == ["foo"]
    assert tenancy.standings["ControlPlane/one"].reason == "NameTaken"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"tenant": "nobody"}, "spec.tenant names the tenant 'nobody', which there is none of"),
        ({"tenant": "ops"}, "spec.tenant names the tenant 'ops', which is the platform's"),
        ({"kubeconfig": {}}, "spec.kubeconfig"),
        ({"kubeconfig": {"file": "relative"}}, "spec.kubeconfig.file"),
        ({"kubeconfig": {"secret": {"namespace": "foo", "name": "kc"}}}, "spec.server is absent"),
        ({"server": "http://10.0.0.1"}, "spec.server"),
        ({"server": "https://user@10.0.0.1"}, "spec.server"),
        *(
            ({"server": f"https://{host}"}, f"spec.server is {f'https://{host}'!r}, which is no address")
            for host in (
                "a b",
                ".",
                "a:0",
                "a:99999",
                "a:b",
                "[::1",
                "a\r\nX:y",
                "ä.example",
                "9" * 12,
                "a" * 64,
            )
        ),
        *(
            ({"server": f"https://{host}"}, f"spec.server is {f'https://{host}'!r}, where no API server is")
            for host in ("169.254.169.254", "2852039166", "0xa9.0xfe.1", "0", "[fe80::1%25eth0]", "224.0.0.1")
        ),
        (
            {"server": "https://[::ffff:169.254.169.254]:443"},
            "where no API server is: 169.254.169.254 is not",
        ),
        ({"server": "https://kubernetes.default.svc:443"}, "which is the host's own API server"),
        ({"server": "https://Kubernetes.Default.SVC.cluster.local."}, "which is the host's own API server"),
        ({"subTenants": [{"tenant": "dev"}]}, "spec.subTenants[0] says no namespace"),
        ({"subTenants": [{"tenant": "dev", "patterns": ["*"]}]}, "spec.subTenants[0].patterns[0]"),
        (
            {"subTenants": [{"tenant": "no", "names": ["a"]}]},
            "spec.subTenants[0].tenant names the tenant 'no'",
        ),
        (
            {"subTenants": [{"tenant": "dev", "patterns": ["a-*"]}, {"tenant": "bar", "names": ["a-b"]}]},
            "spec.subTenants[1] has namespaces that fit 'a-*' as well",
        ),
        (
            {"syncer": {"users": ["system:serviceaccount:kube-system:deployment-controller"]}},
            "spec.syncer.users[0] is 'system:serviceaccount:kube-system:deployment-controller', who is the platform",
        ),
        ({"syncer": {"users": ["system:kube-scheduler"]}}, "spec.syncer.users[0] is 'system:kube-scheduler'"),
        (
            {"pods": [{"namespace": "foo", "selector": {}}]},
            "spec.pods[0].selector would claim pods that lack",
        ),
        ({"kubeConfig": {"file": "/a"}}, "spec.kubeConfig"),
    ],
)
def test_a_document_that_is_wrong_is_told_with_its_place(spec: Json, told: str) -> None:
    with pytest.raises(TenancyError) as caught:
        load(plane(**spec))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ({"clientNames": ["a"]}, {"clientNames": ["b", "a"]}, "the client name 'a'"),
        ({"syncer": {"users": ["s"]}}, {"syncer": {"users": ["s"]}}, "the syncer 's'"),
        ({"kubeconfig": {"file": "/k"}}, {"kubeconfig": {"file": "/k"}}, "the kubeconfig /k"),
    ],
)
def test_what_two_share_closes_both_and_neither_of_the_files_holds(one: Json, other: Json, what: str) -> None:
    with pytest.raises(TenancyError) as caught:
        load(plane("one", **one), plane("two", **other))
    assert f"both have {what}. Leave it to one of them" in str(caught.value)
    found = load(living=(living("one", **one), living("two", **other), living("three")))
    assert [each.name for each in found.control_planes] == ["three"]
    assert {key: each.reason for key, each in found.standings.items()} == {
        "ControlPlane/one": "Conflict",
        "ControlPlane/two": "Conflict",
        "ControlPlane/three": "InForce",
    }
    assert why_closed(found, "one").startswith("the control plane 'one' is not in force: the control planes")
    assert why_closed(found, "three") == why_closed(found, "never") == ""


def test_the_files_hold_against_objects_of_the_cluster() -> None:
    found = load(
        plane("one", clientNames=["a"]),
        living=(living("two", clientNames=["a"]), living("one", server="https://x:1")),
    )
    assert [(each.name, each.source) for each in found.control_planes] == [("one", "t.yaml")]
    assert found.standings["ControlPlane/one"].reason == "NameTaken"
    assert found.standings["ControlPlane/two"].reason == "Conflict"


def test_one_that_is_bad_in_the_cluster_costs_only_itself() -> None:
    found = load(living=(living("one", tenant="nobody"), living("two")))
    assert [each.name for each in found.control_planes] == ["two"]
    assert found.standings["ControlPlane/one"].reason == "Invalid"
    assert found.by_name.keys() >= {"foo", "bar"}


def test_how_one_more_would_stand_is_told_before_it_is_written() -> None:
    found = load(plane("one", clientNames=["a"]))
    assert standing_of(living("two"), (), found).ready
    assert standing_of(living("two", clientNames=["a"]), (), found).reason == "Conflict"
    assert standing_of(living("two", clientNames=["b"]), (living("three", clientNames=["b"]),), found).faults


# --- what holds within


def within(*namespaces: str, host: Tenancy | None = None, **spec: Any) -> tuple[Tenancy, Snapshot]:
    host = host or load(plane(**spec))
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces]
    return inside(host.control_planes[0], host), Snapshot(objects, complete=True)


def asking(
    tenancy: Tenancy, cluster: Snapshot, user: str = "alice", groups: tuple[str, ...] = (), **fields: Any
) -> Context:
    asked = request(POD, user=UserInfo(user, groups=groups), **{"namespace": "default", **fields})
    return Context(tenancy, cluster, asked)


@pytest.mark.parametrize("namespace", ["default", "kube-system", "gatekeeper-system", "bar", "anything"])
def test_every_namespace_is_the_tenants_whatever_it_is_called(namespace: str) -> None:
    tenancy, cluster = within(namespace)
    owner = asking(tenancy, cluster).owner(namespace)
    assert owner is not None
    assert (owner.name, owner.trusted) == ("foo", False)


def test_namespaces_of_sub_tenants_are_theirs_and_the_rest_the_tenants() -> None:
    tenancy, cluster = within("dev-a", "shop", subTenants=[{"tenant": "dev", "patterns": ["dev-*"]}])
    context = asking(tenancy, cluster)
    assert {name: getattr(context.owner(name), "name", "") for name in ("dev-a", "shop")} == {
        "dev-a": "dev",
        "shop": "foo",
    }


def test_a_namespace_that_the_document_leaves_to_others_is_trusted() -> None:
    tenancy, cluster = within("kube-system", platform={"namespaces": ["kube-system"]})
    owner = asking(tenancy, cluster).owner("kube-system")
    assert owner is not None
    assert owner.trusted


@pytest.mark.parametrize(
    ("user", "groups"),
    [
        ("alice", ("system:masters",)),
        ("system:serviceaccount:kube-system:coredns", ()),
        ("system:serviceaccount:gatekeeper-system:gatekeeper", ()),
        ("system:serviceaccount:kube-system:deployment-controller", ()),
        ("system:kube-controller-manager", ("system:masters",)),
    ],
)
def test_nobody_there_makes_pods_as_the_platform(user: str, groups: tuple[str, ...]) -> None:
    tenancy, cluster = within("kube-system")
    context = asking(tenancy, cluster, user, groups, namespace="kube-system")
    assert not context.is_platform(context.request.user)


@pytest.mark.parametrize(
    "user", ["system:serviceaccount:kube-system:endpointslice-controller", "system:kube-scheduler", "syncer"]
)
def test_its_own_controllers_keep_account_of_what_is_there(user: str) -> None:
    tenancy, cluster = within("default", platform={"users": ["syncer"]})
    context = asking(tenancy, cluster, user, subresource="status", operation="UPDATE")
    assert context.is_platform(context.request.user)


def test_what_is_cluster_wide_there_is_everybodys_whom_its_rbac_lets() -> None:
    tenancy, cluster = within("default")
    assert asking(tenancy, cluster, namespace="").is_platform(UserInfo("alice"))
    host = load(plane())
    assert not asking(host, cluster, namespace="").is_platform(UserInfo("alice"))


def reference(namespace: str) -> Json:
    return {"kind": "Service", "group": "", "namespace": namespace, "name": "db"}


def test_a_namespace_that_is_not_there_may_be_the_hosts() -> None:
    tenancy, cluster = within("default", "bar")
    foo = tenancy.by_name["foo"]
    assert asking(tenancy, cluster).permits(foo, reference("bar"))
    tenancy, cluster = within("default")
    assert not asking(tenancy, cluster).permits(foo, reference("bar"))
    assert not asking(tenancy, cluster).permits(foo, reference("kube-system"))
    assert asking(tenancy, cluster).permits(foo, reference("nowhere"))


def test_a_tenant_alone_may_name_any_namespace_of_its_own_and_one_of_several_may_not() -> None:
    tenancy, cluster = within("default")
    assert asking(tenancy, cluster).permits(tenancy.by_name["foo"], reference("*"))
    tenancy, cluster = within("default", subTenants=[{"tenant": "dev", "patterns": ["dev-*"]}])
    assert not asking(tenancy, cluster).permits(tenancy.by_name["foo"], reference("*"))


# --- what comes down


def test_a_syncer_is_of_its_tenant_wherever_it_runs() -> None:
    user = UserInfo("system:serviceaccount:ops:vc-foo")
    plain = load()
    ops = Context(plain, Snapshot(), request(POD, user=user, namespace="bar"))
    assert ops.is_trusted(user)
    found = load(plane(syncer={"users": [user.username]}))
    context = Context(found, Snapshot(), request(POD, user=user, namespace="bar"))
    assert not context.is_trusted(user)
    assert not context.is_platform(user)
    assert context.tenants_of(user) == ["foo"]
    assert (context.control_plane_of(user), context.control_plane_of(UserInfo("alice"))) == ("one", "")
    assert found.by_name["foo"].synced_by == ("one",)


def test_documents_may_stand_beside_policies_and_their_namespaces_stay_as_they_were() -> None:
    policies, tenancy = load_with_tenancy((*HOST, plane()))
    assert Engine(policies, Snapshot()).owner("foo") == "foo"
    assert [each.name for each in tenancy.control_planes] == ["one"]
