"""What may stand behind the cursor in an expression, with its type and its meaning. `|` is the cursor."""

from __future__ import annotations

import pytest
import yaml

from gatekeeper_py.authoring.editor.fragment import fragment
from gatekeeper_py.authoring.editor.outline import expression_kind, outline
from gatekeeper_py.authoring.editor.proposals import Proposal, proposals
from gatekeeper_py.objects.fieldpath import FieldPath
from tests.authoring.editor.policies import GOOD

VALIDATION: FieldPath = ("spec", "validations", 0, "expression")
DOCUMENT = yaml.safe_load(GOOD.partition("---")[0])
MUTATING = {**DOCUMENT, "kind": "MutatingAdmissionPolicy"}


def proposed(before: str, path: FieldPath = VALIDATION, document: object = DOCUMENT) -> dict[str, Proposal]:
    made = outline(document, path, ())
    assert made is not None
    written = fragment(before)
    assert written is not None
    found = proposals(made, written)
    assert len({each.label for each in found}) == len(found)
    return {each.label: each for each in found}


@pytest.mark.parametrize(
    ("before", "label", "detail"),
    [
        ("", "object", "core.v1.Pod"),
        ("", "tenant", "tenancy.Tenant"),
        ("", "variables", "object"),
        ("", "has", "has(field) -> bool"),
        ("", "true", "bool"),
        ("", "references", "references(dyn) -> list(tenancy.Reference)"),
        ("", "sets", "sets.…"),
        ("object.", "spec", "core.v1.PodSpec"),
        ("object.?metadata.?", "labels", "map"),
        ("has(object.spec.", "hostNetwork", "boolean"),
        ("object.spec.containers[0].", "image", "string"),
        ("object.spec.containers.filter(c, c.", "image", "string"),
        ("variables.", "containers", "list of core.v1.Container"),
        ("variables.", "most", "int"),
        ("variables.containers.map(c, c.ports).exists(p, p[0].", "containerPort", "integer"),
        ("variables.containers.", "all", "all(variable, expression)"),
        ("variables.containers[0].image.", "startsWith", "string.startsWith(string) -> bool"),
        ("tenant.", "storageClasses", "tenancy.Choice"),
        ("tenant.", "owns", "tenancy.Tenant.owns(string) -> bool"),
        ("tenant.storageClasses.", "permits", "tenancy.Choice.permits(string) -> bool"),
        ("request.userInfo.", "groups", "list(string)"),
        ("runtimeClass('kata').", "isolation", "string"),
        ("runtimeClass('kata').", "hasValue", "optional_type(V).hasValue() -> bool"),
        ("references(object).all(r, r.", "how", "string"),
        ("sets.", "contains", "sets.contains(list(T), list(T)) -> bool"),
        ("authorizer.", "requestResource", "kubernetes.authorization.ResourceCheck"),
        ("quantity('1').", "asInteger", "kubernetes.Quantity.asInteger() -> int"),
        ("x.map(y, ", "y", "dyn"),
        # What stands before is wrong: what is behind the dot is known all the same.
        ("nothing(1, tenant.", "hostnames", "list(string)"),
        ("nobody.all(x, request.", "operation", "string"),
    ],
)
def test_what_is_proposed(before: str, label: str, detail: str) -> None:
    assert proposed(before)[label].detail == detail


@pytest.mark.parametrize(
    ("before", "label"),
    [
        ("", "startsWith"),
        ("", "authorizer.requestResource"),
        ("tenant.", "startsWith"),
        ("request.", "all"),
        ("object.", "initContainers"),
        ("object.spec.containers.", "startsWith"),
        ("sets.", "size"),
        ("1.", "contains"),
        ("runtimeClass('kata').", "all"),
    ],
)
def test_what_is_not_proposed(before: str, label: str) -> None:
    assert label not in proposed(before)


def test_a_variable_shows_what_it_stands_for() -> None:
    assert proposed("variables.")["most"].text == "```cel\nsize(variables.containers)\n```"


def test_a_variable_knows_those_before_it() -> None:
    assert list(proposed("variables.", ("spec", "variables", 1, "expression"))) == ["containers"]


def test_a_match_condition_knows_no_variables() -> None:
    assert "variables" not in proposed("", ("spec", "matchConditions", 0, "expression"))


def test_params_are_known_where_there_are_some() -> None:
    spec = {**DOCUMENT["spec"], "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    assert "params" not in proposed("")
    assert "params" in proposed("", document={**DOCUMENT, "spec": spec})


def test_params_look_like_their_kind() -> None:
    spec = {**DOCUMENT["spec"], "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    assert proposed("params.", document={**DOCUMENT, "spec": spec})["data"].detail == "map"


def test_messages_of_mutations_have_the_fields_of_the_object() -> None:
    patch: FieldPath = ("spec", "mutations", 0, "jsonPatch", "expression")
    apply: FieldPath = ("spec", "mutations", 0, "applyConfiguration", "expression")
    assert list(proposed("[JSONPatch{", patch, MUTATING)) == ["op", "path", "from", "value"]
    assert "containers" in proposed("Object{spec: Object.spec{", apply, MUTATING)
    assert "image" in proposed(
        "Object{spec: Object.spec{containers: [Object.spec.containers{", apply, MUTATING
    )


def test_a_policy_that_is_hardly_begun_knows_the_language() -> None:
    begun = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "spec": None,
    }
    assert "claimed" in proposed("tenant.", document=begun)
    broken = {**begun, "spec": {"variables": [{"name": "x", "expression": "y"}, None], "validations": 3}}
    assert proposed("variables.", document=broken)["x"].detail == "dyn"


@pytest.mark.parametrize(
    "path", [("spec", "validations", 0, "message"), ("metadata", "name"), ("spec", "variables"), ()]
)
def test_only_some_fields_are_expressions(path: FieldPath) -> None:
    assert expression_kind(path) is None
    assert outline(DOCUMENT, path, ()) is None


def test_other_documents_have_no_expressions() -> None:
    assert outline({"apiVersion": "v1", "kind": "Pod", "spec": {}}, VALIDATION, ()) is None
    assert outline([], VALIDATION, ()) is None
