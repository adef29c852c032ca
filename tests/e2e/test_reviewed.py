"""What `gatekeeper review -o yaml` prints is what the API server takes: as a dry run, so that nothing is left.

Only the API server's word counts here: no webhook is in force.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from examples.demo import policies_in
from gatekeeper_py.manifests.manifest import read, read_text
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.e2e.gatekeeper import COMMAND
from tests.e2e.harness import ControlPlane, wait_for
from tests.shared import corpus, needs_shared

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CLUSTER = EXAMPLES / "cluster"
SECONDS = 300
"""For all objects of a corpus at a loaded machine; measured 22 s for 1,413."""

UNNAMEABLE = "dist_exp"
"""The name that an author gave and nobody can: the API server refuses the object, and so does review."""
EXPECTED = ("note: ", "warning: ", " is denied: ")
"""What `review` says of an object, or of a custom kind without a definition, with which it goes on."""


def definitions(kinds: Iterable[GroupVersionKind]) -> list[Json]:
    """Of every kind that is not built in, one that takes anything."""
    versions: dict[tuple[str, str], set[str]] = {}
    for kind in kinds:
        if Kinds.builtin().served(kind) is None:
            versions.setdefault((kind.group, kind.kind), set()).add(kind.version)
    return [_definition(group, kind, sorted(found)) for (group, kind), found in versions.items()]


def _definition(group: str, kind: str, versions: Sequence[str]) -> Json:
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    plural = f"{kind.lower()}s"
    served = [
        {"name": name, "served": True, "storage": name == versions[0], "schema": anything}
        for name in versions
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved"},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": served,
        },
    }


def reviewed(folder: Path, files: Sequence[str], *arguments: str, bad: Sequence[str] = ()) -> list[Json]:
    """What review prints of the objects that it admits, and that nothing is wrong with any but for this."""
    command = [*COMMAND, "review", "--policies", str(policies_in(folder)), "--cluster", str(CLUSTER)]
    named = [part for file in files for part in ("-f", file)]
    done = subprocess.run(
        [*command, *named, *arguments, "-o", "yaml"], capture_output=True, text=True, timeout=SECONDS
    )
    said = done.stderr.splitlines()
    wrong = [line for line in said if not any(each in line for each in EXPECTED)]
    assert len(wrong) == len(bad), wrong
    assert all(what in line for what, line in zip(bad, wrong, strict=True))
    assert done.returncode in ((2,) if bad else (0, 1))
    return [manifest.object for manifest in read_text(done.stdout)]


def refused(plane: ControlPlane, objects: Sequence[Json]) -> list[str]:
    """What the API server says of objects that it does not take."""
    named = [each for each in objects if "name" in each["metadata"]]
    generated = [each for each in objects if "name" not in each["metadata"]]
    return [*_sent(plane, "apply", named), *_sent(plane, "create", generated)]


def _sent(plane: ControlPlane, verb: str, objects: Sequence[Json]) -> list[str]:
    """kubectl applies nothing without a name, and creates it."""
    if not objects:
        return []
    kubectl = plane.kubectl()
    command = [str(kubectl.binary), "--kubeconfig", str(kubectl.kubeconfig), verb, "--dry-run=server"]
    done = subprocess.run(
        [*command, "-f", "-"],
        input="\n".join(map(json.dumps, objects)),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("Warning: ")]
    assert len(done.stdout.splitlines()) + len(lines) == len(objects), done.stderr
    return lines


@pytest.fixture(scope="module")
def settled(bare_plane: ControlPlane) -> ControlPlane:
    """An API server with the cluster of the examples."""
    kubectl = bare_plane.kubectl()
    kubectl("apply", "--server-side", "-f", str(CLUSTER))
    return bare_plane


def serve(plane: ControlPlane, objects: Iterable[Json]) -> None:
    """Have the API server know every kind of some objects."""
    kinds = {GroupVersionKind.parse(each["apiVersion"], each["kind"]) for each in objects}
    made = definitions(kinds)
    if made:
        kubectl = plane.kubectl()
        kubectl.apply(*made, arguments=["--server-side"])
        names = [f"crd/{each['metadata']['name']}" for each in made]
        wait_for(
            "the kinds",
            lambda: kubectl.run("wait", "--for=condition=Established", *names).returncode == 0,
        )


@pytest.mark.parametrize("tenant", ["foo", "bar"])
def test_every_example_that_review_admits_is_taken(
    settled: ControlPlane, tmp_path: Path, tenant: str
) -> None:
    folder = EXAMPLES / tenant
    serve(settled, (manifest.object for manifest in read([folder])))
    admitted = reviewed(tmp_path, [str(folder)])
    assert admitted
    assert refused(settled, admitted) == []


@pytest.mark.parametrize("corpora", [pytest.param("benign", marks=needs_shared)])
def test_everything_ordinary_that_review_admits_is_taken(
    settled: ControlPlane, tmp_path: Path, corpora: str
) -> None:
    objects = [body for item in corpus(corpora) for body in item["objects"]]
    serve(settled, objects)
    file = tmp_path / "benign.jsonl"
    file.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    bad = [f"metadata.name cannot be '{UNNAMEABLE}'"]
    admitted = reviewed(tmp_path, [str(file)], "--user", "alice", "--namespace", "foo", bad=bad)
    assert len(admitted) > 1300
    assert refused(settled, admitted) == []
    (said,) = refused(settled, [each for each in objects if each["metadata"].get("name") == UNNAMEABLE])
    assert "a lowercase RFC 1123 subdomain must consist of" in said
