"""The site that `make docs` builds, and what contributors' commits run."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_to_papers_lead_to_their_pages(hooks: ModuleType) -> None:
    page = "[a](../SECURITY.md#doors), [b](certs/README.md), [c](tenants.md), `SECURITY.md`"
    assert (
        hooks.on_page_markdown(page)
        == "[a](security.md#doors), [b](certificates.md), [c](tenants.md), `SECURITY.md`"
    )


@pytest.mark.parametrize(
    "element",
    [
        '<script src="https://example.com/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.com/css">',
        "<img alt=x src=http://example.com/x.png>",
    ],
)
def test_a_page_that_loads_from_elsewhere_is_refused(element: str, hooks: ModuleType) -> None:
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri="x.md"))
    with pytest.raises(PluginError, match=r"x\.md loads something from elsewhere: <"):
        hooks.on_post_page(f"<p>{element}</p>", page=page)


def test_a_page_may_link_elsewhere(hooks: ModuleType) -> None:
    page = '<a href="https://example.com">x</a><script src="assets/a.js"></script>'
    assert hooks.on_post_page(page, page=None) == page


def test_a_commit_runs_what_make_lint_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["entry"].removesuffix(" --fix") for repo in config["repos"] for hook in repo["hooks"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    commands = re.findall(r"^\t\$\(VENV\)/bin/(.*?)(?: --check)?$", lint, re.MULTILINE)
    assert hooks == {f".venv/bin/{command}" for command in commands}
