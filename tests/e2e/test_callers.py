"""An API server with a client certificate is served; whoever has none is not."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gatekeeper_py.pki.development import CLIENT_NAME
from tests.e2e.conftest import IN_FORCE_SECONDS, ROOT
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ControlPlane, Kubectl, Unavailable, assets, control_plane, wait_for

API_SERVER = ROOT / "webhooks" / "client-ca" / "api-server"
POLICIES = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-secrets-here}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations: [{expression: "!('password' in object.data)", message: a password is no configuration}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-secrets-here}
spec: {policyName: no-secrets-here, validationActions: [Deny]}
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that serves nobody but the API server."""
    folder = tmp_path_factory.mktemp("callers")
    (folder / "policies").mkdir()
    (folder / "policies" / "policies.yaml").write_text(POLICIES)
    server = Server(folder / "policies", folder)
    server.options = ("--client-ca", server.authority, "--client-name", CLIENT_NAME)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def given_to_api_server(server: Server) -> Path:
    """The files that are shipped for the API server, for this server and its folder."""
    folder = server.folder / "api-server"
    folder.mkdir(exist_ok=True)
    for file in API_SERVER.iterdir():
        text = file.read_text().replace("/etc/kubernetes/pki/gatekeeper", str(folder))
        text = text.replace("gatekeeper.gatekeeper-system.svc", f"127.0.0.1:{server.port}")
        (folder / file.name).write_text(text)
    for file in server.client:
        shutil.copy(file, folder)
    return folder / "admission.yaml"


@pytest.fixture(scope="module")
def known_plane(guarded: Server) -> Iterator[ControlPlane]:
    """An API server with a certificate for that server."""
    flag = f"--admission-control-config-file={given_to_api_server(guarded)}"
    try:
        with control_plane(controllers=False, api_server_flags=[flag]) as plane:
            guarded.register(plane.kubectl())
            wait_for("the webhooks to be in force", lambda: refused(plane.kubectl()), IN_FORCE_SECONDS)
            yield plane
    except Unavailable as error:
        pytest.skip(str(error))


def create(kubectl: Kubectl, key: str) -> subprocess.CompletedProcess[str]:
    return kubectl.run("create", "configmap", "probe", f"--from-literal={key}=x", "--dry-run=server")


def refused(kubectl: Kubectl) -> bool:
    return "a password is no configuration" in create(kubectl, "password").stderr


def test_an_api_server_with_a_certificate_gets_its_decisions(known_plane: ControlPlane) -> None:
    kubectl = known_plane.kubectl()
    assert "configmap/probe created" in create(kubectl, "colour").stdout
    assert refused(kubectl)


def test_an_api_server_without_one_is_refused_and_fails_closed(
    bare_plane: ControlPlane, guarded: Server
) -> None:
    kubectl = bare_plane.kubectl()
    guarded.register(kubectl)

    def closed() -> bool:
        return "failed calling webhook" in create(kubectl, "colour").stderr

    wait_for("the webhooks to be in force", closed, IN_FORCE_SECONDS)
    log = guarded.folder / "gatekeeper.log"
    wait_for("its line", lambda: "the caller shows no certificate" in log.read_text(), 5)


def test_a_pod_that_reaches_the_port_learns_nothing(guarded: Server) -> None:
    stranger = ssl.create_default_context(cafile=str(guarded.authority))
    with pytest.raises((urllib.error.URLError, ConnectionError, ssl.SSLError)) as refused:
        urllib.request.urlopen(f"{guarded.url}/validate", b"{}", context=stranger, timeout=10)
    assert not isinstance(refused.value, urllib.error.HTTPError)


def test_kustomize_takes_the_component(tmp_path: Path) -> None:
    try:
        kubectl = assets() / "kubectl"
    except Unavailable as error:
        pytest.skip(str(error))
    shutil.copytree(ROOT / "webhooks", tmp_path / "webhooks")
    with (tmp_path / "webhooks" / "kustomization.yaml").open("a") as file:
        file.write("components: [cert-manager, client-ca]\n")
    built = subprocess.run(
        [kubectl, "kustomize", tmp_path / "webhooks"], capture_output=True, text=True, check=True
    )
    (deployment,) = (each for each in yaml.safe_load_all(built.stdout) if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "--client-ca=/client-ca/ca.crt" in container["args"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
