"""What policies see of a CONNECT, and what they can change of it: by the API server and by us.

Each row is a subresource that is connected to, as sent or under a mutating policy. A validating policy denies it, and
its message says what it saw. No pod, Service or node is there: admission comes first.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.immutable import replace
from tests.e2e import test_corner_mutations as mutations
from tests.e2e import test_corners as corners
from tests.e2e.conftest import namespace
from tests.e2e.harness import ControlPlane

Json = dict[str, Any]

KEYS = "['apiVersion', 'kind', 'metadata', 'command', 'container', 'path', 'ports', 'stdin', 'stdout', 'stderr', 'tty']"
SEEN = " + ' ' + ".join(
    (
        f"{KEYS}.filter(k, k in object).map(k, object[k] == null ? k + '=null' : k).join(',')",
        "('container' in object ? string(object['container']) : '-')",
        "('path' in object ? string(object['path']) : '-')",
        "string(oldObject == null)",
        "string(has(request.options) && request.options == null)",
        "request.operation",
        "request.kind.kind",
        "request.resource.resource + '/' + request.subResource",
        "request.requestResource.resource + '/' + request.requestSubResource",
        "request.name",
        "string(has(request.namespace) ? request.namespace : '-')",
        "(namespaceObject == null ? 'null' : namespaceObject.metadata.name)",
    )
)


class Door(NamedTuple):
    """Something to connect to, the object that its query is, and a field that a mutation sets."""

    resource: str
    query: str
    kind: str
    sent: Json
    field: str = "container"


DOORS = {
    "exec": Door(
        "pods/exec",
        "?command=sh&stdin=true&container=x",
        "PodExecOptions",
        {"command": ["sh"], "stdin": True, "container": "x"},
    ),
    "exec without a command": Door("pods/exec", "", "PodExecOptions", {}),
    "attach": Door("pods/attach", "?tty=true", "PodAttachOptions", {"tty": True}),
    "attach bare": Door("pods/attach", "", "PodAttachOptions", {}),
    "portforward": Door("pods/portforward", "?ports=80", "PodPortForwardOptions", {"ports": [80]}, "ports"),
    "portforward bare": Door("pods/portforward", "", "PodPortForwardOptions", {}, "ports"),
    "proxy of a pod": Door("pods/proxy", "/a", "PodProxyOptions", {"path": "/a"}, "path"),
    "proxy of a Service": Door("services/proxy", "/a", "ServiceProxyOptions", {"path": "/a"}, "path"),
    "proxy of a node": Door("nodes/proxy", "/a", "NodeProxyOptions", {"path": "/a"}, "path"),
}
WAYS = ("as sent", "applied", "patched", "left alone")
ROWS = [f"{door}, {way}" for door in DOORS for way in WAYS if "node" not in door or way == "as sent"]
"""Nodes are in no namespace, by which the other rows are kept apart."""


def parts(number: int) -> tuple[Door, str]:
    door, _, way = ROWS[number].partition(", ")
    return DOORS[door], way


def rule(door: Door) -> Json:
    return {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": [door.resource],
        "operations": ["CONNECT"],
    }


def documents(number: int) -> list[tuple[str, Json]]:
    """What is created, and where."""
    door, way = parts(number)
    denies, bound = corners.policy(number, "false"), corners.binding(number)
    denies["spec"]["matchConstraints"]["resourceRules"] = [rule(door)]
    denies["spec"]["validations"][0]["messageExpression"] = SEEN
    made = [(corners.POLICIES, denies), (corners.BINDINGS, bound)]
    if way == "as sent":
        return made
    changes, binds = mutations.policy(number, mutation(door, way)), mutations.binding(number)
    changes["spec"]["matchConstraints"]["resourceRules"] = [rule(door)]
    binds["spec"]["matchResources"] = bound["spec"]["matchResources"]
    return [*made, (mutations.POLICIES, changes), (mutations.BINDINGS, binds)]


def mutation(door: Door, way: str) -> str:
    value = "[81]" if door.field == "ports" else "'changed'"
    if way == "applied":
        return f"Object{{{door.field}: {value}}}"
    if way == "left alone":
        return "Object{}"
    return f"[JSONPatch{{op: 'add', path: '/{door.field}', value: {value}}}]"


@pytest.fixture(scope="module")
def theirs(bare_plane: ControlPlane) -> Mapping[int, str]:
    for number in range(len(ROWS)):
        bare_plane.send("POST", "/api/v1/namespaces", namespace(corners.place(number)))
        for path, document in documents(number):
            bare_plane.send("POST", path, document)
    time.sleep(corners.SETTLED_SECONDS)
    return {number: said(bare_plane, number) for number in range(len(ROWS))}


def said(plane: ControlPlane, number: int) -> str:
    door, _ = parts(number)
    plural, _, subresource = door.resource.partition("/")
    place = "" if plural == "nodes" else f"namespaces/{corners.place(number)}/"
    with pytest.raises(urllib.error.HTTPError) as refused:
        plane.send("POST", f"/api/v1/{place}{plural}/a/{subresource}{door.query}")
    message: str = orjson.loads(refused.value.read())["message"]
    return message


def ours(number: int) -> str:
    door, _ = parts(number)
    loaded = load_policies([Manifest(each, Source("door")) for _, each in documents(number)])
    view = Snapshot.of([Manifest(namespace(corners.place(number)), Source("namespace"))])
    place = "" if door.resource.startswith("nodes") else corners.place(number)
    sent = Manifest({"apiVersion": "v1", "kind": door.kind, **door.sent}, Source("object"))
    user = make_user("admin", ("system:masters",))
    submission = Submission("CONNECT", door.resource.partition("/")[2], user, namespace=place)
    request = replace(make_request(sent, view, submission), name="a")
    status = Engine(loaded, view).review(request).status
    assert status is not None
    return status.message


@pytest.mark.parametrize(("number", "name"), list(enumerate(ROWS)), ids=ROWS)
def test_a_connection_is_to_policies_what_it_is_to_those_of_the_api_server(
    theirs: Mapping[int, str], number: int, name: str
) -> None:
    assert ours(number) == theirs[number], name
