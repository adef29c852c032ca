"""The page: whole in itself, and obeying nobody but us."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.html import MOST_FINDINGS, MOST_UNREAD, report
from gatekeeper_py.manifests.place import Problem
from tests.audit.support import CLEAN, EVERYTHING, NASTY, WEB, audited, finding

POD = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}, spec: {%scontainers: [{name: c, image: i}]}}"


class Page(HTMLParser):
    """The elements and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def test_it_tells_everything() -> None:
    page = Page(report(EVERYTHING))
    for words in (
        "4 objects, 2 violating, 2 not audited",
        "secrets.yaml:4:2: not valid YAML. Correct the line",
    ):
        assert words in page.words
    rows = [attributes for tag, attributes in page.tags if tag == "tr" and "data-policy" in attributes]
    assert [row["data-policy"] for row in rows] == ["no-host", "texts", "pinned", "(error)", "(drift)"]
    assert [row["data-severity"] for row in rows] == ["critical", "medium", "low", "none", "none"]


def test_it_asks_nobody_for_anything() -> None:
    text = report(EVERYTHING)
    for tag, attributes in Page(text).tags:
        assert not {"src", "action"} & set(attributes), tag
        assert attributes.get("href", "#").startswith(("#", "data:,")), tag  # type: ignore[union-attr]
    assert "default-src 'none'" in text
    assert not re.search(r"(?i)url\(|@import|https?://", text)


def test_no_message_is_markup() -> None:
    tags = [tag for tag, _ in Page(report(Outcome((NASTY,)))).tags]
    assert "b" not in tags
    assert tags.count("script") == 1


def test_of_too_many_findings_the_worst_are_listed_and_all_are_counted() -> None:
    texts = audited(POD % "", "bar", *(finding("texts", f"m{number}") for number in range(MOST_FINDINGS)))
    page = Page(report(Outcome((texts, WEB))))
    rows = [attributes["data-policy"] for tag, attributes in page.tags if "data-policy" in attributes]
    assert (len(rows), rows[0]) == (MOST_FINDINGS, "no-host")
    said = "".join(page.words)
    total = MOST_FINDINGS + len(Outcome((WEB,)).results)
    assert (
        f"Listed and searched are the worst {MOST_FINDINGS} of {total} findings. The counts above hold all"
        in said
    )
    assert str(MOST_FINDINGS) in page.words  # of the policy, by its severity


def test_where_all_is_listed_nothing_is_said_of_more() -> None:
    assert "Listed and searched" not in report(EVERYTHING)
    assert " more<" not in report(EVERYTHING)


def test_of_too_much_that_was_not_audited_the_rest_is_counted() -> None:
    unread = tuple(Problem(f"{number}.yaml", 1, 1, "broken") for number in range(MOST_UNREAD + 7))
    page = Page(report(Outcome((), unread)))
    assert [word for word in page.words if word.endswith(": broken")][
        -1
    ] == f"{MOST_UNREAD - 1}.yaml:1:1: broken"
    assert "and 7 more" in page.words
    assert f"0 objects, 0 violating, {MOST_UNREAD + 7} not audited" in page.words


def test_what_may_be_filtered_by_is_listed() -> None:
    tags = Page(report(EVERYTHING)).tags
    assert [attributes["name"] for tag, attributes in tags if tag == "select"] == [
        "severity",
        "level",
        "tenant",
        "policy",
    ]
    values = [attributes["value"] for tag, attributes in tags if tag == "option"]
    assert {"critical", "deny", "foo", "no-host", "none", "(drift)"} <= set(values)


def test_workloads_are_counted_by_the_class_they_run_in() -> None:
    def run(spec: str, name: str) -> str:
        item = audited(POD % spec, "foo")
        return name if f">{name}: none</th>" in report(Outcome((item,))) else ""

    assert run("runtimeClassName: kata, ", "kata") == "kata"
    assert run("", "(none named)") == "(none named)"
    assert "Runtime classes" not in report(Outcome((CLEAN,)))


def test_what_is_new_is_marked() -> None:
    earlier = json.baseline(json.report(Outcome((NASTY,))))
    words = Page(report(Outcome((WEB, NASTY), baseline=earlier))).words
    assert words.count("deny (new)") == 1
    assert "audit (new)" not in words
