"""Mutations: what they change, in which order, and what stops them."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.policy.mutation.patch import same
from tests.objects.test_kinds import definition
from tests.policy.support import CONFIG_MAP, POD, bound, engine, mutating, request, validating

COUNT = "[JSONPatch{op: 'add', path: '/data/n', value: string(int(object.data.?n.orValue('0')) + 1)}]"
FAILS = "[JSONPatch{op: 'remove', path: '/data/none'}]"
SAID = "JSON Patch: error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value"


def add(key: str, value: str) -> str:
    return f"[JSONPatch{{op: 'add', path: '/data/{key}', value: {value}}}]"


def mutate(*objects: dict[str, Any], value: dict[str, Any] = CONFIG_MAP, **fields: Any) -> Decision:
    """The decision; its patch turns the request's object into exactly its object."""
    asked = request(value, **fields)
    decision = engine(*objects).review(asked)
    if asked.object is not None and decision.allowed:
        assert same(jsonpatch.apply_patch(asked.object, list(decision.patch)), decision.object)
    return decision


def data(*objects: dict[str, Any]) -> dict[str, str]:
    decision = mutate(*objects)
    assert decision.object is not None
    return dict(decision.object["data"])


def test_policies_run_in_the_order_of_their_names() -> None:
    later = mutating("b", add("y", "object.data.?x.orValue('none')"))
    assert data(later, mutating("a", add("x", "'1'"))) == {"a": "1", "x": "1", "y": "1"}


def test_each_mutation_sees_what_the_one_before_left() -> None:
    variables = [{"name": "c", "expression": "string(size(object.data))"}]
    policy = mutating("p", add("one", "variables.c"), add("two", "variables.c"), variables=variables)
    assert data(policy) == {"a": "1", "one": "1", "two": "2"}


def test_an_error_does_not_stop_the_next_mutation() -> None:
    policy = mutating("p", FAILS, add("b", "'2'"), failurePolicy="Ignore")
    assert data(policy) == {"a": "1", "b": "2"}


def test_a_patch_of_no_operations_changes_nothing() -> None:
    none = f"object.data.a == '9' ? {add('b', 'object.data.a')} : []"
    decision = mutate(mutating("p", none, "[JSONPatch{op: 'test', path: '/data/a', value: '1'}]"))
    assert decision.allowed
    assert (decision.patch, decision.object) == ((), CONFIG_MAP)


def test_under_fail_every_error_is_told_and_nothing_changes() -> None:
    decision = mutate(mutating("p", FAILS, FAILS, add("b", "object.data.gone")))
    status = decision.status
    assert status is not None
    head = "policy 'p' with binding 'p-b' denied request: "
    gone = f"expression '{add('b', 'object.data.gone')}' resulted in error: no such key: gone"
    assert (status.code, status.reason) == (403, "Invalid")
    assert status.message == f"{head}{SAID}\n{head}{gone}"
    assert [cause.message for cause in status.causes] == [head + SAID, head + gone]
    assert (decision.patch, decision.object) == ((), CONFIG_MAP)


def test_errors_quote_an_expression_with_the_white_space_around_it() -> None:
    text = "\n" + add("b", "object.data.gone") + "\n"
    condition = {"name": "c", "expression": " object.data.lost == '1' "}
    for policy, quoted in (
        (mutating("p", text), f"expression '{text}' resulted in error: no such key: gone"),
        (mutating("p", text, matchConditions=[condition]), "' object.data.lost == '1' ' resulted in error"),
    ):
        status = mutate(policy).status
        assert status is not None
        assert quoted in status.message


def test_a_failing_test_skips_its_patch_in_silence() -> None:
    policy = mutating("p", "[JSONPatch{op: 'test', path: '/data/a', value: '9'}] + " + add("b", "'2'"))
    assert data(policy) == {"a": "1"}


@pytest.mark.parametrize(("names", "count"), [(["b"], "2"), (["b1", "b2"], "4")])
def test_if_needed_runs_once_more_after_a_change(names: list[str], count: str) -> None:
    policy = mutating("p", COUNT, reinvocationPolicy="IfNeeded")
    assert data(policy, *[bound(policy, name) for name in names])["n"] == count


def test_never_runs_once() -> None:
    assert data(mutating("p", COUNT), mutating("q", add("b", "'2'")))["n"] == "1"


def test_what_no_longer_matches_is_not_run_again() -> None:
    conditions = [{"name": "c", "expression": "!has(object.data.n)"}]
    policy = mutating("p", COUNT, reinvocationPolicy="IfNeeded", matchConditions=conditions)
    assert data(policy)["n"] == "1"


