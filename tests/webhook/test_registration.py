"""What the API server asks the engine about, by the configurations' own CEL."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import DYN, Budget, Program, kubernetes_environment
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.tenant import Claim, Settings, Tenancy, Tenant
from gatekeeper_py.webhook.registration import (
    CONVERTED,
    EXEMPT_NAMESPACES,
    MOST_CONDITIONS,
    SERVICE,
    Client,
    asks_for,
    configurations,
    conversions_of,
    exemptions,
    purpose,
    segment,
)
from tests.policy.support import Json, engine, validating

ENVIRONMENT = kubernetes_environment().extend(variables={"request": DYN})
MUTATING, VALIDATING = configurations()
TRUSTED = configurations(
    tenancy=Tenancy(
        tenants=(Tenant("network", trusted=True, claim=Claim(names=("calico-system", "kube-system"))),),
        settings=Settings(platform_users=("o'brien",)),
    )
)[1]

NODE_CONTROLLER = "system:serviceaccount:kube-system:node-controller"
REPLICASET_CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
APISERVER = "system:apiserver"
MANAGER = "system:kube-controller-manager"


def asked(
    webhook: dict[str, Any],
    user: str,
    resource: str,
    *,
    operation: str = "UPDATE",
    groups: tuple[str, ...] = ("system:authenticated",),
    namespace: str = "",
    name: str = "",
) -> bool:
    """Whether a webhook's match conditions let a request through; `resource` is `group/resource[/subresource]`."""
    group, plural, *sub = resource.split("/")
    request: dict[str, Any] = {
        "operation": operation,
        "resource": {"group": group, "version": "v1", "resource": plural},
        "userInfo": {"username": user, "groups": list(groups)},
    }
    # As the API server converts it: what is empty is not there.
    request |= {key: value for key, value in (("namespace", namespace), ("name", name)) if value}
    request |= {"subResource": sub[0]} if sub else {}
    texts = [condition["expression"] for condition in webhook["matchConditions"]]
    return all(compiled(text).evaluate({"request": request}, Budget(10**6)) for text in texts)


@cache
def compiled(text: str) -> Program:
    return ENVIRONMENT.compile(text)


HEALS: list[tuple[str, str, dict[str, Any]]] = [
    ("alice", "authorization.k8s.io/selfsubjectaccessreviews", {"operation": "CREATE"}),
    ("alice", "coordination.k8s.io/leases", {}),
    ("alice", "/events", {}),
    ("system:node:n1", "/nodes", {"operation": "CREATE"}),
    ("system:node:n1", "/nodes/status", {}),
    ("system:node:n1", "/pods/status", {"namespace": "foo"}),
    ("system:node:n1", "/pods", {"namespace": "foo", "operation": "DELETE"}),
    ("system:node:n1", "/serviceaccounts/token", {"namespace": "foo", "operation": "CREATE"}),
    ("system:node:n1", "storage.k8s.io/csinodes", {}),
    ("system:node:n1", "certificates.k8s.io/certificatesigningrequests", {"operation": "CREATE"}),
    ("system:bootstrap:abcdef", "certificates.k8s.io/certificatesigningrequests", {"operation": "CREATE"}),
    (MANAGER, "certificates.k8s.io/certificatesigningrequests/approval", {}),
    (NODE_CONTROLLER, "/nodes", {}),
    (NODE_CONTROLLER, "/nodes/status", {}),
    (NODE_CONTROLLER, "/pods/status", {"namespace": "foo"}),
    (NODE_CONTROLLER, "/pods", {"namespace": "foo", "operation": "DELETE"}),
    ("system:cloud-controller-manager", "/nodes/status", {}),
    ("kubernetes-admin", "/nodes", {"groups": ("system:masters",)}),
    (APISERVER, "/endpoints", {"namespace": "default", "name": "kubernetes"}),
    (APISERVER, "discovery.k8s.io/endpointslices", {"namespace": "default", "name": "kubernetes"}),
    (APISERVER, "apiregistration.k8s.io/apiservices", {}),
    (APISERVER, "flowcontrol.apiserver.k8s.io/flowschemas/status", {}),
    (APISERVER, "rbac.authorization.k8s.io/clusterroles", {}),
    (MANAGER, "/persistentvolumes", {}),
    ("system:serviceaccount:kube-system:attachdetach-controller", "storage.k8s.io/volumeattachments", {}),
    (
        "system:serviceaccount:kube-system:ebs-csi-controller-sa",
        "storage.k8s.io/volumeattachments/status",
        {"groups": ("system:serviceaccounts:kube-system",)},
    ),
    ("system:serviceaccount:calico-system:calico-node", "crd.projectcalico.org/ipamblocks", {}),
    ("system:serviceaccount:kube-system:cilium", "cilium.io/ciliumendpoints", {"namespace": "foo"}),
]
"""What has to go on while nobody answers."""

