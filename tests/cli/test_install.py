"""`gatekeeper install` and `uninstall`, and the components of `webhooks/`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml

from gatekeeper_py.cli.serve import command as serve
from gatekeeper_py.pki.development import CLIENT_NAME, make_certificates
from gatekeeper_py.webhook.registration import configurations
from tests.cli.support import POLICIES as SOME
from tests.cli.support import run, write

WEBHOOKS = Path(__file__).parents[2] / "webhooks"
POLICIES = WEBHOOKS.parent / "policies"

Json = dict[str, Any]


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_certificates(tmp_path).authority


def printed(*arguments: str | Path) -> list[Json]:
    result = run("install", *arguments)
    assert result.exit_code == 0, result.stderr
    return list(yaml.safe_load_all(result.stdout))


def test_everything_is_printed_and_nothing_of_it_registers() -> None:
    documents = printed("--policies", POLICIES, "--image", "example.com/gatekeeper:1")
    by_kind = {document["kind"]: document for document in documents}
    assert list(by_kind)[-1] == "Deployment"
    containers = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert [container["image"] for container in containers] == ["example.com/gatekeeper:1"]
    assert "webhooks" not in by_kind["ValidatingWebhookConfiguration"]
    assert "webhooks" not in by_kind["MutatingWebhookConfiguration"]


def test_policies_keep_their_folders_in_their_names(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c.yaml").write_text(SOME)
    (deep / "c_test.yaml").write_text("tests: []")
    (tmp_path / "kustomization.yaml").write_text("resources: []")
    maps = [each for each in printed("--policies", tmp_path) if each["metadata"].get("labels", {}).get("gatekeeper-py.dev/policies")]  # fmt: skip
    assert [(each["metadata"]["name"], list(each["data"])) for each in maps] == [
        ("gatekeeper-policies-a.b", ["a.b.c.yaml"])
    ]


def test_with_url_nothing_runs_in_the_cluster() -> None:
    kinds = {each["kind"] for each in printed("--policies", POLICIES, "--url", "https://10.0.0.7:8443")}
    assert "ClusterRole" in kinds
    assert "Deployment" not in kinds


def test_with_a_ca_the_registration_of_a_server_that_does_not_register_is_printed(authority: Path) -> None:
    documents = printed("--url", "https://10.0.0.7:8443/", "--ca", authority)
    clients = [webhook["clientConfig"] for document in documents for webhook in document["webhooks"]]
    bundle = base64.b64encode(authority.read_bytes()).decode()
    assert clients == [
        {"url": "https://10.0.0.7:8443/mutate", "caBundle": bundle},
        {"url": "https://10.0.0.7:8443/validate", "caBundle": bundle},
        {"url": "https://10.0.0.7:8443/validate", "caBundle": bundle},
    ]


def test_a_ca_without_url_is_filled_into_the_services_registration(authority: Path) -> None:
    clients = [w["clientConfig"] for document in printed("--ca", authority) for w in document["webhooks"]]
    assert [client["service"]["path"] for client in clients] == ["/mutate", "/validate", "/validate"]
    assert all(client["caBundle"] for client in clients)


@pytest.mark.parametrize("document", configurations(), ids=["mutating", "validating"])
def test_the_webhooks_fail_closed_and_see_everything(document: Json) -> None:
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
    operations = [document["webhooks"][0]["rules"][0]["operations"] for document in configurations()]
    assert operations == [["CREATE", "UPDATE", "CONNECT"], ["CREATE", "UPDATE", "DELETE", "CONNECT"]]


NO_POLICIES = "name the policies with --policies: what the engine may read follows from them\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], NO_POLICIES),
        (["--url", "https://x:1"], NO_POLICIES),
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


def test_a_file_that_no_config_map_holds_is_exit_code_2(tmp_path: Path) -> None:
    write(tmp_path, **{"a b": SOME})
    result = run("install", "--policies", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("a b.yaml: a ConfigMap takes names of letters")


def test_a_folder_without_policies_is_not_installed(tmp_path: Path) -> None:
    result = run("install", "--policies", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{tmp_path}: holds no policy: it is empty")


@pytest.mark.parametrize("command", [["install", "--apply", "--policies", POLICIES], ["uninstall"]])
def test_without_a_cluster_nothing_is_done_and_it_is_said(tmp_path: Path, command: list[Any]) -> None:
    result = run(*command, "--kubeconfig", tmp_path / "missing")
    assert result.exit_code == 2
    assert "missing" in result.stderr


def with_component(name: str, deployment: Json | None = None) -> Json:
    """The Deployment as a component makes it."""
    component = yaml.safe_load((WEBHOOKS / name / "kustomization.yaml").read_text())
    documents = list(yaml.safe_load_all((WEBHOOKS / "deployment.yaml").read_text()))
    (patch,) = component["patches"]
    (found,) = (each for each in documents if each["kind"] == patch["target"]["kind"])
    patched: Json = jsonpatch.apply_patch(deployment or found, yaml.safe_load(patch["patch"]))
    return patched


@pytest.mark.parametrize("name", ["certificate", "client-ca"])
def test_with_a_component_the_server_understands_its_arguments(name: str) -> None:
    (container,) = with_component(name)["spec"]["template"]["spec"]["containers"]
    assert serve.make_context("serve", container["args"][1:]).params["port"] == 8443


def test_with_the_component_a_certificate_of_somebody_else_is_shown_and_its_ca_told() -> None:
    pod = with_component("certificate")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    options = serve.make_context("serve", container["args"][1:]).params
    files = [options[name] for name in ("tls_cert", "tls_key", "register_ca")]
    assert files == [Path("/tls/tls.crt"), Path("/tls/tls.key"), Path("/tls/ca.crt")]
    assert options["certificates_secret"] is None
    assert {"name": "tls", "secret": {"secretName": "gatekeeper-tls"}} in pod["volumes"]


def test_cert_manager_issues_what_the_component_shows() -> None:
    folder = WEBHOOKS / "cert-manager"
    assert yaml.safe_load((folder / "kustomization.yaml").read_text())["components"] == ["../certificate"]
    issued = [each["spec"] for each in yaml.safe_load_all((folder / "certificate.yaml").read_text())]
    (serving,) = (spec for spec in issued if spec.get("secretName") == "gatekeeper-tls")
    assert "gatekeeper.gatekeeper-system.svc" in serving["dnsNames"]


def test_with_the_component_the_server_asks_callers_for_the_api_servers_certificate() -> None:
    pod = with_component("client-ca")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    options = serve.make_context("serve", container["args"][1:]).params
    assert options["client_ca"] == Path("/client-ca/ca.crt")
    assert options["client_names"] == (CLIENT_NAME,)
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes[mounted["/client-ca"]]["configMap"] == {"name": "gatekeeper-client-ca"}


def test_with_the_component_probes_ask_the_port_that_needs_no_certificate() -> None:
    (container,) = with_component("client-ca")["spec"]["template"]["spec"]["containers"]
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
        for document in configurations()
        for webhook in document["webhooks"]
    }
    assert {user["name"] for user in kubeconfig["users"]} == called
    assert "contexts" not in kubeconfig


def test_with_policies_the_registration_knows_their_trusted_tenants_and_the_platform(
    tmp_path: Path, authority: Path
) -> None:
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
    documents = printed("--policies", tmp_path, "--ca", authority)
    webhook = documents[1]["webhooks"][0]
    said = {condition["name"]: condition["expression"] for condition in webhook["matchConditions"]}
    assert "request.namespace in ['calico-system'" in said["no-trusted"]
    assert "['platform-team']" in said["no-mending"]


def test_a_bad_policies_folder_registers_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [")
    result = run("install", "--policies", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
