"""What Kyverno and OPA Gatekeeper themselves say of our policies, recorded once and compared by test_rivals.

    python -m tests.authoring.migration.rivals

records `data/verdicts.yaml` anew with the programs `kyverno` and `gator`, which are looked for in
~/.cache/gatekeeper-rivals and on PATH; `build` beside this file makes them. The programs are asked about the
objects as an API server has them at admission: with defaults, in canonical form.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request

DATA = Path(__file__).parent / "data"
VERDICTS = DATA / "verdicts.yaml"
CACHE = Path.home() / ".cache" / "gatekeeper-rivals"
PODS = {"any": [{"resources": {"kinds": ["Pod"]}}]}
PODS_NATIVE = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    ]
}
GROUP = "constraints.gatekeeper.sh"
OF_GATEKEEPER = (GROUP, "templates.gatekeeper.sh")


@dataclass(frozen=True)
class Foreign:
    """A policy of another engine."""

    documents: tuple[dict[str, Any], ...]
    left_out: str
    """What import says of it; empty when it is carried."""
    unsure: frozenset[str]
    """Objects of which the other engine says now this, now that."""

    @property
    def text(self) -> str:
        """As a file."""
        return yaml.safe_dump_all(self.documents, sort_keys=False)


def _read(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text())


@cache
def objects() -> Mapping[str, dict[str, Any]]:
    """The manifests, by name."""
    data = _read("objects.yaml")
    return {
        name: _object(name, data["bases"][patch.pop("base")], patch)
        for name, patch in data["objects"].items()
    }


def _object(name: str, base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = _merged(base, patch)
    return {**merged, "metadata": {"name": name, **merged.get("metadata", {})}}


def _merged(base: Any, patch: Any) -> Any:
    """A merge patch (RFC 7396) applied."""
    if not isinstance(patch, dict):
        return patch
    kept = base if isinstance(base, dict) else {}
    changed = {key: _merged(kept.get(key), value) for key, value in patch.items() if value is not None}
    return {**{key: value for key, value in kept.items() if key not in patch}, **changed}


@cache
def cluster_policies() -> Mapping[str, Foreign]:
    """Kyverno's ClusterPolicies, by name."""
    return {name: _cluster_policy(name, dict(body)) for name, body in _read("kyverno.yaml").items()}


def _cluster_policy(name: str, body: dict[str, Any]) -> Foreign:
    annotations, spec = body.pop("annotations", {}), body.pop("spec", {})
    said = {key: body.pop(key, None) for key in ("left out", "unsure")}
    document = {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"validationFailureAction": "Enforce", **spec, "rules": body.get("rules") or [_rule(body)]},
    }
    return Foreign((document,), said["left out"] or "", frozenset(said["unsure"] or ()))


def _rule(body: Mapping[str, Any]) -> dict[str, Any]:
    whole = {name: body[name] for name in ("exclude", "celPreconditions", "preconditions") if name in body}
    validate = {name: each for name, each in body.items() if name not in (*whole, "match")}
    return {
        "name": "rule",
        "match": body.get("match", PODS),
        **whole,
        "validate": {"message": "no", **validate},
    }


@cache
def validating_policies() -> Mapping[str, Foreign]:
    """Kyverno's ValidatingPolicies, by name."""
    made = {}
    for name, body in _read("validating.yaml").items():
        left_out = body.pop("left out", "")
        document = {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "ValidatingPolicy",
            "metadata": {"name": name},
            "spec": {"matchConstraints": PODS_NATIVE, "validationActions": ["Deny"], **body},
        }
        made[name] = Foreign((document,), left_out, frozenset())
    return made


@cache
def constraints() -> Mapping[str, Foreign]:
    """OPA Gatekeeper's constraints, each with its template, by name."""
    data = _read("gatekeeper.yaml")
    templates = {name: _template(name, body) for name, body in data["templates"].items()}
    made = {}
    for name, body in data["constraints"].items():
        template, left_out = body.pop("template"), body.pop("left out", "")
        unsure = frozenset(body.pop("unsure", ()))
        spec = {"match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}, **body}
        document = {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": _kind(template),
            "metadata": {"name": name},
            "spec": spec,
        }
        made[name] = Foreign((templates[template], document), left_out, unsure)
    return made


def _kind(template: str) -> str:
    return "".join(word.capitalize() for word in template.split("-"))


def _template(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    names, code = {"kind": _kind(name)}, {"engine": "K8sNativeValidation", "source": body["source"]}
    crd = {"spec": {"names": names, "validation": {"openAPIV3Schema": body["schema"]}}}
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": _kind(name).lower()},
        "spec": {"crd": crd, "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": [code]}]},
    }


