"""When the API server comes to ask the engine, and what of it is kept as it should be."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.installation.identifiers import CONFIGURATIONS, NAME
from gatekeeper_py.installation.registrar import NotReached, NotRegistered, Registrar, is_registered
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.tenancy.tenant import Claim, Tenancy, Tenant
from gatekeeper_py.webhook.app import REACHED
from gatekeeper_py.webhook.registration import Client, configurations, trial
from tests.installation.support import Clock, Cluster
from tests.policy.support import engine, validating

BUNDLE = b"-----BEGIN CERTIFICATE-----"
CLIENT = Client("", base64.b64encode(BUNDLE).decode())
ANSWERED = f'failed calling webhook "reach.gatekeeper-py.dev": failed to call webhook: {REACHED}'
SILENT = 'failed calling webhook "reach.gatekeeper-py.dev": connection refused'


VERSIONS = frozenset({GroupVersion("autoscaling", "v1")})


def registrar(cluster: Cluster, url: str = "") -> Registrar:
    clock = Clock()
    return Registrar(cluster, url, clock, clock.pause)


def reached() -> Cluster:
    cluster = Cluster.installed()
    cluster.said = ANSWERED
    return cluster


def held(cluster: Cluster) -> list[list[dict[str, Any]]]:
    return [cluster.at(kind, NAME, "").get("webhooks", []) for kind in CONFIGURATIONS]


def wanted(client: Client = CLIENT, tenancy: Tenancy | None = None) -> list[list[dict[str, Any]]]:
    return [each["webhooks"] for each in configurations(client, tenancy or Tenancy())]


def test_once_the_engine_is_reached_the_webhooks_are_filled_in_the_mutating_first() -> None:
    cluster = reached()
    assert registrar(cluster).register(BUNDLE, Tenancy())
    assert held(cluster) == wanted()
    assert cluster.log == [
        "update ValidatingWebhookConfiguration gatekeeper",  # the trial
        "update MutatingWebhookConfiguration gatekeeper",
        "update ValidatingWebhookConfiguration gatekeeper",
    ]


@pytest.mark.parametrize(
    ("said", "reason"), [(SILENT, SILENT), ("", "it has not noticed the trial"), ("forbidden", "forbidden")]
)
def test_as_long_as_the_engine_is_not_reached_nothing_is_registered(said: str, reason: str) -> None:
    cluster = Cluster.installed()
    cluster.said = said
    with pytest.raises(NotReached) as told:
        registrar(cluster).register(BUNDLE, Tenancy())
    assert str(told.value) == (
        f"the API server does not reach the engine, so nothing is registered: {reason}"
    )
    assert held(cluster) == [[], []]


def test_what_is_as_it_should_be_is_not_written_whatever_the_api_server_filled_in() -> None:
    cluster = reached()
    assert registrar(cluster).register(BUNDLE, Tenancy())
    for kind in CONFIGURATIONS:
        for webhook in cluster.at(kind, NAME, "")["webhooks"]:
            webhook["objectSelector"] = {}
    cluster.log.clear()
    assert not registrar(cluster).register(BUNDLE, Tenancy())
    assert cluster.log == []


@pytest.mark.parametrize(
    "change",
    [
        {"objectSelector": {"matchLabels": {"a": "b"}}},
        {"failurePolicy": "Ignore"},
        {"rules": []},
        {"matchConditions": [{"name": "never", "expression": "false"}]},
    ],
)
def test_what_somebody_loosened_is_set_right_without_another_trial(change: dict[str, Any]) -> None:
    cluster = reached()
    assert registrar(cluster).register(BUNDLE, Tenancy())
    cluster.at(CONFIGURATIONS[0], NAME, "")["webhooks"][0].update(change)
    cluster.said, cluster.log = SILENT, []
    assert registrar(cluster).register(BUNDLE, Tenancy())
    assert held(cluster) == wanted()
    assert cluster.log == ["update MutatingWebhookConfiguration gatekeeper"]


def test_new_authorities_and_new_trusted_tenants_are_told() -> None:
    cluster = reached()
    assert registrar(cluster).register(BUNDLE, Tenancy())
    network = Tenant("network", trusted=True, claim=Claim(names=("calico-system",)))
    tenancy = replace(Tenancy(), tenants=(network,))
    assert registrar(cluster).register(b"others", tenancy)
    client = Client("", base64.b64encode(b"others").decode())
    assert held(cluster) == wanted(client, tenancy)


def test_what_the_policies_in_force_need_is_told_and_follows_them() -> None:
    cluster = reached()
    few = engine(validating("p", validations=[{"expression": "true"}])).policies
    assert registrar(cluster).register(BUNDLE, Tenancy(), (), few)
    assert held(cluster) == [each["webhooks"] for each in configurations(CLIENT, Tenancy(), (), few)]
    assert not registrar(cluster).register(BUNDLE, Tenancy(), (), few)
    assert registrar(cluster).register(BUNDLE, Tenancy(), (), engine().policies)
    assert held(cluster)[0][0]["rules"] == []
    assert is_registered({"webhooks": held(cluster)[0]})


def test_versions_to_ask_in_are_told_and_taken_back() -> None:
    cluster = reached()
    assert registrar(cluster).register(BUNDLE, Tenancy(), VERSIONS)
    assert registrar(cluster).register(BUNDLE, Tenancy(), VERSIONS) is False
    paths = {each["clientConfig"]["service"]["path"] for webhooks in held(cluster) for each in webhooks}
    assert paths == {"/mutate/v1.autoscaling", "/validate/v1.autoscaling", "/validate"}
    assert registrar(cluster).register(BUNDLE, Tenancy())
    assert held(cluster) == wanted()


def test_a_server_outside_is_called_by_its_url() -> None:
    cluster = reached()
    assert registrar(cluster, "https://10.0.0.7:8443").register(BUNDLE, Tenancy())
    called = [webhook["clientConfig"]["url"] for each in held(cluster) for webhook in each]
    assert called == [f"https://10.0.0.7:8443/{door}" for door in ("mutate", "validate", "validate")]


@pytest.mark.parametrize("kind", CONFIGURATIONS, ids=lambda kind: kind.kind)
def test_a_configuration_that_is_gone_is_said(kind: Any) -> None:
    cluster = reached()
    cluster.delete(kind, NAME)
    with pytest.raises(NotRegistered) as told:
        registrar(cluster).register(BUNDLE, Tenancy())
    assert str(told.value) == (
        f"there is no {kind.kind} gatekeeper: nothing is asked. Install it: gatekeeper install"
    )


def test_the_trial_is_no_registration_and_asks_about_dry_runs_of_one_object_of_the_engine() -> None:
    webhook = trial(CLIENT)
    assert not is_registered({"webhooks": [webhook]})
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["namespaceSelector"] == {
        "matchLabels": {"kubernetes.io/metadata.name": "gatekeeper-system"}
    }
    assert webhook["matchConditions"] == [
        {
            "name": "reach",
            "expression": "request.name == 'gatekeeper-reach' && has(request.dryRun) && request.dryRun",
        }
    ]
    assert webhook["clientConfig"]["service"]["path"] == "/reach"
    assert [rule["resources"] for rule in webhook["rules"]] == [["configmaps"]]
