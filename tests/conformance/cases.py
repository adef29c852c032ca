"""Recorded cases of native policies, asked through the public doors: AdmissionReview in, Decision out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, read_text
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.admission_review import parse_review
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.mutation.patch import copied, same
from tests.shared import corpus

Json = dict[str, Any]

OURS = "Validation failed for "
"""How warnings of policies begin; the API server has others of its own."""

OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


@dataclass(frozen=True)
class Case:
    """One request against one set of policies, and what the API server said."""

    group: Json
    case: Json

    @property
    def id(self) -> str:
        return str(self.case["id"])

    @property
    def live(self) -> Json:
        return dict(self.case["live"])

    @property
    def sees(self) -> Json | None:
        """The object admission saw; None for a DELETE."""
        return self.case.get("admitted", self.case["object"])

    @property
    def old(self) -> Json | None:
        return self.case.get("admittedOld", self.case.get("old"))


@cache
def all_cases(name: str) -> list[Case]:
    """All cases of a corpus."""
    return [Case(group, case) for group in corpus(name) for case in group["cases"]]


@cache
def known_differences(name: str) -> dict[str, str]:
    """Cases that are rightly decided otherwise, each with the reason."""
    text = (Path(__file__).parent / "data" / "policy_differences.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)[name])


def manifests(objects: list[Json]) -> tuple[Manifest, ...]:
    """Objects as if read from a file."""
    return read_text("\n".join(json.dumps(each) for each in objects), "case.json") if objects else ()


def cluster_of(case: Case) -> Snapshot:
    group = case.group
    held = [*group.get("crds", ()), *group.get("cluster", ()), *group.get("params", ())]
    labels = case.case.get("namespaceLabels")
    if labels is not None:
        value = case.sees or case.old or {}
        name = value["metadata"].get("namespace", "")
        held.append(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": labels_of(name, labels)},
            }
        )
    return Snapshot.of(manifests(held))


def labels_of(name: str, labels: Json) -> Json:
    return {"kubernetes.io/metadata.name": name, **labels}


def load(case: Case) -> Engine:
    """The engine of a case; raises `ManifestError` when its policies are refused."""
    group = case.group
    return Engine.load(manifests([*group["policies"], *group["bindings"]]), cluster_of(case))


def request_of(case: Case) -> AdmissionRequest:
    return parse_review(review_of(case))


def review_of(case: Case) -> Json:
    """The AdmissionReview an API server would send."""
    recorded = case.case
    operation = recorded.get("operation", "CREATE")
    value = case.sees or case.old or {}
    kind = gvk(value)
    resource = resource_of(case, kind)
    metadata = value["metadata"]
    name = recorded.get("name") or metadata.get("name", "")
    namespace = name if kind == ("", "v1", "Namespace") else metadata.get("namespace", "")
    request = {
        "uid": "u",
        "kind": kind._asdict(),
        "resource": resource,
        "requestKind": kind._asdict(),
        "requestResource": resource,
        "operation": operation,
        "name": name,
        "namespace": namespace,
        "userInfo": user_of(recorded),
        "object": case.sees,
        "oldObject": case.old if operation != "CREATE" else None,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": OPTIONS[operation]},
    }
    if recorded.get("subresource"):
        request["subResource"] = request["requestSubResource"] = recorded["subresource"]
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def gvk(value: Json) -> GroupVersionKind:
    return GroupVersionKind.parse(value["apiVersion"], value["kind"])


def user_of(recorded: Json) -> Json:
    groups = recorded.get("groups", ["system:masters"])
    return {"username": recorded.get("user", "admin"), "groups": [*groups, "system:authenticated"]}


def resource_of(case: Case, kind: GroupVersionKind) -> Json:
    """The resource that serves the kind; a Scale is a subresource of what the author wrote."""
    if case.case.get("subresource") == "scale":
        kind = gvk(case.case["old"])
    served = kinds_of(json.dumps(case.group.get("crds", []))).served(kind)
    assert served is not None, kind
    return served.resource._asdict()


@cache
def kinds_of(definitions: str) -> Kinds:
    return Kinds.builtin().with_definitions(json.loads(definitions))


# --- comparing ---------------------------------------------------------------------------------------


def differences(case: Case) -> list[str]:
    """What our answer has otherwise than the API server's; empty when they agree."""
    try:
        engine = load(case)
    except ManifestError as error:
        return list(load_differences(case, error))
    if case.live["decision"] == "invalid-policy":
        return ["loaded, though the API server refuses the policy"]
    return list(decision_differences(case, engine.review(request_of(case))))


def load_differences(case: Case, error: ManifestError) -> Iterator[str]:
    if case.live["decision"] != "invalid-policy":
        yield f"refused to load: {error}"
    elif case.live["message"] not in str(error):
        yield f"refused to load in other words: {error}"


def decision_differences(case: Case, decision: Decision) -> Iterator[str]:
    live = case.live
    verdict = "allow" if decision.allowed else "deny"
    if verdict != live["decision"]:
        yield f"decided {verdict}: {decision.status}"
        return
    if decision.status is not None:
        yield from status_differences(live, decision)
    if list(decision.warnings) != [said for said in live.get("warnings", []) if said.startswith(OURS)]:
        yield f"warnings {decision.warnings}"
    if dict(decision.audit_annotations) != live.get("auditAnnotations", {}):
        yield f"audit annotations {decision.audit_annotations}"
    if "object" in live and not same(decision.object, without(live["object"], live.get("defaults", []))):
        yield f"object {json.dumps(decision.object)}"


def status_differences(live: Json, decision: Decision) -> Iterator[str]:
    status = decision.status
    assert status is not None
    if (status.code, status.reason) != (live["code"], live["reason"]):
        yield f"status {status.code} {status.reason}"
    if live["message"] not in status.message:
        yield f"message {status.message}"
    details = live["details"]
    named = (details.get("name", ""), details.get("group", ""), details.get("kind", ""))
    if (status.name, status.group, status.kind) != named:
        yield f"details {status}"
    if not {cause["message"] for cause in details.get("causes", ())} <= {
        cause.message for cause in status.causes
    }:
        yield f"causes {status.causes}"


def without(value: Json, pointers: list[str]) -> Json:
    """A copy without what the API server filled in, and without containers that this leaves empty."""
    left: Json = copied(value)
    for pointer in sorted(pointers, reverse=True):
        remove(left, [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]])
    return left


def remove(value: Any, path: list[str]) -> None:
    token: Any = int(path[0]) if isinstance(value, list) else path[0]
    if len(path) == 1:
        del value[token]
        return
    remove(value[token], path[1:])
    if value[token] in ({}, []):
        del value[token]