DEPUTIES: list[tuple[str, str, dict[str, Any]]] = [
    ("system:node:n1", "/pods", {"namespace": "foo", "operation": "CREATE"}),
    ("system:node:n1", "/pods", {"namespace": "foo"}),
    ("system:node:n1", "/secrets", {"namespace": "foo"}),
    ("system:nodes", "/nodes", {}),
    (NODE_CONTROLLER, "/pods", {"namespace": "foo"}),
    (NODE_CONTROLLER, "/pods/eviction", {"namespace": "foo", "operation": "CREATE"}),
    (REPLICASET_CONTROLLER, "/pods", {"namespace": "foo", "operation": "DELETE"}),
    (REPLICASET_CONTROLLER, "/nodes", {}),
    (MANAGER, "/pods", {"namespace": "foo", "operation": "DELETE"}),
    (MANAGER, "/persistentvolumeclaims", {"namespace": "foo"}),
    (APISERVER, "/endpoints", {"namespace": "foo", "name": "kubernetes"}),
    (APISERVER, "/endpoints", {"namespace": "default", "name": "web"}),
    (APISERVER, "rbac.authorization.k8s.io/rolebindings", {"namespace": "foo"}),
    ("system:serviceaccount:kube-system:cilium", "/pods", {"namespace": "foo"}),
    ("system:serviceaccount:foo:calico-node", "crd.projectcalico.org/ipamblocks", {}),
    ("alice", "/nodes", {}),
    ("alice", "/nodes/proxy", {"operation": "CONNECT"}),
    ("alice", "/persistentvolumes", {}),
    ("alice", "example.com/leases", {}),
    ("alice", "example.com/events", {}),
    ("alice", "/events/status", {}),
    ("alice", "certificates.k8s.io/certificatesigningrequests", {"operation": "CREATE"}),
    ("alice", "tenancy.gatekeeper-py.dev/tenants", {}),
]
"""What nobody may write unjudged, whoever else may write something like it."""


@pytest.mark.parametrize("door", [MUTATING, VALIDATING], ids=["mutate", "validate"])
@pytest.mark.parametrize(("user", "resource", "more"), HEALS)
def test_what_heals_the_cluster_is_never_asked_about(
    door: dict[str, Any], user: str, resource: str, more: dict[str, Any]
) -> None:
    assert not asked(door["webhooks"][0], user, resource, **more)


@pytest.mark.parametrize("door", [MUTATING, VALIDATING], ids=["mutate", "validate"])
@pytest.mark.parametrize(("user", "resource", "more"), DEPUTIES)
def test_nothing_else_is_kept_out(
    door: dict[str, Any], user: str, resource: str, more: dict[str, Any]
) -> None:
    assert asked(door["webhooks"][0], user, resource, **more)


def test_every_exemption_is_tried() -> None:
    """Each keeps out something of the table above that no other does."""
    idle = []
    for number, exemption in enumerate(exemptions()):
        conditions = VALIDATING["webhooks"][0]["matchConditions"]
        assert conditions[number]["name"] == f"no-{exemption.name}"
        without = {"matchConditions": [*conditions[:number], *conditions[number + 1 :]]}
        if not any(asked(without, user, resource, **more) for user, resource, more in HEALS):
            idle.append(exemption.name)
    assert idle == ["aggregated-roles", "other-networks", "engine"]


