"""What policies read of a cluster's objects is found in their expressions, and what is kept is enough."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.projection import EACH, IDENTITY, WHOLE, Projection, union
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import LoadError, PolicySet, read
from gatekeeper_py.tenancy import ceiling
from gatekeeper_py.tenancy.reach import READ
from gatekeeper_py.tenancy.reads import read_by
from tests.shipped import SHIPPED

THING = GroupVersionKind("", "v1", "ConfigMap")
GET = "cluster.get('v1', 'ConfigMap', 'foo', 'x')"
LIST = "cluster.list('v1', 'ConfigMap', 'foo')"


def policy(expression: str, **variables: str) -> PolicySet:
    """One that asks an expression of pods, after some variables."""
    document = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ]
            },
            "variables": [{"name": name, "expression": text} for name, text in variables.items()],
            "validations": [{"expression": expression}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "p"},
        "spec": {"policyName": "p", "validationActions": ["Deny"]},
    }
    return load_policies(read_text(json.dumps(document) + "\n---\n" + json.dumps(binding)))


def present(*steps: str) -> Projection:
    return Projection.at(steps, Projection())


EXPRESSIONS: Mapping[str, tuple[str, Projection]] = {
    "whether it is there": (f"{GET}.hasValue()", Projection()),
    "a field": (f"{GET}.value().data.a == 'b'", Projection.of("data.a")),
    "fields that may be absent": (f"{GET}.?data.?a.orValue('') == 'b'", Projection.of("data.a")),
    "whether a field is there": (f"has({GET}.value().data)", present("data")),
    "whether one of its name is": (f"'a' in {GET}.value().data", present("data", "a")),
    "a field by its name": (f"{GET}.value()['data']['a'] == ''", Projection.of("data.a")),
    "a field by one of some names": (
        f"['a', 'b'].exists(name, {GET}.value().data[name] == '')",
        Projection.of("data.a", "data.b"),
    ),
    "a field by a name of the request": (
        f"{GET}.value().data[request.name] == ''",
        Projection.of("data[]"),
    ),
    "a field by a name put together": (f"{GET}.value().data['a' + 'b'] == ''", Projection.of("data[]")),
    "how many": (f"{LIST}.size() > 1", Projection()),
    "how many of a field": (f"{GET}.value().items.size() > 1", present("items", EACH)),
    "something of each": (f"{LIST}.all(x, x.data.a == '')", Projection.of("data.a")),
    "something of some": (f"{LIST}.filter(x, x.data.a == '')[0].b == ''", Projection.of("data.a", "b")),
    "something of each element": (
        f"{GET}.value().items.map(i, i.a).exists(a, a.b == '')",
        Projection.of("items[].a.b"),
    ),
    "by position and element": (
        f"{GET}.value().items.all(i, e, e.a == '')",
        Projection.of("items[].a"),
    ),
    "elements of two lists": (
        f"({GET}.value().a + {GET}.?b.orValue([])).exists(x, x.c == '')",
        Projection.of("a[].c", "b[].c"),
    ),
    "one or the other": (
        f"(request.name == '' ? {GET} : {GET}.value().?a).value().b == ''",
        Projection.of("b", "a.b"),
    ),
    "by a macro's variable": (
        f"{GET}.optMap(found, found.a.b == '').orValue(true)",
        Projection.of("a.b"),
    ),
    "by a function of tenancy": (f"isProtected({GET}.value())", READ),
    "by another function": (f"{GET}.value().data.a.startsWith('b')", Projection.of("data.a")),
    "all, compared": (f"{GET}.value() == {{}}", WHOLE),
    "all, in a list": (f"[{GET}.value()] == []", WHOLE),
    "all, in a map": (f"{{'a': {GET}.value()}}.a.b == ''", WHOLE),
    "a field of others": ("!cluster.isTaken('v1', 'ConfigMap', 'data.a', 'b')", Projection.of("data.a")),
    "a field of others that is not named": (
        "!cluster.isTaken('v1', 'ConfigMap', request.name, 'b')",
        WHOLE,
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_what_an_expression_reads(name: str) -> None:
    expression, reads = EXPRESSIONS[name]
    assert read_by(policy(expression))[THING] == union((IDENTITY, reads))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_what_an_expression_reads_by_way_of_a_variable(name: str) -> None:
    expression, reads = EXPRESSIONS[name]
    policies = policy(
        expression.replace(GET, "variables.thing").replace(LIST, "variables.things"),
        thing=GET if GET in expression else "1",
        things=LIST if LIST in expression else "1",
    )
    assert read_by(policies)[THING] == union((IDENTITY, reads))


def test_a_macros_variable_may_be_called_variables() -> None:
    policies = policy(f"{LIST}.exists(variables, variables.thing.a == '')", thing="1")
    assert read_by(policies)[THING] == union((IDENTITY, Projection.of("thing.a")))


def test_params_are_kept_whole_and_versions_of_a_kind_alike() -> None:
    both = policy(
        "cluster.get('autoscaling/v1', 'HorizontalPodAutoscaler', 'foo', 'x').value().a == "
        "cluster.get('autoscaling/v2', 'HorizontalPodAutoscaler', 'foo', 'x').value().b"
    )
    kept = union((IDENTITY, Projection.of("a", "b")))
    assert list(read_by(both).values()) == [kept, kept]


def test_of_a_pod_the_shipped_policies_read_little() -> None:
    kept = read_by(load_policies(read(SHIPPED)), ceilings=False)[GroupVersionKind("", "v1", "Pod")]
    assert set(kept.fields) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(kept.fields["spec"].fields["containers"].fields[EACH].fields) == {"securityContext"}


def test_where_a_tenant_has_a_ceiling_what_pods_ask_for_is_kept() -> None:
    kept = read_by(load_policies(read(SHIPPED)), ceilings=True)[GroupVersionKind("", "v1", "Pod")]
    assert kept.covers(ceiling.READ)


# --- whatever is asked, of whatever is there, what is kept gives the same answer

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.one_of(st.just("a"), st.booleans(), st.integers(0, 2)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=10,
)


SOMETHING = (
    "<value>.<name>",
    "dyn(<value>.?<name>.orValue({}))",
    "dyn(<value>[?'<name>'].orValue([]))",
    "<value>[0]",
    "<value>['<name>']",
    "dyn([<value>])[0]",
    "(<value> + <value>.<name>)",
    "(true ? <value> : <value>)",
    "dyn(<value>.filter(e, <truth>))",
    "dyn(<value>.map(e, e.<name>))",
    "dyn(['a', 'b'].map(e, <value>[e])[0])",
    "dyn(optional.of(<value>).optMap(e, e.<name>).orValue([]))",
)
"""Expressions for something in an object."""
TRUTHS = (
    "has(<value>.<name>)",
    "('<name>' in <value>)",
    "(<value>.size() == 1)",
    "(<value> == <value>.<name>)",
    "(<value> == 'a')",
    "['a', 'b'].exists(f, f in <value> && <value>[f] == true)",
    "<value>.exists(e, <truth>)",
    "<value>.all(k, e, <truth>)",
    "(<truth> || <truth>)",
    "(<truth> && !<truth>)",
)
"""Expressions that hold or not."""
PART = re.compile(r"<(\w+)>")


@st.composite
def truths(draw: st.DrawFn) -> str:
    """Any of them, some deep; one may name a variable that is not there, and is then drawn anew."""
    left = draw(st.integers(1, 8))

    def part(found: re.Match[str]) -> str:
        nonlocal left
        left -= 1
        if found[1] == "name":
            return draw(NAMES)
        if left <= 0:
            return (
                draw(st.sampled_from([f"{GET}.value()", f"{LIST}[0]", "e"]))
                if found[1] == "value"
                else "true"
            )
        return PART.sub(part, draw(st.sampled_from(SOMETHING if found[1] == "value" else TRUTHS)))

    return f"[{LIST}[0]].exists(e, {PART.sub(part, draw(st.sampled_from(TRUTHS)))})"


REQUEST = AdmissionRequest(
    uid="u",
    kind=GroupVersionKind("", "v1", "Pod"),
    resource=GroupVersionResource("", "v1", "pods"),
    operation="CREATE",
    name="p",
    namespace="foo",
    object={"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "foo"}},
)


@settings(max_examples=150, deadline=None)
@given(truths(), st.dictionaries(NAMES, VALUES, max_size=3))
def test_no_expression_can_tell_what_was_left_out(expression: str, fields: dict[str, Any]) -> None:
    whole = {**fields, "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "foo"}}
    try:
        policies = policy(expression)
    except LoadError:  # what is known to be a list has no field
        reject()
    kept = read_by(policies)[THING].keep(whole)
    decisions = [Engine(policies, Snapshot([each])).review(REQUEST) for each in (whole, kept)]
    assert decisions[0] == decisions[1]
