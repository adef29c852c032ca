"""What an API server is given as files, and the one right that the engine needs at the host."""

from __future__ import annotations

import base64
from pathlib import PurePath

import yaml

from gatekeeper_py.installation.plane_files import manifests, secret_rights
from gatekeeper_py.tenancy.control_plane import ControlPlane, SecretKey
from gatekeeper_py.webhook.registration import Client, configurations, control_plane_site

FOLDER = PurePath("/etc/kubernetes/gatekeeper")
URL = "https://10.0.0.7:8443"
SITE = control_plane_site("foo", (), ".static.k8s.io")
WANTED = configurations(Client(URL, "Y2E="), site=SITE)


def test_each_plug_in_reads_its_own_folder_and_its_own_kind() -> None:
    files = manifests(WANTED, FOLDER, URL)
    assert sorted(files) == ["admission.yaml", "mutating/gatekeeper.yaml", "validating/gatekeeper.yaml"]
    admission = yaml.safe_load(files["admission.yaml"])
    assert admission["apiVersion"] == "apiserver.config.k8s.io/v1"
    assert [(each["name"], each["configuration"]["staticManifestsDir"]) for each in admission["plugins"]] == [
        ("MutatingAdmissionWebhook", "/etc/kubernetes/gatekeeper/mutating"),
        ("ValidatingAdmissionWebhook", "/etc/kubernetes/gatekeeper/validating"),
    ]
    assert all("kubeConfigFile" not in each["configuration"] for each in admission["plugins"])


def test_what_comes_from_files_is_named_so_and_calls_urls() -> None:
    files = manifests(WANTED, FOLDER, URL)
    for door, kind in (("mutating", "Mutating"), ("validating", "Validating")):
        value = yaml.safe_load(files[f"{door}/gatekeeper.yaml"])
        assert value["kind"] == f"{kind}WebhookConfiguration"
        assert value["metadata"]["name"] == "gatekeeper-control-plane.static.k8s.io"
        for webhook in value["webhooks"]:
            assert webhook["clientConfig"]["url"].startswith(
                f"{URL}/t/foo/{webhook['name'].partition('.')[0]}"
            )
            assert webhook["failurePolicy"] == "Fail"
            assert webhook["namespaceSelector"] == {}


def test_an_api_server_that_is_to_show_a_certificate_is_told_which() -> None:
    files = manifests(WANTED, FOLDER, URL, (b"cert", b"key"))
    admission = yaml.safe_load(files["admission.yaml"])
    assert {each["configuration"]["kubeConfigFile"] for each in admission["plugins"]} == {
        "/etc/kubernetes/gatekeeper/kubeconfig.yaml"
    }
    (user,) = yaml.safe_load(files["kubeconfig.yaml"])["users"]
    assert user["name"] == "10.0.0.7:8443"
    assert base64.b64decode(user["user"]["client-certificate-data"]) == b"cert"
    assert base64.b64decode(user["user"]["client-key-data"]) == b"key"


def test_the_engine_may_read_the_one_secret_and_no_other() -> None:
    plane = ControlPlane("foo", "foo", secret=SecretKey("foo", "vc-foo", "config"), server="https://x")
    role, binding = secret_rights(plane)
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["vc-foo"], "verbs": ["get"]}
    ]
    assert {each["metadata"]["namespace"] for each in (role, binding)} == {"foo"}
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "gatekeeper-control-plane-foo"
    assert secret_rights(ControlPlane("foo", "foo", "/etc/foo")) == []
