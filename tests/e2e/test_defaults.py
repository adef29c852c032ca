"""The recordings that defaults are tested by, recorded anew; and what OpenAPI tells, derived anew."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gatekeeper_py.objects.creation import PLACEHOLDER_UID
from tests.e2e.conftest import namespace
from tests.e2e.derive_data import FILES, derive, rendered
from tests.e2e.harness import ControlPlane, Kubectl
from tests.e2e.recorder import Recorder, recording
from tests.objects.test_defaults import RECORDED, identity

Json = dict[str, Any]

GENERATED = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
NEVER_SHOWN = "admissionregistration.k8s.io/"
"""Webhooks are not asked about these; the answer to a dry run stands for what admission saw."""


@pytest.fixture(scope="module")
def recorder(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    kubectl = bare_plane.kubectl()
    kubectl.apply(namespace("foo"), namespace("default"))
    with recording(kubectl, tmp_path_factory.mktemp("recorder")) as running:
        yield running


@pytest.mark.parametrize("pair", RECORDED, ids=identity)
def test_the_api_server_still_shows_what_was_recorded(
    bare_plane: ControlPlane, recorder: Recorder, pair: Json
) -> None:
    assert timeless(shown(bare_plane.kubectl(namespace="foo"), recorder, pair["object"])) == pair["admitted"]


def shown(kubectl: Kubectl, recorder: Recorder, value: Json) -> Json:
    arguments = ("create", "--dry-run=server", "--validate=ignore", "-o", "json", "-f", "-")
    answer = kubectl(*arguments, stdin=orjson.dumps(value).decode())
    if value["apiVersion"].startswith(NEVER_SHOWN):
        made: Json = orjson.loads(answer)
        return made
    return recorder.shown[value["kind"], value["metadata"].get("name", "")]


def timeless(value: Json) -> Json:
    """Without the moment and the random of a creation; see cluster/creation.py for what stands in."""
    uid = value["metadata"].get("uid") or PLACEHOLDER_UID
    made: Json = orjson.loads(orjson.dumps(value).decode().replace(uid, PLACEHOLDER_UID))
    for name in GENERATED:
        made["metadata"].pop(name, None)
    status = (
        made.setdefault("status", {}) if made["kind"] == "PersistentVolumeClaim" else made.get("status") or {}
    )
    status.pop("lastPhaseTransitionTime", None)
    for condition in status.get("conditions") or ():
        if condition["reason"] == "SchedulingGated":
            condition["lastTransitionTime"] = None
    if made["kind"] == "PersistentVolumeClaim":
        status["phase"] = "Pending"  # as mutating admission sees it, and every reader
    return made


@pytest.mark.parametrize("name", ["kinds", "schema", "roles"])
def test_the_tables_are_what_the_api_server_says_of_itself(bare_plane: ControlPlane, name: str) -> None:
    if shutil.which("go") is None:
        pytest.skip("Go is needed to ask how Go writes absent fields")
    try:
        tables = derive(bare_plane)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Go's modules are not at hand: {error}")
    assert rendered(tables[name]) == FILES[name].read_bytes()