@pytest.mark.parametrize(
    ("user", "groups", "namespace", "expected"),
    [
        (
            "system:serviceaccount:kube-system:daemon-set-controller",
            ("system:serviceaccounts:kube-system",),
            "calico-system",
            False,
        ),
        (
            "system:serviceaccount:calico-system:operator",
            ("system:serviceaccounts:calico-system",),
            "calico-system",
            False,
        ),
        ("system:node:n1", (), "calico-system", False),
        (MANAGER, (), "calico-system", False),
        ("alice", ("system:authenticated",), "calico-system", True),
        ("system:serviceaccount:foo:default", ("system:serviceaccounts:foo",), "calico-system", True),
        (
            "system:serviceaccount:calico-system:operator",
            ("system:serviceaccounts:calico-system",),
            "foo",
            True,
        ),
        (
            "system:serviceaccount:kube-system:daemon-set-controller",
            ("system:serviceaccounts:kube-system",),
            "foo",
            True,
        ),
    ],
)
def test_trusted_namespaces_are_left_alone_among_themselves(
    user: str, groups: tuple[str, ...], namespace: str, expected: bool
) -> None:
    webhook = TRUSTED["webhooks"][0]
    assert asked(webhook, user, "/pods", operation="CREATE", groups=groups, namespace=namespace) is expected


@pytest.mark.parametrize(
    ("user", "groups", "mends"),
    [("kubernetes-admin", ("system:masters",), True), ("o'brien", (), True), ("alice", ("team",), False)],
)
def test_the_platform_may_mend_tenants_while_nobody_answers(
    user: str, groups: tuple[str, ...], mends: bool
) -> None:
    """Another webhook judges it, one that lets it pass while the engine is gone."""
    validate, *_, tenancy = TRUSTED["webhooks"]
    assert (validate["failurePolicy"], tenancy["failurePolicy"]) == ("Fail", "Ignore")
    assert tenancy["rules"][0]["apiGroups"] == ["tenancy.gatekeeper-py.dev"]
    resource = "tenancy.gatekeeper-py.dev/tenants"
    assert asked(validate, user, resource, operation="DELETE", groups=groups) is not mends
    assert asked(tenancy, user, resource, operation="DELETE", groups=groups) is mends
    assert not asked(tenancy, user, "/pods", groups=groups)


DEPLOYERS = (
    Tenant("platform", trusted=True, writes_as_platform=True, claim=Claim(names=("kube-system",))),
    Tenant("gitops", trusted=True, claim=Claim(names=("argocd", "flux-system"))),
)
ARGO = "system:serviceaccount:argocd:argocd-application-controller"
FLUX_LABEL = "kustomize.toolkit.fluxcd.io/namespace"
TRACKED = "argocd.argoproj.io/tracking-id"
RELEASED = "meta.helm.sh/release-namespace"


def deployed(*tenants: Tenant) -> dict[str, Any] | None:
    webhooks = configurations(tenancy=Tenancy(tenants=tenants))[1]["webhooks"]
    return next((each for each in webhooks if each["name"] == "deputies.gatekeeper-py.dev"), None)


@pytest.mark.parametrize(
    ("user", "metadata", "expected"),
    [
        (ARGO, {"annotations": {TRACKED: "foo_app:x"}}, True),
        (ARGO, {"labels": {FLUX_LABEL: "foo"}}, True),
        (ARGO, {"labels": {"app.kubernetes.io/instance": "foo_app"}}, True),
        (ARGO, {"annotations": {RELEASED: "foo"}}, True),
        (ARGO, {"annotations": {TRACKED: "app:x/y:a/b_c"}}, False),
        (ARGO, {"labels": {FLUX_LABEL: "flux-system", "app": "web"}, "annotations": {"a": "b_c"}}, False),
        (ARGO, {"annotations": {RELEASED: "argocd"}}, False),
        (ARGO, {}, False),
        ("system:serviceaccount:kube-system:installer", {"annotations": {TRACKED: "foo_app:x"}}, False),
        ("system:serviceaccount:argocd-two:x", {"annotations": {TRACKED: "foo_app:x"}}, False),
        ("alice", {"annotations": {TRACKED: "foo_app:x"}}, False),
    ],
    ids=str,
)
def test_what_a_tenant_has_deployed_into_the_platforms_namespaces_is_asked_about(
    user: str, metadata: dict[str, Any], expected: bool
) -> None:
    webhook = deployed(*DEPLOYERS)
    assert webhook is not None
    for written in ((value := {"metadata": metadata}), None):
        values = {"object": written, "oldObject": value, "request": {"userInfo": {"username": user}}}
        texts = [condition["expression"] for condition in webhook["matchConditions"]]
        assert all(DEPLOYMENTS.compile(text).evaluate(values, Budget(10**6)) for text in texts) is expected


