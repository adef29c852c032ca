"""What namespaces use today, as grants of their tenant."""

from __future__ import annotations

from gatekeeper_py.drafting.grants import Grants
from gatekeeper_py.drafting.runtimes import Runtimes
from tests.drafting.support import Json, account, bound, of, runtime_class, seen


def deployment(namespace: str = "web", **spec: object) -> Json:
    return of("apps/v1", "Deployment", "d", namespace, spec={"template": {"spec": spec}})


def grants(*objects: Json) -> Grants:
    classes = [runtime_class("kata", "kata-qemu"), runtime_class("crun", "crun")]
    return Grants(seen(*classes, *objects), Runtimes.of(classes))


IN_USE = (
    deployment(runtimeClassName="kata", priorityClassName="high", schedulerName="volcano"),
    deployment(priorityClassName="system-node-critical", schedulerName="default-scheduler"),
    of(
        "batch/v1",
        "CronJob",
        "c",
        "web",
        spec={"jobTemplate": {"spec": {"template": {"spec": {"priorityClassName": "batch"}}}}},
    ),
    of("v1", "PersistentVolumeClaim", "p", "web", spec={"storageClassName": "fast"}),
    of("v1", "PersistentVolumeClaim", "q", "web", spec={}),
    of("v1", "Service", "s", "web", spec={"loadBalancerClass": "example.com/lb"}),
    of(
        "networking.k8s.io/v1",
        "Ingress",
        "i",
        "web",
        spec={
            "ingressClassName": "nginx",
            "rules": [{"host": "b.example.com"}, {}],
            "tls": [{"hosts": ["a.example.com"]}],
        },
    ),
    of(
        "networking.k8s.io/v1",
        "Ingress",
        "j",
        "web",
        metadata={"annotations": {"kubernetes.io/ingress.class": "old"}},
        spec={},
    ),
    of(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "g",
        "web",
        spec={"gatewayClassName": "envoy", "listeners": [{"hostname": "*.c.example.com"}, {}]},
    ),
    deployment("other", priorityClassName="others"),
)


def test_what_is_in_use_is_granted_and_nothing_else() -> None:
    assert grants(*IN_USE).spec(["web"]) == {
        "gatewayClasses": {"allowed": ["envoy"]},
        "hostnames": ["*.c.example.com", "a.example.com", "b.example.com"],
        "ingressClasses": {"allowed": ["nginx", "old"]},
        "loadBalancerClasses": {"allowed": ["example.com/lb"]},
        "priorityClasses": {"allowed": ["batch", "high"]},
        "schedulers": {"allowed": ["volcano"]},
        "storageClasses": {"allowed": ["fast"]},
    }


def test_who_is_bound_as_admin_of_a_namespace_owns_its_tenant() -> None:
    people = [{"kind": "User", "name": "alice"}, {"kind": "Group", "name": "devs"}]
    others = [account("ci", "web"), {"kind": "Group", "name": "system:authenticated"}]
    found = grants(
        bound("admin", *people, *others, kind="RoleBinding", where="web"),
        bound("admin", *people, kind="RoleBinding", where="web2"),
        bound("view", {"kind": "User", "name": "eve"}, kind="RoleBinding", where="web"),
        bound("admin", {"kind": "User", "name": "mallory"}, kind="RoleBinding", where="elsewhere"),
    )
    assert found.spec(["web", "web2"]) == {"owners": people}


def test_a_class_that_does_not_isolate_is_told_and_not_granted() -> None:
    found = grants(deployment(runtimeClassName="crun"), deployment(runtimeClassName="kata"), deployment())
    assert found.spec(["web"]) == {}
    assert list(found.comments(["web"])) == [
        "Pods name RuntimeClass crun, which does not isolate; `enforce` refuses them."
    ]
