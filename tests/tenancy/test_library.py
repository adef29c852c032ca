"""The words of tenancy, as expressions use them."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cel import Budget, EvaluationError
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.evaluation.compilation import (
    Compiler,
    Environments,
    ExpressionKind,
    InvalidExpression,
)
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.library import extension

DOCUMENTS = """
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec:
  namespaces: {names: [foo, foo-two]}
  owners: [{kind: User, name: alice}, {kind: Group, name: crew}]
  runtimeClasses: {default: kata, allowed: [kata]}
  hostnames: ["*.foo.example.com"]
  customResources:
    - {group: example.com, kinds: [Widget]}
    - {group: "*.services.k8s.aws", kinds: ["*"]}
  registries: [registry.example.com/foo]
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: bar}
spec:
  namespaces: {names: [bar], capsuleTenant: bar}
  sharing: [{to: [foo], kinds: [Service], names: [shared-*]}]
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: baz}
spec: {namespaces: {selector: {matchLabels: {team: baz}}}}
"""


def named(api_version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


CLUSTER = Snapshot(
    [
        named("node.k8s.io/v1", "RuntimeClass", "kata", handler="kata-qemu"),
        named("node.k8s.io/v1", "RuntimeClass", "kata-debug", handler="kata-qemu-debug"),
        named("node.k8s.io/v1", "RuntimeClass", "gvisor", handler="runsc"),
        named(
            "v1",
            "Namespace",
            "both",
            metadata={"labels": {"team": "baz", "capsule.clastix.io/tenant": "bar"}},
        ),
        named("v1", "Namespace", "labelled", metadata={"labels": {"team": "baz"}}),
        named("v1", "ConfigMap", "here", "foo"),
        named("v1", "ConfigMap", "there", "bar"),
        named("v1", "Secret", "hidden", "foo"),
    ]
)
TENANCY = load_tenancy(read_text(DOCUMENTS, "t.yaml"))
EXTENSION = extension(TENANCY)
COMPILER = Compiler(Environments([EXTENSION]), params=False)


def evaluate(text: str, namespace: str = "foo", user: UserInfo | None = None, value: Any = None) -> Any:
    request = AdmissionRequest(
        uid="1",
        kind=GroupVersionKind("", "v1", "ConfigMap"),
        resource=GroupVersionResource("", "v1", "configmaps"),
        operation="CREATE",
        namespace=namespace,
        user=user or UserInfo("alice"),
        object=value or {},
    )
    words = {**EXTENSION.activation(request, CLUSTER), "object": request.object}
    program = COMPILER.compile(ExpressionKind.VARIABLE, text).program
    return program.evaluate(words, Budget(1_000_000))


def reference(kind: str, namespace: str, name: str) -> str:
    value = {"kind": kind, "group": "", "namespace": namespace, "name": name, "path": "", "how": "name"}
    return "{" + ", ".join(f"'{key}': '{text}'" for key, text in value.items()) + "}"


TRUE = [
    "tenant.name == 'foo'",
    "tenant.claimed && !tenant.trusted",
    "tenant.labels == {'tenancy.gatekeeper-py.dev/tenant': 'foo'}",
    "tenant.owns('foo-two') && !tenant.owns('bar') && !tenant.owns('nobody')",
    "tenants.ofNamespace('bar').value().name == 'bar'",
    "tenants.ofNamespace('kube-system').value().trusted",
    "tenants.ofNamespace('labelled').value().name == 'baz'",
    "!tenants.ofNamespace('nobody').value().claimed",
    "tenant.runtimeClasses.permits('kata') && !tenant.runtimeClasses.permits('runc')",
    "!tenant.storageClasses.permits('standard') && !tenant.storageClasses.permits('')",
    "tenant.ownsHostname('a.foo.example.com') && !tenant.ownsHostname('foo.example.org')",
    "tenant.allowsImage('registry.example.com/foo/a') && !tenant.allowsImage('nginx')",
    "runtimeClass('kata').value().isolation == 'vm'",
    "runtimeClass('kata-debug').value().isolation == 'none'",
    "runtimeClass('gvisor').value().isAtLeast('sandbox') && !runtimeClass('gvisor').value().isAtLeast('vm')",
    "!runtimeClass('absent').hasValue()",
    "lacksRuntimeClass('absent') && !lacksRuntimeClass('kata') && !lacksRuntimeClass('')",
    "cluster.get('v1', 'ConfigMap', 'foo', 'here').hasValue()",
    "!cluster.get('v1', 'ConfigMap', 'foo', 'there').hasValue()",
    "cluster.list('v1', 'ConfigMap', 'foo').size() == 1",
    "cluster.list('node.k8s.io/v1', 'RuntimeClass', '').size() == 3",
    "cluster.isTaken('v1', 'ConfigMap', 'metadata.name', 'there')",
    "!cluster.isTaken('v1', 'ConfigMap', 'metadata.name', 'here')",
    "!cluster.isTaken('v1', 'ConfigMap', 'metadata.name.first', 'there')",
    "!cluster.isTaken('v1', 'ConfigMap', 'spec', 'there')",
    "customKind('helm.cattle.io', 'HelmChart').judgement == 'powerful'",
    "customKind('helm.cattle.io', 'HelmChart').reason.startsWith('installs')",
    "customKind('cert-manager.io', 'Certificate').rules == ['references-cert-manager']",
    "customKind('cert-manager.io', 'Certificate').version == 'v1'",
    "customKind('example.com', 'Widget').judgement == 'unknown'",
    "customKind('apps', 'Deployment').judgement == 'built-in'",
    "tenant.permitsAudience('') && tenant.permitsAudience('https://kubernetes.default.svc.cluster.local')",
    "!tenant.permitsAudience('vault') && !tenant.permitsAudience('https://kubernetes.default.svc.example.org')",
    "tenant.permitsKind('example.com', 'Widget') && !tenant.permitsKind('example.com', 'Gadget')",
    "tenant.permitsKind('s3.services.k8s.aws', 'Bucket') && !tenant.permitsKind('services.k8s.aws', 'Bucket')",
    "tenant.customResources[0].group == 'example.com' && tenant.customResources[0].kinds == ['Widget']",
    "settings.unknownKinds == 'scan'",
    f"tenant.permits({reference('Secret', 'foo-two', 'x')})",
    f"tenant.permits({reference('Service', 'bar', 'shared-db')})",
    f"!tenant.permits({reference('Service', 'bar', 'db')})",
    f"!tenant.permits({reference('Secret', 'bar', 'shared-db')})",
    f"!tenant.permits({reference('Secret', 'both', 'x')})",
    f"!tenant.permits({reference('Secret', '*', 'x')})",
    f"tenant.permits({reference('StorageClass', '', 'x')})",
    "requester.tenants == ['foo'] && requester.claimed && !requester.platform",
]


@pytest.mark.parametrize("text", TRUE)
def test_word_means_what_it_says(text: str) -> None:
    assert evaluate(text) is True


def test_labels_that_say_whose_a_namespace_is_and_taints_of_tenants_nodes_are_protected() -> None:
    documents = """
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec:
  namespaces: {selector: {matchLabels: {team: foo}, matchExpressions: [{key: tier, operator: Exists}]}}
  labels: {cost-center: foo}
  nodes: {tolerations: [{key: pool-of-foo, operator: Exists}]}