DEPLOYMENTS = kubernetes_environment().extend(
    variables=dict.fromkeys(("request", "object", "oldObject"), DYN)
)


def test_it_is_asked_about_in_those_alone_the_exempt_ones_among_them() -> None:
    webhook = deployed(*DEPLOYERS)
    assert webhook is not None
    (selected,) = webhook["namespaceSelector"]["matchExpressions"]
    names = ["argocd", "flux-system", "gatekeeper-system", "kube-system"]
    assert (selected["operator"], selected["values"]) == ("In", names)
    assert [rule["scope"] for rule in webhook["rules"]] == ["Namespaced", "Cluster"]
    assert webhook["rules"][1]["resources"] == ["namespaces"]
    assert webhook["failurePolicy"] == "Fail"


def test_nobody_is_asked_where_nobody_deploys_for_tenants() -> None:
    assert deployed(DEPLOYERS[0]) is None
    only_settings = configurations(tenancy=Tenancy(tenants=DEPLOYERS), policies=PolicySet())
    assert [each["name"] for each in only_settings[1]["webhooks"]] == [
        "validate.gatekeeper-py.dev",
        "tenancy.gatekeeper-py.dev",
    ]


def test_names_of_conditions_are_unique_and_as_many_as_the_api_server_takes() -> None:
    names = [condition["name"] for condition in TRUSTED["webhooks"][0]["matchConditions"]]
    assert len(set(names)) == len(names) <= MOST_CONDITIONS


def test_more_exemptions_than_the_api_server_takes_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.registration.MOST_CONDITIONS", 3)
    with pytest.raises(ValueError, match=r"^\d+ match conditions; the API server takes 3$"):
        configurations()


VERSIONS = (GroupVersion("autoscaling", "v1"), GroupVersion("", "v1"), GroupVersion("*", "v2"))


def test_each_version_to_convert_to_is_a_question_beside_that_about_what_was_sent() -> None:
    mutating, validating = configurations(SERVICE, conversions=VERSIONS)
    names = ["v1", "v2.any", "v1.autoscaling"]
    for door, webhooks in (("mutate", mutating["webhooks"]), ("validate", validating["webhooks"][:-1])):
        assert [webhook["name"] for webhook in webhooks] == [
            f"{door}.gatekeeper-py.dev",
            *(f"{name}.{door}.gatekeeper-py.dev" for name in names),
        ]
        rules = [webhook["rules"][0] for webhook in webhooks]
        assert [(rule["apiGroups"], rule["apiVersions"]) for rule in rules] == [
            (["*"], ["*"]),
            ([""], ["v1"]),
            (["*"], ["v2"]),
            (["autoscaling"], ["v1"]),
        ]
        assert {webhook["clientConfig"]["service"]["path"] for webhook in webhooks} == {
            f"/{door}/v1/v2.any/v1.autoscaling"
        }


def test_such_a_question_is_asked_of_what_is_converted_and_of_nothing_else() -> None:
    _, validating = configurations(SERVICE, conversions=VERSIONS)
    sent, *converted, _tenancy = validating["webhooks"]
    for webhook in converted:
        first, *rest = webhook["matchConditions"]
        assert first == CONVERTED
        assert rest == sent["matchConditions"]
        assert (webhook["matchPolicy"], webhook["failurePolicy"]) == ("Equivalent", "Fail")
        assert webhook["namespaceSelector"] == sent["namespaceSelector"]


def test_without_versions_the_registration_is_as_ever() -> None:
    assert configurations(conversions=[]) == [MUTATING, VALIDATING]
    assert VALIDATING["webhooks"][0]["clientConfig"]["service"]["path"] == "/validate"


versions = st.builds(
    GroupVersion,
    st.sampled_from(["", "*", "apps", "example.com", "a.b.example.com"]),
    st.sampled_from(["v1", "v2beta1", "v1alpha1"]),
)


@given(st.frozensets(versions))
def test_a_path_tells_of_the_versions(told: frozenset[GroupVersion]) -> None:
    (webhook, *_) = configurations(conversions=told)[0]["webhooks"]
    assert conversions_of(webhook["clientConfig"]["service"]["path"].removeprefix("/mutate")) == told


