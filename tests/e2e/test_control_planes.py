"""One engine, several API servers: the host's, and one of tenant foo's own, where alice is administrator."""

from __future__ import annotations

import base64
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from examples.demo import policies_in
from gatekeeper_py.pki.authority import make_authority
from tests.e2e.conftest import CLASSES, IN_FORCE_SECONDS, ROOT, admin_of, namespace
from tests.e2e.gatekeeper import Server, gatekeeper
from tests.e2e.harness import (
    ADMIN,
    ALICE,
    CONTROLLERS,
    GATEKEEPER,
    ControlPlane,
    Kubectl,
    Unavailable,
    User,
    control_plane,
    free_port,
    wait_for,
)
from tests.e2e.test_isolation import pod, workload

Json = dict[str, Any]

ROOT_OF_FOO = User("alice", ("system:masters",))
"""At her own API server alice is everything there is."""
SYNCER = User("system:serviceaccount:foo:vc-foo", ("system:serviceaccounts", "system:serviceaccounts:foo"))
HOST_USERS = (ADMIN, CONTROLLERS, ALICE, GATEKEEPER, SYNCER)
BARBARA = User("barbara", ("system:masters",))
"""The administrator of tenant bar's own API server."""
OWN_USERS = (ADMIN, CONTROLLERS, ROOT_OF_FOO)
CONFIGURATIONS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
NAME = "gatekeeper-control-plane"
SECONDS = 40
READ_SECONDS = 120
"""An API server looks at its files when told that they have changed, and every minute."""


def document(kubeconfig: Path, **spec: object) -> Json:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "ControlPlane",
        "metadata": {"name": "foo"},
        "spec": {
            "tenant": "foo",
            "kubeconfig": {"file": str(kubeconfig)},
            "syncer": {"users": [SYNCER.name]},
            **spec,
        },
    }


@pytest.fixture(scope="module")
def host() -> Iterator[ControlPlane]:
    try:
        with control_plane(users=HOST_USERS) as running:
            running.kubectl().apply(*CLASSES, namespace("foo"), namespace("bar"), *admin_of("foo"))
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def own(host: ControlPlane) -> Iterator[ControlPlane]:
    """Foo's own API server, with controllers."""
    with control_plane(users=OWN_USERS) as running:
        running.kubectl().apply(*CLASSES)
        yield running


@pytest.fixture(scope="module")
def prepared(host: ControlPlane, own: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """An engine for the host and foo, not started yet."""
    folder = tmp_path_factory.mktemp("engine")
    policies = policies_in(folder)
    (policies / "planes.yaml").write_text(yaml.safe_dump(document(own.kubeconfig(ADMIN))))
    for file in ("crds.yaml", "namespace.yaml", "rbac.yaml"):
        host.kubectl()("apply", "--server-side", "-f", str(ROOT / "webhooks" / file))
    server = Server(policies, folder, ["--kubeconfig", host.kubeconfig(GATEKEEPER)])
    server.options = [
        *server.options,
        *("--control-plane-url", server.url, "--control-plane-ca", server.authority),
        *("--control-plane-manifests", folder / "made"),
        *("--health-port", "0"),
    ]
    server.make_certificates()
    return server


@pytest.fixture(scope="module")
def engine(host: ControlPlane, own: ControlPlane, prepared: Server) -> Iterator[Server]:
    server = prepared
    server.start()
    try:
        server.register(host.kubectl())
        alice = own.kubectl(ROOT_OF_FOO, "default")
        wait_for("the host's webhooks", lambda: isolates(host.kubectl(ALICE, "foo")), IN_FORCE_SECONDS)
        wait_for("foo's own webhooks", lambda: isolates(alice), SECONDS)
        yield server
    finally:
        server.stop()


@pytest.fixture
def alice(own: ControlPlane, engine: Server) -> Kubectl:
    """At her own API server."""
    return own.kubectl(ROOT_OF_FOO, "default")


def isolates(kubectl: Kubectl) -> bool:
    changed = kubectl.run("run", "probe", "--image=probe", "--dry-run=server", "-o", "json")
    refused = kubectl.run("run", "probe", "--image=probe", "--privileged", "--dry-run=server")
    return "runtimeClassName" in changed.stdout and "denied the request" in refused.stderr


def status(server: Server) -> Json:
    with urllib.request.urlopen(f"{server.url}/statusz", context=server.context(), timeout=10) as answer:
        told: Json = orjson.loads(answer.read())
        return told


def told(server: Server) -> str:
    """What is wrong."""
    return "\n".join(status(server)["problems"])


def test_a_deployment_at_her_own_api_server_is_isolated_and_tagged_as_at_the_host(alice: Kubectl) -> None:
    alice.apply(workload("apps/v1", "Deployment", "web"))
    found: Json = alice.get("deployment", "web")
    assert found["spec"]["template"]["spec"]["runtimeClassName"] == "kata"
    wait_for("its pod", lambda: bool(alice.get("pods", "-l", "app=web")["items"]), SECONDS)
    pods: Any = alice.get("pods", "-l", "app=web")["items"]
    assert pods[0]["spec"]["runtimeClassName"] == "kata"
    assert pods[0]["metadata"]["labels"]["tenancy.gatekeeper-py.dev/tenant"] == "foo"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "hostPID"),
        ({"runtimeClassName": "runc"}, "runtimeClassName"),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "hostPath"),
    ],
)
@pytest.mark.parametrize("where", ["default", "kube-system"])
def test_what_the_host_would_refuse_is_refused_in_every_namespace_kube_system_too(
    own: ControlPlane, engine: Server, where: str, spec: Json, said: str
) -> None:
    assert said in own.kubectl(ROOT_OF_FOO, where).refused(pod("bad", **spec))


