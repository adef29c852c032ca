"""The site that `make docs` builds, and what contributors' commits run."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from mkdocs.exceptions import PluginError

from gatekeeper_py.authoring.playground.samples import sheet_of

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


def test_an_example_leads_to_the_playground(hooks: ModuleType) -> None:
    block = "```cel\ntenant != null\n```"
    sheet = sheet_of("cel", "tenant != null")
    assert sheet is not None
    fragment = sheet.fragment
    link = f"\n\n[Open in the playground](http://localhost:8765/#{fragment})\n"
    assert hooks.on_page_markdown(f"a\n\n{block}\nb") == f"a\n\n{block}{link}\nb"
    assert hooks.on_page_markdown("```yaml\ncases: []\n```") == "```yaml\ncases: []\n```"


def test_a_shipped_policy_leads_to_the_playground(hooks: ModuleType) -> None:
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri="policies/host-access-host-path.md"))
    made = hooks.on_page_markdown("# A", page=page)
    assert made.startswith("# A\n\n[Open in the playground](http://localhost:8765/#")


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


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("[a](index.md)", ""),
        ("[a](nowhere.md)", "contains a link 'nowhere.md'"),
        ("[a](#nowhere)", "no such anchor"),
        ("[a](/index.md)", "absolute link"),
    ],
)
def test_a_broken_link_fails_make_docs(page: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Title\n\n{page}\n", encoding="utf-8")
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    config |= {"hooks": [], "nav": ["index.md"], "theme": {"name": "mkdocs"}}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    command = re.findall(r"\$\(VENV\)/bin/python (.*mkdocs build.*)", makefile)[0].split()
    built = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (built.returncode == 0) == (complaint == ""), built.stderr
    assert complaint in built.stderr
