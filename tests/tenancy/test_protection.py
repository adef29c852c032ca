"""What is the platform's in a tenant's namespace."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.projection import IDENTITY, union
from gatekeeper_py.tenancy.protection import DEEPEST, MARKS, Protection
from gatekeeper_py.tenancy.reach import READ

Object = dict[str, Any]
MARK = {"tenancy.gatekeeper-py.dev/protected": "true"}


def named(kind: str, name: str, owner: Object | None = None, **metadata: Any) -> Object:
    versions = {"Pod": "v1", "PersistentVolumeClaim": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}
    owners = {"ownerReferences": [reference(owner)]} if owner else {}
    return {
        "apiVersion": versions.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": {"name": name, "namespace": "foo", "uid": f"{kind}-{name}", **owners, **metadata},
    }


def reference(owner: Object) -> Object:
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


AGENT = named("Deployment", "agent", labels=MARK)
AGENT_SET = named("ReplicaSet", "agent-1", AGENT)
WEB = named("Deployment", "web")
STORE = {
    **named("StatefulSet", "store", labels=MARK),
    "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
}
DB = {**named("StatefulSet", "db"), "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}
KEPT = union((IDENTITY, READ))
"""What the live view keeps at least."""
PROTECTION = Protection(Snapshot(map(KEPT.keep, [AGENT, AGENT_SET, WEB, STORE, DB])), "foo")


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_what_bears_a_mark_is_protected(mark: str) -> None:
    assert PROTECTION.covers(named("Pod", "x", labels={mark: ""}))


COVERED = {
    "a ReplicaSet of the platform's Deployment": (AGENT_SET, True),
    "a pod of that": (named("Pod", "x", AGENT_SET), True),
    "a claim of that pod's ephemeral volume": (named("PersistentVolumeClaim", "c", AGENT_SET), True),
    "a claim of the platform's StatefulSet": (named("PersistentVolumeClaim", "data-store-3"), True),
    "one of the tenant's own": (named("PersistentVolumeClaim", "data-db-3"), False),
    "one that only sounds like it": (named("PersistentVolumeClaim", "data-store-x"), False),
    "a pod of that name is none": (named("Pod", "data-store-3"), False),
    "a pod of the tenant's Deployment": (named("Pod", "x", WEB), False),
    "a pod of one that is gone": (named("Pod", "x", named("ReplicaSet", "gone")), False),
    "a pod of nobody": (named("Pod", "x"), False),
    "owners that are none": ({"kind": "Pod", "metadata": {"ownerReferences": [None, 1, {}]}}, False),
    "metadata that is none": ({"kind": "Pod", "metadata": "x"}, False),
}


@pytest.mark.parametrize(("value", "covered"), COVERED.values(), ids=COVERED)
def test_what_hangs_below_it_is_as_protected(value: Object, covered: bool) -> None:
    assert PROTECTION.covers(value) is covered


def test_an_owner_of_another_uid_is_not_the_one_that_was_meant() -> None:
    assert PROTECTION.covers_owner(reference(AGENT))
    assert not PROTECTION.covers_owner(reference(AGENT) | {"uid": "before"})


def test_what_was_made_from_it_does_not_say_so_by_its_own_label() -> None:
    assert not PROTECTION.covers_maker(named("Pod", "x", labels=MARK))
    assert PROTECTION.covers_maker(named("Pod", "x", AGENT_SET))


def test_owners_in_a_circle_end() -> None:
    one, other = named("ReplicaSet", "one"), named("ReplicaSet", "other")
    one["metadata"]["ownerReferences"] = [reference(other)]
    other["metadata"]["ownerReferences"] = [reference(one)]
    assert not Protection(Snapshot([one, other]), "foo").covers(one)


def test_owners_are_followed_as_deep_as_kubernetes_needs() -> None:
    chain = [named("ReplicaSet", "0", labels=MARK)]
    for index in range(1, DEEPEST + 1):
        chain.append(named("ReplicaSet", str(index), chain[-1]))
    assert Protection(Snapshot(chain), "foo").covers(chain[-1])