def test_a_delete_is_left_alone() -> None:
    decision = mutate(mutating("p", FAILS), value=None, operation="DELETE", old_object=CONFIG_MAP)  # type: ignore[arg-type]
    assert decision.allowed
    assert decision.patch == ()


def apply(expression: str, value: dict[str, Any] = POD) -> Decision:
    return mutate(mutating("p", expression, kind="ApplyConfiguration"), value=value)


def test_an_apply_configuration_merges_and_fills_in_nothing() -> None:
    decision = apply("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'b', image: 'y'}]}}")
    assert decision.patch == (
        {"op": "add", "path": "/spec/containers/1", "value": {"name": "b", "image": "y"}},
    )


def test_a_custom_object_takes_whatever_its_definition_lets_stand() -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "cases"},
    }
    expression = "Object{spec: Object.spec{size: 3, inner: Object.spec.inner{a: 'b'}, list: ['x'], odd: 1.5}}"
    definitions = definition({"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}})
    value = {**widget, "spec": {"size": 1, "inner": {"c": "d"}, "list": ["y", "z"]}}
    kind, resource = (
        GroupVersionKind("example.com", "v1", "Widget"),
        GroupVersionResource("example.com", "v1", "widgets"),
    )
    asked = request(CONFIG_MAP, kind=kind, resource=resource, name="w", object=value)
    policy = mutating("p", expression, kind="ApplyConfiguration")
    decision = engine(policy, cluster=(definitions,)).review(asked)
    spec = {"size": 3, "inner": {"a": "b", "c": "d"}, "list": ["x"], "odd": 1.5}
    assert decision.object == {**widget, "spec": spec}


REFUSED = [
    ("Object{spec: Object.spec{args: 1}}", "error applying patch: failed to convert patch object to typed object: .spec.args: field not declared in schema"),
    ("Object{spec: Object.spec{nodeSelector: {'a': 'b'}}}", "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.nodeSelector"),
    ("Object{spec: Object.wrong{}}", 'type mismatch: unexpected type name "Object.wrong", expected "Object.spec", which matches field name path from root Object type'),
    ("Object{metadata: Object.metadata{labels: {1: 'a'}}}", "error applying patch: failed to convert patch object to typed object: .metadata: expected map, got &{fail to convert field \"labels\": map key '\\x01' is of type types.Int, not string}"),
    ("Object{spec: Object.spec{priority: 2.5}}", "unable to convert unstructured object to /v1, Kind=Pod: cannot convert float64 to int32"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), REFUSED, ids=range(len(REFUSED)))
def test_an_apply_configuration_that_does_not_fit_says_why(expression: str, message: str) -> None:
    status = apply(expression).status
    assert status is not None
    assert status.message == f"policy 'p' with binding 'p-b' denied request: {message}"


def test_an_object_of_no_kind_is_an_internal_error_that_ignore_does_not_forgive() -> None:
    broken = "[JSONPatch{op: 'add', path: '/dota', value: 1}]"
    status = mutate(mutating("p", broken, failurePolicy="Ignore")).status
    assert status is not None
    assert (status.code, status.reason) == (500, "InternalError")
    assert status.message == 'Internal error occurred: strict decoding error: unknown field "dota"'


def test_the_name_may_change_but_not_the_kind() -> None:
    renamed = mutate(mutating("p", "[JSONPatch{op: 'replace', path: '/metadata/name', value: 'z'}]"))
    assert renamed.patch == ({"op": "replace", "path": "/metadata/name", "value": "z"},)
    moved = mutate(mutating("p", "[JSONPatch{op: 'replace', path: '/apiVersion', value: 'v9'}]")).status
    assert moved is not None
    assert moved.message.startswith(
        'Internal error occurred: no kind "ConfigMap" is registered for version "v9"'
    )


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        (GroupVersionKind("autoscaling", "v1", "Scale"), GroupVersionResource("apps", "v1", "deployments")),
        (GroupVersionKind("policy", "v1", "Eviction"), GroupVersionResource("", "v1", "pods")),
        (
            GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"),
            GroupVersionResource("", "v1", "serviceaccounts"),
        ),
        (GroupVersionKind("", "v1", "PodExecOptions"), GroupVersionResource("", "v1", "pods")),
        (GroupVersionKind("", "v1", "NodeProxyOptions"), GroupVersionResource("", "v1", "nodes")),
    ],
)
def test_nothing_is_merged_into_what_has_no_type_of_its_own(
    kind: GroupVersionKind, resource: GroupVersionResource
) -> None:
    value = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "a", "namespace": "cases"},
    }
    asked = request(CONFIG_MAP, kind=kind, resource=resource, name="a", object=value)
    policy = mutating("p", "Object{metadata: Object.metadata{labels: {'a': 'b'}}}", kind="ApplyConfiguration")
    status = engine(policy).review(asked).status
    assert status is not None
    assert status.message.endswith(
        "error applying patch: failed to convert patch object to typed object: "
        f"no corresponding type for {kind.group}/{kind.version}, Kind={kind.kind}"
    )


