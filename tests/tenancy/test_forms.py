"""Each form reads what a tenant wrote in a field and tells what it names."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.tenancy.forms import (
    ANYWHERE,
    FORMS,
    JOINED,
    NAME_LABEL,
    QUALIFIED,
    Emit,
    Finds,
    beside,
    beside_namespace,
    object_name,
    only_values,
)

Told = tuple[str, str, str, str]
"""Path, kind, namespace and name of a reference."""

OWN = "foo-a"


def told(emit: Emit, value: Any, around: Any = None) -> list[Told]:
    finds = Finds(OWN, [])
    emit(value, around, "f", finds)
    return [(found["path"], found["kind"], found["namespace"], found["name"]) for found in finds.references]


READINGS: dict[str, tuple[str, str, Any, list[Told]]] = {
    "a namespace": ("namespace", "", "bar", [("f", "Namespace", "bar", "bar")]),
    "namespaces in a list": ("namespace", "", ["~", "bar"], [("f[1]", "Namespace", "bar", "bar")]),
    "keys that begin with a namespace": (
        "dotted",
        "Secret",
        {"web": [], "bar.web": [], ".web": []},
        [("f.bar.web", "Secret", "bar", "web")],
    ),
    "one's own namespace by a sign": ("namespace", "", ".", []),
    "namespaces in a text": (
        "namespaces",
        "",
        "bar, ,baz",
        [("f", "Namespace", "bar", "bar"), ("f", "Namespace", "baz", "baz")],
    ),
    "a regular expression for namespaces": (
        "namespaces",
        "",
        "ba.+",
        [("f", "Namespace", ANYWHERE, "ba.+")],
    ),
    "a name without a namespace": ("named", "Service", "db", [("f", "Service", OWN, "db")]),
    "a name with a namespace": ("named", "Service", "bar/db@eth0", [("f", "Service", "bar", "db")]),
    "a name behind an empty namespace": ("named", "Service", "/db", [("f", "Service", OWN, "db")]),
    "a second name after one's own": (
        "named",
        "Service",
        "db@eth0, bar/db",
        [("f", "Service", OWN, "db"), ("f", "Service", "bar", "db")],
    ),
    "a host without a namespace": ("named", "Host", "db.example.com", []),
    "a host in any namespace": ("named", "Host", "*/db", [("f", "Host", "*", "db")]),
    "Multus' long form": (
        "named",
        "Net",
        '[{"name": "n", "namespace": "bar"}, {"name": "o"}]',
        [("f", "Net", "bar", "n"), ("f", "Net", OWN, "o")],
    ),
    "a namespace under a key in another case, and twice": (
        "named",
        "Net",
        ' {"name": "n", "Namespace": "bar", "namespace": "foo-a"}',
        [("f", "Net", "bar", "n"), ("f", "Net", OWN, "n")],
    ),
    "a long form nobody can read": ("named", "Net", "[{", [("f", "Net", ANYWHERE, "[{")]),
    "a long form too deep to read": (
        "named",
        "Net",
        "[" * 100_000,
        [("f", "Net", ANYWHERE, "[" * 100)],
    ),
    "one's own middleware": (
        "middlewares",
        "",
        "foo-a-auth@kubernetescrd",
        [("f", JOINED, OWN, "foo-a-auth")],
    ),
    "a middleware of a namespace that begins like one's own": (
        "middlewares",
        "",
        "foo-auth@kubernetescrd, foo-ab-auth@kubernetescrd",
        [("f", JOINED, "foo", "foo-auth"), ("f", JOINED, "foo", "foo-ab-auth")],
    ),
    "another's middleware": (
        "middlewares",
        "",
        "x@file, bar-auth@kubernetescrd",
        [("f", JOINED, "bar", "bar-auth")],
    ),
    "a ServiceAccount of one's own": (
        "subject",
        "",
        {"kind": "ServiceAccount", "name": "a"},
        [("f.name", "ServiceAccount", OWN, "a")],
    ),
    "a ServiceAccount elsewhere": (
        "subject",
        "",
        {"kind": "ServiceAccount", "name": "a", "namespace": "bar"},
        [("f.name", "ServiceAccount", "bar", "a")],
    ),
    "a ServiceAccount by its username": (
        "subject",
        "",
        {"kind": "User", "name": "system:serviceaccount:bar:a"},
        [("f.name", "ServiceAccount", "bar", "a")],
    ),
    "all ServiceAccounts of a namespace": (
        "subject",
        "",
        {"kind": "Group", "name": "system:serviceaccounts:bar"},
        [("f.name", "ServiceAccount", "bar", ANYWHERE)],
    ),
    "all ServiceAccounts": (
        "subject",
        "",
        {"kind": "Group", "name": "system:serviceaccounts"},
        [("f.name", "ServiceAccount", ANYWHERE, ANYWHERE)],
    ),
    "a person": ("subject", "", {"kind": "User", "name": "eve"}, [("f.name", "User", "", "eve")]),
    "a principal of Istio": (
        "principal",
        "",
        "cluster.local/ns/bar/sa/a",
        [("f", "ServiceAccount", "bar", "a")],
    ),
    "every principal of a namespace": (
        "principal",
        "",
        "td/ns/bar",
        [("f", "ServiceAccount", "bar", ANYWHERE)],
    ),
    "any principal": ("principal", "", "*", [("f", "ServiceAccount", ANYWHERE, "*")]),
    "an entity that reaches tenants": ("entities", "", "cluster", [("f", "Entity", ANYWHERE, "cluster")]),
    "an entity that reaches none": ("entities", "", "world", [("f", "Entity", "", "world")]),
    "a parameter": (
        "parameters",
        "",
        {"name": "namespace", "value": "bar"},
        [("f.value", "Namespace", "bar", "bar")],
    ),
    "another parameter": ("parameters", "", {"name": "path", "value": "bar"}, []),
    "an address in the cluster": (
        "address",
        "",
        "https://u@db.bar.svc:8443/x",
        [("f", "Service", "bar", "db")],
    ),
    "addresses beyond": ("address", "", ["10.0.0.1"], [("f[0]", "Address", "", "10.0.0.1")]),
    "an address no URL reader takes": (
        "address",
        "",
        "https://[bar.svc",
        [("f", "Address", "", "https://[bar.svc")],
    ),
    "a host of two labels that is called": (
        "called",
        "",
        "http://u@DB.bar:8080/x",
        [("f", "Destination", "", "db.bar")],
    ),
    "a host of more labels that is called": (
        "called",
        "",
        "db.bar.svc:80",
        [("f", "Service", "bar", "db")],
    ),
    "hosts that a trigger calls": (
        "trigger",
        "",
        {"type": "kafka", "metadata": {"bootstrapServers": "a.bar:9092,b.bar.svc:9092", "topic": "c.bar"}},
        [
            ("f.metadata.bootstrapServers", "Destination", "", "a.bar"),
            ("f.metadata.bootstrapServers", "Service", "bar", "b"),
        ],
    ),
    "a trigger of odd shape": ("trigger", "", {"metadata": ["http://db.bar"]}, []),
    "a host name as it stands": ("host", "", "a.bar.svc", [("f", "", "", "a.bar.svc")]),
    "a plain word": ("external", "*Secret", "x", [("f", "Secret", "", "x")]),
    "a trigger by a cloud's own namespace": (
        "trigger",
        "",
        {"type": "azure-servicebus", "metadata": {"namespace": "bar"}},
        [("f.metadata", "", "", "")],
    ),
    "a trigger by the cluster's namespace": (
        "trigger",
        "",
        {"type": "prometheus", "metadata": {"namespace": "bar"}},
        [],
    ),
    "a field that says nothing": ("ignore", "", {"a": 1}, [("f", "", "", "")]),
    "a field that compares": ("compared", "", {"a": 1}, [("f", "", "", "")]),
    "a selector of one namespace": (
        "selector",
        "",
        {"matchLabels": {NAME_LABEL: "bar"}},
        [("f", "Namespace", "bar", "bar")],
    ),
    "a selector by any other label": (
        "selector",
        "",
        [{"matchLabels": {"team": "bar"}}],
        [("f[0]", "Namespace", ANYWHERE, "")],
    ),
    "a selector nobody can read": (
        "selector",
        "",
        {"matchExpressions": 7},
        [("f", "Namespace", ANYWHERE, "")],
    ),
    "a selector in a text": ("selector", "", "team=bar", [("f", "Namespace", ANYWHERE, "team=bar")]),
    "a Gateway for all": ("selector", "", {"from": "All"}, [("f.from", "Namespace", ANYWHERE, "All")]),
    "a Gateway for its own": ("selector", "", {"from": "Same", "any": True}, []),
    "a Gateway for some": (
        "selector",
        "",
        {"from": "Selector", "selector": {"matchLabels": {NAME_LABEL: "bar"}}},
        [("f.selector", "Namespace", "bar", "bar")],
    ),
    "a monitor of some namespaces": (
        "selector",
        "",
        {"matchNames": ["bar"]},
        [("f.matchNames[0]", "Namespace", "bar", "bar")],
    ),
    "a monitor of some, and of any": (
        "selector",
        "",
        {"matchNames": ["foo-a"], "any": True},
        [("f.matchNames[0]", "Namespace", OWN, OWN), ("f", "Namespace", ANYWHERE, "")],
    ),
    "a monitor of no namespace but its own": ("scrape", "", {"any": "true"}, [("f", "", "", "")]),
    "a monitor of any namespace": ("scrape", "", {"any": True}, [("f", "Namespace", ANYWHERE, "")]),
    "a namespace somewhere below": (
        "scan",
        "",
        {"a": [{"targetNamespace": "bar"}]},
        [("f.a[0].targetNamespace", "Namespace", "bar", "bar")],
    ),
    "namespaces in one text below": (
        "scan",
        "",
        {"namespaces": "bar/x;baz"},
        [("f.namespaces", "Namespace", "bar", "bar"), ("f.namespaces", "Namespace", "baz", "baz")],
    ),
    "all namespaces by a switch": (
        "scan",
        "",
        {"allNamespaces": True},
        [("f.allNamespaces", "Namespace", ANYWHERE, "true")],
    ),
    "all namespaces in short": ("scan", "", {"ns": "all"}, [("f.ns", "Namespace", ANYWHERE, "all")]),
    "a namespace by a preposition": (
        "scan",
        "",
        {"into": ["bar"]},
        [("f.into[0]", "Qualified", "", "bar/*")],
    ),
    "everywhere by a word": (
        "scan",
        "",
        {"everywhere": True},
        [("f.everywhere", "Namespace", ANYWHERE, "true")],
    ),
    "a pod on its node": (
        "scan",
        "",
        {"spec": {"hostNetwork": True, "volumes": [{"hostPath": {"path": "/"}}]}},
        [
            ("f.spec.hostNetwork", "Right", "", "hostNetwork"),
            ("f.spec.volumes[0].hostPath", "Right", "", "hostPath /"),
        ],
    ),
    "a switch that is off": ("scan", "", {"allNamespaces": False}, []),
    "a switch about one's own": ("scan", "", {"createNamespace": True}, []),
    "namespaces as keys and values of a map": (
        "scan",
        "",
        {"namespaceMapping": {"bar": "baz"}},
        [
            ("f.namespaceMapping[0]", "Namespace", "bar", "bar"),
            ("f.namespaceMapping[1]", "Namespace", "baz", "baz"),
        ],
    ),
    "a pattern of namespaces": (
        "scan",
        "",
        {"namespaceRegex": "^ba"},
        [("f.namespaceRegex", "Namespace", ANYWHERE, "^ba")],
    ),
    "a selector below": (
        "scan",
        "",
        {"namespaceSelector": {}},
        [("f.namespaceSelector", "Namespace", ANYWHERE, "")],
    ),
    "an object that names a namespace": (
        "scan",
        "",
        {"namespaceRef": {"name": "bar"}},
        [("f.namespaceRef.name", "Namespace", "bar", "bar")],
    ),
    "objects that name namespaces": (
        "scan",
        "",
        {"namespaces": [{"name": "bar"}]},
        [("f.namespaces[0].name", "Namespace", "bar", "bar")],
    ),
    "namespaces as a choice": (
        "scan",
        "",
        {"namespaces": {"from": "All"}},
        [("f.namespaces.from", "Namespace", ANYWHERE, "All")],
    ),
    "namespaces as a list below": (
        "scan",
        "",
        {"namespaces": {"names": ["bar"]}},
        [("f.namespaces.matchNames[0]", "Namespace", "bar", "bar")],
    ),
    "a namespace of settings": ("scan", "", {"namespace": {"create": True}}, []),
    "labels are no references": ("scan", "", {"labels": {"namespace": "bar"}}, []),
    "a ServiceAccount below": (
        "scan",
        "",
        {"serviceAccountRef": {"name": "a"}},
        [("f.serviceAccountRef", "ServiceAccount", OWN, "a")],
    ),
    "a parameter below": (
        "scan",
        "",
        {"params": [{"name": "namespace", "value": "bar"}]},
        [("f.params[0].value", "Namespace", "bar", "bar")],
    ),
    "pods by their namespaces": (
        "scan",
        "",
        {"pods": {"bar": ["db-0"], "metric": {"name": "x"}}},
        [("f.pods.bar", "Namespace", "bar", "bar")],
    ),
    "namespaces as the keys of a map": (
        "scan",
        "",
        {"namespaces": {"bar": {"replicas": 0}}},
        [("f.namespaces.bar", QUALIFIED, "", f"bar/{ANYWHERE}")],
    ),
    "namespaces that are chosen": (
        "scan",
        "",
        {"namespaces": {"include": ["bar"], "name": ""}},
        [("f.namespaces.include[0]", "Namespace", "bar", "bar")],
    ),
    "with whom something is shared": (
        "scan",
        "",
        {"copyTo": ["bar", 1], "appns": "bar"},
        [("f.copyTo[0]", QUALIFIED, "", f"bar/{ANYWHERE}"), ("f.appns", QUALIFIED, "", f"bar/{ANYWHERE}")],
    ),
    "Cilium's label for the namespace": (
        "scan",
        "",
        {f"k8s:io.cilium.k8s.namespace.labels.{NAME_LABEL}": "bar"},
        [(f"f.k8s:io.cilium.k8s.namespace.labels.{NAME_LABEL}", "Namespace", "bar", "bar")],
    ),
    "Cilium's other labels of namespaces": (
        "scan",
        "",
        {"io.cilium.k8s.namespace.labels.team": "bar"},
        [
            (
                "f.io.cilium.k8s.namespace.labels.team",
                "Namespace",
                ANYWHERE,
                "io.cilium.k8s.namespace.labels.team",
            )
        ],
    ),
    "a demand for some namespaces": (
        "scan",
        "",
        {"key": "k8s:io.kubernetes.pod.namespace", "operator": "In", "values": ["bar"]},
        [("f.values[0]", "Namespace", "bar", "bar")],
    ),
    "a demand for all but some namespaces": (
        "scan",
        "",
        {"key": "k8s:io.kubernetes.pod.namespace", "operator": "NotIn", "values": ["foo-a"]},
        [("f", "Namespace", ANYWHERE, "k8s:io.kubernetes.pod.namespace")],
    ),
}


@pytest.mark.parametrize(("form", "kind", "value", "expected"), READINGS.values(), ids=READINGS)
def test_a_form_tells_what_a_field_names(form: str, kind: str, value: Any, expected: list[Told]) -> None:
    assert told(FORMS[form]("", kind), value) == expected


def test_every_form_is_tested() -> None:
    assert {form for form, *_ in READINGS.values()} == set(FORMS)


STRANGE: tuple[Any, ...] = (None, True, 0, 1.5, "", [], {}, [None], [[[]]], {"": None}, {"name": {}})
EMITS = {
    **{form: make("g", "K") for form, make in FORMS.items() if form not in ("compared", "ignore")},
    "object_name": object_name("", "K", cluster=False),
    "beside_namespace": beside_namespace("name"),
}


@pytest.mark.parametrize("value", STRANGE, ids=repr)
@pytest.mark.parametrize("form", EMITS)
def test_no_value_takes_a_form_down_or_names_a_thing(form: str, value: Any) -> None:
    for around in STRANGE:
        assert {namespace for _, _, namespace, _ in told(EMITS[form], value, around)} <= {ANYWHERE, OWN, ""}


OBJECTS: dict[str, tuple[Emit, Any, list[Told]]] = {
    "the usual kind, here": (object_name("", "Secret", cluster=False), {}, [("f", "Secret", OWN, "x")]),
    "the kind that stands beside": (
        object_name("", "Issuer", cluster=False),
        {"kind": "Role"},
        [("f", "Role", OWN, "x")],
    ),
    "a cluster-wide kind that stands beside": (
        object_name("", "Issuer", cluster=False),
        {"kind": "ClusterIssuer"},
        [("f", "ClusterIssuer", "", "x")],
    ),
    "a kind that nothing states": (object_name("", "*", cluster=False), {}, [("f", "", OWN, "x")]),
    "a cluster-wide field believes no kind": (
        object_name("", "Node", cluster=True),
        {"kind": "Pod"},
        [("f", "Node", "", "x")],
    ),
    "a namespace beside": (
        beside("", "Secret", "namespace"),
        {"namespace": "bar"},
        [("f", "Secret", "bar", "x")],
    ),
    "no namespace beside": (beside("", "Secret", "namespace"), {}, [("f", "Secret", OWN, "x")]),
    "a cluster-wide kind with a namespace beside": (
        beside("", "Secret", "namespace"),
        {"kind": "ClusterRole", "namespace": "bar"},
        [("f", "ClusterRole", "bar", "x")],
    ),
    "a cluster-wide kind alone": (
        beside("", "Secret", "namespace"),
        {"kind": "StorageClass"},
        [("f", "StorageClass", "", "x")],
    ),
    "nothing stands around": (beside("", "Secret", "namespace"), None, []),
    "a namespace alone": (beside_namespace("name"), {}, [("f", "Namespace", "x", "x")]),
    "a namespace beside a name": (beside_namespace("name"), {"name": "y"}, []),
    "a namespace beside no real name": (
        beside_namespace("name"),
        {"name": 7},
        [("f", "Namespace", "x", "x")],
    ),
}


@pytest.mark.parametrize(("emit", "around", "expected"), OBJECTS.values(), ids=OBJECTS)
def test_what_stands_beside_a_name_says_what_it_names(emit: Emit, around: Any, expected: list[Told]) -> None:
    assert told(emit, "x", around) == expected


@pytest.mark.parametrize(
    ("around", "group"),
    [
        ({}, "own"),
        ({"kind": "K"}, "own"),
        ({"kind": "K", "apiVersion": "a.b/v1", "group": "c"}, "a.b"),
        ({"kind": "K", "apiVersion": "v1", "group": "c"}, "c"),
        ({"kind": "K", "apiGroup": ""}, ""),
        ({"kind": "K", "apiGroup": 7}, "own"),
    ],
)
def test_the_group_stands_in_an_api_version_or_alone(around: dict[str, Any], group: str) -> None:
    finds = Finds(OWN, [])
    object_name("own", "K", cluster=False)("x", around, "f", finds)
    assert [found["group"] for found in finds.references] == [group]


def _in(key: str, *values: str, operator: str = "In") -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        ([], None),
        ([_in("k", "a", "b")], {"a", "b"}),
        ([_in("k", "a", "b"), _in("k", "b", "c")], {"b"}),
        ([_in("k", "a"), _in("k", "b")], set()),
        ([_in("k", "a", operator="NotIn")], None),
        ([_in("other", "a")], None),
    ],
)
def test_only_a_demand_for_values_bounds_a_label(
    expressions: list[dict[str, Any]], expected: set[str] | None
) -> None:
    assert only_values(Selector.of({"matchExpressions": expressions}), "k") == expected
