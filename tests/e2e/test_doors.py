"""One policy, two doors: installed in the API server, and served by us. kubectl must see no difference.

Each policy set of the corpus gets two namespaces of one API server; its bindings hold in the first as the API
server's own, in the second as ours. Case by case, what kubectl prints is compared. The API server names one
denial where we name all: its one must be among ours.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.e2e.conftest import namespace
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ADMIN, ControlPlane, Kubectl, wait_for
from tests.shared import corpus, needs_shared

pytestmark = needs_shared

Json = dict[str, Any]

VALIDATING, MUTATING = 30, 12
"""How many policy sets of either sort are compared."""
CASES = 8
"""How many cases of each."""
SAME_SECONDS = 20
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class PolicySet:
    number: int
    documents: list[Json]
    objects: list[Json]

    @property
    def name(self) -> str:
        return str(self.documents[0]["metadata"]["name"])

    def bound_to(self, place: str) -> list[Json]:
        """The documents, their bindings for one namespace only."""
        documents = copy.deepcopy(self.documents)
        for document in documents:
            if document["kind"].endswith("Binding"):
                selector = {"matchLabels": {NAMESPACE_NAME: f"{place}-{self.number}"}}
                document["spec"]["matchResources"] = {"namespaceSelector": selector}
        return documents

    def placed(self, place: str) -> str:
        """The objects of the cases in one namespace, as a List."""
        items = copy.deepcopy(self.objects)
        for item in items:
            item["metadata"]["namespace"] = f"{place}-{self.number}"
        return orjson.dumps({"apiVersion": "v1", "kind": "List", "items": items}).decode()


def is_namespaced(value: Json) -> bool:
    served = Kinds.builtin().served(GroupVersionKind.parse(value["apiVersion"], value["kind"]))
    return served is not None and served.namespaced


def policy_sets(kind: str, most: int) -> Iterator[PolicySet]:
    """Sets of one policy without params, about namespaced objects."""
    names: set[str] = set()
    for number, row in enumerate(corpus("policy-cases")):
        policy = row["policies"][0]
        plain = not row.get("params") and not row.get("cluster") and policy["kind"] == kind
        objects = [case["object"] for case in row["cases"] if not case.get("operation")]
        objects = [value for value in objects if is_namespaced(value)][:CASES]
        if plain and objects and policy["metadata"]["name"] not in names and len(names) < most:
            names.add(policy["metadata"]["name"])
            yield PolicySet(number, [*row["policies"], *row["bindings"]], objects)


SETS = [
    *policy_sets("ValidatingAdmissionPolicy", VALIDATING),
    *policy_sets("MutatingAdmissionPolicy", MUTATING),
]


@pytest.fixture(scope="module")
def two_doors(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """An API server with all sets in it, and our webhook with all sets behind it."""
    kubectl = bare_plane.kubectl()
    kubectl.apply(*(namespace(f"{place}-{each.number}") for each in SETS for place in ("tree", "ours")))
    kubectl.apply(*(document for each in SETS for document in each.bound_to("tree")))
    server = serve(bare_plane, tmp_path_factory.mktemp("doors"))
    try:
        yield kubectl
    finally:
        server.stop()


def serve(plane: ControlPlane, folder: Path) -> Server:
    policies = folder / "policies"
    policies.mkdir()
    for each in SETS:
        for index, document in enumerate(each.bound_to("ours")):
            (policies / f"{each.number}-{index}.json").write_bytes(orjson.dumps(document))
    server = Server(policies, folder, ["--kubeconfig", plane.kubeconfig(ADMIN)])
    server.start()
    server.register(plane.kubectl())
    return server


@dataclass(frozen=True)
class Answer:
    """What kubectl makes of the cases of a set: the objects as admitted, the warnings and the refusals."""

    admitted: list[Json]
    warnings: list[str]
    refusals: list[tuple[str, frozenset[str]]]

    def is_matched_by(self, ours: Answer) -> bool:
        return (
            self.admitted == ours.admitted
            and self.warnings == ours.warnings
            and [verdict for verdict, _ in self.refusals] == [verdict for verdict, _ in ours.refusals]
            and all(theirs <= own for (_, theirs), (_, own) in zip(self.refusals, ours.refusals, strict=True))
        )


def ask(kubectl: Kubectl, each: PolicySet, place: str) -> Answer:
    arguments = ("create", "--dry-run=server", "--validate=ignore", "-o", "json", "-f", "-")
    done = kubectl.run(*arguments, stdin=each.placed(place))
    here = f"{place}-{each.number}"
    admitted = [bare(value) for value in printed(done.stdout.replace(here, "here"))]
    said = done.stderr.replace(here, "here")
    warnings, rest = WARNING.findall(said), WARNING.sub("", said)
    return Answer(admitted, warnings, list(refusals(rest)))


def printed(text: str) -> Iterator[Json]:
    """kubectl prints one JSON document after the other."""
    text = text.lstrip()
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        yield value
        text = text[end:].lstrip()


GENERATED = ("creationTimestamp", "generation", "managedFields", "uid")


def bare(value: Json) -> Json:
    """The object without what is different each time."""
    uid = value["metadata"].get("uid", "no uid")
    made: Json = orjson.loads(orjson.dumps(value).decode().replace(uid, "uid"))
    for name in GENERATED:
        made["metadata"].pop(name, None)
    return made


WARNING = re.compile(r"(?m)^Warning: .*\n")
OURS = re.compile(r'admission webhook "[\w.-]+" denied the request: | \(decision \w+\)')
"""What a webhook's refusal says besides."""
DENIAL = re.compile(r"(?:Validating|Mutating)AdmissionPolicy '.+?' with binding '.+?' denied request: .*")


def refusals(said: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each refusal as its heading (who, which object, what sort of error) and its denials."""
    for refusal in re.split(r"(?m)^(?=Error from server|The \w+ \")", OURS.sub("", said)):
        if refusal.strip():
            denials = frozenset(match.group().strip() for match in DENIAL.finditer(refusal))
            heading = re.split(r"(?:\* )?: ValidatingAdmissionPolicy|\n", refusal, maxsplit=1)[0]
            yield (heading.rstrip(": ") if denials else refusal, denials)


@pytest.mark.parametrize("each", SETS, ids=lambda each: each.name)
def test_kubectl_sees_no_difference_between_the_doors(two_doors: Kubectl, each: PolicySet) -> None:
    answers: Mapping[str, Answer] = {}

    def same() -> bool:
        nonlocal answers
        answers = {place: ask(two_doors, each, place) for place in ("tree", "ours")}
        return answers["tree"].is_matched_by(answers["ours"])

    try:
        wait_for("the same answer through both doors", same, SAME_SECONDS, 1.0)
    except TimeoutError:
        assert answers["ours"] == answers["tree"]
    assert len(answers["tree"].admitted) + len(answers["tree"].refusals) == len(each.objects)


def test_enough_policies_are_compared_and_they_decide_both_ways(two_doors: Kubectl) -> None:
    assert len(SETS) >= VALIDATING
    answers = [ask(two_doors, each, "tree") for each in SETS]
    assert any(answer.admitted for answer in answers)
    assert sum(bool(answer.refusals) for answer in answers) > VALIDATING / 2
