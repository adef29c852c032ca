"""The kinds that policies look up are known before any request comes."""

from __future__ import annotations

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import LoadError
from gatekeeper_py.tenancy.lookups import looked_up
from gatekeeper_py.tenancy.protection import CHAIN

SERVICE = GroupVersionKind("", "v1", "Service")
SNAPSHOT = GroupVersionKind("snapshot.storage.k8s.io", "v1", "VolumeSnapshot")
DEVICE_CLAIM = GroupVersionKind("resource.k8s.io", "v1", "ResourceClaim")
POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  variables:
    - {name: pods, expression: "cluster.list('v1', 'Pod', request.namespace)"}
  validations:
    - expression: "[1].all(x, cluster.get('apps/v1', 'Deployment', 'a', 'b').hasValue())"
      messageExpression: "cluster.get('node.k8s.io/v1', 'RuntimeClass', '', 'kata').hasValue() ? 'a' : 'b'"
    - expression: "[1, 2].size() > 0"
"""


def test_kinds_are_collected_from_every_expression_and_the_params() -> None:
    assert looked_up(load_policies(read_text(POLICY))) == {
        GroupVersionKind("", "v1", "ConfigMap"),
        GroupVersionKind("", "v1", "Pod"),
        GroupVersionKind("apps", "v1", "Deployment"),
        GroupVersionKind("node.k8s.io", "v1", "RuntimeClass"),
    }


WORDS = {
    "requester.platform": {*CHAIN},
    "requester.tenants.size() > 0": set(),
    "isProtected(object)": {*CHAIN},
    "object.metadata.ownerReferences.exists(owner, isProtectedOwner(owner))": {*CHAIN},
    "reached(object).size() == 0": {*CHAIN, SERVICE, DEVICE_CLAIM, SNAPSHOT},
    "object.platform == true": set(),
}


@pytest.mark.parametrize(("expression", "kinds"), WORDS.items(), ids=WORDS)
def test_words_of_tenancy_look_up_kinds_of_their_own(expression: str, kinds: set[GroupVersionKind]) -> None:
    text = POLICY.replace("[1, 2].size() > 0", expression)
    named = looked_up(load_policies(read_text(POLICY)))
    assert looked_up(load_policies(read_text(text))) == named | kinds


STEERED = [
    "cluster.get(object.apiVersion, 'Pod', 'a', 'b').hasValue()",
    "cluster.list('v1', object.kind, 'a').size() == 0",
    "[cluster][0].get('v1', 'Pod', 'a', 'b').hasValue()",
    "[1].exists(cluster, .cluster.get('v1', object.kind, 'a', 'b').hasValue())",
    "[1].exists(cluster, cluster > 0) && cluster.list('v1', object.kind, 'a').size() == 0",
    "cluster.list('v1', object.kind, 'a').all(cluster, cluster.a == 1)",
    "cluster.get('v1', 'Pod', cluster.get('v1', object.kind, 'a', 'b').?x.orValue('a'), 'b').hasValue()",
]


@pytest.mark.parametrize("text", STEERED)
def test_a_kind_the_object_could_choose_is_refused(text: str) -> None:
    policy = POLICY.replace("[1, 2].size() > 0", text)
    with pytest.raises(LoadError, match="policy p looks up a kind it does not name"):
        load_policies(read_text(policy))


OWN_NAMES = [
    "object.spec.clusters.all(cluster, cluster.version in ['1', '2'])",
    "object.spec.clusters.filter(cluster, cluster != '').map(cluster, [cluster]).size() == 1",
    "object.spec.clusters.all(name, cluster, name != cluster.name)",
]


@pytest.mark.parametrize("text", OWN_NAMES)
def test_a_policy_may_call_a_variable_of_its_own_cluster(text: str) -> None:
    assert load_policies(read_text(POLICY.replace("[1, 2].size() > 0", text)))
