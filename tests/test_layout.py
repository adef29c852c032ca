"""Where things stand: one module of a name, and a test module for each."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "gatekeeper_py"

MODULES = sorted(
    path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")
)

NAMED_TWICE: dict[str, str] = {
    "worker": "a process that can be ended: one of the playground, and one that answers reviews",
    "tenants": "a command, which is called so; and the state of Tenants that the server writes",
}
"""Basenames that stand more than once in the package, each with why it must."""

DECLARES = "declares and does nothing"

TESTED_ELSEWHERE = {
    "audit/reports/json.py": "cli/test_audit.py",
    "audit/reports/lines.py": "cli/test_audit.py",
    "audit/reports/openreports.py": "audit/reports/test_policyreport.py",
    "billing/pods.py": "billing/test_bill.py",
    **{
        f"authoring/lint/{name}.py": "authoring/lint/test_linting.py"
        for name in (
            "codes",
            "shapes",
            "lookup",
            "constancy",
            "proof",
            "rules",
            "recipients",
            "structure",
            "subject",
            "words",
        )
    },
    "authoring/fuller.py": "authoring/lint/test_trial.py",
    "authoring/lint/fieldreads.py": "authoring/lint/test_trial.py",
    "authoring/specimens.py": "authoring/scaffold/test_topic.py",
    "authoring/layout/nodes.py": "authoring/layout/test_filelayout.py",
    "authoring/layout/trivia.py": "authoring/layout/test_filelayout.py",
    **{
        f"authoring/migration/{name}.py": "authoring/migration/test_migrated.py"
        for name in (
            "carried",
            "cluster_policy",
            "constraint_template",
            "kindselector",
            "pod_controllers",
            "resource_filter",
            "said",
            "validating_policy",
        )
    },
    "authoring/migration/textpattern.py": "authoring/migration/test_pattern.py",
    "authoring/policyfile.py": "authoring/scaffold/test_drafted.py",
    **{
        f"authoring/scaffold/{name}.py": "authoring/scaffold/test_drafted.py"
        for name in ("blueprint", "location", "refusal", "sketch", "templates", "valued", "whole")
    },
    "authoring/lint/finding.py": "cli/test_lint.py",
    "authoring/lint/report.py": "cli/test_lint.py",
    "authoring/editor/outline.py": "authoring/editor/test_proposals.py",
    "cli/lsp.py": "authoring/editor/test_language_server.py",
    "cel/checking/clauses.py": "cel/library/test_formatting.py",
    "cel/checking/declarations.py": DECLARES,
    "cel/compiling/code.py": "cel/compiling/test_generator.py",
    "cel/compiling/dispatch.py": "cel/compiling/test_resolution.py",
    "cel/compiling/writer.py": "cel/compiling/test_generator.py",
    "cel/errors.py": "cel/syntax/test_parser.py",
    "cel/evaluation/runtime.py": "cel/compiling/test_generator.py",
    "cel/evaluation/times.py": "cel/evaluation/test_values.py",
    "cel/library/optionals.py": "cel/library/test_recorded.py",
    "cel/syntax/source.py": "cel/syntax/test_parser.py",
    "cel/syntax/tree.py": "cel/syntax/test_parser.py",
    "cli/testing.py": "cli/test_test.py",
    "cli/auditing.py": "cli/test_audit.py",
    "cli/reportoptions.py": "cli/test_audit.py",
    "cli/exits.py": "cli/test_main.py",
    "cli/options.py": "cli/test_review.py",
    "cli/following.py": "cli/test_watching.py",
    "cli/reporting.py": "cli/test_audit.py",
    "manifests/dumping.py": "cli/test_review.py",
    "cli/reference.py": "authoring/test_documents.py",
    "cli/schemas.py": "authoring/editor/test_jsonschemas.py",
    "cli/uninstall.py": "cli/test_install.py",
    "cluster/inquiries.py": "cluster/test_live.py",
    "cluster/view.py": DECLARES,
    "installation/identifiers.py": DECLARES,
    "manifests/jsontext.py": "manifests/test_manifest.py",
    "manifests/scalars.py": "manifests/test_manifest.py",
    "manifests/yamltext.py": "manifests/test_manifest.py",
    "objects/default_rules.py": "objects/test_defaults.py",
    "objects/resource.py": DECLARES,
    "drafting/sightings.py": "drafting/test_grants.py",
    "webhook/service.py": "webhook/test_app.py",
    "webhook/httpserver.py": "webhook/test_server.py",
    "webhook/generation.py": "webhook/test_supervisor.py",
    "webhook/orders.py": DECLARES,
    "policy/admission/decision.py": DECLARES,
    "policy/admission/request.py": DECLARES,
    "policy/evaluation/expression.py": "policy/evaluation/test_conditions.py",
    "policy/evaluation/extension.py": DECLARES,
    "policy/evaluation/invocation.py": "policy/test_selection.py",
    "policy/loading/checks/constraints.py": "policy/loading/checks/test_checks.py",
    "policy/loading/checks/expressions.py": "policy/loading/checks/test_checks.py",
    "policy/loading/checks/metadata.py": "policy/loading/checks/test_checks.py",
    "policy/loading/checks/parts.py": "policy/loading/checks/test_checks.py",
    "policy/model.py": DECLARES,
    "policy/sharing/candidate.py": "policy/sharing/test_plan.py",
    "tenancy/control_plane.py": "tenancy/test_control_planes.py",
    "tenancy/disputes.py": "tenancy/test_documents.py",
    "tenancy/fields.py": "tenancy/test_documents.py",
    "tenancy/mistakes.py": "tenancy/test_documents.py",
    "tenancy/reading.py": "tenancy/test_documents.py",
}
"""Modules without a test module of their own, each with the one that tests it by way of its users."""


def mirror(module: Path) -> Path:
    """Where the tests of a module stand."""
    return TESTS / module.parent / f"test_{module.name}"


def test_a_basename_stands_once() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        places[module.stem].append(str(module.parent))
    assert {name: where for name, where in places.items() if len(where) > 1 and name not in NAMED_TWICE} == {}
    assert [name for name in NAMED_TWICE if len(places[name]) < 2] == []


def test_every_module_has_its_tests_or_says_where_they_are() -> None:
    without = {str(module) for module in MODULES if not mirror(module).exists()}
    assert without == set(TESTED_ELSEWHERE)


@pytest.mark.parametrize("place", sorted({place for place in TESTED_ELSEWHERE.values() if place != DECLARES}))
def test_the_tests_that_are_elsewhere_are_there(place: str) -> None:
    assert (TESTS / place).exists()


@pytest.mark.parametrize("module", [name for name, place in TESTED_ELSEWHERE.items() if place == DECLARES])
def test_a_module_that_declares_decides_nothing(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.If, ast.For, ast.While, ast.Try))]
