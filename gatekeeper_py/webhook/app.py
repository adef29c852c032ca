"""The HTTP application: two doors for reviews, and what operators ask for.

`POST /mutate`, `POST /validate`: a review in, a verdict out with status 200. Otherwise one line says why not:
400 malformed, 408 the body did not arrive in time, 413 too large, 503 no capacity. The API server takes each
of these as a failed call, and with failurePolicy Fail refuses the request.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.policy.admission.admission_review import ReviewError, parse_review, render_review
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook import limits, log
from gatekeeper_py.webhook.body import BodyTooLarge, Lease, Memory, MemoryExhausted, read_body
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.revision import InForce, Policies, Webhook
from gatekeeper_py.webhook.turns import Turns

__all__ = ["Service", "application", "health_application"]


TOO_MANY = "too many reviews at once"


@dataclass(slots=True)
class _Job:
    """One review on its way; the worker thread notes the request when it begins."""

    webhook: Webhook
    body: bytes
    started: float
    deadline: float
    request: AdmissionRequest | None = None


@dataclass(slots=True)
class Service:
    """What the handlers share."""

    policies: Policies
    log: log.Log
    metrics: Metrics = field(default_factory=Metrics)
    max_body: int = limits.MAX_BODY
    max_in_flight: int = limits.MAX_IN_FLIGHT
    workers: int = limits.WORKERS
    max_memory: int = limits.MAX_MEMORY
    _memory: Memory = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _turns: Turns = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._memory = Memory(self.max_memory)
        self._slots = asyncio.Semaphore(self.max_in_flight)
        self._turns = Turns(limits.share(self.workers))
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="review")

    async def mutate(self, request: Request) -> Response:
        """`POST /mutate`."""
        return await self._review(request, "mutate")

    async def validate(self, request: Request) -> Response:
        """`POST /validate`."""
        return await self._review(request, "validate")

    async def healthz(self, _request: Request) -> Response:
        """`GET /healthz`: the process answers."""
        return PlainTextResponse("ok")

    async def readyz(self, _request: Request) -> Response:
        """`GET /readyz`: 200 once policies are in force; the body says which, and why an edit is not."""
        in_force = self.policies.in_force
        details: dict[str, object] = {"ready": in_force is not None, "problems": list(self.policies.problems)}
        if in_force is not None:
            details |= {
                "policies": in_force.count,
                "revision": in_force.revision,
                "loadedAt": in_force.loaded_at,
            }
        code = HTTPStatus.OK if in_force is not None else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(orjson.dumps(details), code)

    async def exposition(self, _request: Request) -> Response:
        """`GET /metrics`."""
        return Response(self.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def _review(self, request: Request, webhook: Webhook) -> Response:
        started = time.monotonic()
        deadline = started + limits.time_allowed(request.query_params.get("timeout"))
        lease = Lease(self._memory)
        with self.metrics.in_flight.track_inprogress():
            try:
                async with asyncio.timeout_at(_loop_time(deadline)):
                    body = await read_body(request, self.max_body, lease)
                return await self._decide(_Job(webhook, body, started, deadline))
            except BodyTooLarge:
                reason = f"the review is longer than {self.max_body} bytes"
                return self._refuse(webhook, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
            except TimeoutError:
                return self._refuse(webhook, HTTPStatus.REQUEST_TIMEOUT, "the review did not arrive in time")
            except ClientDisconnect:
                return self._refuse(webhook, HTTPStatus.BAD_REQUEST, "the connection was closed")
            except MemoryExhausted:
                return self._refuse(webhook, HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY)
            finally:
                lease.give_back()

    async def _decide(self, job: _Job) -> Response:
        """Have a thread answer when it is the job's turn; the turn ends when the thread is done with it."""
        in_force = self.policies.in_force
        if in_force is None:
            return self._refuse(job.webhook, HTTPStatus.SERVICE_UNAVAILABLE, "no policies are loaded yet")
        try:
            async with asyncio.timeout_at(_loop_time(job.deadline)):
                request = await self._parsed(job.body)
                await self._await_turn(owner := _owner(request))
        except ReviewError as error:
            return self._refuse(job.webhook, HTTPStatus.BAD_REQUEST, str(error))
        except TimeoutError:
            return self._refuse(job.webhook, HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, self._answer, in_force, job, request)
        future.add_done_callback(lambda _: self._end_turn(owner))
        return await self._await_answer(future, job)

    async def _parsed(self, body: bytes) -> AdmissionRequest:
        """The request; a thread reads a long one, so that nobody waits for that."""
        if len(body) <= limits.SHORT_BODY:
            return _parse(body)
        return await asyncio.get_running_loop().run_in_executor(self._threads, _parse, body)

    async def _await_turn(self, owner: str) -> None:
        """A turn of its owner's first: those who wait for one hold no slot of all."""
        await self._turns.take(owner)
        try:
            await self._slots.acquire()
        except BaseException:
            self._turns.give_back(owner)
            raise

    def _end_turn(self, owner: str) -> None:
        self._slots.release()
        self._turns.give_back(owner)

    async def _await_answer(self, future: asyncio.Future[bytes], job: _Job) -> Response:
        """The thread's answer, or a denial when it is late; a late thread works on until its own deadline."""
        try:
            async with asyncio.timeout_at(_loop_time(job.deadline)):
                return _json(await asyncio.shield(future))
        except TimeoutError:
            if job.request is None:
                return self._refuse(job.webhook, HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY)
            future.add_done_callback(_ignore_outcome)
            return _json(self._verdict(job, job.request, _late(job)))

    def _answer(self, in_force: InForce, job: _Job, request: AdmissionRequest) -> bytes:
        """A request in, bytes out, in a worker thread. Nothing is raised."""
        job.request = request
        try:
            decision = in_force.review(request, job.webhook, job.deadline)
            return self._verdict(job, request, decision)
        except DeadlineExceeded:
            return self._verdict(job, request, _late(job))
        except Exception as error:  # whatever it is: the request is denied, and the log knows why
            identifier = secrets.token_hex(8)
            log.incident(self.log, identifier, job.webhook, request, error)
            self.metrics.incidents.inc()
            return self._verdict(job, request, _incident(identifier), identifier)

    def _verdict(self, job: _Job, request: AdmissionRequest, decision: Decision, incident: str = "") -> bytes:
        """Render, log and count a decision."""
        rendered = orjson.dumps(render_review(request.uid, decision, patch=job.webhook == "mutate"))
        seconds = time.monotonic() - job.started
        log.decision(self.log, job.webhook, request, decision, seconds, incident)
        self.metrics.reviewed(job.webhook, request.operation, decision, seconds)
        return rendered

    def _refuse(self, webhook: Webhook, code: HTTPStatus, reason: str) -> Response:
        """An answer without a verdict. The connection ends: part of the body may still be on its way."""
        self.log.warning("refused", webhook=webhook, code=int(code), reason=reason)
        self.metrics.refused.labels(webhook, str(int(code))).inc()
        return PlainTextResponse(f"{reason}\n", int(code), {"Connection": "close"})


