"""What the documents say of the language and of tenants is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gatekeeper_py.authoring import suite
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.evaluation.compilation import Compiler, Environments, ExpressionKind
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.fields import TENANT_SPEC
from gatekeeper_py.tenancy.library import LIBRARY, SETTINGS, VARIABLES, extension
from gatekeeper_py.tenancy.tenant import Tenancy

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
AUTHORS = (DOCS / "authors.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```cel\n(.*?)```", AUTHORS, re.DOTALL)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md"])
def test_files_and_folders_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.-]+/)+(?:[\w.-]+\.\w+)?)`", text))
    places = (ROOT, ROOT / "gatekeeper_py", ROOT / "tests")
    assert {path for path in named if not any((place / path).exists() for place in places)} == set()
    assert named


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_compiles(example: str) -> None:
    compiler = Compiler(Environments([extension(Tenancy())]), params=False)
    kind = ExpressionKind.JSON_PATCH if "JSONPatch" in example else ExpressionKind.VALIDATION
    assert compiler.compile(kind, example.strip()).text


def test_every_word_is_explained() -> None:
    words = {*VARIABLES, *(function.name for function in LIBRARY.functions)}
    assert {word for word in words if word not in AUTHORS} == set()


def test_every_setting_is_explained() -> None:
    assert SETTINGS.fields is not None
    assert {name for name in SETTINGS.fields if f"settings.{name}" not in AUTHORS} == set()


def test_every_field_of_a_tenant_is_explained() -> None:
    text = (DOCS / "tenants.md").read_text(encoding="utf-8")
    assert {name for name in TENANT_SPEC["properties"] if f"`{name}`" not in text} == set()


def test_the_example_of_a_tenant_loads() -> None:
    text = (DOCS / "tenants.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert [tenant.name for tenant in load_tenancy(read_text(examples[0])).tenants] == ["platform", "foo"]


def test_every_field_of_a_suite_is_explained() -> None:
    text = (DOCS / "testing.md").read_text(encoding="utf-8")
    example = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    assert set(example) == set(suite.SUITE["properties"])
    assert {name for name in suite.CASE["properties"] if f"`{name}`" not in text} == set()
