"""The Secret that holds the engine's certificates, and the files that show them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper_py.installation.access import AccessError, Conflict
from gatekeeper_py.installation.custody import Custody, SecretLost
from gatekeeper_py.installation.identifiers import CERTIFICATES, NAMESPACE, SECRET
from gatekeeper_py.pki.authority import signed_by
from gatekeeper_py.pki.files import read_pair
from tests.installation.support import Cluster

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("gatekeeper.gatekeeper-system.svc",)


class Now:
    def __init__(self) -> None:
        self.value = START

    def __call__(self) -> datetime:
        return self.value


def custody(cluster: Cluster, folder: Path, now: Now | None = None) -> Custody:
    folder.mkdir(exist_ok=True)
    return Custody(cluster, NAMESPACE, CERTIFICATES, NAMES, folder, clock=now or Now())


def test_the_first_replica_makes_certificates_and_the_next_shows_the_same(tmp_path: Path) -> None:
    cluster = Cluster.installed()
    first, second = custody(cluster, tmp_path / "1"), custody(cluster, tmp_path / "2")
    made = first.begin()
    assert second.begin().bundle == made.bundle
    shown = [read_pair(each.certificate, each.key).certificate for each in (first, second)]
    assert shown[0] == shown[1]
    assert signed_by(shown[0], made.authorities[0])
    assert cluster.log == [f"update Secret {CERTIFICATES}"] * 2


def test_a_replica_that_comes_second_to_the_secret_follows_what_is_there(tmp_path: Path) -> None:
    cluster = Cluster.installed()
    first, second = custody(cluster, tmp_path / "1"), custody(cluster, tmp_path / "2")
    nothing = second.follow()
    made = first.begin()
    with pytest.raises(Conflict):
        second.advance(nothing)
    assert second.begin().bundle == made.bundle


@pytest.mark.parametrize("data", [None, {}, {"ca.crt": "bm9uc2Vuc2U="}], ids=["none", "empty", "nonsense"])
def test_what_somebody_emptied_is_trusted_and_shown_until_a_rotation_has_taken_its_place(
    tmp_path: Path, data: dict[str, str] | None
) -> None:
    cluster, now = Cluster.installed(), Now()
    kept = custody(cluster, tmp_path, now)
    before = kept.begin()
    shown = read_pair(kept.certificate, kept.key).certificate
    cluster.at(SECRET, CERTIFICATES)["data"] = data
    assert kept.follow().bundle == before.bundle
    announced = kept.advance(kept.follow())
    assert announced.authorities[:1] == before.authorities
    assert len(announced.authorities) == 2
    assert read_pair(kept.certificate, kept.key).certificate == shown
    now.value += timedelta(hours=1)
    assert kept.advance(kept.follow()).authorities == announced.authorities
    assert read_pair(kept.certificate, kept.key).certificate != shown


def test_what_is_renewed_is_shown_and_what_is_not_is_not_written_again(tmp_path: Path) -> None:
    cluster, now = Cluster.installed(), Now()
    kept = custody(cluster, tmp_path, now)
    before = kept.begin()
    assert kept.advance(kept.follow()).bundle == before.bundle
    written = kept.certificate.stat().st_mtime_ns
    kept.follow()
    assert kept.certificate.stat().st_mtime_ns == written
    now.value = START + timedelta(days=46)
    kept.advance(kept.follow())
    shown = read_pair(kept.certificate, kept.key).certificate
    assert shown.not_valid_after_utc == now.value + timedelta(days=90)


def test_what_others_put_into_the_secret_stays(tmp_path: Path) -> None:
    cluster = Cluster.installed()
    cluster.at(SECRET, CERTIFICATES)["data"] = {"note": base64.b64encode(b"mine").decode()}
    custody(cluster, tmp_path).begin()
    assert set(cluster.at(SECRET, CERTIFICATES)["data"]) == {"note", "ca.crt", "ca.key", "tls.crt", "tls.key"}


def test_without_a_secret_nothing_is_shown_and_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(SecretLost) as lost:
        custody(Cluster(), tmp_path).begin()
    wanted = "there is no Secret gatekeeper-system/gatekeeper-certificates. Install it: gatekeeper install"
    assert str(lost.value) == wanted
    assert list(tmp_path.iterdir()) == []


def test_what_is_shown_stays_while_the_api_server_is_gone(tmp_path: Path) -> None:
    cluster = Cluster.installed()
    kept = custody(cluster, tmp_path)
    kept.begin()
    cluster.deaf = "nobody answers"
    with pytest.raises(AccessError):
        kept.follow()
    assert read_pair(kept.certificate, kept.key)
