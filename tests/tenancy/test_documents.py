"""Documents become a tenancy, or a list of problems with place and remedy."""

from __future__ import annotations

import pytest

from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.tenancy.documents import TenancyError, load_tenancy
from gatekeeper_py.tenancy.tenant import Choice, Claim, Grant, Limits, Nodes, Owner, Tenancy, Tenant

HEAD = "apiVersion: tenancy.gatekeeper-py.dev/v1alpha1\n"


def tenant(name: str, spec: str, kind: str = "Tenant") -> str:
    return f"{HEAD}kind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def load(*documents: str) -> Tenancy:
    return load_tenancy(read_text("---\n".join(documents), "t.yaml"))


def owner(tenancy: Tenancy, namespace: str, **labels: str) -> Tenant | None:
    return tenancy.owner(namespace, lambda _name: {k.replace("__", "/"): v for k, v in labels.items()})


FOO = tenant("foo", "{namespaces: {names: [foo]}}")

PROBLEMS = {
    "unknown field": (
        tenant("foo", "{namespaces: {names: [foo]}, hostname: [a]}"),
        "t.yaml:4:46: spec.hostname is unknown. Did you mean hostnames?",
    ),
    "wrong type": (
        tenant("foo", "{namespaces: {names: foo}}"),
        "t.yaml:4:28: spec.namespaces.names must be a list, not 'foo'",
    ),
    "a number for a text": (
        tenant("foo", "{namespaces: {names: [1]}}"),
        "t.yaml:4:29: spec.namespaces.names[0] must be a string, not 1",
    ),
    "truth for a number": (
        tenant("foo", "{namespaces: {names: [foo]}, limits: {namespaces: true}}"),
        "t.yaml:4:57: spec.limits.namespaces must be a whole number, not true",
    ),
    "no namespaces": (tenant("foo", "{trusted: true}"), "t.yaml:4:7: spec lacks namespaces. Add it"),
    "empty namespaces": (
        tenant("foo", "{namespaces: {}}"),
        "t.yaml:4:20: spec.namespaces is empty. "
        "Give at least one of names, patterns, selector, capsuleTenant, rancherProject",
    ),
    "unknown level": (
        tenant("foo", "{namespaces: {names: [foo]}, runtimeClasses: {isolation: strong}}"),
        "t.yaml:4:64: spec.runtimeClasses.isolation is 'strong'. "
        "It must be one of none, sandbox, vm, virtual-node",
    ),
    "default that is not allowed": (
        tenant("foo", "{namespaces: {names: [foo]}, storageClasses: {default: a, allowed: [b]}}"),
        "t.yaml:4:62: spec.storageClasses.default is 'a', which is not among the allowed. Add it to allowed",
    ),
    "virtual nodes nowhere": (
        tenant("foo", "{namespaces: {names: [foo]}, runtimeClasses: {isolation: virtual-node}}"),
        "t.yaml:4:64: spec.runtimeClasses.isolation is virtual-node, so nodes.profile must say which virtual "
        "nodes. Add it",
    ),
    "reserved label": (
        tenant("foo", "{namespaces: {names: [foo]}, labels: {tenancy.gatekeeper-py.dev/x: a}}"),
        "t.yaml:4:44: spec.labels uses the prefix tenancy.gatekeeper-py.dev/, which is reserved. "
        "Choose another",
    ),
    "name with a dot": (
        tenant("a.b", "{namespaces: {names: [foo]}}"),
        "t.yaml:3:18: metadata.name is 'a.b', which makes no label. Give at most 53 characters without dots",
    ),
    "trusted by pattern": (
        tenant("foo", '{trusted: true, namespaces: {patterns: ["kube-*"]}}'),
        "t.yaml:4:46: spec.namespaces.patterns is not for a trusted tenant. "
        "List its namespaces by exact name",
    ),
    "selector of everything": (
        tenant("foo", "{namespaces: {selector: {}}}"),
        "t.yaml:4:31: spec.namespaces.selector would claim namespaces that lack a label. "
        "Ask for at least one label with In or Exists",
    ),
    "no network": (
        tenant("foo", "{namespaces: {names: [foo]}, externalIPs: [here]}"),
        "t.yaml:4:50: spec.externalIPs[0] is 'here', which is no network. Write it as 10.0.0.0/8",
    ),
    "account without a namespace": (
        tenant("foo", "{namespaces: {names: [foo]}, owners: [{kind: ServiceAccount, name: a}]}"),
        "t.yaml:4:45: spec.owners[0] gives namespace for ServiceAccounts only, and they need one",
    ),
    "settings of another name": (
        tenant("mine", "{}", "TenancySettings"),
        "t.yaml:3:18: metadata.name must be settings: there is one set of settings",
    ),
    "unknown kind": (
        tenant("foo", "{}", "Tennant"),
        "t.yaml:2:7: kind is 'Tennant'. It must be Tenant, TenancySettings, Waiver or ControlPlane",
    ),
    "unknown version": (
        FOO.replace("v1alpha1", "v9"),
        "t.yaml:1:13: apiVersion is 'tenancy.gatekeeper-py.dev/v9'. "
        "This version understands tenancy.gatekeeper-py.dev/v1alpha1",
    ),
    "declared twice": (
        f"{FOO}---\n{FOO}",
        "t.yaml:8:18: metadata.name Tenant 'foo' is declared at t.yaml:1 too. Keep one",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_is_told_with_place_and_remedy(case: str) -> None:
    text, expected = PROBLEMS[case]
    with pytest.raises(TenancyError) as caught:
        load(text)
    assert expected in str(caught.value).splitlines()


OVERLAPS = {
    "names": ("{names: [a]}", "{names: [a]}", "the namespace 'a'"),
    "name and pattern": (
        '{patterns: ["a-*"]}',
        "{names: [a-b]}",
        "the namespace 'a-b', by name and by the pattern 'a-*'",
    ),
    "patterns": ('{patterns: ["a-*"]}', '{patterns: ["*-b"]}', "namespaces that fit both 'a-*' and '*-b'"),
    "selectors": (
        "{capsuleTenant: x}",
        "{selector: {matchLabels: {capsule.clastix.io/tenant: x}}}",
        "the namespaces of the same selector",
    ),
}


@pytest.mark.parametrize("case", OVERLAPS)
def test_overlapping_claims_name_both_tenants(case: str) -> None:
    one, other, what = OVERLAPS[case]
    with pytest.raises(TenancyError) as caught:
        load(tenant("one", f"{{namespaces: {one}}}"), tenant("two", f"{{namespaces: {other}}}"))
    assert f"the tenants 'one' (t.yaml:1) and 'two' both claim {what}. Leave it to one of them" in str(
        caught.value
    )


def test_without_documents_nothing_is_a_tenants() -> None:
    assert owner(load_tenancy(()), "foo") is None


def test_the_control_planes_namespaces_are_trusted_without_a_word() -> None:
    found = owner(load(FOO), "kube-system")
    assert found is not None
    assert (found.name, found.trusted) == ("platform", True)


def test_an_unclaimed_namespace_is_a_tenant_of_its_own() -> None:
    found = owner(load(FOO), "stray")
    assert found is not None
    assert (found.name, found.claimed, found.trusted) == ("stray", False, False)


def test_an_unclaimed_namespace_cannot_pass_for_a_tenant_by_its_name() -> None:
    tenancy = load(tenant("foo", "{namespaces: {names: [other]}}"))
    found = owner(tenancy, "foo")
    assert found is not None
    assert found.name == "unclaimed.foo"


@pytest.mark.parametrize(("setting", "refused"), [("refuse", True), ("own-tenant", False)])
def test_settings_say_what_an_unclaimed_namespace_is(setting: str, refused: bool) -> None:
    found = owner(load(FOO, tenant("settings", f"{{unclaimed: {setting}}}", "TenancySettings")), "stray")
    assert found is not None
    assert found.refused is refused


def test_unclaimed_namespaces_may_be_ignored() -> None:
    assert owner(load(FOO, tenant("settings", "{unclaimed: ignore}", "TenancySettings")), "stray") is None


def test_what_a_tenant_does_not_say_the_defaults_say() -> None:
    settings = (
        "{defaults: {runtimeClasses: {default: kata, allowed: [kata]}, storageClasses: {allowed: [a]}}}"
    )
    spec = "{namespaces: {names: [foo]}, storageClasses: {allowed: [b]}}"
    found = load(tenant("foo", spec), tenant("settings", settings, "TenancySettings")).by_name["foo"]
    assert found.runtime_classes == Choice(("kata",), "kata")
    assert found.storage_classes == Choice(("b",))


WHOLE = """
  trusted: false
  namespaces: {names: [foo], patterns: [foo-*], selector: {matchLabels: {team: foo}}}
  owners: [{kind: User, name: alice}, {kind: ServiceAccount, name: deployer, namespace: foo}]
  runtimeClasses: {default: kata, allowed: [kata], isolation: sandbox}
  storageClasses: {default: standard, allowed: [standard, fast]}
  ingressClasses: {allowed: [nginx]}
  gatewayClasses: {allowed: [envoy]}
  priorityClasses: {allowed: [silver]}
  snapshotClasses: {allowed: [daily]}
  volumeAttributesClasses: {allowed: [gold]}
  deviceClasses: {allowed: [gpu.example.com]}
  loadBalancerClasses: {allowed: [internal]}
  schedulers: {allowed: [default-scheduler, batch]}
  extendedResources: [example.com/gpu]
  csiDrivers: [secrets.example.com]
  hostnames: [foo.example.com]
  registries: [registry.example.com/foo]
  identities: [foo@example.com]
  externalIPs: [192.0.2.0/24]
  clusterIssuers: [ClusterIssuer/public]
  nodes: {selector: {pool: foo}, tolerations: [{key: foo, operator: Exists}]}
  podSecurity: restricted
  requireLimits: true
  limits: {namespaces: 3, loadBalancers: 2, snapshots: 1, nodePorts: 9, objectSize: 1Mi}
  tokenAudiences: [vault]
  topologyKeys: [example.com/rack]
  nodePorts: [30000-30009]
  openTraffic: [egress]
  manualSelectors: true
  labels: {cost-center: foo}
  sharing: [{to: [bar], kinds: [Service], names: [db], namespaces: [foo]}, {to: ["*"], kinds: [Secret]}]
"""


def test_a_tenant_is_read_whole() -> None:
    assert load(tenant("foo", WHOLE)).by_name["foo"] == Tenant(
        "foo",
        source="t.yaml:1",
        claim=Claim(("foo",), ("foo-*",), (Selector.of({"matchLabels": {"team": "foo"}}),)),
        owners=(Owner("User", "alice"), Owner("ServiceAccount", "deployer", "foo")),
        isolation="sandbox",
        runtime_classes=Choice(("kata",), "kata"),
        storage_classes=Choice(("standard", "fast"), "standard"),
        ingress_classes=Choice(("nginx",)),
        gateway_classes=Choice(("envoy",)),
        priority_classes=Choice(("silver",)),
        snapshot_classes=Choice(("daily",)),
        volume_attributes_classes=Choice(("gold",)),
        device_classes=Choice(("gpu.example.com",)),
        load_balancer_classes=Choice(("internal",)),
        schedulers=Choice(("default-scheduler", "batch"), "default-scheduler"),
        extended_resources=("example.com/gpu",),
        csi_drivers=("secrets.example.com",),
        hostnames=("foo.example.com",),
        registries=("registry.example.com/foo",),
        identities=("foo@example.com",),
        external_ips=("192.0.2.0/24",),
        cluster_issuers=("ClusterIssuer/public",),
        nodes=Nodes({"pool": "foo"}, ({"key": "foo", "operator": "Exists"},)),
        pod_security="restricted",
        require_limits=True,
        limits=Limits(namespaces=3, load_balancers=2, snapshots=1, node_ports=9, object_size="1Mi"),
        token_audiences=("vault",),
        topology_keys=("example.com/rack",),
        node_ports=("30000-30009",),
        open_traffic=("egress",),
        manual_selectors=True,
        labels={"cost-center": "foo"},
        sharing=(
            Grant(("bar",), ("Service",), ("db",), ("foo",)),
            Grant(("*",), ("Secret",), ("*",), ("*",)),
        ),
    )


def test_claims_by_label_understand_capsule_and_rancher() -> None:
    tenancy = load(
        tenant("cap", "{namespaces: {capsuleTenant: oil}}"),
        tenant("ran", "{namespaces: {rancherProject: p-abc}}"),
    )
    assert getattr(owner(tenancy, "x", capsule__x="1"), "name", None) == "x"
    labels = {"capsule.clastix.io/tenant": "oil"}
    assert getattr(tenancy.owner("x", lambda _name: labels), "name", None) == "cap"
    labels = {"field.cattle.io/projectId": "p-abc"}
    assert getattr(tenancy.owner("x", lambda _name: labels), "name", None) == "ran"
