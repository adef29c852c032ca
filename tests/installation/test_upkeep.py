"""What is done at each look, in which order, and what is told when it cannot be done."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper_py.installation.custody import Custody
from gatekeeper_py.installation.identifiers import CERTIFICATES, CONFIGURATIONS, NAME, NAMESPACE, SECRET
from gatekeeper_py.installation.lease import Lease
from gatekeeper_py.installation.registrar import Registrar, is_registered
from gatekeeper_py.installation.upkeep import REGISTERED, FromFile, FromSecret, Upkeep
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.pki.authority import make_authority
from gatekeeper_py.pki.rotation import Terms
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.installation.support import Clock, Cluster
from tests.installation.test_registrar import ANSWERED, SILENT

START = datetime(2026, 1, 1, tzinfo=UTC)


class Replica:
    """One server of several."""

    def __init__(self, cluster: Cluster, folder: Path, clock: Clock) -> None:
        folder.mkdir()
        self.told: list[tuple[str, str]] = []
        self.tenancy: Tenancy | None = Tenancy()
        terms = Terms(overlap=timedelta(seconds=60))
        now = lambda: START + timedelta(seconds=clock.now)  # noqa: E731 - as short as it is
        self.custody = Custody(cluster, NAMESPACE, CERTIFICATES, ("svc",), folder, terms, now)
        self.custody.begin()
        lease = Lease(cluster, folder.name, clock)
        registrar = Registrar(cluster, clock=clock, pause=clock.pause)
        self.upkeep = Upkeep(
            FromSecret(self.custody),
            lease,
            registrar,
            lambda: self.tenancy,
            lambda *said: self.told.append(said),
        )


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster.installed()
    made.said = ANSWERED
    return made


def registered(cluster: Cluster) -> bool:
    return all(is_registered(cluster.at(kind, NAME, "")) for kind in CONFIGURATIONS)


def test_the_first_look_registers_and_the_next_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    replica = Replica(cluster, tmp_path / "a", Clock())
    replica.upkeep.look()
    assert registered(cluster)
    assert replica.told == [("info", REGISTERED)]
    cluster.log.clear()
    replica.upkeep.look()
    assert cluster.log == ["update Lease gatekeeper"]


def test_versions_that_an_edit_needs_are_registered_at_the_next_look(
    cluster: Cluster, tmp_path: Path
) -> None:
    replica = Replica(cluster, tmp_path / "a", Clock())
    replica.upkeep.look()
    replica.upkeep.conversions = lambda: frozenset({GroupVersion("autoscaling", "v1")})
    replica.upkeep.look()
    names = [webhook["name"] for webhook in cluster.at(CONFIGURATIONS[0], NAME, "")["webhooks"]]
    assert names == ["mutate.gatekeeper-py.dev", "v1.autoscaling.mutate.gatekeeper-py.dev"]


def test_nothing_is_registered_before_policies_are_in_force(cluster: Cluster, tmp_path: Path) -> None:
    replica = Replica(cluster, tmp_path / "a", Clock())
    replica.tenancy = None
    replica.upkeep.look()
    assert not registered(cluster)


def test_of_two_replicas_one_writes_and_the_other_follows(cluster: Cluster, tmp_path: Path) -> None:
    clock = Clock()
    first, second = (Replica(cluster, tmp_path / name, clock) for name in "ab")
    first.upkeep.look()
    cluster.log.clear()
    second.upkeep.look()
    assert (cluster.log, second.told) == ([], [])
    first.upkeep.lease.give_up()
    second.upkeep.look()
    assert cluster.log == ["update Lease gatekeeper"] * 2


def test_a_rotation_publishes_every_authority_before_it_signs(cluster: Cluster, tmp_path: Path) -> None:
    clock = Clock()
    replica = Replica(cluster, tmp_path / "a", clock)
    replica.upkeep.look()
    del cluster.at(SECRET, CERTIFICATES)["data"]["ca.key"]
    for _ in range(20):
        clock.pause(10)
        published = cluster.at(CONFIGURATIONS[0], NAME, "")["webhooks"][0]["clientConfig"]["caBundle"]
        shown = replica.custody.certificate.read_bytes()
        assert published
        replica.upkeep.look()
        if replica.custody.certificate.read_bytes() != shown:
            # The bundle that API servers had before this look has the signer already.
            assert published == cluster.at(SECRET, CERTIFICATES)["data"]["ca.crt"]
    assert cluster.at(SECRET, CERTIFICATES)["data"]["ca.key"]
    held = replica.custody.follow()
    assert len(held.authorities) == 1
    assert replica.upkeep.problem == ""


def test_no_step_is_taken_while_the_last_one_is_not_published(cluster: Cluster, tmp_path: Path) -> None:
    clock = Clock()
    replica = Replica(cluster, tmp_path / "a", clock)
    replica.upkeep.look()
    del cluster.at(SECRET, CERTIFICATES)["data"]["ca.key"]
    cluster.delete(CONFIGURATIONS[0], NAME)
    before = dict(cluster.at(SECRET, CERTIFICATES)["data"])
    for _ in range(10):
        clock.pause(60)
        replica.upkeep.look()
    assert cluster.at(SECRET, CERTIFICATES)["data"] == before
    problem = "there is no MutatingWebhookConfiguration gatekeeper: nothing is asked. Install it: gatekeeper install"
    assert replica.upkeep.problem == problem
    assert replica.told.count(("error", problem)) == 1


def test_trouble_is_told_once_and_forgotten_when_it_is_over(cluster: Cluster, tmp_path: Path) -> None:
    replica = Replica(cluster, tmp_path / "a", Clock())
    cluster.said = SILENT
    for _ in range(2):
        replica.upkeep.look()
    assert [level for level, _ in replica.told] == ["error"]
    assert "does not reach the engine" in replica.upkeep.problem
    cluster.said = ANSWERED
    replica.upkeep.look()
    assert replica.upkeep.problem == ""
    assert registered(cluster)


def test_the_authorities_of_a_file_are_told_as_they_are_and_half_a_file_is_not(
    cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "ca.crt"
    told: list[tuple[str, str]] = []
    upkeep = Upkeep(
        FromFile(file), Lease(cluster, "a"), Registrar(cluster), Tenancy, lambda *said: told.append(said)
    )
    one, two = (make_authority(START).certificate_pem for _ in range(2))
    for content in (one, two, b"", two[:100]):
        file.write_bytes(content)
        upkeep.look()
    problem = f"{file}: is no PEM certificate. --register-ca is the CA of --tls-cert"
    assert told == [("info", REGISTERED), ("info", REGISTERED), ("error", problem)]
    published = cluster.at(CONFIGURATIONS[0], NAME, "")["webhooks"][0]["clientConfig"]["caBundle"]
    assert base64.b64decode(published) == two


def test_a_server_that_goes_gives_the_lease_to_the_next(cluster: Cluster, tmp_path: Path) -> None:
    first, second = (Replica(cluster, tmp_path / name, Clock()) for name in "ab")
    first.upkeep.look()
    first.upkeep.start()
    first.upkeep.stop()
    assert second.upkeep.lease.hold()
