"""What single values of a custom resource name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.tenancy.forms import Finds
from gatekeeper_py.tenancy.leaves import add_leaves, add_own_name
from gatekeeper_py.tenancy.places import CLUSTER


def found(**spec: Any) -> list[tuple[str, str, str]]:
    return found_in({"spec": spec})


def found_in(body: dict[str, Any], **known: bool) -> list[tuple[str, str, str]]:
    finds = Finds("foo", [])
    add_leaves(body, finds, CLUSTER, **known)
    return [(each["path"], each["kind"], each["namespace"] or each["name"]) for each in finds.references]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"a": ["http://db.bar.svc"]}, ("spec.a[0]", "Service", "bar")),
        ({"a": {"b": "http://localhost"}}, ("spec.a.b", "Inside", "http://localhost")),
        ({"a": "http://x.bar"}, ("spec.a", "Destination", "x.bar")),
        ({"a": "see http://db.bar.svc/x"}, ("spec.a", "Service", "bar")),
        ({"a": "see http://169.254.169.254/x"}, ("spec.a", "Inside", "see http://169.254.169.254/x")),
        ({"a": "/var/run/secrets/x"}, ("spec.a", "File", "/var/run/secrets/x")),
        ({"a": "../../proc/self/environ"}, ("spec.a", "File", "../../proc/self/environ")),
        (
            {"a": "/etc/./kubernetes/../kubernetes/pki"},
            ("spec.a", "File", "/etc/./kubernetes/../kubernetes/pki"),
        ),
        ({"a": "file:///root/.aws/credentials"}, ("spec.a", "File", "file:///root/.aws/credentials")),
        (
            {"a": "unix:///run/containerd/containerd.sock"},
            ("spec.a", "File", "unix:///run/containerd/containerd.sock"),
        ),
        ({"a": "~/.aws/credentials"}, ("spec.a", "File", "~/.aws/credentials")),
        ({"a": "${HOME}/.kube/config"}, ("spec.a", "File", "${HOME}/.kube/config")),
        ({"a": "@/var/run/secrets/x"}, ("spec.a", "File", "@/var/run/secrets/x")),
        ({"a": "/host/etc/shadow"}, ("spec.a", "File", "/host/etc/shadow")),
        ({"a": "/proc/1/root/etc/kubernetes/x"}, ("spec.a", "File", "/proc/1/root/etc/kubernetes/x")),
        ({"a": "npipe:////./pipe/docker_engine"}, ("spec.a", "File", "npipe:////./pipe/docker_engine")),
        ({"a": "host=db.bar.svc user=x"}, ("spec.a", "Service", "bar")),
        ({"a": "postgresql:///x?host=db.bar.svc"}, ("spec.a", "Service", "bar")),
        ({"a": "u:p@tcp(169.254.169.254:80)/x"}, ("spec.a", "Inside", "u:p@tcp(169.254.169.254:80)/x")),
        ({"impersonate": "system:serviceaccount:bar:x"}, ("spec.impersonate", "ServiceAccount", "bar")),
        ({"secret": "x@bar"}, ("spec.secret", "Qualified", "bar/x")),
        ({"source": "secret/x@bar"}, ("spec.source", "Qualified", "bar/x")),
        ({"account": "bar:default"}, ("spec.account", "Qualified", "bar/default")),
        ({"a": "namespace/bar"}, ("spec.a", "Qualified", "bar/")),
        ({"volumes": [{"id": "vol-01234567"}]}, ("spec.volumes[0].id", "Identity", "vol-01234567")),
        ({"a": "k8s://bar/x/key"}, ("spec.a", "Qualified", "bar/x/key")),
        ({"a": "ref+k8s://v1/Secret/bar/x/y"}, ("spec.a", "Qualified", "bar/x/y")),
        ({"tokenSecret": "bar/x"}, ("spec.tokenSecret", "Qualified", "bar/x")),
        ({"a": "acs:ram::1:role/x"}, ("spec.a", "Identity", "acs:ram::1:role/x")),
        ({"a": "arn:aws:iam::1:role/x"}, ("spec.a", "Identity", "arn:aws:iam::1:role/x")),
        ({"a": "sg-0123456789abcdef0"}, ("spec.a", "Identity", "sg-0123456789abcdef0")),
        ({"a": "x@p.iam.gserviceaccount.com"}, ("spec.a", "Identity", "x@p.iam.gserviceaccount.com")),
        ({"useInstanceProfile": True}, ("spec.useInstanceProfile", "Identity", "")),
        ({"use_vm_managed_identity": "true"}, ("spec.use_vm_managed_identity", "Identity", "")),
        ({"source": "InjectedIdentity"}, ("spec.source", "Identity", "")),
        ({"identityOwner": "operator"}, ("spec.identityOwner", "Identity", "")),
        ({"region": "eu", "auth": {}}, ("spec.auth", "Identity", "")),
        (
            {"serviceAccountRef": {"name": "a", "audiences": ["b"]}},
            ("spec.serviceAccountRef.audiences[0]", "Audience", "b"),
        ),
        (
            {"auth": {"serviceAccount": "a", "audience": "http://localhost"}},
            ("spec.auth.audience", "Audience", "http://localhost"),
        ),
        ({"args": [{"value": "http://localhost"}]}, ("spec.args[0].value", "Inside", "http://localhost")),
        ({"host": "db.bar"}, ("spec.host", "Destination", "db.bar")),
        ({"bootstrapServers": ["db.bar"]}, ("spec.bootstrapServers[0]", "Destination", "db.bar")),
        ({"nodes": {"db.bar.svc:80": 1}}, ("spec.nodes.db.bar.svc:80", "Service", "bar")),
        ({"config": {"url": "http://localhost"}}, ("spec.config.url", "Inside", "http://localhost")),
        ({"impersonate": {"groups": ["system:masters"]}}, ("spec.impersonate.groups[0]", "User", "*")),
        ({"secretKeyRef": {"name": "bar/x"}}, ("spec.secretKeyRef.name", "Qualified", "bar/x")),
        ({"a": "Secret/bar/x"}, ("spec.a", "Qualified", "bar/x")),
        ({"a": "/api/v1/namespaces/bar/secrets"}, ("spec.a", "Qualified", "bar/secrets/")),
        ({"a": "vol-0123456789abcdef0"}, ("spec.a", "Identity", "vol-0123456789abcdef0")),
        ({"iam": {"enabled": True}}, ("spec.iam.enabled", "Identity", "")),
        ({"listeners": [{"to": "http://a.bar.svc"}]}, ("spec.listeners[0].to", "Service", "bar")),
        ({"trust": {"jwksUri": "http://a.bar.svc"}}, ("spec.trust.jwksUri", "Service", "bar")),
        ({"contactPoints": ["db.bar"]}, ("spec.contactPoints[0]", "Destination", "db.bar")),
        ({"metricsCollector": "db.bar"}, ("spec.metricsCollector", "Destination", "db.bar")),
        ({"workloads": ["bar/x"]}, ("spec.workloads[0]", "Qualified", "bar/x")),
        ({"a": "deployment/bar/x"}, ("spec.a", "Qualified", "bar/x")),
        ({"a": "k8s:secret/bar/x#y"}, ("spec.a", "Qualified", "bar/x")),
        ({"a": "pvc://bar/x"}, ("spec.a", "Qualified", "bar/x")),
    ],
)
def test_a_value_names_something(spec: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found(**spec) == [expected]


@pytest.mark.parametrize(
    "spec",
    [
        {"a": "see http://localhost:8080/x"},
        {"env": [{"value": "http://localhost"}]},
        {"a": "host=127.0.0.1 user=x"},
        {"a": "bar/x"},
        {"a": "/dev/null"},
        {"username": "system:serviceaccount:bar:x"},
        {"jwt": {"issuer": "https://example.org", "audiences": ["b"]}},
        {"workloadIdentityFederation": {"audience": "b", "serviceAccountRef": {"audiences": ["c"]}}},
        {"args": ["--url=x", "http://localhost"]},
        {"containers": [{"x": "/var/run/secrets"}]},
        {"labels": {"a": "http://localhost"}},
        {"a": "/data/var/run/secrets"},
        {"a": "/etc/kubernetes-like"},
        {"a": "a text with /proc/self in it"},
        {"useInstanceProfile": False},
        {"source": "Secret"},
        {"owner": "operator"},
        {"auth": {}},
        {"region": "eu", "auth": {"secretRef": {"name": "a"}}},
        {"region": "eu", "emptyDir": {}},
        {"a": 1, "b": None, "c": [], "d": ""},
        {"a": "arn:aws:s3:::bucket"},
        {"cors": {"allowOrigins": ["http://localhost:3000"]}},
        {"config": {"origins": ["http://localhost:3000"]}},
        {"config": {"whitelist": ["127.0.0.1"]}},
        {"trustedProxies": ["127.0.0.1"], "noProxy": "localhost", "sniHosts": ["localhost"]},
        {"commonName": "localhost", "redirectURIs": ["http://localhost/callback"]},
        {"listenAddress": "127.0.0.1:8080", "bind": "127.0.0.1:80"},
        {"listeners": [{"address": "127.0.0.1:80", "hostname": "localhost"}]},
        {"exclude": ["/proc/*"], "photo": "db.bar"},
        {"hosts": ["localhost"], "names": ["127.0.0.1"], "usages": ["server auth"]},
        {"csr": {}, "ipAddresses": ["127.0.0.1"]},
        {"target": "bar:http", "mail": "x@bar", "app": "bar:latest"},
        {"credentialsRef": {"name": "aws"}},
        {"of": "bar/x", "volumes": [{"name": "a", "id": "vol-01234567"}]},
        {"iam": {"enabled": True, "serviceAccountName": "a"}},
        {"a": "v1.2.3.4", "host": "1.2.3", "service": "web"},
        {"a": "i-am-a-name", "b": "fs-cafe"},
    ],
)
def test_a_value_names_nothing(spec: dict[str, Any]) -> None:
    assert [each for each in found(**spec) if each[1] != "Destination"] == []


def test_a_program_of_the_namespace_talks_to_itself() -> None:
    """What is not itself is called all the same."""
    config = {"a": "http://localhost", "b": "http://169.254.169.254", "c": "http://db.bar.svc"}
    named = found_in({"spec": {"config": config}}, own_programs=True)
    assert [path for path, _, _ in named] == ["spec.config.b", "spec.config.c"]


@pytest.mark.parametrize(
    "spec",
    [
        {"host": "www.example.com"},
        {"dns": {"dnsNames": ["www.example.com"]}},
        {"ingress": {"rules": [{"host": "www.example.com"}]}},
        {"virtualhost": {"fqdn": "*.example.com"}},
        {"domains": [{"name": "www.example.com"}]},
        {"zone": "www.example.com"},
        {"subject": {"cn": "www.example.com"}},
        {"subjectAltNames": {"dns": ["www.example.com"]}},
        {"match": "Host(`www.example.com`) && PathPrefix(`/`)"},
    ],
)
def test_a_kind_that_nobody_knows_serves_a_name(spec: dict[str, Any]) -> None:
    assert [kind for _, kind, _ in found_in({"spec": spec}, unread=True) if kind == "Site"] == ["Site"]
    assert "Site" not in [kind for _, kind, _ in found(**spec)]


def test_a_record_stands_beside_its_zone() -> None:
    named = found_in({"spec": {"zone": "example.com", "name": "www"}}, unread=True)
    assert ("spec.name", "Site", "www.example.com") in named
    whole = found_in({"spec": {"zone": "example.com", "name": "www.example.com", "record": ""}}, unread=True)
    assert {name for _, kind, name in whole if kind == "Site"} == {"example.com", "www.example.com"}


def test_a_certificate_may_not_have_the_name_of_a_service() -> None:
    spec = {"dnsNames": ["db.bar.svc.cluster.local"], "host": "web.example.com"}
    assert ("spec.dnsNames[0]", "Service", "bar") in found_in({"spec": spec}, unread=True)


def test_a_name_that_is_only_called_is_not_served() -> None:
    spec: dict[str, Any] = {"smtp": {"host": "mail.example.com"}, "url": "https://www.example.com"}
    assert "Site" not in [kind for _, kind, _ in found_in({"spec": spec}, unread=True)]


THING = "arn:aws:s3:::x"


@pytest.mark.parametrize(
    "spec",
    [
        {"a": THING},
        {"secretArn": THING},
        {"a": "projects/x/secrets/y/versions/1"},
        {"a": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/x"},
        {"a": "ocid1.bucket.oc1..x"},
        {"volumeHandle": "x"},
        {"a": THING, "target": {"secretName": "x"}},
        {"a": THING, "secretRef": {"name": ""}},
        {"a": THING, "notify": {"webhook": {"secretRef": {"name": "x"}}}},
        {"a": THING, "imagePullSecret": "x"},
        {"source": {"a": THING}, "sink": {"secretRef": {"name": "x"}}},
    ],
)
def test_a_thing_of_the_account_is_the_operators_where_nobody_is_named(spec: dict[str, Any]) -> None:
    assert [kind for _, kind, _ in found_in({"spec": spec}, unread=True)] == ["Identity"]
    assert found(**spec) == []


@pytest.mark.parametrize(
    "named",
    [
        {"secretRef": {"name": "x"}},
        {"auth": {"serviceAccount": "x"}},
        {"provider": {"aws": {"auth": {"secretRef": {"name": "x"}}}}},
        {"connections": [{"credentials": {"secretName": "x"}}]},
    ],
)
def test_a_thing_of_the_account_is_reached_as_whoever_is_named(named: dict[str, Any]) -> None:
    assert found_in({"spec": {"a": THING, **named}}, unread=True) == []
    assert found_in({"spec": {"b": {"c": [{"a": THING}]}, **named}}, unread=True) == []


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"bucket": "bar-invoices"}, "bar-invoices/*"),
        ({"bucketName": "bar"}, "bar/*"),
        ({"vhost": "bar"}, "bar/*"),
        ({"topics": ["bar.*"]}, "bar.*"),
        ({"topicPrefix": "bar_"}, "bar_"),
        ({"databaseName": "bar-orders"}, "bar-orders"),
        ({"access": {"prefix": "bar/"}}, "bar/"),
    ],
)
def test_a_name_on_a_server_may_say_whose_it_is(spec: dict[str, Any], name: str) -> None:
    finds = Finds("foo", [])
    add_leaves({"spec": spec}, finds, CLUSTER, unread=True)
    assert [(each["kind"], each["name"]) for each in finds.references] == [("Owned", name)]
    assert found(**spec) == []


@pytest.mark.parametrize(
    "spec", [{"name": "bar-invoices"}, {"topic": "a b"}, {"bucket": "b" * 101}, {"topic": ""}]
)
def test_another_name_says_nothing(spec: dict[str, Any]) -> None:
    assert found_in({"spec": spec}, unread=True) == []


def test_a_statement_gives_rights_to_a_thing_whoever_is_named() -> None:
    thing = "arn:aws:s3:::bar-invoices"
    stated = {
        "serviceAccount": "default",
        "statements": [{"actions": ["s3:GetObject"], "resources": [thing]}],
    }
    assert found_in({"spec": stated}, unread=True) == [("spec.statements[0].resources[0]", "Identity", thing)]
    assert found_in({"spec": {"serviceAccount": "default", "resources": [thing]}}, unread=True) == []


def test_the_name_of_an_object_may_be_what_it_serves() -> None:
    for name, expected in (("www.example.com", ["www.example.com"]), ("web", []), (None, [])):
        finds = Finds("foo", [])
        add_own_name({"metadata": {"name": name}}, finds)
        assert [each["name"] for each in finds.references] == expected
    add_own_name({"metadata": []}, Finds("foo", []))


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(VALUES)
def test_whatever_a_tenant_writes_is_read(value: Any) -> None:
    found(a=value)


def test_a_report_with_many_links_to_few_hosts_names_few() -> None:
    links = [f"https://cve.example.org/{number}" for number in range(20_000)]
    assert len(found(links=links)) <= 1_000


def test_a_deep_object_is_read_to_its_bottom() -> None:
    value: Any = "http://localhost"
    for _ in range(5_000):
        value = [value]
    ((path, kind, _),) = found(a=value)
    assert kind == "Inside"
    assert path.startswith("...")
    assert path.endswith("[0][0]")


def test_a_long_key_does_not_make_long_paths() -> None:
    found_all = found(**{"k" * 100_000: ["http://localhost"] * 100})
    assert max(len(path) for path, _, _ in found_all) < 5_000
