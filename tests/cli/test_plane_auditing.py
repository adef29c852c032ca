"""What exists at a tenant's own API server is audited by what holds there, or said not to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from tests.cli.support import run
from tests.cluster.test_live import Api, write_kubeconfig
from tests.policy.support import bound, validating

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
API = "tenancy.gatekeeper-py.dev/v1alpha1"
POLICY = validating(
    "own",
    matchConstraints={
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]},
        ]
    },
    validations=[
        {
            "expression": "!has(object.spec.runtimeClassName) || runtimeClass(object.spec.runtimeClassName).isolation == optional.of('vm')",
            "messageExpression": "'a pod of ' + tenant.name + ' without isolation'",
        }
    ],
)
TENANT: Json = {
    "apiVersion": API,
    "kind": "Tenant",
    "metadata": {"name": "foo"},
    "spec": {"namespaces": {"names": ["foo"]}},
}
PLANES = f"/apis/{API}/controlplanes"
PODS, CLASSES = "/api/v1/pods", "/apis/node.k8s.io/v1/runtimeclasses"


def runtime_class(name: str, handler: str) -> Json:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": handler,
    }


def pod(name: str, namespace: str, runtime: str) -> Json:
    metadata = {"name": name, "namespace": namespace}
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": metadata, "spec": {"runtimeClassName": runtime, "containers": containers}}


def document(folder: Path, **spec: Any) -> Json:
    known = {"tenant": "foo", "kubeconfig": {"file": str(folder / "one.kubeconfig")}, "registration": "none"}
    return {"apiVersion": API, "kind": "ControlPlane", "metadata": {"name": "one"}, "spec": {**known, **spec}}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Foo's own API server, the host's classes as a file, and the documents."""
    made = Api()
    write_kubeconfig(tmp_path / "one.kubeconfig", made.server.server_port)
    (tmp_path / "policies").mkdir()
    write(tmp_path, document(tmp_path))
    (tmp_path / "host.yaml").write_text(yaml.safe_dump(runtime_class("kata", "kata")))
    made.objects["/api/v1/namespaces"] = [
        {"metadata": {"name": "default"}},
        {"metadata": {"name": "kube-system"}},
    ]
    yield made
    made.close()


@pytest.fixture
def host() -> Iterator[Api]:
    """The host's API server, which knows our documents."""
    made = Api()
    definitions = yaml.safe_load_all((ROOT / "webhooks" / "crds.yaml").read_text())
    made.objects["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"] = list(definitions)
    yield made
    made.close()


def write(folder: Path, *documents: Json) -> None:
    content = yaml.safe_dump_all([POLICY, bound(POLICY), TENANT, *documents])
    (folder / "policies" / "all.yaml").write_text(content)


def audit(folder: Path, *arguments: str | Path, name: str = "one") -> Result:
    host = (
        () if "--kubeconfig" in arguments or "--no-host" in arguments else ("--cluster", folder / "host.yaml")
    )
    rest = [each for each in arguments if each != "--no-host"]
    return run(
        "audit", "--policies", folder / "policies", "--control-plane", name, "--workers", "1", *host, *rest
    )


def test_pods_of_every_namespace_there_are_judged_as_the_tenants_by_the_hosts_classes(
    api: Api, tmp_path: Path
) -> None:
    api.objects[CLASSES] = [runtime_class("kata", "runc"), runtime_class("mine", "kata")]
    api.objects[PODS] = [
        pod("good", "default", "kata"),
        pod("bad", "kube-system", "mine"),
    ]
    done = audit(tmp_path, "-o", "json")
    assert done.exit_code == 1, done.output
    report = json.loads(done.stdout)
    (denied,) = [each for each in report["results"] if each["findings"]]
    assert (denied["name"], denied["namespace"], denied["tenant"]) == ("bad", "kube-system", "foo")
    assert denied["findings"][0]["message"] == "a pod of foo without isolation"
    assert report["notAudited"] == []


def test_one_that_is_clean_is_clean(api: Api, tmp_path: Path) -> None:
    api.objects[CLASSES] = [runtime_class("kata", "kata")]
    api.objects[PODS] = [pod("good", "default", "kata")]
    done = audit(tmp_path)
    assert done.exit_code == 0, done.output