def application(service: Service, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The routes of a service, and what goes on beside them."""
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/mutate", service.mutate, methods=["POST"]),
            Route("/validate", service.validate, methods=["POST"]),
            *_health(service),
        ],
    )


def health_application(service: Service) -> Starlette:
    """What probes and monitoring ask, and no reviews: for a port without client certificates."""
    return Starlette(routes=_health(service))


def _health(service: Service) -> list[Route]:
    return [
        Route("/healthz", service.healthz),
        Route("/readyz", service.readyz),
        Route("/metrics", service.exposition),
    ]


def _parse(body: bytes) -> AdmissionRequest:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ReviewError(f"the body is not JSON: {error}") from error
    return parse_review(document)


def _owner(request: AdmissionRequest) -> str:
    """Whose turn a review takes: its namespace's, or for cluster-wide objects its user's."""
    return request.namespace or f"user {request.user.username}"


def _incident(identifier: str) -> Decision:
    message = f"internal error of the policy engine, incident {identifier}: its log has this id"
    return Decision(allowed=False, status=Status(500, "InternalError", message))


def _late(job: _Job) -> Decision:
    seconds = job.deadline - job.started
    message = f"the policies came to no decision within {seconds:.1f} seconds"
    return Decision(allowed=False, status=Status(504, "Timeout", message))


def _json(body: bytes, code: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(body, int(code), media_type="application/json")


def _loop_time(moment: float) -> float:
    """A `time.monotonic()` moment on the event loop's clock, which may count from elsewhere."""
    return asyncio.get_running_loop().time() + moment - time.monotonic()


def _ignore_outcome(future: asyncio.Future[bytes]) -> None:
    """Fetch a late thread's outcome, so that nobody complains that it was never looked at."""
    if not future.cancelled():
        future.exception()
