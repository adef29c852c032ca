"""What waits waits once, and what has changed goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.audit.backlog import Backlog, Key
from gatekeeper_py.objects.resource import GroupVersionKind

POD = GroupVersionKind("", "v1", "Pod")


def key(name: str) -> Key:
    return Key(POD, "foo", name)


def names(keys: list[Key]) -> list[str]:
    return [each.name for each in keys]


def test_what_has_changed_goes_before_what_waits() -> None:
    backlog = Backlog()
    backlog.add(map(key, ("a", "b", "c")))
    backlog.add_changed(key("b"))
    backlog.add_changed(key("d"))
    assert names(backlog.take(3)) == ["b", "d", "a"]
    assert names(backlog.take(3)) == ["c"]
    assert len(backlog) == 0


def test_what_has_changed_is_not_put_behind_again() -> None:
    backlog = Backlog()
    backlog.add_changed(key("a"))
    backlog.add([key("a")])
    assert (len(backlog), key("a") in backlog, key("b") in backlog) == (1, True, False)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans())), st.integers(1, 4))
def test_each_is_taken_once_whatever_is_added(added: list[tuple[str, bool]], most: int) -> None:
    backlog = Backlog()
    for name, changed in added:
        if changed:
            backlog.add_changed(key(name))
        else:
            backlog.add([key(name)])
    taken: list[str] = []
    while len(backlog):
        found = names(backlog.take(most))
        assert 0 < len(found) <= most
        taken += found
    assert sorted(taken) == sorted({name for name, _ in added})
