"""Verdicts as one, and what a refused request is answered with."""

from __future__ import annotations

import pytest

from gatekeeper_py.objects.resource import GroupVersionResource
from gatekeeper_py.policy.verdict import Denial, Verdict, mutation_refused, validation_refused
from tests.policy.support import CONFIG_MAP, request


def test_verdicts_keep_their_order_and_the_first_annotation_of_a_key() -> None:
    first = Verdict((Denial("one"),), ("careful",), {"k": "first"})
    second = Verdict((Denial("two"),), (), {"k": "second", "other": "x"})
    merged = Verdict.merged((first, second))
    assert merged == Verdict((Denial("one"), Denial("two")), ("careful",), {"k": "first", "other": "x"})
    assert Verdict.merged(()) == Verdict()


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", 422), ("Invalid", 422), ("Forbidden", 403), ("Unauthorized", 401), ("RequestEntityTooLarge", 413)],
)
def test_the_first_denial_of_a_validation_gives_reason_and_code(reason: str, code: int) -> None:
    status = validation_refused(request(CONFIG_MAP), (Denial("no", reason), Denial("never", "Forbidden")))
    assert (status.reason, status.code) == (reason or "Invalid", code)
    assert status.message == 'configmaps "x" is forbidden: no\nconfigmaps "x" is forbidden: never'
    assert [cause.message for cause in status.causes] == ["no", "never"]


def test_a_mutation_refused_has_the_denials_as_they_are_each_once() -> None:
    status = mutation_refused(request(CONFIG_MAP), (Denial("no"), Denial("no"), Denial("never")))
    assert (status.code, status.reason, status.message) == (403, "Forbidden", "no\nnever")


@pytest.mark.parametrize(
    ("metadata", "name"),
    [({"name": "a"}, "a"), ({"generateName": "a-"}, "a-"), ({}, "Unknown")],
)
def test_an_object_without_a_name_is_called_by_what_it_has(metadata: dict[str, str], name: str) -> None:
    asked = request({**CONFIG_MAP, "metadata": metadata}, name="")
    assert validation_refused(asked, (Denial("no"),)).name == name


def test_the_status_is_about_what_the_client_asked_for() -> None:
    sent = GroupVersionResource("example.com", "v1", "widgets")
    status = validation_refused(request(CONFIG_MAP, request_resource=sent), (Denial("no"),))
    assert (status.group, status.kind) == ("example.com", "widgets")
    assert status.message.startswith('widgets.example.com "x" is forbidden')
