"""Every answer is sealed, whoever gives it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from gatekeeper_py.browser.sealing import HEADERS, Sealed


def page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello", headers={"x-own": "kept"})


def test_pages_and_refusals_are_sealed() -> None:
    client = TestClient(Starlette(routes=[Route("/", page)], middleware=[Middleware(Sealed)]))
    for path, code in (("/", 200), ("/nothing", 404)):
        answer = client.get(path)
        assert answer.status_code == code
        assert {name: answer.headers[name.decode()] for name in HEADERS} == {
            name: value.decode() for name, value in HEADERS.items()
        }
    assert client.get("/").headers["x-own"] == "kept"
