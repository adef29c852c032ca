"""The page over HTTP, for whoever sits at this machine and for nobody else.

A browser on this machine also runs the pages of strangers. One whose name is made to lead here (DNS
rebinding) sends a Host that is not this machine's name, and is refused. One that posts from elsewhere sends
an Origin that is not this page's, or may send no JSON unasked, and is refused. The page itself may load
nothing from elsewhere, and send nothing there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gatekeeper_py.authoring.playground.samples import Sample
from gatekeeper_py.authoring.playground.sheet import LONGEST, PANES, NotASheet, Sheet
from gatekeeper_py.authoring.playground.worker import Busy, TooSlow, Worker
from gatekeeper_py.browser.contentpolicy import own
from gatekeeper_py.browser.sealing import Sealed

__all__ = ["LOOPBACK", "make_site"]

LOOPBACK = "127.0.0.1"
HOSTS = [LOOPBACK, "localhost"]

LARGEST_BODY = 4 * len(PANES) * LONGEST
"""Bytes of a sheet: every pane full of characters that take four."""

SAME_SITE = frozenset({"same-origin", "none"})
"""What a browser says of who asks (Sec-Fetch-Site), if it is this page or the person."""

TOO_SLOW = "this takes too long to try, or too much memory; make it smaller"
BUSY = "too many sheets wait; try again"


def make_site(samples: Callable[[], Sequence[Sample]], worker: Worker | None = None) -> Starlette:
    """The application; `samples` are read when they are asked for first."""
    works = worker or Worker()
    known = cache(samples)

    async def try_out(request: Request) -> Response:
        return await _try_out(request, works)

    async def list_samples(_request: Request) -> Response:
        found = await run_in_threadpool(known)
        return _json([{"group": sample.group, "name": sample.name} for sample in found])

    async def sample(request: Request) -> Response:
        number: int = request.path_params["number"]
        found = await run_in_threadpool(known)
        return _json(found[number].sheet.plain) if number < len(found) else _refused(404, "no such example")

    @asynccontextmanager
    async def lifespan(_site: Starlette) -> AsyncIterator[None]:
        yield
        await works.close()

    return Starlette(
        routes=[
            Route("/", _page),
            Route("/samples", list_samples),
            Route("/samples/{number:int}", sample),
            Route("/try", try_out, methods=["POST"]),
        ],
        middleware=[Middleware(Sealed), Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        lifespan=lifespan,
    )


async def _page(_request: Request) -> Response:
    text, policy = _sealed_page()
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})


async def _try_out(request: Request, worker: Worker) -> Response:
    if (refused := _foreign(request)) is not None:
        return refused
    body = await _body(request)
    if body is None:
        return _refused(413, f"a sheet is at most {LARGEST_BODY} bytes")
    try:
        sheet = Sheet.read(orjson.loads(body))
    except orjson.JSONDecodeError:
        return _refused(400, "no JSON")
    except NotASheet as error:
        return _refused(400, str(error))
    try:
        return _json(await worker.ask(sheet))
    except TooSlow:
        return _refused(422, TOO_SLOW)
    except Busy:
        return _refused(503, BUSY)


def _foreign(request: Request) -> Response | None:
    """Why a request is refused that another site's page may have sent."""
    headers = request.headers
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _refused(415, "send application/json")
    origin = headers.get("origin")
    is_own = origin is None or origin == f"http://{headers['host']}"
    if not is_own or headers.get("sec-fetch-site", "none") not in SAME_SITE:
        return _refused(403, "only the page itself may ask")
    return None


async def _body(request: Request) -> bytes | None:
    """What was sent; None when it is too long, of which no more is read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _refused(status: int, text: str) -> Response:
    return PlainTextResponse(text, status)


# --- what a browser may do with the page --------------------------------------------------------------


@cache
def _sealed_page() -> tuple[str, str]:
    """The page, and the policy by which it runs its own script and style alone."""
    text = files("gatekeeper_py.authoring.playground").joinpath("playground.html").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'",
        f"script-src {own(text, 'script')}",
        f"style-src {own(text, 'style')}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return text, "; ".join(policy)