def test_values_json_cannot_hold_say_why() -> None:
    status = mutate(mutating("p", "[JSONPatch{op: 'add', path: '/data', value: {1: 'a'}}]")).status
    assert status is not None
    assert status.message.endswith(
        "JSONPath valueExpression evaluated to a type that could not marshal to JSON: "
        "unsupported type conversion from 'int' to string"
    )


# --- corners, as kube-apiserver 1.36.3 was seen to have them ------------------------------------------

THING = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x", "namespace": "cases"}}
ANY = {
    "type": "object",
    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
}


def thing(expression: str, kind: str = "ApplyConfiguration") -> Decision:
    """What a mutation makes of an object of a kind whose spec may hold anything."""
    defined = definition({"name": "v1", "served": True, "schema": {"openAPIV3Schema": ANY}})
    view = engine(mutating("p", expression, kind=kind), cluster=(defined,))
    return view.review(make_request(Manifest(THING), view.cluster, Submission()))


TYPES_ARE_TEXT = {
    "int": "int",
    "type(1.0)": "double",
    "type(null)": "null_type",
    "[int]": ["int"],
    "{'a': int}": {"a": "int"},
}


@pytest.mark.parametrize(("value", "text"), TYPES_ARE_TEXT.items(), ids=TYPES_ARE_TEXT)
def test_a_type_in_an_object_is_text(value: str, text: object) -> None:
    decision = thing(f"Object{{spec: Object.spec{{t: {value}}}}}")
    assert decision.object == {**THING, "spec": {"t": text}}


def test_a_type_in_the_object_of_a_patch_is_text_too() -> None:
    patch = "[JSONPatch{op: 'add', path: '/spec', value: Object.spec{t: int}}]"
    assert thing(patch, "JSONPatch").object == {**THING, "spec": {"t": "int"}}


@pytest.mark.parametrize(("value", "shown"), [("double('NaN')", "NaN"), ("[-1.0 / 0.0]", "-Inf")])
def test_a_number_that_no_json_holds_is_an_error_whatever_the_failure_policy(value: str, shown: str) -> None:
    status = thing(f"Object{{spec: Object.spec{{n: {value}}}}}").status
    assert status is not None
    assert (status.code, status.reason, status.message) == (500, "", f"json: unsupported value: {shown}")


TWO_VERSIONS = definition(
    {"name": "v1", "served": True, "schema": {"openAPIV3Schema": ANY}},
    {"name": "v1alpha1", "served": False, "schema": {"openAPIV3Schema": ANY}},
)


def test_a_patch_may_name_any_version_of_the_definition_served_or_not() -> None:
    expression = "[JSONPatch{op: 'replace', path: '/apiVersion', value: 'example.com/v1alpha1'}]"
    view = engine(mutating("p", expression), cluster=(TWO_VERSIONS,))
    decision = view.review(make_request(Manifest(THING), view.cluster, Submission()))
    assert decision.allowed
    assert decision.patch == ()


MISFITS = {
    "val: dyn('1')": "unexpected JSONPatchType field: val",
    "op: dyn(1)": "unexpected type int64 for JSONPatchType 'op' field",
    "op: 'add', path: dyn([1])": "unexpected type []ref.Val for JSONPatchType 'path' field",
    "path: object.metadata": "unexpected type map[string]interface {} for JSONPatchType 'path' field",
    "from: dyn(null)": "unexpected type structpb.NullValue for JSONPatchType 'from' field",
    "op: dyn(quantity('1'))": "unexpected type *resource.Quantity for JSONPatchType 'op' field",
    "op: dyn(ip('1.1.1.1'))": "unexpected type netip.Addr for JSONPatchType 'op' field",
    "op: dyn(authorizer)": "unexpected type *types.Err for JSONPatchType 'op' field",
    "op: dyn(Object{})": "unexpected type map[string]interface {} for JSONPatchType 'op' field",
    "op: dyn(JSONPatch{})": "unexpected type *mutation.JSONPatchVal for JSONPatchType 'op' field",
}


@pytest.mark.parametrize(("fields", "message"), MISFITS.items())
def test_an_operation_that_only_evaluation_finds_unfit_is_refused_then(fields: str, message: str) -> None:
    status = thing(f"[JSONPatch{{{fields}}}]", "JSONPatch").status
    assert status is not None
    assert status.message.endswith(f"expression '[JSONPatch{{{fields}}}]' resulted in error: {message}")