"""
    made = extension(load_tenancy(read_text(documents, "t.yaml")))
    request = AdmissionRequest(
        uid="1",
        kind=GroupVersionKind("", "v1", "ConfigMap"),
        resource=GroupVersionResource("", "v1", "configmaps"),
        operation="CREATE",
        namespace="foo",
        user=UserInfo("alice"),
    )
    words = made.activation(request, CLUSTER)

    def value(text: str) -> Any:
        program = Compiler(Environments([made]), params=False).compile(ExpressionKind.VARIABLE, text).program
        return program.evaluate(words, Budget(1_000_000))

    assert value("settings.protectedLabels") == [
        "cost-center",
        "team",
        "tenancy.gatekeeper-py.dev/tenant",
        "tier",
    ]
    assert value("'pool-of-foo' in settings.reservedTaints") is True
    assert value("'node-role.kubernetes.io/control-plane' in settings.reservedTaints") is True


def test_a_namespace_has_the_owner_its_labels_would_give_it() -> None:
    value = named("v1", "Namespace", "x", metadata={"labels": {"team": "baz"}})
    assert evaluate("tenants.ofNamespaceObject(object).value().name", value=value) == "baz"


def test_references_without_a_namespace_are_of_the_requests() -> None:
    value = {"apiVersion": "v1", "kind": "Pod", "spec": {"serviceAccountName": "a"}}
    assert evaluate("references(object)[0].namespace", value=value) == "foo"


USERS = [
    (UserInfo("alice"), False, ["foo"]),
    (UserInfo("carol", groups=("crew",)), False, ["foo"]),
    (UserInfo("system:serviceaccount:bar:x"), False, ["bar"]),
    (UserInfo("system:serviceaccount:kube-system:x"), True, ["platform"]),
    (UserInfo("system:kube-scheduler"), True, []),
    (UserInfo("root", groups=("system:masters",)), True, []),
    (UserInfo("system:serviceaccount:kube-system-evil:x"), False, ["kube-system-evil"]),
    (UserInfo("stranger"), False, []),
]


@pytest.mark.parametrize(("user", "platform", "tenants"), USERS)
def test_requester_is_known_by_name_group_and_home(
    user: UserInfo, platform: bool, tenants: list[str]
) -> None:
    assert evaluate("requester.platform", user=user) is platform
    assert evaluate("requester.tenants", user=user) == tenants


ERRORS = [
    ("cluster.get('v1', 'Secret', 'foo', 'hidden')", "look-up refused: no policy may read a Secret"),
    (
        "cluster.get('v1', 'ConfigMap', 'bar', 'there')",
        "look-up refused: namespace 'bar' is not the tenant's",
    ),
    (
        "cluster.list('v1', 'ConfigMap', '')",
        "look-up refused: name the namespace in which to look for ConfigMap",
    ),
    (
        "cluster.isTaken('v1', 'Secret', 'metadata.name', 'hidden')",
        "look-up refused: no policy may read a Secret",
    ),
    ("tenant.permits('bar')", "tenant.permits() takes a reference"),
    ("references('x')", "references() takes an object"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_what_may_not_be_asked_is_an_error(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message.replace("(", r"\(").replace(")", r"\)")):
        evaluate(text)


def test_a_contested_namespace_has_no_readable_owner() -> None:
    with pytest.raises(EvaluationError, match="claimed by the tenants bar and baz through its labels"):
        evaluate("tenant != null && !tenant.trusted", namespace="both")


def test_cluster_wide_requests_have_no_tenant() -> None:
    assert evaluate("tenant == null", namespace="") is True


@pytest.mark.parametrize(
    "text",
    [
        "tenant.nmae == 'foo'",
        "tenant.runtimeClasses.alowed.size() > 0",
        "references(object).all(r, r.namspace == '')",
        "runtimeClass('kata').value().handlr == ''",
        "requester.platfrom",
        "settings.clusterdomain",
    ],
)
def test_a_misspelt_field_does_not_compile(text: str) -> None:
    with pytest.raises(InvalidExpression, match="undefined field"):
        COMPILER.compile(ExpressionKind.VALIDATION, text)


def test_a_policy_without_a_word_of_tenancy_is_refused_in_kubernetes_words() -> None:
    """`get` is a function of `cluster` alone; other tools have a `resource.get` of theirs."""
    text = "resource.get('v1', 'configmaps', 'a', 'b').x == 1"
    environments = Environments([extension(load_tenancy([]))]).needed_by([text])
    with pytest.raises(InvalidExpression) as caught:
        Compiler(environments, params=False).compile(ExpressionKind.VALIDATION, text)
    assert "undeclared reference to 'resource'" in str(caught.value)
    assert "undeclared reference to 'get'" in str(caught.value)


@pytest.mark.parametrize("word", ["tenant", "tenants", "cluster", "references", "runtimeClass"])
def test_a_policy_with_a_word_of_tenancy_has_all_of_them(word: str) -> None:
    environments = Environments([extension(load_tenancy([]))])
    for text in (word, f"[{word}(object)]", f".{word}", f"1 +\n{word} .x", f"'a'!={word}"):
        assert environments.needed_by(["1", text]) is environments
    for text in (
        f"object.{word}",
        f"f(x).{word}",
        f"x[0].{word}",
        f"my{word}",
        f"a.{word}.local",
        f"'{word}-x'",
    ):
        assert environments.needed_by([text]) is not environments


@pytest.mark.parametrize("overhead", [None, [1], "x", {"podFixed": "x"}, {"podFixed": None}])
def test_an_odd_overhead_is_none(overhead: object) -> None:
    cluster = Snapshot([named("node.k8s.io/v1", "RuntimeClass", "odd", handler="runc", overhead=overhead)])
    request = AdmissionRequest(
        "1", GroupVersionKind("", "v1", "ConfigMap"), GroupVersionResource("", "v1", "configmaps"), "CREATE"
    )
    expression = COMPILER.compile(
        ExpressionKind.VALIDATION, "runtimeClass('odd').value().overhead.size() == 0"
    )
    assert expression.program.evaluate(EXTENSION.activation(request, cluster), Budget(1000)) is True