def test_a_class_that_she_makes_herself_says_nothing(alice: Kubectl, own: ControlPlane) -> None:
    fake = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "mine"},
        "handler": "kata",
    }
    alice.apply(fake)
    assert "mine" in alice.refused(pod("bad", runtimeClassName="mine"))
    alice("delete", "runtimeclass", "mine")


def test_what_is_cluster_wide_there_is_her_own(alice: Kubectl) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "everything"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }
    alice.apply(role, namespace("team-a"))
    alice("create", "role", "all", "--verb=*", "--resource=*", "-n", "team-a")
    alice("label", "namespace", "team-a", "pod-security.kubernetes.io/enforce=privileged")
    wait_for(
        "its account", lambda: alice.run("get", "sa", "default", "-n", "team-a").returncode == 0, SECONDS
    )
    alice("run", "probe", "--image=probe", "-n", "team-a")
    alice("delete", "namespace", "team-a", "--wait=true", "--timeout=50s")


def test_the_hosts_namespaces_are_no_place_for_her_to_name(alice: Kubectl) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "spy"},
        "spec": {"type": "ExternalName", "externalName": "db.bar.svc.cluster.local"},
    }
    assert "bar" in alice.refused(service)


def test_controllers_of_her_own_control_plane_work(alice: Kubectl) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    alice.apply(service)
    wait_for("endpoint slices", lambda: "web" in alice("get", "endpointslices", "-o", "name"), SECONDS)
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c"}]}}
        },
    }
    alice.apply(job)
    wait_for("its pod", lambda: "once" in alice("get", "pods", "-o", "name"), SECONDS)


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_a_registration_that_she_deletes_is_restored_and_told(
    host: ControlPlane, alice: Kubectl, engine: Server, kind: str
) -> None:
    before = status(engine)["controlPlanes"][0]["restored"]
    alice("delete", kind, NAME)
    wait_for("it to be back", lambda: alice.run("get", kind, NAME).returncode == 0, SECONDS)
    wait_for("it to hold", lambda: isolates(alice), SECONDS)
    told = status(engine)
    assert told["controlPlanes"][0]["restored"] == before + 1
    assert any("its registration was deleted by somebody there" in each for each in told["problems"])
    assert told["ready"] is True
    assert '"problem":"its registration was deleted by somebody there' in engine.log
    events = host.kubectl().run("get", "events", "-n", "default", "-o", "json").stdout
    assert "RegistrationRestored" in events
    assert f'registrations_restored_total{{control_plane="foo"}} {before + 1}' in exposition(engine)


