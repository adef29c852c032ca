"""The JSON Schema admits what loads, refuses slips at their place, and stands in the checkout as it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gatekeeper_py.authoring.editor.jsonschemas import json_schema, render
from gatekeeper_py.manifests.manifest import read_documents
from gatekeeper_py.policy.loading.load import KUSTOMIZATIONS
from tests.cli.support import POLICIES, run

ROOT = Path(__file__).parents[3]
SHIPPED = [path for path in sorted((ROOT / "policies").rglob("*.yaml")) if path.name not in KUSTOMIZATIONS]
VALIDATOR = jsonschema.Draft7Validator(json_schema())

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: a}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
    - expression: "true"
"""
TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}}
"""
SUITE = "cases:\n  - {name: a, object: pod, expect: allow}\nobjects: {pod: {kind: Pod}}\n"


def wrong(text: str) -> list[str]:
    """The places where a document is not as the schema wants it."""
    return [error.json_path for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


def test_the_checkout_holds_the_schema_as_it_is_made() -> None:
    """Mend it by: python -m gatekeeper_py schemas > schemas/gatekeeper.json."""
    assert (ROOT / "schemas" / "gatekeeper.json").read_bytes() == render()


def test_the_command_prints_it() -> None:
    assert run("schemas").output.encode() == render()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_ships_conforms(path: Path) -> None:
    for document in read_documents(path):
        assert [error.message for error in VALIDATOR.iter_errors(document.value)] == []


@pytest.mark.parametrize(
    "document", list(yaml.safe_load_all(POLICIES)), ids=lambda each: each["metadata"]["name"]
)
def test_policies_of_other_kinds_conform(document: Any) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_params_of_any_kind_conform() -> None:
    assert wrong("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {most: '3'}\n") == []


@pytest.mark.parametrize(
    ("document", "old", "new", "place"),
    [
        (POLICY, "kind: ValidatingAdmissionPolicy", "kind: MutatingAdmissionPolicy", "$.spec"),
        (POLICY, "ValidatingAdmissionPolicy", "ValidatingAdmisionPolicy", "$.kind"),
        (TENANT, "kind: Tenant", "kind: Tenent", "$.kind"),
        (POLICY, "registration.k8s.io/v1", "registration.k8s.io/v2", "$.apiVersion"),
        (POLICY, "metadata: {name: a}", "metadata: {}", "$.metadata"),
        (POLICY, "CREATE", "CRAETE", "$.spec.matchConstraints.resourceRules[0].operations[0]"),
        (POLICY, "apiVersions: [v1], ", "", "$.spec.matchConstraints.resourceRules[0]"),
        (POLICY, "  validations:", "  validation:", "$.spec"),
        (POLICY, '"true"', "true", "$.spec.validations[0].expression"),
        (POLICY, "spec:", "spec:\n  failurePolicy: fail", "$.spec.failurePolicy"),
        (TENANT, "names: [foo]", "name: [foo]", "$.spec.namespaces"),
        (TENANT, "{namespaces", "{podSecurity: strict, namespaces", "$.spec.podSecurity"),
        (TENANT, "spec: {namespaces", "spec: {namespace", "$.spec"),
        (SUITE, "allow", "allowed", "$.cases[0].expect"),
        (SUITE, ", expect: allow", "", "$.cases[0]"),
        (SUITE, "objects:", "object:", "$"),
        (SUITE, "object: pod", "objct: pod", "$.cases[0]"),
    ],
)
def test_a_slip_is_told_at_its_place(document: str, old: str, new: str, place: str) -> None:
    assert wrong(document) == []
    assert place in wrong(document.replace(old, new))
