"""What can be got round is told: open prefixes, marks of one's own, groups of everybody, errors let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import CONDITION, POLICY, TRUE, found, linted

IMAGES = "(object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([]))"
ALL = f"{IMAGES}.all(c, c.image.%s)"

MISTAKES = {
    "a registry without its end": (
        TRUE,
        ALL % "startsWith('registry.example.com')",
        'GK801 warning: "registry.example.com" is also how longer names begin: '
        "registry.example.com.example.org/, registry.example.com-other. "
        "End it with what ends the name: `/`, `:` or `@`",
    ),
    "a registry anywhere": (
        TRUE,
        ALL % "contains('ghcr.io/foo/')",
        'GK801 warning: "ghcr.io/foo/" may stand anywhere: example.org/ghcr.io/foo/. '
        "Ask startsWith() with the whole registry and a `/`",
    ),
    "a pattern without its beginning": (
        TRUE,
        ALL % "matches('ghcr[.]io/foo/.*')",
        "GK801 warning: matches() finds the pattern anywhere: example.org/ may stand before it. Begin it with ^",
    ),
    "a dot that is any character": (
        TRUE,
        ALL % "matches('^ghcr.io/foo/')",
        "GK801 warning: a dot stands for any character, in a hostname too. Write [.] where a dot is meant",
    ),
    "a hostname without its end": (
        TRUE,
        ALL % "matches('^ghcr[.]io')",
        "GK801 warning: behind the hostname anything may follow: .example.org/. End the hostname with /",
    ),
    "an exemption by the beginning of a name": (
        CONDITION,
        "!request.userInfo.username.startsWith('system:serviceaccount:ops')",
        'GK801 warning: "system:serviceaccount:ops" is also how longer names begin: '
        "system:serviceaccount:ops-other:name. End it with what ends the name: `:`",
    ),
    "an exemption of everybody": (
        CONDITION,
        "!('system:authenticated' in request.userInfo.groups)",
        "GK802 warning: everybody is in this group, people and pods of all tenants. "
        "Name a group or a user that nobody else can be",
    ),
    "an exemption by a label": (
        CONDITION,
        "object.metadata.?labels[?'exempt'].orValue('') != 'yes'",
        "GK802 warning: whoever writes the object writes this, and so chooses whether it is judged. "
        "Ask for something of the namespace, or for who asks",
    ),
    "an exemption by an annotation": (
        CONDITION,
        "!('exempt' in object.metadata.?annotations.orValue({}))",
        "GK802 warning: whoever writes the object writes this",
    ),
    "a selector of labels": (
        "matchConstraints:",
        "matchConstraints:\n    objectSelector: {matchLabels: {judged: yes-please}}",
        "GK802 warning: whoever writes the object writes its labels, and so chooses whether it is judged. "
        "Select by namespaceSelector, or by what the object does",
    ),
    "a binding that selects by labels": (
        "policyName: p",
        "policyName: p, matchResources: {objectSelector: {matchLabels: {judged: yes-please}}}",
        "GK802 warning: whoever writes the object writes its labels",
    ),
    "errors that are let pass": (
        "matchConstraints:",
        "failurePolicy: Ignore\n  matchConstraints:",
        "GK803 warning: what makes an expression fail is admitted: whoever writes the object chooses what it "
        "lacks. Write Fail",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    before, after, expected = MISTAKES[mistake]
    told = [line for line in linted(tmp_path, before, after) if "GK805" not in line]
    assert len(told) == 1
    assert told[0].partition(": ")[2].startswith(expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TRUE, ALL % "startsWith('registry.example.com/')"),
        (TRUE, ALL % "matches('^registry[.]example[.]com/foo/')"),
        (TRUE, ALL % "matches('@sha256:[0-9a-f]{64}$')"),
        (TRUE, ALL % "contains('@sha256:')"),
        (TRUE, f"!{IMAGES}.exists(c, c.image.startsWith('docker.io'))"),
        (TRUE, f"{IMAGES}.all(c, !c.image.contains('docker.io'))"),
        (CONDITION, "!('system:nodes' in request.userInfo.groups)"),
        (CONDITION, "request.userInfo.username.startsWith('system:serviceaccount:ops')"),
        (CONDITION, "!request.userInfo.username.startsWith('system:serviceaccount:ops:')"),
        (CONDITION, "oldObject == null || object.metadata.?labels != oldObject.metadata.?labels"),
    ],
)
def test_what_nobody_gets_round_is_not_told(before: str, after: str, tmp_path: Path) -> None:
    assert not [line for line in linted(tmp_path, before, after) if "GK801" in line or "GK802" in line]


def test_a_condition_that_picks_what_is_judged_is_no_exemption(tmp_path: Path) -> None:
    condition = "has(object.metadata.annotations)"
    judged = "object.metadata.annotations.all(key, key != 'a')"
    text = POLICY.replace(CONDITION, condition).replace(TRUE, judged)
    assert not [line for line in found(tmp_path, {"p.yaml": text}) if "GK8" in line]


def test_who_only_warns_refuses_nobody_by_an_error(tmp_path: Path) -> None:
    text = POLICY.replace("[Deny]", "[Warn]").replace(
        "matchConstraints:", "failurePolicy: Ignore\n  matchConstraints:"
    )
    assert not [line for line in found(tmp_path, {"p.yaml": text}) if "GK803" in line]
