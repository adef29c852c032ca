"""Small pieces of CEL, whatever names they are made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import DYN, Budget, kubernetes_environment
from gatekeeper_py.webhook.phrases import in_namespaces, one_of, text, texts, who

ENVIRONMENT = kubernetes_environment().extend(variables={"request": DYN})


def value(expression: str, **request: object) -> object:
    return ENVIRONMENT.compile(expression).evaluate({"request": request}, Budget(10**6))


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(NAMES))
def test_a_literal_means_the_text_it_was_made_of(names: list[str]) -> None:
    assert value(texts(names)) == names
    assert [value(text(name)) for name in names] == names


def test_of_several_ways_one_is_enough() -> None:
    assert one_of([]) == ""
    assert one_of(["a"]) == "a"
    assert one_of(["a", "b && c"]) == "(a ||\nb && c)"


def test_who_asks_is_told_by_name_prefix_or_group() -> None:
    ways = one_of(who(["a"], ["b:"], ["g"]))
    for user, groups, expected in (
        ("a", [], True),
        ("b:x", [], True),
        ("c", ["g"], True),
        ("ab:", ["h"], False),
    ):
        assert value(ways, userInfo={"username": user, "groups": groups}) is expected


def test_a_request_without_a_namespace_is_in_none() -> None:
    assert value(in_namespaces(["a"]), namespace="a") is True
    assert value(in_namespaces(["a"])) is False
