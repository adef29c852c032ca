"""`gatekeeper install` and the files of `webhooks/` it prints."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml

from gatekeeper_py.cli.serve import command as serve
from gatekeeper_py.pki.development import CLIENT_NAME, make_certificates
from tests.cli.support import run

WEBHOOKS = Path(__file__).parents[2] / "webhooks"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_certificates(tmp_path).authority


def printed(*arguments: str | Path) -> list[dict[str, Any]]:
    result = run("install", *arguments)
    assert result.exit_code == 0
    return list(yaml.safe_load_all(result.stdout))


def shipped() -> list[dict[str, Any]]:
    return [yaml.safe_load((WEBHOOKS / name).read_text()) for name in ("mutating.yaml", "validating.yaml")]


def test_without_url_it_prints_what_webhooks_holds() -> None:
    assert printed() == shipped()


def test_with_url_the_api_server_calls_that_server(authority: Path) -> None:
    documents = printed("--url", "https://10.0.0.7:8443/", "--ca", authority)
    clients = [webhook["clientConfig"] for document in documents for webhook in document["webhooks"]]
    bundle = base64.b64encode(authority.read_bytes()).decode()
    assert clients == [
        {"url": "https://10.0.0.7:8443/mutate", "caBundle": bundle},
        {"url": "https://10.0.0.7:8443/validate", "caBundle": bundle},
        {"url": "https://10.0.0.7:8443/validate", "caBundle": bundle},
    ]


def test_a_ca_alone_is_filled_into_the_services_configuration(authority: Path) -> None:
    clients = [w["clientConfig"] for document in printed("--ca", authority) for w in document["webhooks"]]
    assert [client["service"]["path"] for client in clients] == ["/mutate", "/validate", "/validate"]
    assert all(client["caBundle"] for client in clients)


@pytest.mark.parametrize("document", shipped(), ids=["mutating", "validating"])
def test_the_webhooks_fail_closed_and_see_everything(document: dict[str, Any]) -> None:
    webhook = document["webhooks"][0]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["sideEffects"] == "None"
    assert webhook["matchPolicy"] == "Equivalent"
    assert webhook["admissionReviewVersions"] == ["v1"]
    assert 1 <= webhook["timeoutSeconds"] <= 30
    (rule,) = webhook["rules"]
    assert (rule["apiGroups"], rule["apiVersions"], rule["resources"], rule["scope"]) == (
        ["*"], ["*"], ["*/*"], "*",
    )  # fmt: skip


def test_validation_covers_every_operation_and_mutation_those_with_an_object() -> None:
    operations = [document["webhooks"][0]["rules"][0]["operations"] for document in shipped()]
    assert operations == [["CREATE", "UPDATE"], ["CREATE", "UPDATE", "DELETE", "CONNECT"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--url", "https://x:1"],
            "--url needs --ca: the API server has to know whose certificate to trust\n",
        ),
        (["--url", "http://x:1", "--ca", "CA"], "--url http://x:1: not of the form https://HOST:PORT\n"),
        (
            ["--url", "https://:8443", "--ca", "CA"],
            "--url https://:8443: not of the form https://HOST:PORT\n",
        ),
        (
            ["--url", "https://x:99999", "--ca", "CA"],
            "--url https://x:99999: not of the form https://HOST:PORT\n",
        ),
        (["--url", "https://u@x", "--ca", "CA"], "--url https://u@x: not of the form https://HOST:PORT\n"),
        (["--ca", "/missing"], "/missing: No such file or directory\n"),
        (["--ca", __file__], f"{__file__}: is no PEM certificate\n"),
    ],
)
def test_what_cannot_be_printed_is_exit_code_2(authority: Path, arguments: list[str], message: str) -> None:
    result = run("install", *(str(authority) if argument == "CA" else argument for argument in arguments))
    assert (result.exit_code, result.stderr) == (2, message)


def test_the_kustomization_names_every_file() -> None:
    named = yaml.safe_load((WEBHOOKS / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted(p.name for p in WEBHOOKS.glob("*.yaml") if p.name != "kustomization.yaml")


def with_client_authority() -> dict[str, Any]:
    """The Deployment as the component `client-ca` makes it."""
    component = yaml.safe_load((WEBHOOKS / "client-ca" / "kustomization.yaml").read_text())
    documents = list(yaml.safe_load_all((WEBHOOKS / "deployment.yaml").read_text()))
    (patch,) = component["patches"]
    (deployment,) = (each for each in documents if each["kind"] == patch["target"]["kind"])
    patched: dict[str, Any] = jsonpatch.apply_patch(deployment, yaml.safe_load(patch["patch"]))
    return patched


def test_with_the_component_the_server_asks_callers_for_the_api_servers_certificate() -> None:
    pod = with_client_authority()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    options = serve.make_context("serve", container["args"][1:]).params
    assert options["client_ca"] == Path("/client-ca/ca.crt")
    assert options["client_names"] == (CLIENT_NAME,)
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes[mounted["/client-ca"]]["configMap"] == {"name": "gatekeeper-client-ca"}


def test_with_the_component_probes_ask_the_port_that_needs_no_certificate() -> None:
    (container,) = with_client_authority()["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    options = serve.make_context("serve", container["args"][1:]).params
    assert ports == {"https": options["port"], "health": options["health_port"]}
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("readiness", "liveness", "startup")]
    assert probes == [{"path": path, "port": "health"} for path in ("/readyz", "/healthz", "/healthz")]


def test_the_api_server_shows_its_certificate_to_the_service_and_to_no_other_webhook() -> None:
    files = WEBHOOKS / "client-ca" / "api-server"
    admission = yaml.safe_load((files / "admission.yaml").read_text())
    kubeconfig = yaml.safe_load((files / "webhooks.kubeconfig").read_text())
    assert [plugin["name"] for plugin in admission["plugins"]] == [
        "MutatingAdmissionWebhook",
        "ValidatingAdmissionWebhook",
    ]
    assert {plugin["configuration"]["kubeConfigFile"] for plugin in admission["plugins"]} == {
        "/etc/kubernetes/pki/gatekeeper/webhooks.kubeconfig"
    }
    called = {
        "{name}.{namespace}.svc".format(**webhook["clientConfig"]["service"])
        for document in shipped()
        for webhook in document["webhooks"]
    }
    assert {user["name"] for user in kubeconfig["users"]} == called
    assert "contexts" not in kubeconfig


def test_the_engine_may_read_what_the_shipped_policies_look_up() -> None:
    from gatekeeper_py.cluster.live import BASE_KINDS
    from gatekeeper_py.cluster.snapshot import Snapshot
    from gatekeeper_py.engine import load_policies
    from gatekeeper_py.policy.loading.load import read
    from gatekeeper_py.tenancy.lookups import looked_up
    from gatekeeper_py.tenancy.tenant import GROUP

    documents = yaml.safe_load_all((WEBHOOKS / "rbac.yaml").read_text())
    (role,) = (document for document in documents if document["kind"] == "ClusterRole")
    writing = [rule for rule in role["rules"] if rule["verbs"] != ["get", "list", "watch"]]
    status = ["tenants/status", "tenancysettings/status"]
    assert writing == [
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        {"apiGroups": [GROUP], "resources": status, "verbs": ["patch"]},
    ]
    reading = [rule for rule in role["rules"] if rule not in writing]
    readable = {(g, r) for rule in reading for g in rule["apiGroups"] for r in rule["resources"]}
    assert ("", "secrets") not in readable
    view = Snapshot()
    for kind in (*BASE_KINDS, *looked_up(load_policies(read([WEBHOOKS.parent / "policies"])))):
        served = view.served(kind)
        plural = served.resource.resource if served else f"{kind.kind.lower()}s"  # of a custom resource
        assert (kind.group, plural) in readable, kind
    assert {(GROUP, "tenants"), (GROUP, "tenancysettings")} <= readable


def test_with_policies_the_registration_knows_their_trusted_tenants_and_the_platform(tmp_path: Path) -> None:
    document = {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": "network"},
        "spec": {"trusted": True, "namespaces": {"names": ["calico-system"]}},
    }
    settings = {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "TenancySettings",
        "metadata": {"name": "settings"},
        "spec": {"platform": {"groups": ["platform-team"]}},
    }
    (tmp_path / "tenants.yaml").write_text(yaml.safe_dump_all([document, settings]))
    webhook = printed("--policies", tmp_path)[1]["webhooks"][0]
    said = {condition["name"]: condition["expression"] for condition in webhook["matchConditions"]}
    assert "request.namespace in ['calico-system'" in said["no-trusted"]
    assert "['platform-team']" in said["no-mending"]


def test_a_bad_policies_folder_registers_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [")
    result = run("install", "--policies", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
