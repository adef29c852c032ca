"""Pods, nodes and prices that the tests of the bill share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.billing.bill import Bill, make_bill
from gatekeeper_py.billing.period import Period
from gatekeeper_py.billing.pods import nodes_in, read_pods
from gatekeeper_py.billing.prices import PriceSheet, price_sheet
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, read
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.shipped import POLICIES

Json = dict[str, Any]

DATA = Path(__file__).parent / "data"
PRICES = DATA / "prices.yaml"
START = datetime(2026, 11, 1, tzinfo=UTC)
HUNDRED_HOURS = Period(START, START + timedelta(hours=100), throughout=True)


def thirty() -> Json:
    """The table that was reckoned by hand."""
    table: Json = yaml.safe_load((DATA / "thirty_pods.yaml").read_text(encoding="utf-8"))
    return table


def objects(table: Json) -> list[Json]:
    """The objects of a cluster that has these pods."""
    classes = [runtime_class(name, overhead) for name, overhead in table["classes"].items()]
    return [*classes, *map(node, table["nodes"]), *(pod(row, table["classes"]) for row in table["pods"])]


def runtime_class(name: str, overhead: Json) -> Json:
    fields = {"overhead": {"podFixed": overhead}} if overhead else {}
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": name,
    } | fields


def node(name: str, cpu: str = "8", memory: str = "32Gi") -> Json:
    amounts = {"cpu": cpu, "memory": memory}
    status = {"capacity": amounts, "allocatable": amounts}
    metadata = {"name": name, "labels": {"size": "big"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status}


def pod(row: Json, classes: Json) -> Json:
    """A pod as an API server stores it, from a row of the table."""
    namespace, name = row["name"].split("/")
    containers = [container(f"c{number}", each) for number, each in enumerate(row["containers"])]
    spec: Json = {"containers": containers}
    if "initContainers" in row:
        starting = [container(f"i{number}", each) for number, each in enumerate(row["initContainers"])]
        spec["initContainers"] = starting
    if "class" in row:
        spec |= {"runtimeClassName": row["class"], "overhead": row.get("overhead", classes[row["class"]])}
    if "node" in row:
        spec["nodeName"] = row["node"]
    if "whole" in row:
        spec["resources"] = {"requests": row["whole"]}
    metadata = {"namespace": namespace, "name": name, "labels": {"team": f"team-{namespace}"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status(row)}


def container(name: str, row: Json) -> Json:
    requests = {key: row[key] for key in ("cpu", "memory") if key in row}
    made: Json = {"name": name, "image": "nginx", "resources": {"requests": requests} if requests else {}}
    return made | ({"restartPolicy": "Always"} if row.get("sidecar") else {})


def status(row: Json) -> Json:
    statuses = [
        {
            "name": f"c{number}",
            "resources": {"requests": each["actual"]},
            "allocatedResources": each["actual"],
        }
        for number, each in enumerate(row["containers"])
        if "actual" in each
    ]
    made: Json = {"phase": "Running", "startTime": "2026-10-01T00:00:00Z", "containerStatuses": statuses}
    if row.get("infeasible"):
        made["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}]
    return made


def sheet() -> PriceSheet:
    return price_sheet(read([PRICES]))


def tenancy() -> Tenancy:
    return load_tenancy(
        read([POLICIES / "tenants" / "platform.yaml", POLICIES / "tenants" / "settings.yaml"])
    )


def billed(existing: list[Json], period: Period = HUNDRED_HOURS) -> Bill:
    """The bill of what exists."""
    manifests = [Manifest(each) for each in existing]
    cluster = Snapshot.of(manifests)
    pods = [manifest for manifest in manifests if manifest.kind.kind == "Pod"]
    found = read_pods(pods, cluster, tenancy(), period)
    return make_bill(found.pods, nodes_in(cluster, tenancy()), sheet(), period, found.problems)
