"""What an edit would take away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.webhook.inventory import Inventory, contradictions, losses

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-host}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
    - expression: "!object.spec.?hostNetwork.orValue(false)"
    - expression: "!object.spec.?hostPID.orValue(false)"
"""
BINDING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-host}
spec: {policyName: no-host, validationActions: [Deny]}
"""
WARNING = BINDING.replace("name: no-host}\n", "name: warning}\n", 1).replace("Deny", "Warn")
STAMP = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: stamp}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  mutations:
    - patchType: JSONPatch
      jsonPatch: {expression: '[JSONPatch{op: "add", path: "/metadata/labels", value: {"a": "b"}}]'}
"""
STAMPING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: stamp}
spec: {policyName: stamp}
"""
TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec:
  namespaces: {names: [foo]}
  owners: [{kind: User, name: alice}]
"""
BAR = TENANT.replace("name: foo}", "name: bar}").replace("[foo]", "[bar]")
ALL = (POLICY, BINDING, STAMP, STAMPING, TENANT)


def inventory(*documents: str, living: Sequence[str] = ()) -> Inventory:
    """Of one file and of objects of the cluster."""
    files = read_text("---\n".join(documents), "p.yaml")
    objects: tuple[Manifest, ...] = tuple(found for text in living for found in read_text(text, "c.yaml"))
    return Inventory.of(files, load_policies(files, objects), objects)


LOST = {
    "a validating policy's only binding": (
        (POLICY, STAMP, STAMPING, TENANT),
        'ValidatingAdmissionPolicy "no-host" has lost its binding. Bring it back, or remove the policy, too',
    ),
    "a mutating policy's only binding": (
        (POLICY, BINDING, STAMP, TENANT),
        'MutatingAdmissionPolicy "stamp" has lost its binding. Bring it back, or remove the policy, too',
    ),
    "every tenancy document": (
        (POLICY, BINDING, STAMP, STAMPING),
        'every tenancy document is gone from the files: Tenant "foo". '
        "Bring one back; --allow-no-tenants would serve without",
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_what_nobody_takes_away_so_is_told(case: str) -> None:
    left, told = LOST[case]
    assert list(contradictions(inventory(*ALL), inventory(*left))) == [told]


MEANT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nothing": (ALL, ALL),
    "a policy with its binding": (ALL, (STAMP, STAMPING, TENANT)),
    "one binding of two": ((*ALL, WARNING), ALL),
    "one tenant of two": ((*ALL, BAR), ALL),
    "a binding there never was": ((POLICY, TENANT), (POLICY, TENANT)),
    "what comes anew": ((POLICY, BINDING, TENANT), ALL),
}


@pytest.mark.parametrize("case", MEANT)
def test_what_may_be_meant_is_no_contradiction(case: str) -> None:
    before, after = MEANT[case]
    assert list(contradictions(inventory(*before), inventory(*after))) == []


def test_tenants_of_the_cluster_make_up_for_each_other_but_not_for_those_of_files() -> None:
    both = inventory(POLICY, TENANT, living=[BAR])
    assert list(contradictions(both, inventory(POLICY, TENANT))) == []
    assert list(contradictions(both, inventory(POLICY, living=[BAR]))) != []
    living = inventory(POLICY, living=[BAR])
    (told,) = contradictions(living, inventory(POLICY))
    assert told.startswith('every tenancy document is gone: Tenant "bar". ')
    assert list(contradictions(living, inventory(POLICY), demand_tenants=False)) == []


GONE: dict[str, tuple[tuple[str, ...], tuple[str, ...], list[str]]] = {
    "nothing": (ALL, ALL, []),
    "what comes anew": ((POLICY, BINDING), ALL, []),
    "a tenant and a binding": (
        (POLICY, BINDING, WARNING, TENANT, BAR),
        (POLICY, BINDING, TENANT),
        ['Tenant "bar" is gone', 'ValidatingAdmissionPolicyBinding "warning" is gone'],
    ),
    "the end of a document": (
        (BINDING, POLICY),
        (BINDING, POLICY.rpartition("    - ")[0]),
        ["p.yaml has become the beginning of what it was"],
    ),
    "the end of a tenant": (
        (POLICY, TENANT),
        (POLICY, TENANT.rpartition("  owners")[0]),
        ["p.yaml has become the beginning of what it was"],
    ),
    "something in the middle": ((POLICY, TENANT), (POLICY.replace("    - ", "      - ", 0), TENANT), []),
}


@pytest.mark.parametrize("case", GONE)
def test_losses_are_named(case: str) -> None:
    before, after, told = GONE[case]
    assert list(losses(inventory(*before), inventory(*after))) == told


def test_a_param_that_is_gone_is_a_loss() -> None:
    param: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n"},
    }
    with_params = POLICY.replace("spec:\n", "spec:\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n")
    before = inventory(with_params, f"{param}\n")
    assert list(losses(before, inventory(with_params))) == [
        'ConfigMap "n/c" is gone',
        "p.yaml has become the beginning of what it was",
    ]


def test_of_many_names_a_few_are_told() -> None:
    tenants = [TENANT.replace("foo", name) for name in ("a", "b", "c", "d", "e")]
    (told,) = contradictions(inventory(POLICY, *tenants), inventory(POLICY))
    assert 'Tenant "a", Tenant "b", Tenant "c" and 2 more. ' in told