def test_a_type_is_the_text_of_its_name_in_an_operation() -> None:
    status = thing("[JSONPatch{op: dyn(type(1)), path: '/spec'}]", "JSONPatch").status
    assert status is not None
    assert status.message.endswith("JSON Patch: Unexpected kind: int")


UNSPEAKABLE = {
    "authorizer": "type conversion error from 'kubernetes.authorization.Authorizer' to '*structpb.Value'",
    "authorizer.path('/x').check('get')": (
        "type conversion error from 'kubernetes.authorization.Decision' to '*structpb.Value'"
    ),
    "format.uuid()": "type conversion error from 'Format' to '*structpb.Value'",
    "quantity('1')": "type conversion error from 'Quantity' to '*structpb.Value'",
    "JSONPatch{}": "cannot convert to native type: *structpb.Value",
    "Object{a: quantity('1')}": "proto:\u00a0invalid type: *resource.Quantity",
    "Object{a: [semver('1.2.3')]}": "proto:\u00a0invalid type: semver.Version",
    "Object{a: {'b': url('https://c')}}": "proto:\u00a0invalid type: *url.URL",
    "Object{a: cidr('10.0.0.0/8')}": "proto:\u00a0invalid type: netip.Prefix",
    "Object{a: format.uuid()}": "proto:\u00a0invalid type: cel.Format",
    "Object{a: authorizer}": "proto:\u00a0invalid type: *types.Err",
    "Object{a: JSONPatch{}}": "proto:\u00a0invalid type: *mutation.JSONPatchVal",
}


@pytest.mark.parametrize(("value", "message"), UNSPEAKABLE.items())
def test_a_value_that_no_json_can_be_made_of_is_named_as_go_names_it(value: str, message: str) -> None:
    status = thing(f"[JSONPatch{{op: 'add', path: '/spec', value: {value}}}]", "JSONPatch").status
    assert status is not None
    assert status.message.endswith(f"evaluated to a type that could not marshal to JSON: {message}")


MERGED_UNFIT = {
    "quantity('2')": "expected map, got &{2}",
    "ip('1.1.1.1')": "expected map, got &{1.1.1.1}",
    "authorizer": "expected map, got &{no such overload}",
    "timestamp('2026-01-01T00:00:00Z')": "expected map, got &{2026-01-01 00:00:00 +0000 UTC}",
}


@pytest.mark.parametrize(("value", "message"), MERGED_UNFIT.items())
def test_a_value_that_does_not_fit_is_printed_as_go_prints_it(value: str, message: str) -> None:
    status = thing(f"Object{{spec: {value}}}").status
    assert status is not None
    assert status.message.endswith(f".spec: {message}")


def test_validation_sees_the_metadata_that_a_policy_wrote_and_no_author_may() -> None:
    patch = "[JSONPatch{op: 'add', path: '/metadata/selfLink', value: '/x'}]"
    sees = validating("v", validations=[{"expression": "object.metadata.selfLink == '/x'"}])
    view = engine(mutating("p", patch), sees)
    assert view.review(make_request(Manifest(CONFIG_MAP), view.cluster, Submission())).allowed


def test_validation_sees_what_a_patch_left_before_the_server_writes_it() -> None:
    """Fields that will be pruned, and labels that are no text: seen so on kube-apiserver 1.36.3."""
    labels = "JSONPatch{op: 'add', path: '/metadata/labels', value: {'a': 1}}"
    patch = f"[{labels}, JSONPatch{{op: 'add', path: '/more', value: 2}}]"
    sees = validating(
        "v",
        validations=[
            {"expression": "object.metadata.labels.a == 1 && object.more == 2 && has(object.spec.d)"}
        ],
    )
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "default": {}, "properties": {"d": {"type": "string", "default": "e"}}}
        },
    }
    defined = definition({"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}})
    view = engine(mutating("p", patch), sees, cluster=(defined,))
    assert view.review(make_request(Manifest(THING), view.cluster, Submission())).allowed


def test_the_options_of_a_connection_are_patched() -> None:
    """As kube-apiserver 1.36.3 does (tests/e2e/test_connections.py)."""
    options = {"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"], "stdin": True}
    kind, resource = GroupVersionKind("", "v1", "PodExecOptions"), GroupVersionResource("", "v1", "pods")
    asked = request(
        CONFIG_MAP,
        kind=kind,
        resource=resource,
        subresource="exec",
        operation="CONNECT",
        name="a",
        object=options,
    )
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/exec"], "operations": ["CONNECT"]}
    match = {"resourceRules": [rule]}
    policy = mutating("p", "[JSONPatch{op: 'remove', path: '/stdin'}]", matchConstraints=match)
    changed = engine(policy).review(asked).object
    assert changed == {name: value for name, value in options.items() if name != "stdin"}
