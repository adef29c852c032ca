"""What is read of an HTTP request, and how it is replied to."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from gatekeeper_py.webhook.exchange import ARRIVED, Exchange, Reply

Message = Any


def exchange(
    *received: Message, headers: list[tuple[bytes, bytes]] | None = None, query: bytes = b""
) -> tuple[Exchange, list[Message]]:
    """One that receives these messages, and what it sends."""
    waiting, sent = list(received), list[Message]()

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    return Exchange({"headers": headers or [], "query_string": query}, receive, send), sent


@pytest.mark.parametrize(
    ("query", "timeout"),
    [
        (b"", None),
        (b"timeout=10s", "10s"),
        (b"a=b&timeout=1%6Ds", "1ms"),
        (b"timeout=1s&timeout=2s", "2s"),
        (b"\xff", None),
    ],
)
def test_the_time_allowed_is_in_the_query(query: bytes, timeout: str | None) -> None:
    assert exchange(query=query)[0].timeout == timeout


@pytest.mark.parametrize(
    ("value", "length"),
    [(b"0", 0), (b"17", 17), (b"", None), (b"-1", None), (b"1_0", None), (b"\xb2", None), (b"9" * 20, None)],
)
def test_a_length_is_a_number_or_says_nothing(value: bytes, length: int | None) -> None:
    headers = [(b"host", b"x"), (b"content-length", value)]
    assert exchange(headers=headers)[0].length == length


def test_a_request_may_say_nothing_of_its_length() -> None:
    assert exchange()[0].length is None


def test_parts_of_the_body_come_as_they_arrive() -> None:
    parts = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request"}]
    reading, _ = exchange(*parts)
    assert asyncio.run(reading.read()) == (b"a", True)
    assert asyncio.run(reading.read()) == (b"", False)


def test_a_client_that_is_gone_sends_nothing_more() -> None:
    reading, _ = exchange({"type": "http.disconnect"})
    with pytest.raises(ClientDisconnect):
        asyncio.run(reading.read())


def test_a_verdict_is_json_and_a_refusal_ends_the_connection() -> None:
    for verdict, headers in (
        (True, [(b"content-type", b"application/json")]),
        (False, [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]),
    ):
        replying, sent = exchange()
        asyncio.run(replying.reply(Reply(HTTPStatus.OK, b"abc", verdict)))
        assert sent == [
            {"type": "http.response.start", "status": 200, "headers": [*headers, (b"content-length", b"3")]},
            {"type": "http.response.body", "body": b"abc"},
        ]


def test_what_was_there_before_the_application_was_asked_has_arrived_then() -> None:
    before = time.monotonic()
    asked_now, _ = exchange()
    assert before <= asked_now.arrived <= time.monotonic()
    assert Exchange({ARRIVED: before - 1}, *[None] * 2).arrived == before - 1  # type: ignore[arg-type]
