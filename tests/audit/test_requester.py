"""Who is taken to have made what exists: the tenant, a controller that acts for it, or the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.audit.requester import requester_of
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.tenancy.tenant import Claim, Owner, Settings, Tenancy, Tenant

Json = dict[str, Any]

TENANCY = Tenancy(
    (
        Tenant(
            "foo",
            claim=Claim(names=("foo",)),
            owners=(Owner("Group", "team-foo"), Owner("User", "alice"), Owner("User", "adam")),
        ),
        Tenant("bar", claim=Claim(names=("bar",)), owners=(Owner("User", "root"),)),
        Tenant("system", trusted=True, claim=Claim(names=("kube-system",))),
    ),
    settings=Settings(platform_users=("root",)),
)


def thing(
    kind: str, namespace: str = "foo", name: str = "web", *, api_version: str = "v1", **fields: Any
) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def asked(value: Json, *others: Json, tenancy: Tenancy = TENANCY) -> tuple[str, tuple[str, ...], str]:
    """The user, its groups, and why the object is the platform's."""
    cluster = Snapshot((value, *others))
    request = make_request(Manifest(value), cluster, Submission("CREATE", defaults=False))
    found = requester_of(Context(tenancy, cluster, request))
    return found.user.username, found.user.groups, found.platform


PLATFORM = (ADMINISTRATOR.username, ADMINISTRATOR.groups)


@pytest.mark.parametrize(
    ("namespace", "user", "groups"),
    [
        ("foo", "alice", ("team-foo", "system:authenticated")),
        # An owner who is of the platform is refused nothing: a tenant has others.
        ("bar", "system:serviceaccount:bar:default", ("system:authenticated",)),
        # A namespace that nobody claims is a tenant of its own.
        ("lonely", "system:serviceaccount:lonely:default", ("system:authenticated",)),
        ("kube-system", *PLATFORM),
    ],
)
def test_an_object_of_a_tenant_is_asked_about_as_the_tenant(
    namespace: str, user: str, groups: tuple[str, ...]
) -> None:
    assert asked(thing("ConfigMap", namespace)) == (user, groups, "")


def test_what_is_cluster_wide_is_asked_about_as_an_administrator() -> None:
    assert asked(thing("Node", "")) == (*PLATFORM, "")


def owned(kind: str, api_version: str, *, uid: str = "u1", controller: bool = True) -> Json:
    owner = {"apiVersion": api_version, "kind": kind, "name": "web", "uid": uid, "controller": controller}
    return {"ownerReferences": [owner]}


@pytest.mark.parametrize(
    ("kind", "api_version", "account"),
    [
        ("DaemonSet", "apps/v1", "daemon-set-controller"),
        ("ReplicaSet", "apps/v1", "replicaset-controller"),
        ("StatefulSet", "apps/v1", "statefulset-controller"),
        ("Job", "batch/v1", "job-controller"),
        ("ReplicationController", "v1", "replication-controller"),
    ],
)
def test_what_a_controller_made_is_asked_about_as_that_controller(
    kind: str, api_version: str, account: str
) -> None:
    maker = thing(kind, api_version=api_version, metadata={"uid": "u1"})
    user, _, platform = asked(thing("Pod", name="p", metadata=owned(kind, api_version)), maker)
    assert (user, platform) == (f"system:serviceaccount:kube-system:{account}", "")


@pytest.mark.parametrize(
    "owner",
    [
        owned("DaemonSet", "apps/v1", uid="another"),
        owned("DaemonSet", "apps/v1", controller=False),
        owned("DaemonSet", "example.com/v1"),
        owned("Widget", "apps/v1"),
        {"ownerReferences": "web"},
    ],
)
def test_an_owner_that_is_not_there_or_controls_nothing_is_no_maker(owner: Json) -> None:
    maker = thing("DaemonSet", api_version="apps/v1", metadata={"uid": "u1"})
    assert asked(thing("Pod", name="p", metadata=owner), maker)[0] == "alice"


MARK = {"labels": {"tenancy.gatekeeper-py.dev/protected": "true"}}
MARKED = "it bears the platform's mark, or hangs below what bears it"
UNMARKED = "it lacks the label tenancy.gatekeeper-py.dev/made-by-tenant, which a tenant's own bears"
TENANTS_OWN = {"labels": {"tenancy.gatekeeper-py.dev/made-by-tenant": "true"}}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (thing("Secret", metadata=MARK), MARKED),
        (thing("Namespace", "", name="foo"), "a Namespace does not say who made it"),
        (thing("ResourceQuota"), UNMARKED),
        (thing("LimitRange"), UNMARKED),
    ],
)
def test_what_is_the_platforms_says_why(value: Json, reason: str) -> None:
    assert asked(value) == (*PLATFORM, reason)


def test_a_quota_of_the_tenants_own_is_asked_about_as_the_tenant() -> None:
    assert asked(thing("ResourceQuota", metadata=TENANTS_OWN))[0] == "alice"


def test_what_hangs_below_the_platforms_is_the_platforms() -> None:
    maker = thing("DaemonSet", api_version="apps/v1", metadata={"uid": "u1", **MARK})
    assert asked(thing("Pod", name="p", metadata=owned("DaemonSet", "apps/v1")), maker)[2] == MARKED


