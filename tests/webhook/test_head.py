"""Whose a review is, told by its beginning as an API server writes it; any other beginning tells nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper_py.webhook.head import LONGEST, NO_HEAD, head_of
from tests.webhook.support import pod_review


def body(**fields: Any) -> bytes:
    return orjson.dumps(pod_review(**fields))


def test_the_beginning_of_a_review_is_enough() -> None:
    head = head_of(body(object={"a": 1})[:-5])
    assert (head.namespace, head.username, head.makes_namespace) == ("foo", "alice", False)
    request = head.request()
    assert request is not None
    assert (request.uid, request.operation, request.object) == ("uid-1", "CREATE", {})


def test_a_deletion_has_no_object() -> None:
    request = head_of(body(operation="DELETE", object=None, oldObject={})).request()
    assert request is not None
    assert (request.operation, request.object) == ("DELETE", None)


def test_a_namespace_is_made_before_it_exists() -> None:
    resource = {"group": "", "version": "v1", "resource": "namespaces"}
    assert head_of(body(resource=resource)).makes_namespace


@pytest.mark.parametrize(
    "name", ['","namespace":"bar', '"object":{"namespace":"bar"}', '\\","namespace":"bar']
)
def test_no_name_of_a_tenant_s_choice_changes_whose_a_review_is(name: str) -> None:
    head = head_of(body(name=name))
    assert head.namespace == "foo"


ODD: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b'{"a": nonsense "object":',
    "no object": b'{"request":{"namespace":"foo"}}',
    "the object first": b'{"request":{"object":{},"namespace":"foo"}}',
    "too far in": b'{"request":{"uid":"' + b"u" * LONGEST + b'","namespace":"foo","object":{}}}',
    "of other types": b'{"request":{"namespace":1,"userInfo":[],"resource":1,"object":{}}}',
    "no request": b'{"request":[{"object":{}}]}',
}


@pytest.mark.parametrize("beginning", ODD.values(), ids=ODD)
def test_any_other_beginning_tells_nothing(beginning: bytes) -> None:
    head = head_of(beginning)
    assert (head.namespace, head.username, head.makes_namespace) == ("", "", False)
    assert head.request() is None


def test_there_is_a_head_that_tells_nothing() -> None:
    assert (NO_HEAD.namespace, NO_HEAD.request()) == ("", None)