def exposition(server: Server) -> str:
    with urllib.request.urlopen(f"{server.url}/metrics", context=server.context(), timeout=10) as answer:
        return str(answer.read().decode())


def test_a_registration_that_she_narrows_is_restored(alice: Kubectl, engine: Server) -> None:
    patch = '[{"op": "replace", "path": "/webhooks/0/rules", "value": []}]'
    alice("patch", CONFIGURATIONS[1], NAME, "--type=json", "-p", patch)
    wait_for("it to hold", lambda: bool(rules(alice)), SECONDS)
    assert any("was changed by somebody there" in each for each in status(engine)["problems"])


def rules(kubectl: Kubectl) -> list[Json]:
    found: Any = kubectl.get(CONFIGURATIONS[1], NAME)
    return list(found["webhooks"][0].get("rules") or [])


def test_what_is_counted_and_logged_names_the_control_plane(alice: Kubectl, engine: Server) -> None:
    alice.refused(pod("bad", hostNetwork=True))
    assert 'gatekeeper_control_plane_webhook_reviews_total{control_plane="foo"' in exposition(engine)
    assert '"control_plane":"foo"' in engine.log


def test_nobody_is_answered_at_a_control_plane_that_no_document_names(engine: Server) -> None:
    assert posted(engine, "/t/nobody/mutate") == 404


