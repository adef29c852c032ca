"""What an object names is found, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.forms import MAX_PATH, MAX_REFERENCES, Unreadable
from gatekeeper_py.tenancy.references import references


def body(api_version: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "foo"}, **rest}


def found(value: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(r["path"], r["kind"], r["namespace"], r["name"]) for r in references(value)]


RBAC = "rbac.authorization.k8s.io/v1"
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str, str]]]] = {
    "a secret in the environment of a template": (
        body(
            "apps/v1",
            "Deployment",
            spec={
                "template": {"spec": {"containers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]}},
            },
        ),
        [("spec.template.spec.containers[0].envFrom[0].secretRef.name", "Secret", "foo", "s")],
    ),
    "subjects in object form": (
        body(RBAC, "RoleBinding", subjects=[{"kind": "ServiceAccount", "name": "a", "namespace": "bar"}]),
        [("subjects[0].name", "ServiceAccount", "bar", "a")],
    ),
    "subjects in text form": (
        body(
            RBAC,
            "RoleBinding",
            subjects=[
                {"kind": "User", "name": "system:serviceaccount:bar:a"},
                {"kind": "Group", "name": "system:serviceaccounts:bar"},
                {"kind": "Group", "name": "system:serviceaccounts"},
            ],
        ),
        [
            ("subjects[0].name", "ServiceAccount", "bar", "a"),
            ("subjects[1].name", "ServiceAccount", "bar", "*"),
            ("subjects[2].name", "ServiceAccount", "*", "*"),
        ],
    ),
    "a Service by its DNS name": (
        body("v1", "Service", spec={"type": "ExternalName", "externalName": "db.bar.svc.cluster.local"}),
        [("spec.externalName", "Service", "bar", "db")],
    ),
    "a name outside": (
        body("v1", "Service", spec={"type": "ExternalName", "externalName": "db.example.com"}),
        [("spec.externalName", "Address", "", "db.example.com")],
    ),
    "a selector of one namespace": (
        body(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            spec={
                "ingress": [
                    {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bar"}}}]}
                ]
            },
        ),
        [("spec.ingress[0].from[0].namespaceSelector", "Namespace", "bar", "bar")],
    ),
    "a selector of all": (
        body(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            spec={"egress": [{"to": [{"namespaceSelector": {}}]}]},
        ),
        [("spec.egress[0].to[0].namespaceSelector", "Namespace", "*", "")],
    ),
    "a network in an annotation": (
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": "foo", "annotations": {"k8s.v1.cni.cncf.io/networks": "a, bar/b@eth1"}},
        },
        [
            ("metadata.annotations.k8s.v1.cni.cncf.io/networks", "NetworkAttachmentDefinition", "foo", "a"),
            ("metadata.annotations.k8s.v1.cni.cncf.io/networks", "NetworkAttachmentDefinition", "bar", "b"),
        ],
    ),
    "a cluster-wide issuer": (
        body("cert-manager.io/v1", "Certificate", spec={"issuerRef": {"kind": "ClusterIssuer", "name": "i"}}),
        [("spec.issuerRef.name", "ClusterIssuer", "", "i")],
    ),
    "a namespace beside a name that has none": (
        body("cert-manager.io/v1", "Certificate", spec={"issuerRef": {"name": "i", "namespace": "bar"}}),
        [
            ("spec.issuerRef.name", "Issuer", "foo", "i"),
            ("spec.issuerRef.namespace", "Namespace", "bar", "bar"),
        ],
    ),
    "a backend in another namespace": (
        body(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            spec={"rules": [{"backendRefs": [{"name": "db", "namespace": "bar"}]}]},
        ),
        [("spec.rules[0].backendRefs[0].name", "Service", "bar", "db")],
    ),
    "a namespace deep in a kind nobody knows": (
        body("example.com/v1", "Widget", spec={"a": [{"secretNamespace": "bar"}], "namespaces": ["baz"]}),
        [
            ("spec.a[0].secretNamespace", "Namespace", "bar", "bar"),
            ("spec.namespaces[0]", "Namespace", "baz", "baz"),
        ],
    ),
    "no namespace where a label is meant": (
        body("example.com/v1", "Widget", spec={"labels": {"namespace": "bar"}, "metricsNamespace": "my_app"}),
        [],
    ),
    "an empty selector of Prometheus is the own namespace": (
        body("monitoring.coreos.com/v1", "ServiceMonitor", spec={"namespaceSelector": {}}),
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reference_is_found(case: str) -> None:
    value, expected = CASES[case]
    assert found(value) == expected


FIELDS = [
    "backendRefs",
    "containers",
    "env",
    "from",
    "ingress",
    "kind",
    "matchExpressions",
    "matchLabels",
    "name",
    "namespace",
    "namespaces",
    "namespaceSelector",
    "rules",
    "spec",
    "subjects",
    "template",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    JSON,
    st.sampled_from(
        [
            ("v1", "Pod"),
            (RBAC, "RoleBinding"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute"),
            ("example.com/v1", "Widget"),
        ]
    ),
)
def test_whatever_a_tenant_writes_is_read(spec: Any, kind: tuple[str, str]) -> None:
    for reference in references({"apiVersion": kind[0], "kind": kind[1], "spec": spec, "subjects": spec}):
        assert all(
            isinstance(reference[key], str) for key in ("kind", "group", "namespace", "name", "path", "how")
        )


def test_what_is_ignored_is_so_with_all_below_it_and_nothing_beside() -> None:
    """KEDA's own namespaces are none for CloudWatch, and are for what scales by a workload."""
    types = ["aws-cloudwatch", "workload", *["aws-cloudwatch"] * 8, "workload"]
    triggers = [{"type": each, "metadata": {"a.b.namespace": "bar", "namespace": "bar"}} for each in types]
    paths = {
        r["path"] for r in references(body("keda.sh/v1alpha1", "ScaledObject", spec={"triggers": triggers}))
    }
    assert {path.partition(".metadata")[0] for path in paths} == {"spec.triggers[1]", "spec.triggers[10]"}


