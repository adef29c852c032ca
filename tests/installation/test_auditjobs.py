"""What audits in the cluster may list, and how it runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gatekeeper_py.installation import kustomization
from gatekeeper_py.installation.auditjobs import accounts, cron_job, sharded_job
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionResource
from tests.cli.support import run
from tests.installation.shipped import WEBHOOKS, documents

Json = dict[str, Any]


def rules(name: str) -> list[Json]:
    (role,) = [
        each for each in accounts() if each["kind"] == "ClusterRole" and each["metadata"]["name"] == name
    ]
    found: list[Json] = role["rules"]
    return found


def test_every_file_of_the_component_is_as_it_is_made() -> None:
    made = kustomization.audit()
    for name, (head, objects) in made.items():
        assert documents(WEBHOOKS / "audit" / name) == objects, name
        assert (WEBHOOKS / "audit" / name).read_text().startswith(head), name
    listed = yaml.safe_load((WEBHOOKS / "audit/kustomization.yaml").read_text())["resources"]
    assert sorted({*listed, "shards.yaml"}) == sorted(made)


def test_it_lists_every_kind_but_secrets_and_chatter() -> None:
    allowed = {
        (group, name)
        for rule in rules("gatekeeper-audit-kinds")
        for group in rule["apiGroups"]
        for name in rule["resources"]
    }
    assert {verb for rule in rules("gatekeeper-audit-kinds") for verb in rule["verbs"]} == {"list"}
    for one in (("", "pods"), ("apps", "deployments"), ("tenancy.gatekeeper-py.dev", "tenants")):
        assert one in allowed
    assert ("apiextensions.k8s.io", "customresourcedefinitions") in allowed
    assert not allowed & {("", "secrets"), ("", "events"), ("coordination.k8s.io", "leases")}
    assert "*" not in {part for pair in allowed for part in pair}


def test_it_writes_nothing_but_reports() -> None:
    (rule,) = rules("gatekeeper-audit-reports")
    assert rule["apiGroups"] == ["wgpolicyk8s.io"]
    assert sorted(rule["resources"]) == ["clusterpolicyreports", "policyreports"]


def test_its_role_is_what_others_add_up_to() -> None:
    roles = {each["metadata"]["name"]: each for each in accounts() if each["kind"] == "ClusterRole"}
    selected = roles["gatekeeper-audit"]["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]
    adding = [name for name, role in roles.items() if selected.items() <= role["metadata"]["labels"].items()]
    assert sorted(adding) == ["gatekeeper-audit-kinds", "gatekeeper-audit-reports"]


@pytest.mark.parametrize(
    "spec", [cron_job("i")["spec"]["jobTemplate"]["spec"], sharded_job("i")["spec"]], ids=["hourly", "shards"]
)
def test_its_arguments_are_options_of_the_command(spec: Json) -> None:
    (container,) = spec["template"]["spec"]["containers"]
    command, *arguments = container["args"]
    shown = run(command, "--help").stdout
    assert all(argument.partition("=")[0] in shown for argument in arguments)
    index = [argument.replace("$(JOB_COMPLETION_INDEX)", "0") for argument in arguments]
    result = run(command, *index)
    assert "No such option" not in result.stderr
    assert "Invalid value" not in result.stderr


def test_the_shards_are_as_many_as_the_pods() -> None:
    spec = sharded_job("i")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert spec["completions"] == spec["parallelism"] == int(container["args"][-1].rpartition("/")[2])
    assert spec["completionMode"] == "Indexed"


@pytest.mark.parametrize("made", [cron_job("i"), sharded_job("i")], ids=["hourly", "shards"])
def test_it_is_a_kind_of_kubernetes(made: Json) -> None:
    group, _, version = made["apiVersion"].partition("/")
    assert (
        Kinds.builtin().resource(GroupVersionResource(group, version, f"{made['kind'].lower()}s")) is not None
    )
