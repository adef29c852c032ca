"""What the engine may do follows from the policies, and is no more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.cluster.live import BASE_KINDS
from gatekeeper_py.engine import load_policies
from gatekeeper_py.installation.rights import plural, reading_rules, rights
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.lookups import looked_up

SHIPPED = load_policies(read([Path(__file__).parents[2] / "policies"]))
NOTHING = load_policies(())

LOOKS_UP = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: quotas}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - expression: "cluster.list('v1', 'ResourceQuota', request.namespace).size() > 0"
    - expression: "cluster.get('example.com/v1', 'Gateway', 'a', 'b') == null"
"""


def readable(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]}


def test_what_policies_look_up_may_be_read_and_nothing_else() -> None:
    base, more = readable(reading_rules(NOTHING)), readable(reading_rules(load_policies(read_text(LOOKS_UP))))
    assert more - base == {("", "resourcequotas"), ("example.com", "gateways")}


def test_the_shipped_policies_may_look_up_all_they_do() -> None:
    found = readable(reading_rules(SHIPPED))
    builtin = Kinds.builtin()
    assert found == {
        *((kind.group, plural(kind, builtin)) for kind in (*BASE_KINDS, *looked_up(SHIPPED))),
        ("tenancy.gatekeeper-py.dev", "controlplanes"),
        ("tenancy.gatekeeper-py.dev", "tenants"),
        ("tenancy.gatekeeper-py.dev", "tenancysettings"),
        ("tenancy.gatekeeper-py.dev", "waivers"),
    }
    assert {verb for rule in reading_rules(SHIPPED) for verb in rule["verbs"]} == {"list", "watch"}


def test_beyond_reading_it_writes_its_own_things_by_name() -> None:
    writes = [
        (rule["apiGroups"], rule["resources"], rule.get("resourceNames"), rule["verbs"])
        for role in rights(NOTHING)
        if role["kind"] in ("ClusterRole", "Role")
        for rule in role["rules"]
        if rule["verbs"] != ["list", "watch"]
    ]
    configurations = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
    assert writes == [
        (
            ["tenancy.gatekeeper-py.dev"],
            ["tenants/status", "tenancysettings/status", "waivers/status", "controlplanes/status"],
            None,
            ["patch"],
        ),
        ([""], ["events"], None, ["create"]),
        (["admissionregistration.k8s.io"], configurations, ["gatekeeper"], ["get", "update"]),
        ([""], ["secrets"], ["gatekeeper-certificates"], ["get", "update"]),
        ([""], ["configmaps"], ["gatekeeper-reach"], ["get", "update"]),
        (["coordination.k8s.io"], ["leases"], ["gatekeeper"], ["get", "update"]),
    ]


def test_every_role_is_bound_to_the_engine_alone() -> None:
    made = rights(NOTHING)
    for binding in (each for each in made if each["kind"].endswith("Binding")):
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": "gatekeeper", "namespace": "gatekeeper-system"}
        ]
        assert binding["roleRef"]["kind"] == binding["kind"].removesuffix("Binding")


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("Gateway", "gateways"),
        ("Ingress", "ingresses"),
        ("Policy", "policies"),
        ("NetworkPolicy", "networkpolicies"),
        ("CiliumEndpoint", "ciliumendpoints"),
    ],
)
def test_the_resource_of_an_unknown_kind_is_its_plural(kind: str, resource: str) -> None:
    assert plural(GroupVersionKind("example.com", "v1", kind), Kinds.builtin()) == resource
