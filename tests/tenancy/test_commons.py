"""What an object of a kind that nobody has read would do to what all tenants share."""

from __future__ import annotations

import time

import pytest

from gatekeeper_py.tenancy.commons import (
    answers_for_the_server,
    is_flag_for_all,
    is_for_all,
    is_kind_for_all,
    on_all_nodes,
    order_in,
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("GatewayScript", True),
        ("OperatorPlugin", True),
        ("EdgeProxyWasm", True),
        ("IngressSnippets", True),
        ("GatewayFilter", False),
        ("Plugin", False),
        ("Script", False),
        ("ProxyRoute", False),
        ("Gateway", False),
    ],
)
def test_a_kind_that_is_called_after_code_in_what_all_share(kind: str, expected: bool) -> None:
    assert is_kind_for_all(kind) is expected


@pytest.mark.parametrize(
    ("kind", "field", "text", "expected"),
    [
        ("Route", "lua", "return 1", True),
        ("EdgeFilter", "wasmUrl", "https://x.example.com/a.wasm", True),
        ("VirtualHost", "serverSnippet", "location /x {}", True),
        ("HttpFilter", "language", "lua", True),
        ("Game", "lua", "return 1", False),
        ("Game", "language", "lua", False),
        ("Route", "language", "en", False),
        ("Extension", "loadInto", "controller-manager", True),
        ("Extension", "injectInto", "kubelet", True),
        ("Extension", "loadInto", "web", False),
        ("Extension", "name", "controller", False),
        ("Role", "attributes", "SUPERUSER", True),
        ("Role", "memberOf", "rds_superuser", True),
        ("Role", "roles", "pg_read_server_files", True),
        ("Role", "roles", "readWrite", False),
        ("Role", "name", "superuser", False),
        ("Migration", "runAsRole", "postgres", True),
        ("Migration", "executeAs", "sa", True),
        ("Migration", "user", "postgres", False),
        ("Migration", "runAsRole", "app", False),
        ("ForwardZone", "zone", "cluster.local", True),
        ("ForwardZone", "zone", ".", True),
        ("ForwardZone", "stubDomain", "svc.cluster.local.", True),
        ("ForwardZone", "zones", "10.in-addr.arpa", True),
        ("ForwardZone", "zone", "foo.example.com", False),
        ("Database", "clusterDomain", "cluster.local", False),
        ("Database", "domain", "cluster.local", False),
        ("Job", "priorityClassName", "system-node-critical", True),
        ("Job", "priority", "system-cluster-critical", True),
        ("Job", "priorityClassName", "high", False),
        ("Job", "description", "system-node-critical", False),
        ("Route", "lua", "", False),
        ("Route", "lua", "x" * 300, True),
        ("Route", "l" * 65, "lua", False),
    ],
)
def test_a_value_that_asks_for_what_all_share(kind: str, field: str, text: str, expected: bool) -> None:
    assert is_for_all(kind, field, text) is expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("superuser", True),
        ("isSuperUser", True),
        ("bypassRLS", True),
        ("enableSuperuserAccess", False),
        ("login", False),
        ("makeClusterDefault", True),
        ("isDefaultClass", True),
        ("clusterWide", True),
        ("default", False),
        ("isDefault", False),
        ("s" * 65, False),
    ],
)
def test_a_flag_that_is_about_everybody(field: str, expected: bool) -> None:
    assert is_flag_for_all(field) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"scope": "node", "subnet": "10.96.0.0/12", "gateway": "10.1.1.1"}, "scope"),
        ({"applyTo": "all-nodes", "sysctls": {}}, "applyTo"),
        ({"scope": "node"}, ""),
        ({"scope": "namespace", "subnet": "10.96.0.0/12"}, ""),
        ({"scope": ["node"], "subnet": "10.96.0.0/12"}, ""),
        ({"gateway": "10.1.1.1"}, ""),
        ({"applyTo": "AllNodes"}, "applyTo"),
    ],
)
def test_a_mapping_about_the_network_of_each_node(value: dict[str, object], expected: str) -> None:
    assert on_all_nodes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"group": "metrics.k8s.io", "version": "v1beta1", "backend": {"service": {"name": "x"}}}, True),
        ({"group": "custom.metrics.kubernetes.io", "version": "v1", "insecureSkipTLSVerify": True}, True),
        ({"group": "apps.k8s.io", "version": "v1", "kind": "App", "service": "x"}, False),
        ({"group": "foo.example.com", "version": "v1", "service": "x"}, False),
        ({"group": ["metrics.k8s.io"], "version": "v1", "service": "x"}, False),
    ],
)
def test_a_server_of_a_group_of_kubernetes(value: dict[str, object], expected: bool) -> None:
    assert answers_for_the_server(value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY t FROM PROGRAM 'id'", "COPY t FROM PROGRAM"),
        ("select pg_read_file('/etc/passwd')", "pg_read_file"),
        ("ALTER ROLE foo WITH SUPERUSER", "ALTER ROLE foo WITH SUPERUSER"),
        ("GRANT ALL PRIVILEGES ON *.* TO 'foo'", "GRANT ALL PRIVILEGES ON *.*"),
        ("create extension plpython3u", "extension plpython3u"),
        ("os.execute('id')", "os.execute("),
        ("const x = require('child_process')", "child_process"),
        ("{{ ''.__class__ }}", "__class__"),
        ('key={{ env "AWS_SECRET_ACCESS_KEY" }}', '{{ env "'),
        ("{{ .Env.TOKEN }}", "{{ .Env."),
        ("${env:TOKEN}", "${env:"),
        ("CREATE ROLE foo LOGIN NOSUPERUSER", ""),
        ("CREATE TABLE program (copy int)", ""),
        ("COPY t FROM STDIN; SELECT program FROM t", ""),
        ("GRANT ALL ON shop.* TO 'foo'", ""),
        ("CREATE EXTENSION pg_trgm", ""),
        ("{{ .Values.env }} {{ .metadata.name }}", ""),
        ("${HOME} ${ENV}", ""),
        ("the environment, and how to execute", ""),
    ],
)
def test_what_a_text_has_done_where_it_is_run(text: str, expected: str) -> None:
    assert order_in(text) == expected


@pytest.mark.parametrize("beginning", ["copy ", "{{ ", "<% ", "alter role ", "grant all on "])
def test_a_long_text_is_read_in_time(beginning: str) -> None:
    """Twice the length takes twice the time, not four times: every window has a bound."""
    short, long = (_seconds(beginning * (length // len(beginning))) for length in (50_000, 200_000))
    assert long < 12 * short


def _seconds(text: str) -> float:
    def once() -> float:
        start = time.thread_time()
        order_in(text)
        return time.thread_time() - start

    return min(once() for _ in range(3))
