"""`gatekeeper audit --watch` beside a real API server: reports, metrics and the page follow what happens in it."""

from __future__ import annotations

import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from examples.demo import policies_in
from tests.e2e.conftest import CLASSES, ROOT, namespace
from tests.e2e.gatekeeper import COMMAND, gatekeeper
from tests.e2e.harness import (
    ADMIN,
    Component,
    ControlPlane,
    Unavailable,
    User,
    control_plane,
    free_port,
    wait_for,
)
from tests.e2e.test_isolation import CONTAINER, pod
from tests.e2e.test_reports import definition
from tests.webhooks.test_alerts import rules as shipped_rules

Json = dict[str, Any]

AUDITOR = User("system:serviceaccount:gatekeeper-system:gatekeeper-background")
"""As its Deployment runs: with no rights but those of webhooks/background."""

SECONDS = 20.0
"""In which a change has to be seen. Measured on an idle machine: under one second."""

STALE_SECONDS = 60.0
"""In which a kind that may not be read any more has to be said to be unknown: it counts after 15 s."""


@dataclass
class Watch:
    """The command, running."""

    port: int
    process: Component

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return bytes(answer.read())

    def ready(self) -> bool:
        try:
            return bool(orjson.loads(self.get("/readyz"))["ready"])
        except (urllib.error.URLError, OSError):
            return False

    def report(self) -> Json:
        found: Json = orjson.loads(self.get("/report.json"))
        return found

    def findings(self, name: str) -> set[str]:
        """The policies that find something wrong with an object."""
        return {
            each["policy"]
            for item in self.report()["results"]
            if item["name"] == name
            for each in item["findings"]
        }

    def not_audited(self) -> set[str]:
        return {each["path"] for each in self.report()["notAudited"]}

    def metric(self, name: str, **labels: str) -> float:
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        total = 0.0
        for line in self.get("/metrics").decode().splitlines():
            if re.match(rf"gatekeeper_audit_{name}[{{ ]", line) and all(each in line for each in wanted):
                total += float(line.rpartition(" ")[2])
        return total


@contextmanager
def watching(plane: ControlPlane, folder: Path, *arguments: str, user: User = AUDITOR) -> Iterator[Watch]:
    port = free_port()
    named = ("--policies", policies_in(folder), "--kubeconfig", plane.kubeconfig(user))
    options = ("--port", str(port), "--max-view-age", "15", *arguments)
    command: list[str | Path] = [*COMMAND, "audit", "--watch", *named, *options]
    watch = Watch(port, Component.start(command, folder / "audit.log"))
    try:
        watch.process.await_ready(watch.ready)
        yield watch
    finally:
        watch.process.stop()


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server alone that knows reports, with the rights of the shipped component."""
    try:
        with control_plane(controllers=False, users=(ADMIN, AUDITOR)) as running:
            kubectl = running.kubectl()
            kubectl.apply(
                definition("PolicyReport", "Namespaced"), definition("ClusterPolicyReport", "Cluster")
            )
            kubectl.apply(*CLASSES, namespace("gatekeeper-system"), namespace("foo"))
            kubectl("apply", "-f", str(ROOT / "webhooks/background/accounts.yaml"))
            kubectl("apply", "-f", str(ROOT / "webhooks/crds.yaml"))
            for name in ("kinds", "reports"):  # what the controller of aggregated roles does
                role = f"gatekeeper-background-{name}"
                account = "--serviceaccount=gatekeeper-system:gatekeeper-background"
                kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", account)
            wait_for("reports", lambda: kubectl.run("get", "policyreports", "-A").returncode == 0)
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def watch(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with watching(plane, tmp_path_factory.mktemp("watch"), "--write") as running:
        yield running


def soon(what: str, probe: Callable[[], bool], seconds: float = SECONDS) -> float:
    """Seconds until something is so."""
    begun = time.monotonic()
    wait_for(what, probe, seconds, 0.1)
    return time.monotonic() - begun


def reported(plane: ControlPlane, name: str) -> dict[str, str]:
    """Policies and their results in the report of an object, which there may be none of."""
    listed: Json = plane.kubectl().get("policyreports", "-n", "foo")
    reports = [each for each in listed["items"] if each["scope"]["name"] == name]
    return {each["policy"]: each["result"] for report in reports for each in report["results"]}


def failing(plane: ControlPlane, name: str) -> set[str]:
    """What is wrong with an object, but that no webhook has marked it: none runs here."""
    return {policy for policy, result in reported(plane, name).items() if result == "fail"} - {MARKS}


MARKS = "tags-labels-present"
PRIVILEGED = "host-access-privileged"
BAD = CONTAINER | {"securityContext": {"privileged": True}}


def config_map(name: str, data: dict[str, str]) -> Json:
    metadata = {"name": name, "namespace": "foo"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_bad_object_is_told_and_mended_or_deleted_is_forgotten(plane: ControlPlane, watch: Watch) -> None:
    kubectl = plane.kubectl()
    kubectl.apply(pod("bad", "foo", runtimeClassName="kata", containers=[BAD]))
    seen = soon("the finding", lambda: PRIVILEGED in watch.findings("bad"))
    soon("the report", lambda: reported(plane, "bad").get(PRIVILEGED) == "fail")
    labels = {"tenant": "foo", "policy": PRIVILEGED, "action": "deny"}
    soon("the metric", lambda: watch.metric("findings", **labels) == 1)
    assert watch.metric("workloads", tenant="foo", isolation="vm") == 1
    print(f"seen after {seen:.2f} s")

    kubectl("delete", "pod", "bad", "-n", "foo", "--now")
    soon("it to be forgotten", lambda: watch.findings("bad") == set())
    soon("its report to be gone", lambda: reported(plane, "bad") == {})
    soon("the metric to be gone", lambda: watch.metric("findings", **labels) == 0)


def test_an_object_that_is_mended_is_clean(plane: ControlPlane, watch: Watch) -> None:
    kubectl = plane.kubectl()
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "foo"},
        "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]},
    }
    kubectl.apply(service)
    soon("the report", lambda: bool(failing(plane, "web")))
    del service["spec"]["externalIPs"]
    kubectl.apply(service)
    soon("the report to be clean", lambda: not failing(plane, "web"))
    assert reported(plane, "web")


def test_a_custom_kind_is_watched_as_it_comes_and_goes(plane: ControlPlane, watch: Watch) -> None:
    kubectl = plane.kubectl()
    group = "example.com"
    made: Json = yaml.safe_load(
        f"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {{name: widgets.{group}}}
        spec:
          group: {group}
          scope: Namespaced
          names: {{kind: Widget, plural: widgets}}
          versions:
            - name: v1
              served: true
              storage: true
              schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
        """
    )
    kubectl.apply(made)
    told = f"{group}/v1 Widget"
    soon("the kind that may not be listed", lambda: told in watch.not_audited())
    soon("its metric", lambda: watch.metric("not_audited", kind=f"Widget.{group}") == 1)
    kubectl("delete", "crd", f"widgets.{group}")
    soon("the kind to be gone", lambda: told not in watch.not_audited())


