"""Which replica looks after certificates and registration."""

from __future__ import annotations

import pytest

from gatekeeper_py.installation.identifiers import LEASE, NAME
from gatekeeper_py.installation.lease import DURATION, Lease, LeaseLost
from tests.installation.support import Clock, Cluster


def test_one_of_several_holds_it_for_as_long_as_it_renews_it() -> None:
    cluster, clock = Cluster.installed(), Clock()
    first, second = Lease(cluster, "first", clock), Lease(cluster, "second", clock)
    for _ in range(5):
        assert (first.hold(), second.hold()) == (True, False)
        clock.pause(DURATION - 1)


def test_another_takes_it_when_it_has_not_been_renewed_for_its_duration() -> None:
    cluster, clock = Cluster.installed(), Clock()
    first, second = Lease(cluster, "first", clock), Lease(cluster, "second", clock)
    assert first.hold()
    assert not second.hold()
    clock.pause(DURATION)
    assert not second.hold()
    clock.pause(1)
    assert second.hold()
    assert not first.hold()


def test_who_goes_gives_it_up() -> None:
    cluster, clock = Cluster.installed(), Clock()
    first, second = Lease(cluster, "first", clock), Lease(cluster, "second", clock)
    assert first.hold()
    second.give_up()
    assert not second.hold()
    first.give_up()
    assert second.hold()


def test_of_two_that_take_it_at_once_one_does() -> None:
    cluster, clock = Cluster.installed(), Clock()
    first = Lease(cluster, "first", clock)
    found = first._read()
    assert Lease(cluster, "second", clock).hold()
    assert not first._write(found, "first")
    assert cluster.at(LEASE, NAME)["spec"]["holderIdentity"] == "second"


def test_without_a_lease_nobody_holds_it_and_it_is_said() -> None:
    with pytest.raises(LeaseLost) as lost:
        Lease(Cluster(), "first").hold()
    assert str(lost.value) == "there is no Lease gatekeeper-system/gatekeeper. Install it: gatekeeper install"
