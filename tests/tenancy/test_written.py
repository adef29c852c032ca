"""Which marks a text gives to something."""

from __future__ import annotations

import pytest

from gatekeeper_py.tenancy.written import key_within, written_marks

PROTECTED = "tenancy.gatekeeper-py.dev/protected"
TENANT = "tenancy.gatekeeper-py.dev/tenant"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"kind: Pod\nmetadata:\n  labels:\n    {PROTECTED}: 'true'\n", (PROTECTED, "true")),
        (f'{{"metadata":{{"labels":{{"{PROTECTED}":"true"}}}}}}', (PROTECTED, "true")),
        (f'{{\\"{TENANT}\\":\\"bar\\"}}', (TENANT, "bar")),
        (f"a=b,{TENANT}=bar,c=d", (TENANT, "bar")),
        ("--set podLabels.tenancy\\.gatekeeper-py\\.dev/tenant=bar", (TENANT, "bar")),
        (
            "- op: add\n  path: /metadata/labels/tenancy.gatekeeper-py.dev~1tenant\n  value: bar",
            (TENANT, "bar"),
        ),
        ("/metadata/labels/tenancy.gatekeeper-py.dev~1protected", (PROTECTED, "")),
        (PROTECTED, (PROTECTED, "")),
        ('replicator.v1.mittwald.de/replicate-to: "bar"', ("replicator.v1.mittwald.de/replicate-to", "bar")),
    ],
)
def test_a_text_marks_something(text: str, expected: tuple[str, str]) -> None:
    assert list(written_marks(text)) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        f"labels such as {PROTECTED} are the platform's",
        f"group by {TENANT}, please",
        "https://docs.example.com/tenancy",
        "example.com/protected: 'true'",
    ],
)
def test_a_text_that_mentions_one_marks_nothing(text: str) -> None:
    assert list(written_marks(text)) == []


def test_the_name_of_a_field_ends_with_a_key() -> None:
    assert key_within(f"spark.kubernetes.driver.label.{TENANT}") == TENANT
    assert key_within("spark.kubernetes.driver.label.app") == ""