@given(versions)
def test_a_part_of_a_path_is_one_of_a_domain(version: GroupVersion) -> None:
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", segment(version))


def test_a_url_takes_the_place_of_the_service() -> None:
    documents = configurations(Client("https://10.0.0.7:8443", "Q0E="))
    clients = [webhook["clientConfig"] for document in documents for webhook in document["webhooks"]]
    assert clients == [
        {"url": f"https://10.0.0.7:8443/{path}", "caBundle": "Q0E="}
        for path in ("mutate", "validate", "validate")
    ]


def test_namespaces_are_exempt_by_exact_names_under_a_label_no_tenant_can_choose() -> None:
    for webhook in (*MUTATING["webhooks"], *VALIDATING["webhooks"]):
        (expression,) = webhook["namespaceSelector"]["matchExpressions"]
        assert expression["key"] == "kubernetes.io/metadata.name"
        assert (expression["operator"], tuple(expression["values"])) == ("NotIn", EXEMPT_NAMESPACES)
        assert "objectSelector" not in webhook


def test_the_documents_give_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "registration.md").read_text(encoding="utf-8")
    for exemption in exemptions():
        (line,) = (each for each in page.splitlines() if each.startswith(f"| `no-{exemption.name}` |"))
        assert line.endswith(f"| {exemption.reason} |")
        assert all(f"`{user}`" in line for user in exemption.users)
        assert all(f"`{resource}`" in line for part in exemption.what for resource in part.resources)


# --- for the policies in force


def loaded(*objects: Json) -> PolicySet:
    return engine(*objects).policies


PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
ABOUT_PODS = validating("p", matchConstraints={"resourceRules": [PODS]}, validations=[{"expression": "true"}])


def test_policies_in_force_say_what_is_asked_about() -> None:
    mutating, validating_ = configurations(policies=loaded(ABOUT_PODS))
    rules = [
        [(r["apiGroups"], r["resources"]) for r in d["webhooks"][0]["rules"]] for d in (mutating, validating_)
    ]
    assert rules == [[], [(["tenancy.gatekeeper-py.dev"], ["*"]), ([""], ["pods"])]]


def test_what_heals_the_cluster_stays_out_whatever_policies_say() -> None:
    kept = [each["name"] for each in VALIDATING["webhooks"][0]["matchConditions"]]
    for document in configurations(policies=loaded(ABOUT_PODS)):
        named = [each["name"] for each in document["webhooks"][0]["matchConditions"]]
        assert named[: len(kept)] == kept
        assert all(name.startswith("needs-") for name in named[len(kept) :])


def test_a_question_about_a_version_is_about_the_same_resources() -> None:
    _, validating_ = configurations(policies=loaded(ABOUT_PODS), conversions=VERSIONS)
    rules = {
        w["name"]: [(r["apiGroups"], r["apiVersions"]) for r in w["rules"]] for w in validating_["webhooks"]
    }
    assert rules["v1.validate.gatekeeper-py.dev"] == [([""], ["v1"])]
    assert rules["v1.autoscaling.validate.gatekeeper-py.dev"] == []
    assert rules["v2.any.validate.gatekeeper-py.dev"] == [
        (["tenancy.gatekeeper-py.dev"], ["v2"]),
        ([""], ["v2"]),
    ]


def test_a_path_tells_for_which_policies_is_asked() -> None:
    policies, others = loaded(ABOUT_PODS), loaded()
    (webhook, *_) = configurations(policies=policies, conversions=VERSIONS)[0]["webhooks"]
    told = conversions_of(webhook["clientConfig"]["service"]["path"].removeprefix("/mutate"))
    assert told > set(VERSIONS)
    assert asks_for(told, purpose(policies, Tenancy()))
    assert not asks_for(told, purpose(others, Tenancy()))
    assert asks_for(
        VERSIONS, purpose(others, Tenancy())
    )  # a path that tells nothing is asked about everything


def test_a_path_is_one_that_the_api_server_takes() -> None:
    for document in configurations(policies=loaded(ABOUT_PODS)):
        for webhook in document["webhooks"]:
            for part in webhook["clientConfig"]["service"]["path"].strip("/").split("/"):
                assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", part)
