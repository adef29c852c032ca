"""`gatekeeper audit --write`: reports kept in a real cluster, read back by kubectl, by an account with few rights."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import CLASSES, namespace
from tests.e2e.gatekeeper import COMMAND
from tests.e2e.harness import ADMIN, ALICE, ControlPlane, Kubectl, wait_for
from tests.e2e.test_isolation import CONTAINER, pod
from tests.shipped import POLICIES

Json = dict[str, Any]

GROUP = "wgpolicyk8s.io"
CRDS = os.environ.get("POLICY_REPORT_CRDS", "")
"""A folder with the CustomResourceDefinitions as the Policy Working Group publishes them, if there is one."""

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
RESULTS = ["pass", "fail", "warn", "error", "skip"]


def definition(kind: str, scope: str) -> Json:
    """As far as what is written goes, the schema of v1alpha2: everything else would be pruned, or refused."""
    severities = ["critical", "high", "low", "medium", "info"]
    result: Json = {
        **dict.fromkeys(("source", "policy", "rule", "category", "message"), TEXT),
        "severity": {"type": "string", "enum": severities},
        "result": {"type": "string", "enum": RESULTS},
        "scored": {"type": "boolean"},
        "properties": {"type": "object", "additionalProperties": TEXT},
    }
    parts = {
        "scope": {
            "type": "object",
            "properties": dict.fromkeys(("apiVersion", "kind", "name", "namespace", "uid"), TEXT),
        },
        "summary": {"type": "object", "properties": dict.fromkeys(RESULTS, NUMBER)},
        "results": {
            "type": "array",
            "items": {"type": "object", "required": ["policy"], "properties": result},
        },
    }
    plural = f"{kind.lower()}s"
    version: Json = {"name": "v1alpha2", "served": True, "storage": True}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": parts}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "plural": plural},
            "scope": scope,
            "versions": [version],
        },
    }


def serve_reports(plane: ControlPlane) -> None:
    """Have an API server know reports."""
    kubectl = plane.kubectl()
    if CRDS:
        for file in sorted(Path(CRDS).glob("*.yaml")):
            kubectl("apply", "--server-side", "-f", str(file))
    else:
        kubectl.apply(definition("PolicyReport", "Namespaced"), definition("ClusterPolicyReport", "Cluster"))
    wait_for("reports", lambda: kubectl.run("get", "policyreports", "-A").returncode == 0)


@pytest.fixture(scope="module")
def served(bare_plane: ControlPlane) -> ControlPlane:
    """An API server that knows reports."""
    serve_reports(bare_plane)
    bare_plane.kubectl().apply(*CLASSES, namespace("foo"))
    return bare_plane


def audit(plane: ControlPlane, *arguments: str, user: Any = ADMIN) -> subprocess.CompletedProcess[str]:
    config = str(plane.kubeconfig(user))
    command = [*COMMAND, "audit", "--policies", str(POLICIES), "--kubeconfig", config, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def report_of(kubectl: Kubectl, name: str) -> Json:
    listed: Json = kubectl.get("policyreports", "-n", "foo")
    (found,) = [each for each in listed["items"] if each["scope"]["name"] == name]
    return found  # type: ignore[no-any-return]


def test_reports_are_kept_as_long_as_they_are_true(served: ControlPlane) -> None:
    kubectl = served.kubectl()
    privileged = CONTAINER | {"securityContext": {"privileged": True}}
    kubectl.apply(pod("bad", "foo", runtimeClassName="kata", containers=[privileged]))
    done = audit(served, "--write")
    assert done.returncode == 1, done.stderr
    report = report_of(kubectl, "bad")
    failed = {each["policy"] for each in report["results"] if each["result"] == "fail"}
    assert "host-access-privileged" in failed
    assert report["summary"]["fail"] == len([e for e in report["results"] if e["result"] == "fail"])
    owner = report["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("Pod", "bad")
    assert owner["uid"] == kubectl.get("pod", "bad", "-n", "foo")["metadata"]["uid"]  # type: ignore[index]

    again = audit(served, "--write")
    assert "reports: 0 written, 0 removed, " in again.stderr

    kubectl("delete", "pod", "bad", "-n", "foo", "--now")
    kubectl.apply(namespace("later"))
    assert " 1 removed, " in audit(served, "--write").stderr
    names = [each["scope"]["name"] for each in kubectl.get("policyreports", "-n", "foo")["items"]]  # type: ignore[attr-defined]
    assert "bad" not in names
    cluster_wide: Json = kubectl.get("clusterpolicyreports")
    assert "later" in [each["scope"]["name"] for each in cluster_wide["items"] if "scope" in each]


def test_what_may_not_be_listed_is_in_a_report_too_and_removes_nothing(served: ControlPlane) -> None:
    kubectl = served.kubectl()
    audit(served, "--write")
    before: Json = kubectl.get("policyreports,clusterpolicyreports", "-A")
    resources = "namespaces,customresourcedefinitions.apiextensions.k8s.io"
    kubectl("create", "clusterrole", "some", "--verb=list", f"--resource={resources}")
    reports = f"policyreports.{GROUP},clusterpolicyreports.{GROUP}"
    kubectl("create", "clusterrole", "reports", "--verb=list,create,patch,delete", f"--resource={reports}")
    for role in ("some", "reports"):
        kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", f"--user={ALICE.name}")
    done = audit(served, "--write", user=ALICE)
    assert done.returncode == 2
    assert "v1 Secret: secrets is forbidden" in done.stderr
    assert " 0 removed, " in done.stderr
    after: Json = kubectl.get("policyreports,clusterpolicyreports", "-A")
    assert len(after["items"]) == len(before["items"]) + 1
    told: Json = kubectl.get("clusterpolicyreport", "gatekeeper-py-not-audited")
    assert any("v1 Secret" in each["message"] for each in told["results"])
    done = audit(served, "--write")
    assert "not audited" not in done.stdout, done.stdout
    assert kubectl.run("get", "clusterpolicyreport", "gatekeeper-py-not-audited").returncode != 0


def test_without_the_kinds_it_says_what_to_do(served: ControlPlane) -> None:
    done = audit(served, "--write", "openreports")
    assert done.returncode == 2
    said = "reports: the cluster serves no Report (openreports.io/v1alpha1). Install its CustomResourceDefinitions"
    assert said in done.stderr