def test_many_things_ignored_are_passed_over_in_one_look_each() -> None:
    triggers = [{"type": "aws-cloudwatch", "metadata": {"namespace": "bar"}}] * (MAX_REFERENCES - 1)
    assert references(body("keda.sh/v1alpha1", "ScaledObject", spec={"triggers": triggers})) == []


def test_a_harmless_kind_names_the_services_that_its_pods_call_and_nothing_else() -> None:
    spec = {
        "clusters": [{"bootstrapServers": "a.bar.svc:9092,http://localhost:80"}],
        "host": "db.bar",
        "password": {"from": "file:///etc/kubernetes/admin.conf"},
        "role": "arn:aws:iam::1:role/admin",
    }
    named = references(body("kafka.strimzi.io/v1", "KafkaMirrorMaker2", spec=spec))
    assert [(each["path"], each["kind"], each["name"], each["how"]) for each in named] == [
        ("spec.clusters[0].bootstrapServers", "Service", "a", "pods"),
        ("spec.host", "Destination", "db.bar", "pods"),
    ]


def test_a_harmless_kind_may_have_any_number_of_values_that_are_no_service() -> None:
    files = [f"/var/run/secrets/{number}" for number in range(MAX_REFERENCES + 1)]
    assert references(body("kafka.strimzi.io/v1", "KafkaTopic", spec={"files": files})) == []


# --- what an author may cost


def widget(**spec: Any) -> dict[str, Any]:
    return body("example.com/v1", "Widget", spec=spec)


REPEATED: dict[str, dict[str, Any]] = {
    "a scanned text": widget(namespaces="bar," * 1000),
    "a scanned text of objects": widget(
        namespaceList=" ".join(f"bar/pod-{number}" for number in range(1000))
    ),
}


@pytest.mark.parametrize("value", REPEATED.values(), ids=REPEATED)
def test_who_says_it_again_names_nothing_more(value: dict[str, Any]) -> None:
    assert len(references(value)) == 1


NUMBERED = [f"n{number}" for number in range(MAX_REFERENCES + 1)]
EXCESSIVE: dict[str, dict[str, Any]] = {
    "names in a text": widget(namespaces=",".join(NUMBERED)),
    "names in a list": widget(namespaces=NUMBERED),
    "names in fields": widget(list=[{"namespace": name} for name in NUMBERED]),
    "subjects": body(RBAC, "RoleBinding", subjects=[{"kind": "User", "name": name} for name in NUMBERED]),
}


@pytest.mark.parametrize("value", EXCESSIVE.values(), ids=EXCESSIVE)
def test_an_object_that_names_too_many_is_not_judged(value: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match=f"more than {MAX_REFERENCES} .*: split it"):
        references(value)


def nested(depth: int, key: str, inner: Any) -> Any:
    for _ in range(depth):
        inner = {key: inner}
    return inner


def test_a_name_deeper_than_anybody_reads_is_not_judged() -> None:
    deep = nested(MAX_PATH // 100 + 1, "k" * 100, {"namespace": "bar"})
    with pytest.raises(Unreadable, match=f"a path of more than {MAX_PATH} characters"):
        references(widget(deep=deep))


def test_depth_that_names_nothing_costs_nothing() -> None:
    assert references(widget(deep=nested(900, "k" * 1000, {"list": [{"a": 1}] * 1000}))) == []
