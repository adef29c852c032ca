"""The recording that Go's words are tested by, asked for anew."""

from __future__ import annotations

import json
import urllib.error
from typing import Any

import pytest

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.e2e.harness import ControlPlane
from tests.objects.test_unmarshalling import RECORDED

Json = dict[str, Any]


def path_of(value: Json) -> str:
    served = Kinds.builtin().served(GroupVersionKind.parse(value["apiVersion"], value["kind"]))
    assert served is not None
    prefix = f"/apis/{value['apiVersion']}" if served.resource.group else "/api/v1"
    namespace = "/namespaces/default" if served.namespaced else ""
    return f"{prefix}{namespace}/{served.resource.resource}?dryRun=All&fieldValidation=Strict"


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["case"])
def test_the_api_server_still_says_what_was_recorded(bare_plane: ControlPlane, row: Json) -> None:
    said = ""
    try:
        bare_plane.send("POST", path_of(row["object"]), row["object"])
    except urllib.error.HTTPError as error:
        said = json.loads(error.read())["message"]
    assert said == row["message"]