def refused() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """What was recorded: for each engine, by policy, the names of the objects that it refuses."""
    recorded = yaml.safe_load(VERDICTS.read_text())
    return {
        engine: {name: frozenset(names) for name, names in recorded[engine]["refused"].items()}
        for engine in recorded
    }


# --- recording


def program(name: str) -> Path | None:
    """Where a program is; None when it is not there."""
    found = shutil.which(name, path=f"{CACHE}{os.pathsep}{os.environ.get('PATH', '')}")
    return None if found is None else Path(found)


def admitted() -> list[dict[str, Any]]:
    """The manifests as an API server has them at admission."""
    made = []
    for body in objects().values():
        request = make_request(Manifest(body, Source("x")), Snapshot(()), Submission(user=ADMINISTRATOR))
        assert request.object is not None
        made.append(json.loads(json.dumps(request.object)))
    return made


def _carried(policies: Mapping[str, Foreign]) -> Iterable[dict[str, Any]]:
    return (document for each in policies.values() if not each.left_out for document in each.documents)


def _kyverno(policies: Mapping[str, Foreign], folder: Path) -> dict[str, list[str]]:
    """Asks `kyverno apply`; what it says nothing at all of was not understood."""
    namespaces = [each for each in objects().values() if each["kind"] == "Namespace"]
    labels = [
        {"name": each["metadata"]["name"], "labels": each["metadata"].get("labels", {})}
        for each in namespaces
    ]
    values = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values", "metadata": {"name": "values"}}
    (folder / "values.yaml").write_text(yaml.safe_dump({**values, "namespaceSelector": labels}))
    (folder / "policies.yaml").write_text(yaml.safe_dump_all([*_carried(policies)]))
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(admitted()))
    command = [str(program("kyverno")), "apply", "policies.yaml", "--resource", "objects.yaml"]
    options = ["--values-file", "values.yaml", "--policy-report", "--output-format", "json"]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=600)
    report = json.loads(done.stdout[done.stdout.index("{") :])
    said: set[str] = set()
    against: defaultdict[str, set[str]] = defaultdict(set)
    for result in report["results"]:
        said.add(result["policy"])
        if result["result"] in ("fail", "error"):
            against[result["policy"]] |= {each["name"] for each in result["resources"]}
    for name in sorted({name for name, each in policies.items() if not each.left_out} - said):
        print(f"kyverno says nothing of {name}", file=sys.stderr)
    return {name: sorted(against[name]) for name in policies if name in said}


def _gator(folder: Path) -> dict[str, list[str]]:
    documents = {json.dumps(each): each for each in _carried(constraints())}
    (folder / "constraints.yaml").write_text(yaml.safe_dump_all([*documents.values()]))
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(admitted()))
    command = [str(program("gator")), "test", "--filename", "constraints.yaml", "--filename", "objects.yaml"]
    done = subprocess.run(
        [*command, "--output", "json"], cwd=folder, capture_output=True, text=True, timeout=600
    )
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    against: defaultdict[str, set[str]] = defaultdict(set)
    for result in json.loads(done.stdout):
        violating = result["violatingObject"]
        if not violating["apiVersion"].startswith(OF_GATEKEEPER):  # it judges its own files, too
            against[result["constraint"]["metadata"]["name"]].add(violating["metadata"]["name"])
    return {name: sorted(against[name]) for name, each in constraints().items() if not each.left_out}


def _version(name: str, *arguments: str) -> str:
    done = subprocess.run([str(program(name)), *arguments], capture_output=True, text=True, timeout=60)
    return next(word.strip("(),") for word in done.stdout.split() if word.startswith("v") and "." in word)


def record() -> None:
    """Writes the verdicts anew."""
    for name in ("kyverno", "gator"):
        if program(name) is None:
            sys.exit(
                f"{name} is neither in {CACHE} nor on PATH: make it with {Path(__file__).parent / 'build'}"
            )
    with tempfile.TemporaryDirectory() as folder:
        verdicts = {
            "clusterpolicies": {
                "by": f"kyverno {_version('kyverno', 'version')}",
                "refused": _kyverno(cluster_policies(), Path(folder)),
            },
            "validatingpolicies": {
                "by": f"kyverno {_version('kyverno', 'version')}",
                "refused": _kyverno(validating_policies(), Path(folder)),
            },
            "constraints": {"by": f"gator {_version('gator', '--version')}", "refused": _gator(Path(folder))},
        }
    head = "# Recorded by `python -m tests.authoring.migration.rivals`: which objects each policy refuses.\n"
    VERDICTS.write_text(head + yaml.safe_dump(verdicts, sort_keys=False, default_flow_style=None, width=118))


if __name__ == "__main__":
    record()
