"""Which fields of tenancy documents a policy reads."""

from __future__ import annotations

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.tenancy import library
from gatekeeper_py.tenancy.fields import SETTINGS_SPEC, TENANT_SPEC
from gatekeeper_py.tenancy.usage import WORDS, document_fields, word_is_used

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
    - expression: >-
        EXPRESSION
"""


def fields(expression: str) -> list[str]:
    (policy,) = load_policies(read_text(POLICY.replace("EXPRESSION", expression))).validating
    return [f"{field.kind} {field.path}" for field in document_fields(policy)]


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("object.metadata.name != 'tenant.labels'", []),
        ("tenant != null && tenant.name != ''", []),
        ("!tenant.trusted", ["Tenant trusted"]),
        ("tenant.limits.snapshots > 1", ["Tenant limits.snapshots"]),
        ("tenant.isolation == 'vm'", ["Tenant runtimeClasses.isolation"]),
        ("has(tenant.labels) && tenant.?labels.hasValue()", ["Tenant labels"]),
        ("tenant.storageClasses.permits(tenant.storageClasses.default)", ["Tenant storageClasses"]),
        ("tenant.ownsHostname(tenant.registries[0])", ["Tenant hostnames", "Tenant registries"]),
        ("references(object).all(r, tenant.permits(r))", ["Tenant sharing"]),
        (
            "tenants.ofNamespace(settings.clusterDomain).hasValue()",
            ["Tenant namespaces", "TenancySettings clusterDomain"],
        ),
        (
            "requester.platform || tenant.name in requester.tenants",
            ["Tenant owners", "Tenant writesAs", "TenancySettings platform"],
        ),
        (
            "runtimeClass('a').hasValue() && tenant.refused",
            ["TenancySettings handlers", "TenancySettings unclaimed"],
        ),
        ("settings.reservedTaints.size() == 0", ["Tenant nodes.tolerations"]),
        ("tenant.permitsAudience('a')", ["Tenant tokenAudiences"]),
        ("tenant.permitsKind('a', 'B')", ["Tenant customResources"]),
    ],
)
def test_fields_that_an_expression_reads(expression: str, read: list[str]) -> None:
    assert fields(expression) == read


def test_every_word_is_a_field_of_a_document_or_says_which_are_behind_it() -> None:
    words = {
        *(f"tenant.{name}" for name in library.FIELDS.keys() - TENANT_SPEC["properties"].keys()),
        *(
            f"settings.{name}"
            for name in (library.SETTINGS.fields or {}).keys() - SETTINGS_SPEC["properties"].keys()
        ),
        *(f"requester.{name}" for name in library.REQUESTER.fields or {}),
    }
    assert words <= WORDS.keys()


def test_the_fields_behind_words_exist() -> None:
    assert all(field.meaning for fields in WORDS.values() for field in fields)


@pytest.mark.parametrize(
    ("expression", "word", "used"),
    [
        ("references(object).size() == 0", "references", True),
        ("references(object).all(r, tenant.permits(r))", "tenant.permits", True),
        ("object.references == 1", "references", False),
        ("object.kind == 'references'", "references", False),
        ("tenant.name == ''", "tenant.permits", False),
    ],
)
def test_a_word_is_used_where_an_expression_says_it(expression: str, word: str, used: bool) -> None:
    (policy,) = load_policies(read_text(POLICY.replace("EXPRESSION", expression))).validating
    assert word_is_used(policy, word) is used