def not_audited(done: Result) -> list[str]:
    assert done.exit_code == 2, done.output
    return [f"{each['path']}: {each['reason']}" for each in json.loads(done.stdout)["notAudited"]]


def test_one_that_does_not_answer_is_not_audited(api: Api, tmp_path: Path) -> None:
    api.close()
    (told,) = not_audited(audit(tmp_path, "-o", "json"))
    assert told.startswith("control plane one: the cluster does not answer: ")


def test_a_kind_that_it_does_not_show_is_not_audited(api: Api, tmp_path: Path) -> None:
    api.refused[PODS] = 403
    assert not_audited(audit(tmp_path, "-o", "json")) == [f"control plane one: v1 Pod: refused {PODS}"]


def test_what_has_no_name_is_not_audited(api: Api, tmp_path: Path) -> None:
    api.objects[PODS] = [
        {"spec": {}},
        {"metadata": {"name": 7}},
        {"metadata": []},
        pod("a", "default", "kata"),
    ]
    assert not_audited(audit(tmp_path, "-o", "json")) == ["control plane one: 3 objects without a name"]


def test_an_api_server_that_shows_nothing_is_not_clean(api: Api, tmp_path: Path) -> None:
    api.objects.clear()
    assert not_audited(audit(tmp_path, "-o", "json")) == ["control plane one: it shows no object"]


def test_one_that_no_document_describes_or_that_is_not_in_force_is_not_audited(
    api: Api, host: Api, tmp_path: Path
) -> None:
    (told,) = not_audited(audit(tmp_path, "-o", "json", name="two"))
    assert (
        told == "control plane two: there is no ControlPlane of that name in --policies, nor in --kubeconfig"
    )
    kubeconfig = write_kubeconfig(tmp_path / "host.kubeconfig", host.server.server_port)
    write(tmp_path)
    host.objects[PLANES] = [document(tmp_path, tenant="nobody")]
    (told,) = not_audited(audit(tmp_path, "-o", "json", "--kubeconfig", kubeconfig))
    assert "the control plane 'one' is not in force: spec.tenant names the tenant 'nobody'" in told


def test_documents_and_classes_may_be_the_hosts(api: Api, host: Api, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "host.kubeconfig", host.server.server_port)
    write(tmp_path)
    host.objects[PLANES] = [document(tmp_path)]
    host.objects[CLASSES] = [runtime_class("kata", "kata")]
    api.objects[CLASSES] = [runtime_class("kata", "kata")]
    api.objects[PODS] = [pod("good", "default", "kata")]
    done = audit(tmp_path, "--kubeconfig", kubeconfig)
    assert done.exit_code == 0, done.output
    host.refused[CLASSES] = 403
    (told,) = not_audited(audit(tmp_path, "-o", "json", "--kubeconfig", kubeconfig))
    assert "the host's node.k8s.io/v1 RuntimeClass: refused" in told


@pytest.mark.parametrize("kind", ["Tenant", "TenancySettings", "Waiver", "ControlPlane"])
def test_documents_of_the_host_that_may_not_be_listed_are_not_taken_for_none(
    api: Api, host: Api, tmp_path: Path, kind: str
) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "host.kubeconfig", host.server.server_port)
    plural = {"TenancySettings": "tenancysettings"}.get(kind, f"{kind.lower()}s")
    host.refused[f"/apis/{API}/{plural}"] = 403
    (told,) = not_audited(audit(tmp_path, "-o", "json", "--kubeconfig", kubeconfig))
    assert f"the host's {API} {kind}: refused" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--no-host",), "--control-plane needs the host: name --kubeconfig, or --cluster"),
        (("-f", "-"), "--control-plane audits what exists there: leave out -f"),
        (("--write",), "--write keeps reports in the host alone: leave it out with --control-plane"),
        (("--no-host", "--kubeconfig", "x", "--watch"), "--control-plane does not go with --watch"),
    ],
)
def test_what_does_not_fit_is_told(api: Api, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = audit(tmp_path, *arguments)
    assert done.exit_code == 2
    assert told in done.output
