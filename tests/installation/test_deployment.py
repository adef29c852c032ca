"""How the server runs in a cluster."""

from __future__ import annotations

from typing import Any

from gatekeeper_py.cli.serve import command as serve
from gatekeeper_py.installation.contents import Installation
from tests.installation.shipped import (
    FILES,
    LOADED,
    Json,
    of_kind,
)


def deployment(**options: Any) -> Json:
    (found,) = of_kind(Installation(LOADED, **options).objects(), "Deployment")
    spec: Json = found["spec"]
    return spec


def test_three_replicas_share_no_node_and_one_goes_before_the_next_comes() -> None:
    spec = deployment()
    (term,) = spec["template"]["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert (spec["replicas"], term["topologyKey"]) == (3, "kubernetes.io/hostname")
    assert term["labelSelector"] == spec["selector"]
    # With a node each and no fourth, a rollout that wants one more would wait for ever.
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert spec["template"]["spec"]["priorityClassName"] == "system-cluster-critical"


def test_replicas_that_may_share_a_node_are_replaced_by_one_more() -> None:
    spec = deployment(spread="preferred", replicas=1)
    apart = spec["template"]["spec"]["affinity"]["podAntiAffinity"]
    assert list(apart) == ["preferredDuringSchedulingIgnoredDuringExecution"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_drain_takes_one_replica_and_one_that_does_not_work_holds_up_none() -> None:
    (budget,) = of_kind(Installation(LOADED).objects(), "PodDisruptionBudget")
    assert budget["spec"] == {
        "maxUnavailable": 1,
        "selector": deployment()["selector"],
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_the_server_understands_its_arguments_and_finds_what_it_is_told() -> None:
    pod = deployment(files=FILES)["template"]["spec"]
    (container,) = pod["containers"]
    options = serve.make_context("serve", container["args"][1:]).params
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {str(options["policies"]), str(options["kubeconfig"].parent), "/tmp"} == mounted
    assert {mount["name"] for mount in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    assert options["certificates_secret"] == "gatekeeper-system/gatekeeper-certificates"
    assert options["register"] == "service"
    assert [port["containerPort"] for port in container["ports"]] == [options["port"]]