def posted(server: Server, path: str) -> int:
    """The status of an answer."""
    request = urllib.request.Request(f"{server.url}{path}", b"{}", method="POST")
    try:
        with urllib.request.urlopen(request, context=server.context(), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_her_api_server_hangs_and_the_host_goes_on(
    host: ControlPlane, own: ControlPlane, engine: Server
) -> None:
    kubectl = host.kubectl(ALICE, "foo")
    (server,) = [each for each in own.components if each.name == "kube-apiserver"]
    server.process.send_signal(signal.SIGSTOP)
    try:
        wait_for("it to be told", lambda: "control plane 'foo'" in told(engine), 60)
        for number in range(20):
            assert "denied the request" in kubectl.refused(pod(f"bad-{number}", hostNetwork=True))
        assert isolates(kubectl)
        assert status(engine)["ready"] is True
        assert engine.ready()
    finally:
        server.process.send_signal(signal.SIGCONT)
    alice = own.kubectl(ROOT_OF_FOO, "default")
    wait_for("it to be answered again", lambda: isolates(alice), 90)


# --- what comes down


def synced(name: str = "web-x-default-x-foo", **metadata: object) -> Json:
    made = pod(name)
    annotations = {"vcluster.loft.sh/object-name": "web", "vcluster.loft.sh/object-namespace": "default"}
    labels = {"vcluster.loft.sh/managed-by": "foo"}
    return {**made, "metadata": {"name": name, "annotations": annotations, "labels": labels, **metadata}}


@pytest.fixture
def syncer(host: ControlPlane, engine: Server) -> Kubectl:
    """What brings foo's pods down, with more rights than it should have."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": SYNCER.name, "apiGroup": "rbac.authorization.k8s.io"}],
    }
    host.kubectl().apply(binding)
    return host.kubectl(SYNCER, "foo")


def test_a_pod_that_comes_down_is_isolated_tagged_and_says_from_where(syncer: Kubectl) -> None:
    syncer("create", "-f", "-", stdin=orjson.dumps(synced()).decode())
    found: Any = syncer.get("pod", "web-x-default-x-foo")
    assert found["spec"]["runtimeClassName"] == "kata"
    assert found["metadata"]["labels"].items() >= {
        ("tenancy.gatekeeper-py.dev/tenant", "foo"),
        ("tenancy.gatekeeper-py.dev/control-plane", "foo"),
    }
    assert found["metadata"]["annotations"].items() >= {
        ("tenancy.gatekeeper-py.dev/virtual-name", "web"),
        ("tenancy.gatekeeper-py.dev/virtual-namespace", "default"),
    }


def test_a_syncer_writes_nowhere_else_whatever_rbac_gives_it(host: ControlPlane, syncer: Kubectl) -> None:
    for where in ("bar", "default", "kube-public"):
        told = host.kubectl(SYNCER, where).refused(synced())
        assert "writes in namespaces of tenant foo alone" in told, where
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "mine"},
        "rules": [],
    }
    assert "writes in namespaces of tenant foo alone" in syncer.refused(role)


def test_nobody_else_says_that_his_pod_came_down(host: ControlPlane, engine: Server) -> None:
    assert "only what brings it down says so" in host.kubectl(ALICE, "foo").refused(synced("forged"))


def test_what_came_down_is_judged_again(syncer: Kubectl) -> None:
    bad = synced("bad")
    bad["spec"]["hostNetwork"] = True
    assert "hostNetwork" in syncer.refused(bad)
    assert 'vcluster calls it "web-x-default-x-foo"' in syncer.refused(synced("otherwise"))


# --- files that nobody there can delete


@pytest.fixture(scope="module")
def filed(
    prepared: Server, engine: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """Tenant bar's own API server, which reads its webhooks from files."""
    folder, made = tmp_path_factory.mktemp("files"), prepared.folder / "made" / "bar"
    port = free_port()
    kubeconfig = folder / "bar.kubeconfig"
    (prepared.policies / "bar.yaml").write_text(yaml.safe_dump(of_bar(kubeconfig)))
    gatekeeper(
        *("install", "--control-plane", "bar", "--policies", prepared.policies),
        *("--url", engine.url, "--ca", engine.authority, "--manifests", made),
    )
    flags = [
        "--feature-gates=ManifestBasedAdmissionControlConfig=true",
        f"--admission-control-config-file={made / 'admission.yaml'}",
    ]
    users = (ADMIN, CONTROLLERS, BARBARA)
    with control_plane(controllers=False, api_server_flags=flags, users=users, port=port) as running:
        kubeconfig.write_bytes(running.kubeconfig(ADMIN).read_bytes())
        wait_for("bar to be open", lambda: is_open(engine, "bar"), 60)
        running.kubectl().apply(*CLASSES)
        yield running


def of_bar(kubeconfig: Path) -> Json:
    made = document(kubeconfig, tenant="bar", registration="static", syncer={"users": ["nobody"]})
    return {**made, "metadata": {"name": "bar"}}


def is_open(server: Server, name: str) -> bool:
    return any(each["open"] for each in status(server)["controlPlanes"] if each["name"] == name)


def test_an_api_server_that_reads_files_asks_from_its_first_moment(filed: ControlPlane) -> None:
    barbara = filed.kubectl(BARBARA, "default")
    wait_for("it to be isolated", lambda: isolates(barbara), SECONDS)
    assert barbara.run("get", *CONFIGURATIONS[:1]).stdout == ""


def test_its_administrator_can_neither_see_nor_delete_nor_outbid_them(filed: ControlPlane) -> None:
    barbara = filed.kubectl(BARBARA, "default")
    for kind in CONFIGURATIONS:
        assert barbara.run("delete", kind, f"{NAME}.static.k8s.io").returncode != 0
        assert barbara.run("delete", kind, "--all").returncode == 0
    assert "hostNetwork" in barbara.refused(pod("bad", hostNetwork=True))
    assert "hostNetwork" in filed.kubectl(BARBARA, "kube-system").refused(pod("bad", hostNetwork=True))


def test_its_files_are_written_anew_when_whom_to_trust_changes_and_it_reads_them(
    filed: ControlPlane, prepared: Server, engine: Server
) -> None:
    """A second authority is announced, as in a rotation."""
    barbara = filed.kubectl(BARBARA, "default")
    with engine.authority.open("ab") as bundle:
        bundle.write(make_authority(datetime.now(UTC)).certificate_pem)
    wait_for("its files", lambda: '"event":"control plane\'s files written"' in engine.log, SECONDS)
    assert isolates(barbara)
    wait_for("it to have read them", lambda: isolates(barbara) and old(engine) == [], READ_SECONDS, 1)


def old(server: Server) -> list[str]:
    """What is told of bar's registration."""
    return [each for each in told(server).splitlines() if "'bar': its registration" in each]


def test_foo_goes_on_while_bar_is_gone(filed: ControlPlane, alice: Kubectl, engine: Server) -> None:
    (server,) = [each for each in filed.components if each.name == "kube-apiserver"]
    server.process.send_signal(signal.SIGSTOP)
    try:
        wait_for("it to be told", lambda: "control plane 'bar'" in told(engine), 60)
        assert isolates(alice)
        assert "control plane 'foo': Namespace" not in told(engine)
    finally:
        server.process.send_signal(signal.SIGCONT)


# --- documents that are objects of the host


def late(own: ControlPlane, **spec: object) -> Json:
    secret = {"namespace": "gatekeeper-system", "name": "vc-late", "key": "config"}
    made = document(Path("/"), server=own.url, registration="none", **spec)
    known = {**made["spec"], "kubeconfig": {"secret": secret}}
    return {**made, "metadata": {"name": "late"}, "spec": known}


def secret_of(own: ControlPlane, **user: str) -> Json:
    """A kubeconfig as vcluster leaves it: everything in line, and an address that is true inside alone."""
    authority = base64.b64encode(own.certificate.read_bytes()).decode()
    cluster = {"server": "https://localhost:8443", "certificate-authority-data": authority}
    value = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": ADMIN.token, **user}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    metadata = {"name": "vc-late", "namespace": "gatekeeper-system"}
    content = {"config": yaml.safe_dump(value)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": content}


def test_a_document_that_would_not_be_in_force_is_refused_with_the_reason(
    host: ControlPlane, own: ControlPlane, engine: Server
) -> None:
    kubectl = host.kubectl()
    assert "which there is none of" in kubectl.refused(late(own, tenant="nobody"))
    assert "both have the syncer" in kubectl.refused(late(own))
    assert "spec.server is absent" in kubectl.refused(
        {**late(own), "spec": {k: v for k, v in late(own)["spec"].items() if k != "server"}}
    )


def test_one_whose_kubeconfig_is_in_a_secret_opens_when_it_may_be_read_and_goes_with_its_document(
    host: ControlPlane, own: ControlPlane, prepared: Server, engine: Server
) -> None:
    kubectl = host.kubectl()
    kubectl.apply(late(own, syncer={"users": ["late"]}), secret_of(own))
    wait_for("it to be told", lambda: "control plane 'late'" in told(engine), SECONDS)
    assert posted(engine, "/t/late/mutate") == 400
    allow(host, prepared)
    wait_for("it to be open", lambda: is_open(engine, "late"), SECONDS)
    ready = "jsonpath={.status.conditions[0].status}"
    wait_for("its state", lambda: kubectl("get", "controlplane", "late", "-o", ready) == "True", SECONDS)
    kubectl("delete", "controlplane", "late")
    wait_for("it to be gone", lambda: posted(engine, "/t/late/mutate") == 404, SECONDS)


def allow(host: ControlPlane, server: Server) -> None:
    """Let the engine read the one Secret."""
    rights = gatekeeper(
        *("install", "--control-plane", "late", "--policies", server.policies),
        *("--kubeconfig", host.kubeconfig(ADMIN), "--rights"),
    )
    host.kubectl()("apply", "-f", "-", stdin=rights)


def test_of_a_kubeconfig_in_a_secret_no_files_are_read(
    host: ControlPlane, own: ControlPlane, prepared: Server, engine: Server
) -> None:
    kubectl = host.kubectl()
    kubectl.apply(late(own, syncer={"users": ["late"]}), secret_of(own, tokenFile="/etc/passwd"))
    allow(host, prepared)
    wait_for("it to be told", lambda: "the kubeconfig has tokenFile" in told(engine), SECONDS)
    kubectl("delete", "controlplane", "late")
