"""The live view of a real cluster through what goes wrong with the way to it: it says so, and is right again soon."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gatekeeper_py.cluster.live import LiveCluster, configuration
from gatekeeper_py.cluster.staleness import StaleView
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.e2e.blackhole import Way
from tests.e2e.conftest import namespace
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ADMIN, ALICE, GATEKEEPER, Component, ControlPlane, Kubectl, wait_for

Json = dict[str, Any]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
RECOVERY_SECONDS = 10.0
"""Within which the view is right again once it can be."""
MAX_AGE = 14.0
"""Here, so that nobody waits long; more than a view ever is old while all goes well."""

ROOT = Path(__file__).parents[2]


@pytest.fixture
def way(bare_plane: ControlPlane) -> Iterator[Way]:
    port = urlsplit(bare_plane.url).port
    assert port is not None
    made = Way(port)
    yield made
    made.close()


def kubeconfig(plane: ControlPlane, way: Way, folder: Path, **user: str) -> Path:
    """The administrator's, or another user's, by way of the black hole."""
    found = json.loads(plane.kubeconfig(ADMIN).read_text(encoding="utf-8"))
    found["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{way.port}"
    if user:
        found["users"][0]["user"] = user
    path = folder / "kubeconfig"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


@contextmanager
def following(path: Path) -> Iterator[LiveCluster]:
    live = LiveCluster(configuration(path), max_age=MAX_AGE)
    live.start()
    try:
        assert live.wait_until_synced(30), live.problems
        yield live
    finally:
        live.stop()


@pytest.fixture
def live(bare_plane: ControlPlane, way: Way, tmp_path: Path) -> Iterator[LiveCluster]:
    with following(kubeconfig(bare_plane, way, tmp_path)) as followed:
        yield followed


def sees(live: LiveCluster, name: str) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return live.view.get(NAMESPACE, "", name) is not None
        except StaleView:
            return False

    return look


def is_stale(live: LiveCluster) -> bool:
    return NAMESPACE in live.stale


def recovers(live: LiveCluster, name: str) -> None:
    wait_for(f"namespace {name}", sees(live, name), RECOVERY_SECONDS, 0.02)
    wait_for("an end of all problems", lambda: not live.stale, RECOVERY_SECONDS, 0.02)


def test_a_view_is_never_old_while_all_goes_well(live: LiveCluster) -> None:
    ages = []
    for _ in range(150):
        ages.append(max(live.ages.values()))
        time.sleep(0.1)
    assert max(ages) < MAX_AGE


def test_connections_that_are_lost_without_a_word(
    bare_plane: ControlPlane, live: LiveCluster, way: Way
) -> None:
    way.lose_connections()
    bare_plane.kubectl().apply(namespace("lost-connections"))
    recovers(live, "lost-connections")


def test_a_network_that_is_gone(bare_plane: ControlPlane, live: LiveCluster, way: Way) -> None:
    with way.gone():
        bare_plane.kubectl().apply(namespace("no-network"))
        wait_for("staleness", lambda: is_stale(live), MAX_AGE + 5)
        with pytest.raises(StaleView):
            live.view.get(NAMESPACE, "", "default")
    recovers(live, "no-network")


def test_an_api_server_that_starts_anew(bare_plane: ControlPlane, live: LiveCluster) -> None:
    restart(bare_plane)
    bare_plane.kubectl().apply(namespace("started-anew"))
    recovers(live, "started-anew")


def test_a_store_that_was_compacted_meanwhile(bare_plane: ControlPlane, live: LiveCluster, way: Way) -> None:
    with way.gone():
        for number in range(20):
            bare_plane.kubectl().apply(namespace(f"compacted-{number}"))
        compact(bare_plane)
        restart(bare_plane)
    recovers(live, "compacted-19")


def test_rights_that_are_taken_away_and_given_back(
    bare_plane: ControlPlane, way: Way, tmp_path: Path
) -> None:
    kubectl = bare_plane.kubectl()
    for file in ("namespace.yaml", "rbac.yaml"):
        kubectl("apply", "-f", str(ROOT / "webhooks" / file))
    binding: Json = kubectl.get("clusterrolebinding", "gatekeeper")
    with following(kubeconfig(bare_plane, way, tmp_path, token=GATEKEEPER.token)) as live:
        kubectl("delete", "clusterrolebinding", "gatekeeper")
        kubectl.apply(namespace("without-rights"))
        wait_for("staleness", lambda: is_stale(live), MAX_AGE + 8)
        with pytest.raises(StaleView, match="Allow the engine to get, list and watch it"):
            live.view.get(NAMESPACE, "", "default")
        del binding["metadata"]["resourceVersion"], binding["metadata"]["uid"]
        kubectl.apply(binding)
        recovers(live, "without-rights")


def test_a_token_that_is_void_and_another_in_its_place(
    bare_plane: ControlPlane, way: Way, tmp_path: Path
) -> None:
    kubectl = bare_plane.kubectl()
    token = tmp_path / "token"
    account = ("serviceaccount", "reader", "-n", "default")
    grant = ("clusterrolebinding", "reader", "--clusterrole=cluster-admin", "--serviceaccount=default:reader")
    kubectl("create", *account)
    kubectl("create", *grant)
    token.write_text(kubectl("create", "token", "reader", "-n", "default"), encoding="utf-8")
    with following(kubeconfig(bare_plane, way, tmp_path, tokenFile=str(token))) as live:
        kubectl("delete", *account)
        kubectl("create", *account)
        wait_for("a refusal", lambda: "does not accept" in live.problems.get(NAMESPACE, ""), 20)
        kubectl.apply(namespace("void-token"))
        token.write_text(kubectl("create", "token", "reader", "-n", "default"), encoding="utf-8")
        recovers(live, "void-token")


def restart(plane: ControlPlane) -> None:
    """End the API server, and start it anew with the same store and port."""
    place = next(at for at, each in enumerate(plane.components) if each.name == "kube-apiserver")
    before = plane.components[place]
    before.stop()
    command = [str(part) for part in before.process.args]  # type: ignore[union-attr]
    plane.components[place] = Component.start(command, before.log)
    plane.components[place].await_ready(plane.ready)


def compact(plane: ControlPlane) -> None:
    """Have the store forget all but the present, by the gateway that etcd has for HTTP."""
    url = next(
        str(part).removeprefix("--etcd-servers=")
        for each in plane.components
        for part in each.process.args  # type: ignore[union-attr]
        if str(part).startswith("--etcd-servers=")
    )
    revision = _ask(f"{url}/v3/kv/range", {"key": "AA==", "limit": "1"})["header"]["revision"]
    _ask(f"{url}/v3/kv/compaction", {"revision": revision, "physical": True})


def _ask(url: str, body: Json) -> Json:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: Json = json.load(answer)
    return found


# --- the server

STAMP: Json = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "owned"},
    "spec": {
        "failurePolicy": "Ignore",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["configmaps"],
                }
            ]
        },
        "validations": [{"expression": "tenant.name == 'default' && object.metadata.name != 'bad'"}],
    },
}
BINDING: Json = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "owned"},
    "spec": {"policyName": "owned", "validationActions": ["Deny"]},
}
TENANT: Json = {
    "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
    "kind": "Tenant",
    "metadata": {"name": "default"},
    "spec": {"namespaces": {"names": ["default"]}},
}
EDITOR = ("clusterrolebinding", "alice", "--clusterrole=cluster-admin", f"--user={ALICE.name}")


def create(kubectl: Kubectl, kind: str, name: str) -> str:
    arguments = ("secret", "generic") if kind == "secret" else (kind,)
    done = kubectl.run("create", *arguments, name, "-n", "default", "--dry-run=server")
    return done.stderr or "created"


def test_the_server_refuses_tenants_what_it_cannot_tell_and_nothing_else(
    bare_plane: ControlPlane, tmp_path: Path
) -> None:
    admin, alice = bare_plane.kubectl(), bare_plane.kubectl(ALICE)
    for file in ("namespace.yaml", "rbac.yaml"):
        admin("apply", "-f", str(ROOT / "webhooks" / file))
    admin("create", *EDITOR)
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "policies.json").write_text(
        "\n".join(map(json.dumps, (STAMP, BINDING, TENANT))), encoding="utf-8"
    )
    options: list[str | Path] = ["--kubeconfig", bare_plane.kubeconfig(GATEKEEPER), "--max-view-age", "15"]
    server = Server(policies, tmp_path, options)
    server.start()
    try:
        server.register(admin)
        wait_for("the webhooks", lambda: "denied the request" in create(alice, "configmap", "bad"), 20)
        assert create(alice, "configmap", "good") == "created"
        binding: Json = admin.get("clusterrolebinding", "gatekeeper")
        admin("delete", "clusterrolebinding", "gatekeeper")
        wait_for("a refusal", lambda: create(alice, "configmap", "good") != "created", 30)
        said = create(alice, "configmap", "good")
        assert re.search(r"the policy engine cannot tell: \w+ \(\S+\) was last known 1\d s ago", said), said
        assert create(alice, "secret", "read-by-no-policy") == "created"
        assert create(admin, "configmap", "good") == "created"
        assert "denied the request" in create(admin, "configmap", "bad")
        del binding["metadata"]["resourceVersion"], binding["metadata"]["uid"]
        admin.apply(binding)
        wait_for("its end", lambda: create(alice, "configmap", "good") == "created", RECOVERY_SECONDS)
        assert "view is stale" in server.log
        wait_for("a line in the log", lambda: "view is known again" in server.log, 5)
    finally:
        server.stop()
