"""A field that may be absent is told where reading it is an error, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import CONDITION, TRUE, linted

TOLD = {
    "in a validation": (
        TRUE,
        "object.spec.hostNetwork == false",
        '11:33: GK202 error: a Pod may have no "hostNetwork" here, and this is an error then. '
        "Ask has() before, or read .?hostNetwork with orValue()",
    ),
    "in a condition": (CONDITION, "object.metadata.labels.a == 'b'", '9:50: GK202 error: a Pod may have no "labels" here'),
    "deep in a list": (
        TRUE,
        "object.spec.containers.all(c, c.ports.size() < 3)",
        '11:53: GK202 error: a Pod may have no "ports" here',
    ),
    "by a key": (TRUE, "object.metadata.?labels.orValue({}).team != ''", '11:57: GK202 error: a Pod may have no "team" here'),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_an_absent_field_is_told(name: str, tmp_path: Path) -> None:
    before, after, expected = TOLD[name]
    told = linted(tmp_path, before, after)
    assert told[0].removeprefix("p.yaml:").startswith(expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TRUE, "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false"),
        (TRUE, "object.spec.?hostNetwork.orValue(false) == false"),
        (TRUE, "'hostNetwork' in object.spec ? !object.spec.hostNetwork : true"),
        (TRUE, "object.spec.containers.all(c, c.image != '') || object.spec.nodeName == 'a'"),
        (TRUE, "object.spec.restartPolicy != 'Never'"),
        (CONDITION, "has(object.metadata.labels) && object.metadata.labels.size() > 0"),
    ],
)
def test_a_field_that_is_asked_for_or_filled_in_is_not_told(before: str, after: str, tmp_path: Path) -> None:
    assert linted(tmp_path, before, after) == []


def test_what_a_condition_keeps_out_is_not_told(tmp_path: Path) -> None:
    condition = "has(object.spec.priority) && object.spec.priority > 1000"
    assert linted(tmp_path, CONDITION, condition) == []
