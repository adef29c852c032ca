"""What may stand in the fields of a document."""

from __future__ import annotations

import pytest
import yaml

from gatekeeper_py.authoring.editor.fieldhelp import field_note, field_proposals, value_proposals
from gatekeeper_py.objects.fieldpath import FieldPath
from tests.authoring.editor.policies import GOOD, SUITE

POLICY, BINDING = yaml.safe_load_all(GOOD)
TENANT = {"apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1", "kind": "Tenant", "spec": {"nodes": {}}}


@pytest.mark.parametrize(
    ("document", "path", "fields"),
    [
        (POLICY, (), ["status"]),
        (POLICY, ("spec",), ["auditAnnotations", "failurePolicy", "paramKind"]),
        (POLICY, ("spec", "validations", 0), ["messageExpression", "reason"]),
        (POLICY, ("spec", "matchConstraints", "resourceRules", 0), ["resourceNames", "scope"]),
        (BINDING, ("spec",), ["matchResources", "paramRef"]),
        (TENANT, ("spec", "nodes"), ["profile", "selector", "tolerations"]),
        (yaml.safe_load(SUITE), (), ["waivers", "today", "cluster", "objects", "user", "workloads"]),
        (POLICY, ("spec", "nothing"), []),
        (None, (), ["apiVersion", "kind", "metadata"]),
    ],
)
def test_fields_that_may_still_be_written(document: object, path: FieldPath, fields: list[str]) -> None:
    assert [each.label for each in field_proposals(document, path)] == fields


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        (POLICY, ("spec", "failurePolicy"), ["Fail", "Ignore"]),
        (
            POLICY,
            ("spec", "matchConstraints", "resourceRules", 0, "operations", 0),
            ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"],
        ),
        (BINDING, ("spec", "validationActions", 0), ["Audit", "Deny", "Warn"]),
        (TENANT, ("spec", "enforcement"), ["observe", "warn", "enforce"]),
        (TENANT, ("apiVersion",), ["tenancy.gatekeeper-py.dev/v1alpha1"]),
        (yaml.safe_load(SUITE), ("cases", 0, "expect"), ["allow", "deny", "warn", "waived", "unmatched"]),
        (POLICY, ("metadata", "name"), []),
    ],
)
def test_words_that_may_stand_there(document: object, path: FieldPath, words: list[str]) -> None:
    assert [each.label for each in value_proposals(document, path)] == words


def test_a_field_says_what_it_is_for() -> None:
    found = field_note(POLICY, ("spec", "failurePolicy"))
    assert found is not None
    assert found.detail == "Fail | Ignore"
    assert found.text.startswith("What an error of an expression does")
    assert field_note(POLICY, ("spec", "nothing")) is None
    assert field_note(POLICY, ("spec", "validations", 0)) is None
