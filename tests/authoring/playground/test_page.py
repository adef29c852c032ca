"""The page in a browser: typed into, read, shared, by keyboard and on a phone. Skipped where no browser is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.authoring.playground.browser import Browser, browsing, program
from tests.authoring.playground.sheets import DENIED, POD, SHEET

ROOT = Path(__file__).parents[3]
ALT = 1
DESK = (1400, 1000)
PHONE = (390, 844)

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium is here")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The playground, served as its command does."""
    command = [sys.executable, "-W", "error", "-m", "gatekeeper_py", "playground", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Browser]:
    """A browser whose console is clean in the end, and which asked the playground alone."""
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        opened.resize(*DESK)
        opened.go(address)
        opened.until("document.querySelector('[data-verdict]')")
        yield opened
        assert opened.complaints() == []
        here = urlsplit(address).netloc
        assert {urlsplit(url).netloc for url in opened.requested() if not url.startswith("data:")} == {here}


def fill(browser: Browser, **texts: str) -> None:
    """Put texts into panes as a person does who pastes them."""
    for pane, text in texts.items():
        browser.run(f"document.getElementById({pane!r}).closest('details')?.setAttribute('open', '')")
        browser.run(f"document.getElementById({pane!r}).focus(); document.getElementById({pane!r}).select()")
        browser.call("Input.insertText", text=text)


def test_the_verdict_changes_while_one_types(browser: Browser) -> None:
    fill(browser, policy=SHEET.policy, manifest=SHEET.manifest, tenants=SHEET.tenants)
    browser.until("document.querySelector('[data-verdict=changed]')")
    assert "+  runtimeClassName: kata" in browser.run("document.querySelector('#results pre').innerText")
    fill(browser, manifest=DENIED.manifest)
    browser.until("document.querySelector('[data-verdict=denied]')")
    assert "pin the images" in browser.run("document.getElementById('results').innerText")
    browser.until("document.getElementById('live').textContent === 'CREATE Pod foo/web: denied'")


def test_an_explanation_is_a_tree_and_stays_open(browser: Browser) -> None:
    fill(browser, policy=SHEET.policy, manifest=DENIED.manifest, tenants=SHEET.tenants)
    browser.until("document.querySelector('[data-verdict=denied]')")
    browser.run("document.querySelectorAll('#results summary')[0].click()")
    fill(browser, manifest=DENIED.manifest.replace("web", "api"))
    browser.until("document.getElementById('results').innerText.includes('foo/api')")
    assert browser.run("document.querySelectorAll('#results details')[0].open")
    assert browser.run("document.querySelector('.tree .tree, .tree ul') !== null")


def test_a_fault_leads_to_its_line(browser: Browser) -> None:
    fill(browser, policy=SHEET.policy.replace("object.spec", "objct.spec"))
    browser.until("document.querySelector('.problems button')")
    assert browser.run("document.getElementById('policy').getAttribute('aria-invalid')") == "true"
    browser.run("document.querySelector('.problems button').click()")
    place = browser.run(
        "document.activeElement.value.slice(document.activeElement.selectionStart).slice(0, 5)"
    )
    assert place == "objct"


def test_markup_in_a_manifest_is_text(browser: Browser) -> None:
    fill(
        browser,
        policy=SHEET.policy,
        manifest=POD.replace("name: web, n", "name: <img src=x onerror=alert(1)>, n"),
    )
    browser.until("document.getElementById('results').innerText.includes('<img')")
    assert browser.run("document.querySelectorAll('#results img').length") == 0


def test_a_link_holds_the_whole_page(browser: Browser, address: str) -> None:
    sheet = {**DENIED.plain, "user": "éve 😀", "cluster": "# nothing"}
    fill(browser, **sheet)
    browser.until("document.getElementById('live').textContent.includes('denied') && location.hash")
    browser.run("ask()")
    link = browser.run("location.href")
    assert link.startswith(f"{address}#")
    browser.go("about:blank#1")
    browser.go(link)
    browser.until("document.querySelector('[data-verdict=denied]')")
    assert json.loads(browser.run("JSON.stringify(read())")) == sheet


def test_a_link_of_the_documents_opens(browser: Browser, address: str) -> None:
    browser.go(f"{address}?from-the-documents#{DENIED.fragment}")
    browser.until("document.querySelector('[data-verdict=denied]')")
    assert json.loads(browser.run("JSON.stringify(read())")) == DENIED.plain


def test_a_broken_link_is_said_to_be_one(browser: Browser, address: str) -> None:
    browser.go(f"{address}?again#nothing")
    browser.until("document.getElementById('results').innerText.includes('This link is broken')")


def test_an_example_opens(browser: Browser, address: str) -> None:
    browser.go(f"{address}?anew")
    browser.until("document.getElementById('samples').length > 100")
    choose = "[...document.querySelectorAll('#samples option')].find((each) => each.textContent === 'host-path').value"
    browser.run(f"document.getElementById('samples').value = {choose}")
    browser.run("document.getElementById('samples').dispatchEvent(new Event('change'))")
    browser.until(
        "document.getElementById('results').innerText.includes('tenants mount nothing of the node')"
    )


def test_the_keyboard_is_enough(browser: Browser) -> None:
    for digit, pane in (("2", "manifest"), ("3", "tenants"), ("1", "policy")):
        browser.press(digit, f"Digit{digit}", ALT)
        assert browser.run("document.activeElement.id") == pane
    browser.press("0", "Digit0", ALT)
    assert browser.run("document.getElementById('results').contains(document.activeElement)")
    unnamed = "[...document.querySelectorAll('input, select, textarea')].filter((each) => !each.labels?.length && !each.ariaLabel)"
    assert browser.run(f"{unnamed}.length") == 0


def test_a_phone_shows_one_pane_and_scrolls_down_only(browser: Browser) -> None:
    browser.resize(*PHONE, mobile=True)
    try:
        seen = "[...document.querySelectorAll('.panes textarea')].filter((each) => each.offsetParent).map((each) => each.id)"
        browser.run("document.querySelector('[data-pane=policy]').click()")
        assert browser.run(seen) == ["policy"]
        browser.run("document.querySelector('[data-pane=manifest]').click()")
        assert browser.run(seen) == ["manifest"]
        assert browser.run("document.documentElement.scrollWidth") <= PHONE[0]
        assert browser.run("document.getElementById('live').getBoundingClientRect().bottom") <= PHONE[1]
        small = "[...document.querySelectorAll('header button, header select, [role=tab]')].filter((each) => each.offsetHeight < 36)"
        assert browser.run(f"{small}.length") == 0
    finally:
        browser.resize(*DESK)
