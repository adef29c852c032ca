"""Whoever is told of the changes of a picture has the same picture, and knows no more than it was told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cluster.follower import Follower, Picture
from gatekeeper_py.cluster.relay import Changes, apply, packed
from gatekeeper_py.objects.resource import GroupVersionKind

Json = dict[str, Any]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
SECRET = GroupVersionKind("", "v1", "Secret")


def config_map(name: str, namespace: str = "foo", **data: str) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def follower(kind: GroupVersionKind, picture: Picture) -> Follower:
    return Follower(kind, picture, lambda: pytest.fail("asks"), None, lambda _error: None)


class Pair:
    """A picture, and one of another process that is told."""

    def __init__(self) -> None:
        self.woken = 0
        self.here, self.there = Picture(), Picture()
        self.followers = {CONFIG_MAP: follower(CONFIG_MAP, self.there)}
        self.changes = Changes(self.here, self.wake)

    def wake(self) -> None:
        self.woken += 1

    def pass_on(self, *followers: Follower) -> bytes:
        news = packed(self.changes, followers)
        if news:
            apply(news, self.there, self.followers)
        return news

    def same(self) -> bool:
        return list(self.here.snapshot.list(CONFIG_MAP)) == list(self.there.snapshot.list(CONFIG_MAP))


Step = tuple[str, list[Json]]
OBJECTS = st.lists(
    st.builds(
        config_map, st.sampled_from("ab"), st.sampled_from(["foo", "bar"]), a=st.sampled_from(["1", "2"])
    ),
    max_size=4,
)
STEPS = st.lists(st.tuples(st.sampled_from(["list", "put", "remove", "pass on"]), OBJECTS), max_size=12)


@given(steps=STEPS)
def test_both_pictures_are_the_same_once_all_was_told(steps: list[Step]) -> None:
    pair = Pair()
    for what, objects in steps:
        if what == "list":
            pair.here.replace(CONFIG_MAP, objects)
        elif what == "put":
            pair.here.change(CONFIG_MAP, objects, ())
        elif what == "remove":
            pair.here.change(CONFIG_MAP, (), objects)
        else:
            pair.pass_on()
    pair.pass_on()
    assert pair.same()


def test_what_says_nothing_new_is_not_told() -> None:
    pair = Pair()
    pair.here.replace(CONFIG_MAP, [config_map("a"), config_map("b")])
    assert pair.woken == 1
    first = pair.pass_on()
    pair.here.replace(CONFIG_MAP, [config_map("a"), config_map("b", x="y")])
    assert len(pair.pass_on()) < len(first)
    pair.here.change(CONFIG_MAP, [config_map("a")], ())
    assert (pair.pass_on(), pair.woken) == (b"", 2)


def test_of_a_kind_that_nobody_looks_up_nothing_is_kept() -> None:
    pair = Pair()
    pair.here.replace(SECRET, [{**config_map("s"), "kind": "Secret"}])
    pair.pass_on(follower(SECRET, pair.here))
    assert list(pair.there.snapshot.list(SECRET)) == []


def test_how_a_kind_stands_is_told_with_what_it_confirms() -> None:
    pair = Pair()
    here = follower(CONFIG_MAP, pair.here)
    pair.here.replace(CONFIG_MAP, [config_map("a")])
    here.synced, here.problem, here.confirmed = True, "none", 1234.5
    pair.pass_on(here)
    there = pair.followers[CONFIG_MAP]
    assert (there.synced, there.problem, there.confirmed) == (True, "none", 1234.5)
    assert pair.same()