def test_what_may_not_be_read_any_more_is_said_and_not_clean(plane: ControlPlane, watch: Watch) -> None:
    kubectl = plane.kubectl()
    assert "v1 Secret" in watch.not_audited()
    kubectl.apply(config_map("kept", {}))
    soon("the object", lambda: reported(plane, "kept") != {})
    role = orjson.loads(kubectl("get", "clusterrole", "gatekeeper-background-kinds", "-o", "json"))
    less = orjson.loads(orjson.dumps(role))
    for rule in less["rules"]:
        rule["resources"] = [each for each in rule["resources"] if each != "configmaps"]
    kubectl("replace", "-f", "-", stdin=orjson.dumps(less).decode())
    try:
        soon("the kind to be unknown", lambda: "v1 ConfigMap" in watch.not_audited(), STALE_SECONDS)
        (said,) = [each["reason"] for each in watch.report()["notAudited"] if each["path"] == "v1 ConfigMap"]
        assert re.search(
            r"was last known at \S+Z, .* is forbidden.* Allow the audit to list and watch it", said
        )
        assert watch.metric("not_audited", kind="ConfigMap") == 1
        soon("the report of it", lambda: "v1 ConfigMap" in unread(plane))
        kubectl("delete", "configmap", "kept", "-n", "foo")
        time.sleep(1)
        assert reported(plane, "kept") != {}  # nobody knows
    finally:
        kubectl("replace", "--force", "-f", "-", stdin=orjson.dumps(_bare(role)).decode())
    soon("the kind to be known again", lambda: "v1 ConfigMap" not in watch.not_audited(), STALE_SECONDS)
    soon("the report to be gone", lambda: reported(plane, "kept") == {})


def _bare(value: Json) -> Json:
    metadata = {key: value["metadata"][key] for key in ("name", "labels")}
    return {**value, "metadata": metadata}


def unread(plane: ControlPlane) -> str:
    found = plane.kubectl().run("get", "clusterpolicyreport", "gatekeeper-py-not-audited", "-o", "json")
    return found.stdout


def test_it_goes_on_when_the_api_server_is_back(plane: ControlPlane, watch: Watch) -> None:
    (server,) = [each for each in plane.components if each.name == "kube-apiserver"]
    command = Path(f"/proc/{server.process.pid}/cmdline").read_text().split("\0")[:-1]
    server.stop()
    soon("everything to be unknown", lambda: "v1 Pod" in watch.not_audited(), STALE_SECONDS)
    assert watch.process.process.poll() is None
    again = Component.start(command, plane.folder / "kube-apiserver-2.log")
    plane.components[plane.components.index(server)] = again
    again.await_ready(plane.ready)
    try:
        soon("everything to be known", lambda: watch.not_audited() == {"v1 Secret"}, STALE_SECONDS)
    except TimeoutError as error:
        raise AssertionError(watch.report()["notAudited"]) from error
    plane.kubectl().apply(pod("later", "foo", runtimeClassName="kata", containers=[BAD]))
    soon("the report", lambda: reported(plane, "later").get(PRIVILEGED) == "fail", STALE_SECONDS)
    plane.kubectl()("delete", "pod", "later", "-n", "foo", "--now")
    soon("its report to be gone", lambda: reported(plane, "later") == {})


