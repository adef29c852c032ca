"""What mkdocs makes of the site beside the files of this folder.

A page for each shipped policy, the papers of the checkout's root, and the promise that no page loads anything
from elsewhere. mkdocs calls the functions by their names.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from gatekeeper_py.authoring import handbook
from gatekeeper_py.authoring.entry import Entry, entries
from gatekeeper_py.authoring.playground.samples import BLOCK, sheet_of, shipped
from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.cli.playground import PORT

ROOT = Path(__file__).parents[1]
POLICIES = ROOT / "policies"
INDEX = "policies.md"
PAPERS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "certs/README.md": "certificates.md",
}
"""Files of the checkout that are pages of the site, too, and what they are called there."""

FOREIGN = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")
"""An element for which a browser asks another host."""


def on_config(config: MkDocsConfig) -> None:
    """List the pages of the policies below their own heading."""
    assert config.nav is not None
    config.nav.append({"Shipped policies": [INDEX, *_concepts()]})


def _concepts() -> list[dict[str, list[dict[str, str]]]]:
    by_concept = groupby(entries(POLICIES), key=lambda entry: entry.concept)
    return [{concept: [{entry.name: _page(entry)} for entry in group]} for concept, group in by_concept]


def on_files(files: Files, *, config: MkDocsConfig) -> None:
    """Add the pages that are made, and those of the papers."""
    listed = files.get_file_from_path(INDEX)
    assert listed is not None
    files.remove(listed)  # the file is for readers of the checkout: its links lead to the policies' files
    for path, text in _made().items():
        files.append(File.generated(config, path, content=text))


def _made() -> dict[str, str]:
    papers = {page: _of_the_site(ROOT / paper) for paper, page in PAPERS.items()}
    policies = {f"policies/{page.name}.md": page.text for page in handbook.handbook(POLICIES)}
    return {**papers, **policies, INDEX: handbook.index(entries(POLICIES), _page)}


def _page(entry: Entry) -> str:
    return f"policies/{entry.name}.md"


def _of_the_site(paper: Path) -> str:
    return re.sub(r"\]\((?:\.\./)?docs/", "](", paper.read_text(encoding="utf-8"))


def on_page_markdown(markdown: str, *, page: Page | None = None, **_: Any) -> str:
    """Lead links to the papers to their pages, and examples to the playground of whoever reads."""
    for paper, name in PAPERS.items():
        markdown = re.sub(rf"\]\((?:\.\./)?{re.escape(paper)}(?=[)#])", f"]({name}", markdown)
    sample = _samples().get(page.file.src_uri) if page is not None else None
    return f"{markdown}\n\n{_opened(sample)}\n" if sample is not None else BLOCK.sub(_with_link, markdown)


def _with_link(block: re.Match[str]) -> str:
    sheet = sheet_of(block[1], block[2])
    return block[0] if sheet is None else f"{block[0]}\n\n{_opened(sheet)}\n"


def _opened(sheet: Sheet) -> str:
    return f"[Open in the playground](http://localhost:{PORT}/#{sheet.fragment})"


@cache
def _samples() -> dict[str, Sheet]:
    """What the page of each shipped policy opens."""
    shown = {sample.name: sample.sheet for sample in shipped(POLICIES)}
    return {_page(entry): shown[entry.path.stem] for entry in entries(POLICIES) if entry.path.stem in shown}


def on_post_page(output: str, *, page: Page, **_: Any) -> str:
    """Refuse a page for which a browser would ask another host."""
    foreign = FOREIGN.search(output)
    if foreign:
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {foreign[0]}")
    return output
