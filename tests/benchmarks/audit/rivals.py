"""`python -m tests.benchmarks.audit.rivals`: the same constraints on the same pods by `gator`, `kyverno` and us.

The bar: at least 20 times less processor time than `gator test` and 30 times less than `kyverno apply`. The constraints are
the seventeen expressions of `../shared/corpora/speed`: as ConstraintTemplates with a constraint each for gator, as
ClusterPolicies and as ValidatingPolicies for Kyverno, and for us what `gatekeeper import` makes of each. Runs are interleaved,
and the best of each counts; the time is that of the process and its children, start and reading of files included. All
must refuse the same pods by the same constraints, or nothing is printed.

    --pods N     how many pods (1000); all are against some of the constraints, one in ten against more
    --rounds N   how often each runs (3)
    --form TEXT  templates, clusterpolicies or validatingpolicies alone
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from tests.authoring.migration.rivals import CACHE, program
from tests.benchmarks.audit.__main__ import ROOT, as_yaml
from tests.shared import SHARED

EXPRESSIONS = SHARED / "corpora" / "speed" / "kyverno17.yaml"
GROUP = "constraints.gatekeeper.sh"
PODS = {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}


def _policies() -> list[dict[str, Any]]:
    documents = yaml.safe_load_all(EXPRESSIONS.read_text(encoding="utf-8"))
    return [each for each in documents if each["kind"] == "ValidatingAdmissionPolicy"]


def templates() -> list[dict[str, Any]]:
    """The expressions as OPA Gatekeeper takes them."""
    return [document for policy in _policies() for document in _template(policy)]


def _template(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = policy["metadata"]["name"].replace("-", "")
    source = {name: policy["spec"][name] for name in ("variables", "validations") if name in policy["spec"]}
    code = {"engine": "K8sNativeValidation", "source": source}
    crd = {"spec": {"names": {"kind": name.capitalize()}}}
    spec = {"crd": crd, "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": [code]}]}
    return [
        {
            "apiVersion": "templates.gatekeeper.sh/v1",
            "kind": "ConstraintTemplate",
            "metadata": {"name": name},
            "spec": spec,
        },
        {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": name.capitalize(),
            "metadata": {"name": name},
            "spec": {"match": PODS},
        },
    ]


def validating_policies() -> list[dict[str, Any]]:
    """The same as Kyverno takes them, for pods alone."""
    made = []
    for policy in _policies():
        taken = ("matchConstraints", "variables", "validations")
        spec = {name: policy["spec"][name] for name in taken if name in policy["spec"]}
        spec["autogen"] = {"podControllers": {"controllers": []}}
        metadata = {"name": policy["metadata"]["name"].replace("-", "")}
        kind = {"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy"}
        made.append({**kind, "metadata": metadata, "spec": {"validationActions": ["Deny"], **spec}})
    return made


def cluster_policies() -> list[dict[str, Any]]:
    """The same as rules of CEL."""
    return [_cluster_policy(policy) for policy in _policies()]


def _cluster_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    match = {"any": [{"resources": {"kinds": ["Pod"], "operations": ["CREATE", "UPDATE"]}}]}
    cel = {"expressions": policy["spec"]["validations"], "variables": policy["spec"].get("variables", [])}
    rule = {"name": "rule", "match": match, "validate": {"cel": cel}}
    annotations = {"pod-policies.kyverno.io/autogen-controllers": "none"}
    return {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": {"name": policy["metadata"]["name"].replace("-", ""), "annotations": annotations},
        "spec": {"validationFailureAction": "Enforce", "rules": [rule]},
    }


FORMS: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
    "templates": templates,
    "clusterpolicies": cluster_policies,
    "validatingpolicies": validating_policies,
}
PROGRAMS = {"templates": "gator", "clusterpolicies": "kyverno", "validatingpolicies": "kyverno"}


Refused = frozenset[tuple[str, str]]
"""Constraint and pod."""


@dataclass(frozen=True)
class Engine:
    """One that is measured."""

    name: str
    command: Sequence[str]
    read: Callable[[str], Refused]


def gator_said(output: str) -> Refused:
    """A list of violations."""
    return frozenset(
        (each["constraint"]["metadata"]["name"], each["violatingObject"]["metadata"]["name"])
        for each in json.loads(output)
        if each["violatingObject"]["kind"] == "Pod"
    )


def kyverno_said(output: str) -> Refused:
    """A report, after whatever else it prints."""
    report = json.loads(output[output.index("{") :])
    return frozenset(
        (each["policy"], resource["name"])
        for each in report["results"]
        if each["result"] in ("fail", "error")
        for resource in each["resources"]
    )


def our_report(output: str) -> Refused:
    """A report; the first word of a policy's name is that of the foreign one."""
    return frozenset(
        (finding["policy"].partition("-")[0], result["name"])
        for result in json.loads(output)["results"]
        for finding in result["findings"]
    )


