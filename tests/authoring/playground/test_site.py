"""The page over HTTP, and whom it does not answer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from gatekeeper_py.authoring.playground.samples import Sample
from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.authoring.playground.site import BUSY, LARGEST_BODY, TOO_SLOW, make_site
from gatekeeper_py.authoring.playground.tryout import try_out
from gatekeeper_py.authoring.playground.worker import Busy, TooSlow, Worker
from tests.authoring.playground.sheets import SHEET

HERE = "http://localhost:8765"
SHEETS = {"application/json": orjson.dumps(SHEET.plain)}


class Inline(Worker):
    """Tries sheets where it is."""

    failure: Exception | None = None

    async def ask(self, sheet: Sheet) -> Any:
        if self.failure is not None:
            raise self.failure
        return try_out(sheet)


@pytest.fixture
def worker() -> Inline:
    return Inline()


@pytest.fixture
def client(worker: Inline) -> Iterator[TestClient]:
    with TestClient(make_site(lambda: [Sample("group", "name", SHEET)], worker), base_url=HERE) as made:
        yield made


def post(client: TestClient, body: bytes, **headers: str) -> Any:
    named = {
        "content-type": "application/json",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return client.post("/try", content=body, headers=named)


BODY = orjson.dumps(SHEET.plain)


def test_a_sheet_is_tried(client: TestClient) -> None:
    answer = post(client, BODY, origin=HERE, sec_fetch_site="same-origin")
    assert answer.status_code == 200
    assert answer.json()["requests"][0]["verdict"] == "changed"


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8765"])
def test_this_machine_is_answered(host: str, client: TestClient) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""],
)
@pytest.mark.parametrize("path", ["/", "/samples", "/samples/0", "/try"])
def test_a_name_that_was_made_to_lead_here_is_not(host: str, path: str, client: TestClient) -> None:
    method = "POST" if path == "/try" else "GET"
    answer = client.request(
        method, path, headers={"host": host, "content-type": "application/json"}, content=BODY
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"content_type": "text/plain"}, 415, "send application/json"),
        ({"content_type": "application/x-www-form-urlencoded"}, 415, "send application/json"),
        ({"origin": "http://evil.example"}, 403, "only the page itself may ask"),
        ({"origin": "http://localhost:1"}, 403, "only the page itself may ask"),
        ({"origin": "null"}, 403, "only the page itself may ask"),
        ({"sec_fetch_site": "cross-site"}, 403, "only the page itself may ask"),
        ({"sec_fetch_site": "same-site"}, 403, "only the page itself may ask"),
    ],
)
def test_the_page_of_a_stranger_may_not_ask(
    headers: dict[str, str], status: int, said: str, client: TestClient
) -> None:
    answer = post(client, BODY, **headers)
    assert (answer.status_code, answer.text) == (status, said)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "no JSON"),
        (b"[]", 400, "a sheet is an object"),
        (b'{"polcy": ""}', 400, "a sheet has no polcy"),
        (b" " * (LARGEST_BODY + 1), 413, f"a sheet is at most {LARGEST_BODY} bytes"),
    ],
)
def test_what_is_no_sheet_is_refused(body: bytes, status: int, said: str, client: TestClient) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.text) == (status, said)


@pytest.mark.parametrize(("failure", "status", "said"), [(TooSlow(), 422, TOO_SLOW), (Busy(), 503, BUSY)])
def test_what_is_too_much_is_said_to_be(
    failure: Exception, status: int, said: str, client: TestClient, worker: Inline
) -> None:
    worker.failure = failure
    answer = post(client, BODY)
    assert (answer.status_code, answer.text) == (status, said)


def test_the_examples_are_listed_and_opened(client: TestClient) -> None:
    assert client.get("/samples").json() == [{"group": "group", "name": "name"}]
    assert client.get("/samples/0").json() == SHEET.plain
    assert client.get("/samples/1").status_code == 404


@pytest.mark.parametrize("path", ["/", "/samples", "/nowhere"])
def test_every_answer_is_kept_from_other_sites(path: str, client: TestClient) -> None:
    headers = client.get(path).headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_the_page_runs_its_own_script_and_loads_nothing(client: TestClient) -> None:
    answer = client.get("/")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert not re.search(r"""(?:src|href|action)=(?!["']?data:)""", answer.text)
    assert "innerHTML" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
