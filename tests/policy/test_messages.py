"""The words users see, word for word."""

from __future__ import annotations

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy import messages

SAID = [
    (messages.compilation_failed("ERROR: x"), "compilation failed: ERROR: x"),
    (
        messages.evaluation_error("a.b", "no such key: b"),
        "expression 'a.b' resulted in error: no such key: b",
    ),
    (
        messages.composited_variable("x", "no such key: b"),
        'composited variable "x" fails to evaluate: no such key: b',
    ),
    (messages.aggregate(["a"]), "a"),
    (messages.aggregate(["a", "a"]), "a"),
    (messages.aggregate(["a", "b", "a"]), "[a, b]"),
    (messages.failed_expression(" a\n  == b "), "failed expression: a\n  == b"),
    (messages.failed_message_expression("why"), "failed messageExpression: why"),
    (
        messages.annotation_type("1", "int"),
        "valueExpression '1' resulted in unsupported return type: int. Return type must be either string or null.",
    ),
    (messages.unconfigured_policy("why"), "failed to configure policy: why"),
    (messages.unconfigured_binding("why"), "failed to configure binding: why"),
    (
        messages.validation_denied("p", "b", "no"),
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
    ),
    (messages.validation_denied("p", "", "no"), "ValidatingAdmissionPolicy 'p' denied request: no"),
    (
        messages.validation_warning("p", "b", "no"),
        "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no",
    ),
    (messages.brief_warning("p", "Pod", "web", "no"), 'p: Pod "web": no'),
    (messages.mutation_denied("p", "b", "no"), "policy 'p' with binding 'b' denied request: no"),
    (messages.mutation_denied("p", "", "no"), 'policy "p" denied request: no'),
    (
        messages.type_name_mismatch("Object.a", "Object.b"),
        'unexpected type name "Object.a", expected "Object.b", which matches field name path from root Object type',
    ),
    (
        messages.conversion_failed(GroupVersionKind("", "v1", "Pod"), "why"),
        "unable to convert unstructured object to /v1, Kind=Pod: why",
    ),
    (
        messages.schema_not_found(GroupVersionKind("g", "v1", "K")),
        "Resource kind g/v1, Kind=K not found. There can be a delay between when CustomResourceDefinitions are "
        "created and when they are available.",
    ),
    (messages.forbidden("pods", "", "x", "no"), 'pods "x" is forbidden: no'),
    (messages.forbidden("deployments", "apps", "x", "no"), 'deployments.apps "x" is forbidden: no'),
    (messages.not_found("namespaces", "", "x"), 'namespaces "x" not found'),
    (messages.internal_error("why"), "Internal error occurred: why"),
]


@pytest.mark.parametrize(("said", "expected"), SAID, ids=range(len(SAID)))
def test_says_it_as_the_api_server_does(said: str, expected: str) -> None:
    assert said == expected