def endpoint_slice(keeper: str, service: str = "web") -> Json:
    labels = {"endpointslice.kubernetes.io/managed-by": keeper, "kubernetes.io/service-name": service}
    return thing(
        "EndpointSlice", name="web-abc", api_version="discovery.k8s.io/v1", metadata={"labels": labels}
    )


SLICES, MIRROR = "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"
SELECTING = thing("Service", spec={"selector": {"app": "web"}})
PLAIN = thing("Service", spec={"ports": []})
OUTSIDE = thing("Service", spec={"selector": {"app": "web"}, "type": "ExternalName"})


@pytest.mark.parametrize(
    ("value", "others", "kept"),
    [
        (endpoint_slice(SLICES), [SELECTING], True),
        (endpoint_slice(SLICES), [PLAIN], False),
        (endpoint_slice(SLICES), [OUTSIDE], False),
        (endpoint_slice(SLICES), [], False),
        (endpoint_slice(SLICES, "another"), [SELECTING], False),
        (endpoint_slice("mine.example.com"), [SELECTING], False),
        (endpoint_slice(MIRROR), [thing("Endpoints")], True),
        (endpoint_slice(MIRROR), [SELECTING], False),
        (thing("Endpoints"), [SELECTING], True),
        (thing("Endpoints"), [PLAIN], False),
        (thing("ConfigMap"), [SELECTING], False),
    ],
)
def test_endpoints_are_the_control_planes_only_where_a_controller_keeps_them(
    value: Json, others: list[Json], kept: bool
) -> None:
    expected = (*PLATFORM, "") if kept else ("alice", ("team-foo", "system:authenticated"), "")
    assert asked(value, *others) == expected


@pytest.mark.parametrize(
    ("namespace", "name", "own"), [("default", "kubernetes", True), ("foo", "kubernetes", False)]
)
def test_the_service_of_the_api_server_is_its_own(namespace: str, name: str, own: bool) -> None:
    user, _, _ = asked(thing("Endpoints", namespace, name))
    assert (user == ADMINISTRATOR.username) == own


@pytest.mark.parametrize(("name", "kept"), [("kube-root-ca.crt", True), ("openshift-service-ca.crt", False)])
def test_the_certificate_of_the_api_server_is_the_control_planes(name: str, kept: bool) -> None:
    assert (asked(thing("ConfigMap", "foo", name, data={"ca.crt": "x"})) == (*PLATFORM, "")) is kept


def test_where_two_tenants_claim_a_namespace_nobody_is_chosen() -> None:
    named = Claim(selectors=(Selector.of({"matchLabels": {"kubernetes.io/metadata.name": "foo"}}),))
    both = Tenancy((Tenant("a", claim=named), Tenant("b", claim=named)))
    value: Mapping[str, Any] = thing("ConfigMap")
    request = make_request(Manifest(dict(value)), Snapshot(), Submission("CREATE", defaults=False))
    assert requester_of(Context(both, Snapshot(), request)).user == ADMINISTRATOR


SYNCERS = {
    name: ControlPlane(name, tenant, file=f"/{name}", syncers=(f"system:serviceaccount:{tenant}:vc-{name}",))
    for name, tenant in (("one", "foo"), ("two", "foo"), ("bars", "bar"))
}
NAMED, OLDER = "tenancy.gatekeeper-py.dev/control-plane", "vcluster.loft.sh/managed-by"


@pytest.mark.parametrize(
    ("planes", "kind", "labels", "user"),
    [
        (("one", "two", "bars"), "Pod", {NAMED: "one"}, "system:serviceaccount:foo:vc-one"),
        (("one", "two", "bars"), "Pod", {NAMED: "two", OLDER: "one"}, "system:serviceaccount:foo:vc-two"),
        # From before it was stamped: whose it is says nobody, unless there is one only.
        (("one", "bars"), "Pod", {OLDER: "inner"}, "system:serviceaccount:foo:vc-one"),
        (("one", "two"), "Pod", {OLDER: "one"}, "alice"),
        # Another tenant's brings nothing down here.
        (("bars",), "Pod", {NAMED: "bars", OLDER: "bars"}, "alice"),
        (("one",), "Pod", {}, "alice"),
        (("one",), "Service", {NAMED: "one", OLDER: "one"}, "alice"),
        ((), "Pod", {NAMED: "one", OLDER: "one"}, "alice"),
    ],
)
def test_a_pod_that_came_down_is_asked_about_as_what_brought_it_down(
    planes: tuple[str, ...], kind: str, labels: Json, user: str
) -> None:
    tenancy = replace(TENANCY, control_planes=tuple(SYNCERS[each] for each in planes))
    assert asked(thing(kind, metadata={"labels": labels}), tenancy=tenancy)[0] == user


def test_a_pod_that_came_down_by_a_template_is_asked_about_as_the_controller_that_made_it() -> None:
    owner = thing("ReplicaSet", api_version="apps/v1", metadata={"uid": "u"})
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
    value = thing("Pod", metadata={"labels": {NAMED: "one"}, "ownerReferences": [reference]})
    tenancy = replace(TENANCY, control_planes=(SYNCERS["one"],))
    assert (
        asked(value, owner, tenancy=tenancy)[0] == "system:serviceaccount:kube-system:replicaset-controller"
    )
