"""What is in force is swapped whole, and outlives a bad edit."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.tenancy.tenant import Standing, Tenancy
from gatekeeper_py.webhook.inventory import Inventory
from gatekeeper_py.webhook.revision import (
    BadPolicies,
    InForce,
    Loaded,
    Policies,
    Reviewer,
    Unsettled,
    Webhook,
)


def allow(_request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
    return Decision(allowed=True)


def deny(_request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
    return Decision(allowed=False)


def files(*states: Loaded | Exception) -> Callable[[], Loaded]:
    """What each load in turn finds."""
    coming = iter(states)

    def load() -> Loaded:
        found = next(coming)
        if isinstance(found, Exception):
            raise found
        return found

    return load


def shown(in_force: InForce | None) -> tuple[Reviewer, int, int] | None:
    return (in_force.loaded.review, in_force.loaded.count, in_force.revision) if in_force else None


def test_nothing_is_in_force_before_the_first_load() -> None:
    policies = Policies(files())
    assert (policies.in_force, policies.problems) == (None, ())


def test_what_is_made_beside_the_first_reviews_is_passed_over_by_the_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []
    monkeypatch.setattr("gatekeeper_py.webhook.revision.prepare", lambda _policies: made.append([made]))
    gc.unfreeze()
    Policies(files(Loaded(allow, 1, policies=load_policies(())))).reload()
    for thread in threading.enumerate():
        if thread.name == "prepare":
            thread.join()
    try:
        assert made
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_each_load_swaps_the_whole_set_and_counts_on() -> None:
    policies = Policies(files(Loaded(allow, 2), Loaded(deny, 3)))
    first, second = policies.reload(), policies.reload()
    assert [shown(first), shown(second)] == [(allow, 2, 1), (deny, 3, 2)]
    assert policies.in_force is second


BAD = BadPolicies(("p.yaml:1:1: a", "p.yaml:2:1: b"))


def test_of_two_loads_at_once_the_one_that_read_last_holds() -> None:
    begun, free = Event(), Event()
    coming = files(Loaded(allow, 1), Loaded(deny, 2))

    def load() -> Loaded:
        found = coming()
        if found.count == 1:
            begun.set()
            assert free.wait(10)
        return found

    policies = Policies(load)
    older = Thread(target=policies.reload)
    older.start()
    assert begun.wait(10)
    newer = Thread(target=policies.reload)
    newer.start()
    newer.join(0.2)
    assert newer.is_alive()
    free.set()
    older.join(10)
    newer.join(10)
    assert shown(policies.in_force) == (deny, 2, 2)


@pytest.mark.parametrize(
    ("fault", "problems"),
    [
        (BAD, BAD.problems),
        (KeyError("x"), ("internal error while loading: KeyError: 'x'",)),
    ],
    ids=["a bad edit", "an error of ours"],
)
def test_a_load_that_fails_keeps_the_last_good_set_until_the_next(
    fault: Exception, problems: tuple[str, ...]
) -> None:
    policies = Policies(files(fault, Loaded(allow, 2), fault, Loaded(deny, 3)))
    for before, after in ((None, (allow, 2, 1)), ((allow, 2, 1), (deny, 3, 2))):
        with pytest.raises(BadPolicies) as raised:
            policies.reload()
        assert raised.value.problems == policies.problems == problems
        assert shown(policies.in_force) == before
        assert shown(policies.reload()) == after
        assert policies.problems == ()


def test_bad_policies_tell_a_problem_a_line() -> None:
    assert str(BAD) == "p.yaml:1:1: a\np.yaml:2:1: b"


WHOLE = Inventory(
    documents=frozenset({"p", "b", "t"}),
    policies=frozenset({"p"}),
    bound=frozenset({"p"}),
    tenancy=frozenset({"t"}),
)


def test_what_nobody_takes_away_so_is_refused_and_the_last_good_set_stays() -> None:
    unbound = replace(WHOLE, bound=frozenset(), documents=frozenset({"p", "t"}))
    policies = Policies(files(Loaded(allow, 2, inventory=WHOLE), Loaded(deny, 2, inventory=unbound)))
    first = policies.reload()
    with pytest.raises(BadPolicies, match="p has lost its binding") as refused:
        policies.reload(at_rest=True)
    assert not isinstance(refused.value, Unsettled)
    assert policies.in_force is first


def test_what_may_be_meant_is_believed_once_the_files_are_at_rest() -> None:
    less = Loaded(
        deny, 1, inventory=replace(WHOLE, documents=frozenset({"p", "b"}), tenancy=frozenset({"t"}))
    )
    policies = Policies(files(Loaded(allow, 2, inventory=WHOLE), less, less))
    first = policies.reload()
    with pytest.raises(Unsettled):
        policies.reload()
    told = "t is gone. It stays in force until the files have been at rest for a while"
    assert (policies.in_force, policies.problems) == (first, (told,))
    assert shown(policies.reload(at_rest=True)) == (deny, 1, 2)
    assert policies.problems == ()


def test_tenants_are_demanded_unless_nobody_does() -> None:
    without = Loaded(deny, 1, inventory=replace(WHOLE, tenancy=frozenset()))
    demanding = Policies(files(Loaded(allow, 2, inventory=WHOLE), without))
    demanding.reload()
    with pytest.raises(BadPolicies, match="every tenancy document is gone from the files: t"):
        demanding.reload(at_rest=True)
    lenient = Policies(files(Loaded(allow, 2, inventory=WHOLE), without), demand_tenants=False)
    lenient.reload()
    assert shown(lenient.reload(at_rest=True)) == (deny, 1, 2)


def test_what_changes_while_it_is_read_is_read_again() -> None:
    policies = Policies(files(Loaded(allow, 2), Loaded(deny, 3)))
    with pytest.raises(Unsettled):
        policies.reload(unchanged=lambda: False)
    assert policies.problems == ("the files changed while they were read. They are read again",)
    assert shown(policies.reload()) == (deny, 3, 1)


def test_tenants_that_are_not_in_force_are_a_problem_of_the_set_that_is() -> None:
    tenancy = Tenancy(standings={"Tenant/foo": Standing("Invalid", ("spec is wrong; mend it",))})
    policies = Policies(files(Loaded(allow, 2, tenancy=tenancy)))
    policies.reload()
    assert policies.problems == ("cluster/Tenant/foo: spec is wrong; mend it",)


def test_tenants_of_the_cluster_do_not_wait_for_the_files_to_be_good() -> None:
    renewed = Loaded(deny, 2, inventory=WHOLE)
    first = Loaded(allow, 2, inventory=WHOLE, renew=lambda: renewed)
    policies = Policies(files(first, BAD))
    policies.reload()
    with pytest.raises(BadPolicies):
        policies.reload()
    assert (shown(policies.in_force), policies.problems) == ((deny, 2, 2), BAD.problems)


def raising() -> Loaded:
    raise BAD


@pytest.mark.parametrize(
    "renew",
    [lambda: None, lambda: Loaded(deny, 2, inventory=replace(WHOLE, tenancy=frozenset())), raising],
    ids=["the same tenants", "none any more", "bad ones"],
)
def test_what_cannot_be_renewed_stays_as_it_is(renew: Callable[[], Loaded | None]) -> None:
    policies = Policies(files(Loaded(allow, 2, inventory=WHOLE, renew=renew), BAD))
    first = policies.reload()
    with pytest.raises(BadPolicies):
        policies.reload()
    assert policies.in_force is first
