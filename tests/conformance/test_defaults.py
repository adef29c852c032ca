"""Recorded manifests of the corpora get, as defaults, what kube-apiserver 1.36.3 gave them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.defaults import apply_defaults
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import builtin_schema
from tests.shared import corpus, needs_shared

pytestmark = needs_shared

LEAST_EQUAL = 0.98

LISTED = yaml.safe_load((Path(__file__).parent / "data" / "defaults.yaml").read_text(encoding="utf-8"))
EXCEPTIONS: dict[str, str] = {case: entry["reason"] for entry in LISTED for case in entry["cases"]}
"""Case -> why it comes out otherwise."""


def cases() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for name in ("policy-cases", "semantics-cases"):
        for policies in corpus(name):
            for case in policies["cases"]:
                if case.get("object") is not None and "admitted" in case:
                    yield policies, case


CASES = list(cases())


def admitted(policies: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    value = case["object"]
    view = Snapshot([*policies.get("cluster", ()), *policies.get("crds", ())])
    return apply_defaults(
        value,
        view.served(GroupVersionKind.parse(value["apiVersion"], value["kind"])),
        view,
        operation=case.get("operation", "CREATE"),
        subresource=case.get("subresource", ""),
        old=case.get("admittedOld"),
    )


@pytest.mark.parametrize(("policies", "case"), CASES, ids=[case["id"] for _, case in CASES])
def test_a_manifest_gets_the_recorded_defaults_unless_a_reason_is_listed(
    policies: dict[str, Any], case: dict[str, Any]
) -> None:
    equal = admitted(policies, case) == case["admitted"]
    assert equal != (case["id"] in EXCEPTIONS), EXCEPTIONS.get(case["id"], "differs, and no reason is listed")


def test_the_listed_exceptions_are_cases_and_few() -> None:
    builtin = [
        case["id"]
        for _, case in CASES
        if builtin_schema(GroupVersionKind.parse(case["object"]["apiVersion"], case["object"]["kind"]))
    ]
    assert set(builtin) >= EXCEPTIONS.keys()
    assert 1 - len(EXCEPTIONS) / len(builtin) >= LEAST_EQUAL
