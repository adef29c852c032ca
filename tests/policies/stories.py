"""Stories of ordinary work in a tenant's namespace: a cluster's requests one after another, as files tell them.

A file of `ordinary/` holds YAML documents. One with an `apiVersion` is a manifest that alice, owner of foo, creates.
Any other is a step:

    as           who asks; alice when absent. Groups are those authentication gives such a name
    object       what is created, or sent to a subresource
    old          what that replaces
    owner        Kind/name of what the object is made for: a controller copies its template and names it as owner
    of           Kind/name of what is changed, deleted or entered, as the cluster holds it
    change       what changes of it; null takes a field away
    operation    CREATE, UPDATE, DELETE or CONNECT, where the above does not say
    subresource  such as status or scale
    name         the name in the request, where the object has none

What is admitted exists for the steps that follow, with what admission made of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.authoring.suite import merge
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation, UserInfo
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import PolicySet, read
from tests.shipped import SHIPPED

__all__ = ["STORIES", "Story", "Told", "policies"]

HERE = Path(__file__).parent
STORIES = sorted((HERE / "ordinary").glob("*.yaml"))
CLUSTER = HERE / "cluster.yaml"
"""What the platform set up before anybody came."""
NAMESPACE = "foo"
ALICE = "alice"
SUFFIX = "x7k2p"
"""What the API server would append to a generateName."""

Object = dict[str, Any]


@cache
def policies() -> PolicySet:
    """Everything shipped."""
    return load_policies(read(SHIPPED))


@dataclass(frozen=True)
class Told:
    """One request of a story and what became of it."""

    what: str
    request: AdmissionRequest
    decision: Decision

    @property
    def refusal(self) -> str:
        status = self.decision.status
        return "" if status is None else f"{self.what}: {status.message}"


@dataclass
class Story:
    """A file being played."""

    path: Path
    cluster: Snapshot = field(default_factory=lambda: Snapshot(_documents(CLUSTER)))
    held: dict[str, Object] = field(default_factory=dict)
    """What was made so far, by Kind/name."""

    def play(self) -> Iterator[Told]:
        """The requests in order; the first that is refused is the last."""
        for index, document in enumerate(_documents(self.path)):
            step = {"object": document} if "apiVersion" in document else document
            told = self._tell(f"document {index + 1}", step)
            yield told
            if not told.decision.allowed:
                return

    def _tell(self, what: str, step: Mapping[str, Any]) -> Told:
        old = self.held[step["of"]] if "of" in step else step.get("old")
        new = self._new(step, old)
        request = self._request(what, step, new, old)
        decision = Engine(policies(), self.cluster).review(request)
        label = f"{what}, {request.operation} of {new.get('kind')} by {request.user.username}"
        if decision.allowed:
            self._keep(request, decision.object)
        return Told(label, request, decision)

    def _new(self, step: Mapping[str, Any], old: Object | None) -> Object:
        given = copy.deepcopy(step.get("object") or old or {})
        if "owner" in step:
            given = _made_for(self.held[step["owner"]], given)
        changed: Object = merge(given, step.get("change") or {})
        return changed

    def _request(
        self, what: str, step: Mapping[str, Any], new: Object, old: Object | None
    ) -> AdmissionRequest:
        subresource = step.get("subresource", "")
        operation: Operation | None = step.get("operation") or (
            "UPDATE" if old is not None and not subresource else None
        )
        submission = Submission(
            operation=operation,
            subresource=subresource,
            user=_user(step.get("as", ALICE)),
            namespace="" if new.get("metadata", {}).get("namespace") else NAMESPACE,
        )
        request = make_request(Manifest(new, Source(what)), self.cluster, submission, old)
        return replace(request, name=step["name"]) if "name" in step else request

    def _keep(self, request: AdmissionRequest, value: Object | None) -> None:
        """Hold what a request wrote; what goes to a subresource of another kind writes nothing here."""
        if request.operation == "DELETE" and request.old_object is not None:
            self.cluster = self.cluster.without_object(request.old_object)
        if value is None or request.operation == "CONNECT":
            return
        if request.subresource and (request.operation == "CREATE" or value.get("kind") == "Scale"):
            return
        metadata = value["metadata"]
        name = metadata.get("name") or metadata["generateName"] + SUFFIX
        stored = {**value, "metadata": {"uid": f"uid-of-{name}", **metadata, "name": name}}
        self.held[f"{value['kind']}/{name}"] = stored
        self.cluster = self.cluster.with_object(stored)


def _documents(path: Path) -> list[Object]:
    return list(yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader))


def _user(name: str) -> UserInfo:
    """A user with the groups of such a name."""
    if name.startswith("system:serviceaccount:"):
        namespace = name.split(":")[2]
        return make_user(name, ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"))
    if name == "kubernetes-admin":
        return make_user(name, ("system:masters",))
    return make_user(name, ("system:nodes",) if name.startswith("system:node:") else ())


def _made_for(owner: Object, given: Object) -> Object:
    """What a controller makes for an owner: its template, with what the step gives on top."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    owned = merge(copy.deepcopy(_template(owner, given)), given)
    if given["kind"] != "PersistentVolumeClaim":  # a claim outlives its StatefulSet
        owned["metadata"]["ownerReferences"] = [reference]
    return dict(owned)


def _template(owner: Object, given: Object) -> Object:
    spec = owner.get("spec", {})
    match given["kind"]:
        case "Pod" if "template" in spec:
            return dict(spec["template"])
        case "ReplicaSet":
            return {"spec": {"template": spec["template"]}}
        case "Job" if "jobTemplate" in spec:
            return dict(spec["jobTemplate"])
        case "PersistentVolumeClaim" if "volumeClaimTemplates" in spec:
            name = given["metadata"]["name"]
            return next(
                c for c in spec["volumeClaimTemplates"] if name.startswith(c["metadata"]["name"] + "-")
            )
    return {}