def engines(folder: Path, forms: Sequence[str]) -> list[Engine]:
    """We, and those of the others that are there, with the files that they read made."""
    pods = str(folder / "pods.yaml")
    for form in forms:
        (folder / f"{form}.yaml").write_text(yaml.safe_dump_all(FORMS[form]()), encoding="utf-8")
    ours = [_ours(folder, form, pods) for form in forms]
    return [*ours, *(_theirs(folder, form, pods) for form in forms if program(PROGRAMS[form]))]


def _theirs(folder: Path, form: str, pods: str) -> Engine:
    path, policies = str(program(PROGRAMS[form])), str(folder / f"{form}.yaml")
    if PROGRAMS[form] == "gator":
        command = [path, "test", "--filename", policies, "--filename", pods, "--output", "json"]
        return Engine("gator test", command, gator_said)
    command = [path, "apply", policies, "--resource", pods, "--policy-report", "--output-format", "json"]
    return Engine(f"kyverno apply, {form}", command, kyverno_said)


def _ours(folder: Path, source: str, pods: str) -> Engine:
    us = [sys.executable, "-m", "gatekeeper_py"]
    foreign, native = folder / f"{source}.yaml", folder / f"native-{source}"
    subprocess.run([*us, "import", foreign, "--dir", native], check=True, cwd=ROOT, capture_output=True)
    command = [*us, "audit", "--policies", str(native), "-f", pods, "-o", "json"]
    return Engine(f"gatekeeper audit, {source}", command, our_report)


def run(engine: Engine) -> tuple[float, Refused]:
    """Seconds of processors, and what was refused."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(engine.command, capture_output=True, text=True, cwd=ROOT, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 1:  # the pods are not all in order
        raise SystemExit(f"{engine.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, engine.read(done.stdout)


@click.command()
@click.option("--pods", "count", default=1000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--form", "forms", multiple=True, type=click.Choice([*FORMS]), default=[*FORMS])
def main(count: int, rounds: int, forms: Sequence[str]) -> None:
    """Measure and print."""
    if absent := sorted({PROGRAMS[form] for form in forms if program(PROGRAMS[form]) is None}):
        click.echo(f"neither in {CACHE} nor on PATH, so not measured: {', '.join(absent)}", err=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "pods.yaml").open("w", encoding="utf-8") as output:
            as_yaml(count, output)
        measured = engines(folder, forms)
        runs = [{engine.name: run(engine) for engine in measured} for _ in range(rounds)]
    said = {refused for each in runs for _, refused in each.values()}
    if len(said) != 1:
        counts = {engine.name: len(runs[0][engine.name][1]) for engine in measured}
        raise SystemExit(f"they do not refuse the same: {counts}")
    _print(count, len(next(iter(said))), measured, runs)


def _print(
    count: int,
    violations: int,
    measured: Sequence[Engine],
    runs: Sequence[Mapping[str, tuple[float, Refused]]],
) -> None:
    best = {engine.name: min(each[engine.name][0] for each in runs) for engine in measured}
    ours = min(best[engine.name] for engine in measured if engine.read is our_report)
    load = os.getloadavg()[0]
    click.echo(f"{count} pods, {violations} violations, load {load:.1f}, best of {len(runs)}")
    for name, seconds in best.items():
        click.echo(f"{name:42} {seconds:8.2f} s of processors {seconds / ours:6.1f} times")


if __name__ == "__main__":
    main()
