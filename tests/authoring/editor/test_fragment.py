"""The beginning of an expression, made whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.authoring.editor.fragment import fragment
from gatekeeper_py.cel import kubernetes_environment

ENVIRONMENT = kubernetes_environment()


@pytest.mark.parametrize(
    ("before", "word", "receiver", "whole"),
    [
        ("object.sp", "sp", "object", "dyn(object)"),
        ("a.b[0].c(d, 'e').f", "f", "a.b[0].c(d, 'e')", "dyn(a.b[0].c(d, 'e'))"),
        ("object.?spec.?", "", "object.?spec", "dyn(object.?spec)"),
        ("x.filter(c, c.im", "im", "c", "x.filter(c, dyn(c))"),
        ("has(object.spec.", "", "object.spec", "dyn(dyn(object.spec))"),
        ("a.has(b.", "", "b", "a.has(dyn(b))"),
        ("a ? b.", "", "b", "a ? dyn(b): null"),
        ("(a ? b : c) + d.", "", "d", "(a ? b : c) + dyn(d)"),
        ("f(a ? b.", "", "b", "f(a ? dyn(b): null)"),
        ("[1, a.", "", "a", "[1, dyn(a)]"),
        ("{'k': a.", "", "a", "{'k': dyn(a)}"),
        ("{'k': 1, a.", "", "a", "{'k': 1, dyn(a): null}"),
        ("'.(' + a.", "", "a", "'.(' + dyn(a)"),
        (" 'abc'.", "", "'abc'", " dyn('abc')"),
        ("Object{spec: a.", "", "a", "Object{spec: dyn(a)}"),
        ("// x.y\na.", "", "a", "// x.y\ndyn(a)"),
        ("a.b ", "", "", ""),
        ("tena", "tena", "", ""),
        ("", "", "", ""),
        ("a == ", "", "", ""),
        ("(.", "", "", ""),
    ],
)
def test_a_fragment_is_made_whole(before: str, word: str, receiver: str, whole: str) -> None:
    found = fragment(before)
    assert found is not None
    assert (found.word, found.receiver, found.whole) == (word, receiver, whole)
    assert not whole or found.whole[found.place :].startswith("dyn(")


@pytest.mark.parametrize("before", ["'abc", 'x == "a.b', "r'a", "// a.b", "a + // b."])
def test_nothing_is_proposed_in_strings_and_comments(before: str) -> None:
    assert fragment(before) is None


@pytest.mark.parametrize(
    ("before", "variables"),
    [
        ("a.map(x, b.filter(y, ", ("x", "y")),
        ("a.map(x, x.z) + ", ()),
        ("a.transformList(i, v, ", ("i", "v")),
        ("a.all(x", ()),
        ("f(x, ", ()),
    ],
)
def test_the_variables_of_macros_are_known_inside(before: str, variables: tuple[str, ...]) -> None:
    found = fragment(before)
    assert found is not None
    assert found.variables == variables


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("[JSONPatch{op: 'add', va", "JSONPatch"),
        ("Object{spec: Object.spec{", "Object.spec"),
        ("Object{spec: ", ""),
        ("{a", ""),
    ],
)
def test_a_field_of_a_message_is_about_to_be_written(before: str, message: str) -> None:
    found = fragment(before)
    assert found is not None
    assert found.message == message


EXPRESSIONS = (
    "[1, 2].filter(x, x > 1).map(y, {'a': y}).exists(z, has(z.a) ? z.a.size() > 0 : false)",
    "{'a': [{'b': 'c.d'}]}.a[0].b.startsWith('c') && !(['x'].all(i, i.contains('(')))",
)


@given(st.sampled_from(EXPRESSIONS), st.data())
def test_whatever_is_cut_off_the_rest_can_be_parsed(expression: str, data: st.DataObject) -> None:
    """Behind every dot that selects something."""
    dots = [place for place, each in enumerate(expression) if each == "."]
    found = fragment(expression[: data.draw(st.sampled_from(dots)) + 1])
    if found is not None:
        assert found.receiver
        ENVIRONMENT.compile_unchecked(found.whole)
