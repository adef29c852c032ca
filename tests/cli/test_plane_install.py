"""`gatekeeper install --control-plane`: what is printed, written and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from gatekeeper_py.pki.development import make_certificates
from tests.cli.support import run
from tests.policy.support import bound, validating

Json = dict[str, Any]
API = "tenancy.gatekeeper-py.dev/v1alpha1"
POLICY = validating("own", validations=[{"expression": "tenant.name == 'foo'"}])
DOCUMENTS: list[Json] = [
    {
        "apiVersion": API,
        "kind": "Tenant",
        "metadata": {"name": "foo"},
        "spec": {"namespaces": {"names": ["foo"]}},
    },
    {
        "apiVersion": API,
        "kind": "ControlPlane",
        "metadata": {"name": "one"},
        "spec": {
            "tenant": "foo",
            "server": "https://one.foo.svc",
            "kubeconfig": {"secret": {"namespace": "foo", "name": "vc-one"}},
            "platform": {"namespaces": ["kube-system"]},
        },
    },
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_certificates(tmp_path / "certs")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "all.yaml").write_text(yaml.safe_dump_all([POLICY, bound(POLICY), *DOCUMENTS]))
    return tmp_path


def install(folder: Path, *arguments: str | Path, name: str = "one") -> Result:
    return run("install", "--policies", folder / "policies", "--control-plane", name, *arguments)


def reached(folder: Path) -> tuple[str | Path, ...]:
    return "--url", "https://10.0.0.7:8443", "--ca", folder / "certs" / "ca.crt"


def test_it_prints_the_registration_for_that_api_server(folder: Path) -> None:
    done = install(folder, *reached(folder))
    assert done.exit_code == 0, done.output
    found = list(yaml.safe_load_all(done.stdout))
    assert [each["kind"] for each in found] == [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ]
    assert {each["metadata"]["name"] for each in found} == {"gatekeeper-control-plane"}
    for webhook in (webhook for each in found for webhook in each["webhooks"]):
        assert webhook["clientConfig"]["url"].startswith("https://10.0.0.7:8443/t/one/")
        assert webhook["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system"]


def test_it_writes_files_that_nobody_there_can_delete(folder: Path) -> None:
    certificates = folder / "certs"
    login = ("--client-cert", certificates / "client.crt", "--client-key", certificates / "client.key")
    made = folder / "made"
    done = install(folder, *reached(folder), "--manifests", made, "--manifests-at", "/etc/gatekeeper", *login)
    assert done.exit_code == 0, done.output
    assert "--admission-control-config-file=/etc/gatekeeper/admission.yaml" in done.stdout
    assert "registration: static" in done.stdout
    files = {path.relative_to(made).as_posix() for path in made.rglob("*.yaml")}
    assert files == {
        "admission.yaml",
        "kubeconfig.yaml",
        "mutating/gatekeeper.yaml",
        "validating/gatekeeper.yaml",
    }
    assert (made / "kubeconfig.yaml").stat().st_mode & 0o077 == 0
    value = yaml.safe_load((made / "validating" / "gatekeeper.yaml").read_text())
    assert value["metadata"]["name"] == "gatekeeper-control-plane.static.k8s.io"


def test_it_prints_the_one_right_at_the_host(folder: Path) -> None:
    done = install(folder, "--rights")
    role, _binding = yaml.safe_load_all(done.stdout)
    assert role["rules"][0]["resourceNames"] == ["vc-one"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--control-plane needs --url and --ca"),
        (("--client-cert", "x", "--rights"), "--client-cert and --client-key belong together"),
    ],
)
def test_what_is_missing_is_told(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    done = install(folder, *arguments)
    assert (done.exit_code, told in done.stderr) == (2, True), done.output


def test_one_that_no_document_describes_is_told(folder: Path) -> None:
    done = install(folder, name="two")
    assert done.exit_code == 2
    assert "there is no ControlPlane of that name" in done.stderr


def test_options_of_control_planes_need_one(folder: Path) -> None:
    done = run("install", "--policies", folder / "policies", "--rights")
    assert (done.exit_code, "need --control-plane" in done.stderr) == (2, True)
