"""Foo and bar, played for real: each is administrator of an API server of its own, and no further than its virtual machines."""

from __future__ import annotations

import urllib.error
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.e2e.harness import ControlPlane, Kubectl, wait_for
from tests.e2e.node.conftest import demo_pod, is_running
from tests.e2e.story.stage import OWNERS, Plane, Stage, isolates, syncer_of
from tests.e2e.story.syncer import NODE, name_below
from tests.e2e.story.tenantplane import POD

Json = dict[str, Any]

GROUP = "tenancy.gatekeeper-py.dev"
SECONDS = 120
"""For a pod to come down, start in gVisor, and be told of above. Measured: 5 to 10 s."""


def deployment(name: str, **spec: object) -> Json:
    pod = demo_pod(name, **spec)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]},
        },
    }


def pods(kubectl: Kubectl, name: str) -> list[Json]:
    found: Json = kubectl.get("pods", "-l", f"app={name}")
    items: list[Json] = found["items"]
    return items


@pytest.mark.parametrize("name", OWNERS)
def test_a_tenants_api_server_and_store_run_in_a_sandbox_of_its_own(played: Stage, name: str) -> None:
    pod: Json = played.host.kubectl(namespace=name).get("pod", POD)
    assert pod["spec"]["runtimeClassName"] == "gvisor"
    assert pod["metadata"]["labels"]["cost-center"] == name
    assert "gvisor" in played.inside(name, POD, "uname", "-r")


@pytest.mark.parametrize("name", OWNERS)
def test_a_deployment_on_the_own_api_server_runs_in_sandboxes_of_the_machine(
    played: Stage, name: str
) -> None:
    above = played.planes[name].kubectl
    above.apply(deployment("web"))
    wait_for("the pod to run", lambda: any(map(is_running, pods(above, "web"))), SECONDS, 0.5)
    (pod,) = pods(above, "web")
    assert pod["spec"]["nodeName"] == NODE
    below: Json = played.host.kubectl(namespace=name).get(
        "pod", name_below(pod["metadata"]["name"], "default", name)
    )
    assert below["spec"]["runtimeClassName"] == "gvisor"
    assert below["metadata"]["labels"]["cost-center"] == name
    assert marks(below) == (name, pod["metadata"]["name"], "default")
    assert "gvisor" in played.inside(name, below["metadata"]["name"], "uname", "-r")
    wait_for("the deployment to be available", lambda: available(above, "web") == 1, SECONDS, 0.5)


def marks(pod: Json) -> tuple[str, str, str]:
    """From which control plane a pod has come down, and what it is called there."""
    labels, annotations = pod["metadata"]["labels"], pod["metadata"]["annotations"]
    virtual = (annotations[f"{GROUP}/virtual-{part}"] for part in ("name", "namespace"))
    return labels[f"{GROUP}/control-plane"], *virtual


def available(kubectl: Kubectl, name: str) -> int:
    found: Json = kubectl.get("deployment", name)
    return int(found["status"].get("availableReplicas", 0))


HOSTILE: dict[str, tuple[Json, str]] = {
    "host-namespaces": ({"hostPID": True}, "host-access-host-namespaces"),
    "host-path": ({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}, "host-access-host-path"),
    "privileged": ({"container": {"securityContext": {"privileged": True}}}, "host-access-privileged"),
    "class": ({"runtimeClassName": "runc"}, "runtime"),
}
"""What an administrator of an own API server may ask there, and the policy that refuses it."""
REGISTRATION = tuple(
    f"{kind}webhookconfiguration/gatekeeper-control-plane" for kind in ("mutating", "validating")
)


@pytest.mark.parametrize("attack", HOSTILE)
def test_what_the_host_would_refuse_is_refused_above(planes: Mapping[str, Plane], attack: str) -> None:
    """Though the tenant is administrator there: its API server asks the engine."""
    spec, policy = HOSTILE[attack]
    assert policy in planes["bar"].kubectl.refused(demo_pod(attack, **spec))


@pytest.mark.parametrize("attack", HOSTILE)
def test_what_an_administrator_gets_past_the_engine_above_is_judged_again_below(
    planes: Mapping[str, Plane], attack: str
) -> None:
    spec, policy = HOSTILE[attack]
    bar = planes["bar"]
    name = smuggle(bar, demo_pod(attack, **spec))
    assert policy in bar.syncer.refused[name]
    assert "Refused" in bar.kubectl("get", "pod", attack, "-o", "jsonpath={.status.conditions[*].reason}")
    bar.kubectl("delete", "pod", attack, "--wait=false")


def smuggle(plane: Plane, pod: Json) -> str:
    """Has a pod come down that the engine would have refused above: its registration is deleted for a moment.

    The name of the pod below, once it is refused there.
    """
    kubectl = plane.kubectl

    def gets_in() -> bool:
        kubectl("delete", *REGISTRATION, "--ignore-not-found")
        return kubectl.run("apply", "-f", "-", stdin=orjson.dumps(pod).decode()).returncode == 0

    wait_for("a moment without a registration", gets_in, SECONDS)
    name = name_below(pod["metadata"]["name"], "default", plane.name)
    wait_for("the answer from below", lambda: name in plane.syncer.refused, SECONDS, 0.5)
    wait_for("the registration to be back", lambda: isolates(kubectl), SECONDS, 0.5)
    return name


def test_bar_sees_nothing_of_foo_on_any_of_the_three(host: ControlPlane, planes: Mapping[str, Plane]) -> None:
    for path in ("pods", "secrets", "configmaps"):
        assert code(host, f"/api/v1/namespaces/foo/{path}", "bar") == 403
    assert code(planes["foo"].above, "/api/v1/namespaces", "bar") == 401
    seen = planes["bar"].kubectl("get", "pods", "-A", "-o", "name")
    assert "web" in seen
    assert all("-x-" not in name for name in seen.split())


def code(plane: ControlPlane, path: str, name: str) -> int:
    """What the API server answers to a tenant's owner."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        plane.get(path, OWNERS[name])
    with refused.value as answer:
        return answer.code


def test_bars_syncer_reaches_no_further_than_bar(host: ControlPlane, planes: Mapping[str, Plane]) -> None:
    for path in ("/api/v1/namespaces/foo/pods", "/api/v1/namespaces/bar/secrets", "/api/v1/nodes"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            host.get(path, syncer_of("bar"))
        with refused.value as answer:
            assert answer.code == 403


def test_bar_cannot_bring_down_what_names_foos(planes: Mapping[str, Plane]) -> None:
    """A pod above that claims foo's tags is bar's, and refused on both."""
    bar = planes["bar"]
    forged = demo_pod("forged")
    forged["metadata"]["labels"]["cost-center"] = "foo"
    assert "cost-center" in bar.kubectl.refused(forged)
    assert "cost-center" in bar.syncer.refused[smuggle(bar, forged)]
    bar.kubectl("delete", "pod", "forged", "--wait=false")


def test_what_is_deleted_above_goes_below(host: ControlPlane, planes: Mapping[str, Plane]) -> None:
    foo = planes["foo"]
    foo.kubectl.apply(demo_pod("brief"))
    name = name_below("brief", "default", "foo")
    below = host.kubectl(namespace="foo")
    wait_for("the pod below", lambda: below.run("get", "pod", name).returncode == 0, SECONDS, 0.5)
    foo.kubectl("delete", "pod", "brief", "--wait=false")
    wait_for("its end below", lambda: below.run("get", "pod", name).returncode != 0, SECONDS, 0.5)
    wait_for("its end above", lambda: foo.kubectl.run("get", "pod", "brief").returncode != 0, SECONDS, 0.5)