def test_only_what_has_changed_is_written(plane: ControlPlane, watch: Watch) -> None:
    before: Json = plane.kubectl().get("policyreports", "-A")
    plane.kubectl().apply(config_map("new", {}))
    soon("the report", lambda: reported(plane, "new") != {})
    after: Json = plane.kubectl().get("policyreports", "-A")
    versions = {each["metadata"]["uid"]: each["metadata"]["resourceVersion"] for each in after["items"]}
    assert all(
        versions[each["metadata"]["uid"]] == each["metadata"]["resourceVersion"] for each in before["items"]
    )
    assert watch.metric("reports_total", outcome="written") > 0


def test_the_page_is_served_and_nothing_can_be_written_to_it(plane: ControlPlane, watch: Watch) -> None:
    assert b"<title>Audit</title>" in watch.get("/")
    assert refusal(watch, data=b"{}") == 405
    assert refusal(watch, headers={"Host": "evil.example"}) == 421


def refusal(watch: Watch, **given: Any) -> int:
    """The status of a request that is refused."""
    request = urllib.request.Request(f"http://127.0.0.1:{watch.port}/", **given)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    refused.value.close()
    return refused.value.code


def test_what_install_prints_is_taken_and_its_pod_is_restricted(plane: ControlPlane) -> None:
    printed = gatekeeper("install", "--policies", ROOT / "policies", "--audit", "background")
    kubectl = plane.kubectl()
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    kubectl("label", "namespace", "gatekeeper-system", restricted, "--overwrite")
    kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", stdin=printed)
    (deployment,) = [
        each
        for each in yaml.safe_load_all(printed)
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "gatekeeper-background")
    ]
    template = deployment["spec"]["template"]
    metadata = {"name": "p", "namespace": "gatekeeper-system", **template["metadata"]}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    kubectl.apply(made, arguments=("--dry-run=server",))


def test_it_ends_in_good_order(plane: ControlPlane, tmp_path: Path) -> None:
    with watching(plane, tmp_path, user=ADMIN) as running:
        running.process.process.terminate()
        assert running.process.process.wait(timeout=15) == 0
    assert "Traceback" not in running.process.tail()


def test_a_bad_edit_leaves_the_last_good_policies(plane: ControlPlane, tmp_path: Path) -> None:
    with watching(plane, tmp_path, user=ADMIN) as running:
        folder = tmp_path / "policies"
        assert running.metric("policies_stale") == 0
        policies = running.metric("policies")
        (folder / "bad.yaml").write_text("kind: [", encoding="utf-8")
        soon("the edit to be told", lambda: "policies" in running.not_audited())
        assert running.metric("policies_stale") == 1
        assert running.metric("policies") == policies
        (folder / "bad.yaml").unlink()
        soon("the edit to be gone", lambda: "policies" not in running.not_audited())


def test_prometheus_scrapes_it(watch: Watch, tmp_path: Path) -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus here: on Debian it is the package of that name")
    port = free_port()
    target = {"targets": [f"127.0.0.1:{watch.port}"]}
    job = {"job_name": "audit", "scrape_interval": "1s", "static_configs": [target]}
    config = tmp_path / "prometheus.yaml"
    rules = tmp_path / "rules.json"
    rules.write_bytes(orjson.dumps({"groups": shipped_rules()["spec"]["groups"]}))
    config.write_bytes(orjson.dumps({"scrape_configs": [job], "rule_files": [str(rules)]}))
    command = [
        *(program, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"),
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    prometheus = Component.start(command, tmp_path / "prometheus.log")

    def asked(query: str) -> list[Json]:
        try:
            url = f"http://127.0.0.1:{port}/api/v1/query?query={query}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: list[Json] = orjson.loads(answer.read())["data"]["result"]
                return found
        except (urllib.error.URLError, OSError):
            return []

    try:
        prometheus.await_ready(lambda: bool(asked("gatekeeper_audit_objects")))
        kinds = {each["metric"]["kind"] for each in asked("gatekeeper_audit_objects")}
        assert {"Namespace", "RuntimeClass.node.k8s.io"} <= kinds
        (last,) = asked("gatekeeper_audit_last_pass_timestamp_seconds")
        assert time.time() - float(last["value"][1]) < 1000
        (unknown,) = asked("sum+by+(kind)(gatekeeper_audit_not_audited)")
        assert unknown["metric"] == {"kind": "Secret"}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=5) as answer:
            groups = orjson.loads(answer.read())["data"]["groups"]
        health = {rule["name"]: rule.get("lastError", "") for group in groups for rule in group["rules"]}
        assert set(health.values()) == {""}
        assert "GatekeeperNotAudited" in health
    finally:
        prometheus.stop()
