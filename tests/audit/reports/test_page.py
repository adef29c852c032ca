"""The page in a browser: searched, filtered, by keyboard, on a phone, in the dark. Skipped where no browser is.

Pictures of it are kept in $ARTEFACTS, if that names a folder.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.audit.outcome import Outcome, Past
from gatekeeper_py.audit.reports.html import report
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.decision import Waived
from tests.audit.support import CLEAN, NODE, UNLISTED, WAIVED, WEB, audited, finding
from tests.authoring.playground.browser import Browser, browsing, program

DESK = (1280, 900)
PHONE = (390, 844)

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium is here")

ATTACK = "<script>window.taken=1</script><img src=x onerror='window.taken=1'>\"'><b>"
"""What a tenant may write where text is free, and where a name is not checked."""


def pod(name: str, tenant: str, class_: str, *findings: Any) -> Any:
    spec = f"runtimeClassName: '{class_}', " if class_ else ""
    text = f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: {tenant}}}, spec: {{{spec}containers: [{{name: c, image: i}}]}}}}"
    return audited(text, tenant, *findings)


def hostile() -> Any:
    item = pod("web", "foo", "kata", finding("no-host", ATTACK, severity="critical"))
    target = replace(item.target, name=ATTACK, namespace=ATTACK, path=ATTACK, runtime_class=ATTACK)
    waived = replace(finding(ATTACK, ATTACK), waived=Waived(ATTACK, date(2027, 1, 31), 3, ATTACK, ATTACK))
    return replace(item, target=target, tenant=ATTACK, findings=(*item.findings, waived))


MANY = tuple(
    pod(f"p{number}", f"tenant-{number % 7}", "", finding("pinned", f"pin image nr{number}", "Warn", "low"))
    for number in range(60)
)
OUTCOME = Outcome(
    (WEB, NODE, CLEAN, WAIVED, pod("a", "foo", "kata"), pod("b", "foo", "gvisor"), hostile(), *MANY),
    (UNLISTED, Problem(ATTACK, 0, 0, f"{ATTACK} {'x' * 300}")),
    time="2026-11-30T12:00:00+00:00",
    isolation={"kata": "vm", "gvisor": "sandbox"},
    earlier=tuple(
        Past(f"2026-11-{day}T12:00:00+00:00", 9 - day % 5, day % 3, 1, 2, 60) for day in range(20, 30)
    ),
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("page") / "audit.html"
    file.write_text(report(OUTCOME), encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Browser]:
    """A browser whose console is clean in the end, and which asked for the page alone."""
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        opened.resize(*DESK)
        opened.go(address)
        yield opened
        assert opened.complaints() == []
        assert {url for url in opened.requested() if not url.startswith("data:")} == {address}
        assert opened.run("window.taken") is None


@contextmanager
def emulated(browser: Browser, feature: str, value: str) -> Iterator[None]:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": feature, "value": value}])
    try:
        yield
    finally:
        browser.call("Emulation.setEmulatedMedia", features=[])


def picture(browser: Browser, name: str) -> bytes:
    shot = base64.b64decode(browser.call("Page.captureScreenshot")["data"])
    if folder := os.environ.get("ARTEFACTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"audit-{name}.png").write_bytes(shot)
    return shot


SHOWN = "[...document.querySelectorAll('#findings tbody tr')].filter((each) => !each.hidden).length"


def ask(browser: Browser, text: str) -> int:
    """How many findings are shown once a search is typed."""
    browser.run("document.getElementById('search').focus(); document.getElementById('search').select()")
    if text:
        browser.call("Input.insertText", text=text)
    else:
        browser.press("Escape", "Escape")
    shown: int = browser.run(SHOWN)
    return shown


def choose(browser: Browser, name: str, value: str) -> int:
    choice = f"document.querySelector('select[name={name}]')"
    browser.run(f"{choice}.value = '{value}'; {choice}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    shown: int = browser.run(SHOWN)
    return shown


def test_what_was_not_audited_stands_at_the_top(browser: Browser) -> None:
    first = browser.run("document.querySelector('main section').className")
    assert first == "unread"
    top = "document.querySelector('.unread').getBoundingClientRect().top"
    assert browser.run(top) < DESK[1] / 2
    assert picture(browser, "desk").startswith(b"\x89PNG")


def test_search_and_filters_narrow_the_findings_together(browser: Browser) -> None:
    everything = len(OUTCOME.results)
    assert ask(browser, "") == everything
    assert ask(browser, "pin image nr1") == 11
    assert ask(browser, "nr59 tenant-3") == 1
    assert browser.run("document.getElementById('shown').textContent") == f"1 of {everything}"
    assert ask(browser, "") == everything
    assert choose(browser, "severity", "critical") == 3
    assert choose(browser, "level", "waived") == 1
    assert ask(browser, "nothing has this") == 0
    assert ask(browser, "") == everything


def test_the_keyboard_is_enough(browser: Browser) -> None:
    browser.run("document.activeElement.blur()")
    browser.press("/", "Slash")
    assert browser.run("document.activeElement.id") == "search"
    browser.call("Input.insertText", text="pin")
    browser.press("Escape", "Escape")
    assert browser.run("[document.getElementById('search').value, document.activeElement.tagName]") == [
        "",
        "BODY",
    ]
    unnamed = "[...document.querySelectorAll('input, select')].filter((each) => !each.labels?.length && !each.ariaLabel)"
    assert browser.run(f"{unnamed}.length") == 0


def test_no_text_of_a_tenant_is_markup(browser: Browser) -> None:
    assert browser.run("[document.querySelectorAll('img, b').length, document.scripts.length]") == [0, 1]
    assert browser.run("document.body.textContent.includes('<script>window.taken=1</script>')")


def test_workloads_are_told_by_how_well_they_are_isolated(browser: Browser) -> None:
    heads = "[...document.querySelectorAll('th')].map((each) => each.textContent)"
    assert {"(none named): none", "gvisor: sandbox", "kata: VM"} <= set(browser.run(heads))
    first = "document.querySelector('details tbody tr')"
    rows = (
        "[...document.querySelectorAll('main > details tbody tr')].map((each) => each.cells[0].textContent)"
    )
    found = browser.run(rows)
    assert found == sorted(found, key=["none", "sandbox", "VM"].index)
    assert browser.run(f"{first} !== null")


def test_waivers_have_their_days_left_and_the_trend_its_line(browser: Browser) -> None:
    text = browser.run("document.body.innerText")
    assert "Waivers in use" in text
    cells = "[...document.querySelectorAll('td[data-name=\"Days left\"]')].map((each) => each.textContent)"
    assert browser.run(cells) == ["3", "30"]
    assert browser.run("document.querySelector('polyline.violating').points.length") == 11


def test_a_phone_scrolls_down_only(browser: Browser) -> None:
    browser.resize(*PHONE, mobile=True)
    try:
        assert browser.run("document.documentElement.scrollWidth") <= PHONE[0]
        wide = "[...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)"
        assert (
            browser.run(f"{wide}.filter((each) => !each.closest('thead')).map((each) => each.outerHTML)")
            == []
        )
        small = "[...document.querySelectorAll('input, select')].filter((each) => each.offsetHeight < 36)"
        assert browser.run(f"{small}.length") == 0
        picture(browser, "phone")
    finally:
        browser.resize(*DESK)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(browser: Browser, scheme: str) -> None:
    with emulated(browser, "prefers-color-scheme", scheme):
        worst = browser.run(CONTRAST)
        picture(browser, scheme)
    assert worst >= 4.5, worst


CONTRAST = """(() => {
    const parts = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (text) => parts(text).slice(0, 3).map((each) => each / 255)
        .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (each) => {
        const color = getComputedStyle(each).backgroundColor;
        return parts(color)[3] === 0 && each.parentElement ? ground(each.parentElement) : color;
    };
    const ratio = (each) => {
        const [a, b] = [light(getComputedStyle(each).color), light(ground(each))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    };
    return Math.min(...[...document.querySelectorAll("td, th, h2, li, p, input, select")].map(ratio));
})()"""
"""The least contrast between a text and what it stands on, as WCAG 2 computes it: 4.5 can be read by most."""
