"""The background audit in a cluster: what it may read, how it runs, and from where it is reached."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gatekeeper_py.installation import backgroundaudit, kustomization
from gatekeeper_py.installation.contents import Installation
from gatekeeper_py.installation.deployment import service
from tests.cli.support import run
from tests.installation.shipped import LOADED, WEBHOOKS, documents

Json = dict[str, Any]


def role(name: str) -> Json:
    (found,) = [each for each in backgroundaudit.accounts() if each["metadata"]["name"] == name][:1]
    return found


def pod(files: dict[str, str] | None = None) -> Json:
    spec: Json = backgroundaudit.deployment("i", files or {})["spec"]["template"]["spec"]
    return spec


def test_every_file_of_the_component_is_as_it_is_made() -> None:
    made = kustomization.background()
    for name, (head, objects) in made.items():
        assert documents(WEBHOOKS / "background" / name) == objects, name
        assert (WEBHOOKS / "background" / name).read_text().startswith(head), name
    listed = yaml.safe_load((WEBHOOKS / "background/kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(made)


def test_it_watches_every_kind_but_secrets_and_chatter_and_writes_reports() -> None:
    rules = role("gatekeeper-background-kinds")["rules"]
    allowed = {(group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]}
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list", "watch"}
    assert {("", "pods"), ("apps", "deployments"), ("tenancy.gatekeeper-py.dev", "waivers")} <= allowed
    assert not allowed & {("", "secrets"), ("", "events"), ("", "componentstatuses")}
    assert "*" not in {part for pair in allowed for part in pair}
    (rule,) = role("gatekeeper-background-reports")["rules"]
    assert rule["apiGroups"] == ["wgpolicyk8s.io"]


def test_its_role_adds_up_what_bears_its_own_label() -> None:
    roles = [each for each in backgroundaudit.accounts() if each["kind"] == "ClusterRole"]
    (sum_,) = [each for each in roles if "aggregationRule" in each]
    selected = sum_["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]
    adding = [
        each["metadata"]["name"] for each in roles if selected.items() <= each["metadata"]["labels"].items()
    ]
    assert adding == ["gatekeeper-background-kinds", "gatekeeper-background-reports"]
    assert selected == {"gatekeeper-py.dev/background": "true"}


def test_its_arguments_are_options_of_the_command() -> None:
    command, *arguments = pod()["containers"][0]["args"]
    shown = run(command, "--help").stdout
    assert all(argument.partition("=")[0] in shown for argument in arguments)
    assert "--watch" in arguments


def test_no_service_of_the_server_leads_to_it_and_none_of_it_to_the_server() -> None:
    deployment, server = backgroundaudit.deployment("i", {}), Installation(LOADED).workload.deployment()
    own, policy = backgroundaudit.door()
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    others = server["spec"]["template"]["metadata"]["labels"]
    assert not service()["spec"]["selector"].items() <= labels.items()
    for selector in (own["spec"]["selector"], policy["spec"]["podSelector"]["matchLabels"]):
        assert selector.items() <= labels.items()
        assert not selector.items() <= others.items()


def test_only_namespaces_that_are_named_reach_it() -> None:
    spec = backgroundaudit.door()[1]["spec"]
    (rule,) = spec["ingress"]
    assert spec["policyTypes"] == ["Ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"gatekeeper-py.dev/reads-audit": "true"}}}]
    (port,) = pod()["containers"][0]["ports"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]


@pytest.mark.parametrize("files", [{}, {"a/x.yaml": "x"}], ids=["of the image", "as ConfigMaps"])
def test_it_is_restricted_as_pod_security_wants(files: dict[str, str]) -> None:
    spec = pod(files)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert bool(files) == ("policies" in {each["name"] for each in spec["volumes"]})
    mounts = {each["mountPath"] for each in container["volumeMounts"]}
    assert bool(files) == ("/policies" in mounts)


@pytest.mark.parametrize("audit", ["hourly", "background"])
def test_the_command_prints_it_with_the_policies(audit: Any) -> None:
    installation = Installation(LOADED, {"a/x.yaml": "x"}, audit=audit)
    plain = Installation(LOADED, {"a/x.yaml": "x"})
    more = installation.objects()[len(plain.objects()) :]
    assert installation.objects()[: len(plain.objects())] == plain.objects()
    kinds = [each["kind"] for each in more]
    assert kinds[-1] == {"hourly": "CronJob", "background": "Deployment"}[audit]
    assert len({(each["kind"], each["metadata"]["name"]) for each in installation.objects()}) == len(
        installation.objects()
    )
