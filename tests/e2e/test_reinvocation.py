"""Which mutating policies are asked again: by the API server and by us.

The API server asks policies in an order of its own, another one whenever they change (it lists a map); we ask them in
the order of their names. So its answer must be ours for some order. Each row is of policies over a ConfigMap with `data.by: start`. One that is asked adds
its number to `data.by`; a second expression says when it does.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any, NamedTuple

import orjson
import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from tests.e2e import test_corners as corners
from tests.e2e.conftest import namespace
from tests.e2e.harness import ControlPlane
from tests.e2e.test_corner_mutations import BINDINGS, POLICIES

Json = dict[str, Any]

ALWAYS = "true"
CONFIG_MAPS = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "resources": ["configmaps"],
    "operations": ["CREATE", "UPDATE"],
}


class Mutator(NamedTuple):
    """One policy: whether it is asked again, when it is about an object, and what it does."""

    again: bool = False
    when: str = ALWAYS
    adds: tuple[str, ...] = ()
    """Its mutations; when absent it writes itself down."""


NEVER, AGAIN = Mutator(), Mutator(again=True)
ONCE = "!object.data.by.contains('{0}')"
"""Until the policy of that number has written itself down."""
APPENDS = "[JSONPatch{op: 'replace', path: '/data/by', value: object.data.by + '-m'}]"
SAME = "[JSONPatch{op: 'replace', path: '/data/by', value: object.data.by}]"
NOTHING = "Object{}"
LABELLED = "Object{metadata: Object.metadata{labels: Object.metadata.labels{a: 'b'}}}"
FAILS_AGAIN = (
    "[JSONPatch{op: 'add', path: '/data/once', value: object.data.?once.hasValue() ? object.data.nope : '1'}]"
)

ROWS: Mapping[str, tuple[Mutator, ...]] = {
    "one never": (NEVER,),
    "one again": (AGAIN,),
    "never, never": (NEVER, NEVER),
    "again, never": (AGAIN, NEVER),
    "never, again": (NEVER, AGAIN),
    "again, again": (AGAIN, AGAIN),
    "again, again, again": (AGAIN, AGAIN, AGAIN),
    "never, again, never": (NEVER, AGAIN, NEVER),
    "again, never, again": (AGAIN, NEVER, AGAIN),
    "never, again, again": (NEVER, AGAIN, AGAIN),
    "again, again, never": (AGAIN, AGAIN, NEVER),
    "again until done, never": (Mutator(True, ONCE.format(0)), NEVER),
    "again when a later one has written": (Mutator(True, "object.data.by.contains('1')"), NEVER),
    "never, when a later one has written": (Mutator(False, "object.data.by.contains('1')"), NEVER),
    "each needs the later one": (
        Mutator(True, "object.data.by.contains('1')"),
        Mutator(True, "object.data.by.contains('2')"),
        NEVER,
    ),
    "a later one changes nothing": (AGAIN, Mutator(adds=(SAME,))),
    "a later one has nothing to say": (AGAIN, Mutator(adds=(NOTHING,))),
    "a later one changes another field": (AGAIN, Mutator(adds=(LABELLED,))),
    "one changes nothing, and is asked again": (Mutator(True, adds=(SAME,)), NEVER),
    "two mutations of one": (Mutator(True, adds=(APPENDS, APPENDS)), NEVER),
    "two mutations, then again": (NEVER, Mutator(True, adds=(APPENDS, APPENDS))),
    "an error when asked again": (Mutator(True, adds=(FAILS_AGAIN,)), NEVER),
    "an error only if asked again": (Mutator(False, adds=(FAILS_AGAIN,)), NEVER),
    "all again, one labels": (AGAIN, Mutator(True, adds=(LABELLED,)), AGAIN),
}


def name(number: int, place: int) -> str:
    return f"again-{number}-{place}"


def policy(number: int, place: int, mutator: Mutator) -> Json:
    itself = f"[JSONPatch{{op: 'replace', path: '/data/by', value: object.data.by + '{place}'}}]"
    spec = {
        "matchConstraints": {"resourceRules": [CONFIG_MAPS]},
        "reinvocationPolicy": "IfNeeded" if mutator.again else "Never",
        "matchConditions": [{"name": "when", "expression": mutator.when}],
        "mutations": [mutation(each) for each in mutator.adds or (itself,)],
    }
    return made("MutatingAdmissionPolicy", name(number, place), spec)


def mutation(expression: str) -> Json:
    kind, field = ("JSONPatch", "jsonPatch")
    if expression.startswith("Object"):
        kind, field = ("ApplyConfiguration", "applyConfiguration")
    return {"patchType": kind, field: {"expression": expression}}


def binding(number: int, place: int) -> Json:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": corners.place(number)}}
    spec = {"policyName": name(number, place), "matchResources": {"namespaceSelector": selector}}
    return made("MutatingAdmissionPolicyBinding", name(number, place), spec)


def made(kind: str, name: str, spec: Json) -> Json:
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind}
    return {**head, "metadata": {"name": name}, "spec": spec}


def config_map(number: int) -> Json:
    metadata = {"name": "corner", "namespace": corners.place(number)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"by": "start"}}


def mutators(number: int) -> tuple[Mutator, ...]:
    return list(ROWS.values())[number]


@pytest.fixture(scope="module")
def theirs(bare_plane: ControlPlane) -> Mapping[int, object]:
    """What the API server makes of each, or why not."""
    for number in range(len(ROWS)):
        bare_plane.send("POST", "/api/v1/namespaces", namespace(corners.place(number)))
        for place, mutator in enumerate(mutators(number)):
            bare_plane.send("POST", BINDINGS, binding(number, place))
            bare_plane.send("POST", POLICIES, policy(number, place, mutator))
    time.sleep(corners.SETTLED_SECONDS)
    return {number: created(bare_plane, number) for number in range(len(ROWS))}


def created(plane: ControlPlane, number: int) -> object:
    path = f"/api/v1/namespaces/{corners.place(number)}/configmaps?dryRun=All"
    try:
        answer = orjson.loads(plane.send("POST", path, config_map(number)))
    except urllib.error.HTTPError as error:
        return orjson.loads(error.read())["message"]
    return shown(answer)


def shown(answer: Json) -> Json:
    return {"data": answer["data"], "labels": answer["metadata"].get("labels")}


def ours(number: int, order: Sequence[int]) -> object:
    """When the policies have names in that order."""
    documents = [
        Manifest(each, Source("again"))
        for rank, place in enumerate(order)
        for each in (named(number, rank, place))
    ]
    view = Snapshot.of([Manifest(namespace(corners.place(number)), Source("namespace"))])
    submitted = Manifest(config_map(number), Source("object"))
    request = make_request(submitted, view, Submission("CREATE", "", make_user("admin", ("system:masters",))))
    decision = Engine(load_policies(documents), view).review(request)
    if decision.status is not None:
        return renamed(decision.status.message, number, order)
    assert decision.object is not None
    return shown(decision.object)


def named(number: int, rank: int, place: int) -> tuple[Json, Json]:
    """A policy and its binding, with the name of a rank."""
    policed, bound = policy(number, place, mutators(number)[place]), binding(number, rank)
    return {**policed, "metadata": {"name": name(number, rank)}}, bound


def renamed(message: str, number: int, order: Sequence[int]) -> str:
    """With the names that the API server knows."""
    rank = next(rank for rank in range(len(order)) if f"'{name(number, rank)}'" in message)
    return message.replace(f"'{name(number, rank)}'", f"'{name(number, order[rank])}'")


@pytest.mark.parametrize(("number", "name"), list(enumerate(ROWS)), ids=list(ROWS))
def test_mutators_are_asked_as_often_as_the_api_server_asks_them(
    theirs: Mapping[int, object], number: int, name: str
) -> None:
    orders = permutations(range(len(mutators(number))))
    assert theirs[number] in [ours(number, order) for order in orders], name


def test_some_are_asked_again_and_some_fail(theirs: Mapping[int, object]) -> None:
    written = [answer["data"]["by"] for answer in theirs.values() if isinstance(answer, dict)]
    assert any(by.count("0") > 1 for by in written)
    assert any(isinstance(answer, str) for answer in theirs.values())
