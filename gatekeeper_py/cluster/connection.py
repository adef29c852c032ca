"""One API server, asked over HTTPS as a kubeconfig says: lists, watches and single objects.

lightkube reads the configuration, trusts and authenticates; it reads the token of a ServiceAccount anew when
the API server refuses the old one. Its own watch takes no bookmarks and hides where one watch ends and the
next begins, and just that says how old a view is: so the requests are made here.
"""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError
from yaml import Mark, MarkedYAMLError

from gatekeeper_py.cluster.bounds import UNBOUNDED, Bounds, Exceeded, Room, bounded
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.objects.projection import WHOLE, Projection
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served

__all__ = [
    "Connection",
    "Connections",
    "Event",
    "Listed",
    "Refused",
    "Renew",
    "configuration",
    "failure",
    "now",
]

WATCH_SECONDS = 6
"""After which the API server ends a watch. It is begun anew where it ended: that proves that we may still
read the kind, that the connection is alive and that nothing is missing. Shorter finds out sooner and asks
more often: one request a kind each time."""
SILENCE_SECONDS = WATCH_SECONDS + 2.0
"""A connection that says nothing for so long is dead, though nobody said so: a watch ends before that."""
CONNECT_SECONDS = 3.0
"""How long it may take to be connected to the API server."""
ANSWER_SECONDS = 10.0
"""How long the API server may pause within an answer."""
NO_SUCCESS = 300
"""The least HTTP status that is none; redirects are not followed."""
UNAUTHORIZED, NOT_FOUND = 401, 404
RENEWAL_SECONDS = 5.0
"""Between two connections made anew of the kubeconfig, which may have changed."""
LEAST_SPENT = 0.002
"""Seconds of work that are worth a rest."""
MOST_FREE = 0.1
"""Seconds of work, for which one that has said nothing for long has not to rest."""
MOST_READ = 64 * 1024
"""Bytes of a refusal that are read."""
MOST_SAID = 500
"""Characters of what an API server says for itself that are told on."""
RETIRED_SECONDS = SILENCE_SECONDS
"""After which no watch uses a connection any more for which there is a new one."""


def now() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Refused(Exception):
    """The API server answered with an error."""

    def __init__(self, code: int, message: str, retry_after: float = 0.0) -> None:
        self.code = code
        self.message = message
        self.retry_after = retry_after
        """Seconds that the API server asks to wait."""
        super().__init__(f"{code}: {message}")


class Listed(NamedTuple):
    """The objects of a kind, and the version to watch from."""

    objects: list[Object]
    version: str


class Event(NamedTuple):
    """What a watch says: ADDED, MODIFIED, DELETED, or BOOKMARK for "nothing else up to this version"."""

    type: str
    object: Object
    version: str
    """Where a watch that ends with this event goes on."""


def configuration(kubeconfig: Path | None) -> SingleConfig:
    """How to reach the cluster: a kubeconfig file, or (None) what a pod finds around it."""
    try:
        config = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()
        single = config.get()
    except Exception as error:  # lightkube takes the file's shape for granted, and fails in many ways
        place = str(kubeconfig) if kubeconfig else "no kubeconfig, and not inside a cluster"
        raise ClusterError(
            f"{place}: {_why(error)}. Name a kubeconfig file with a current context."
        ) from error
    if single is None:
        raise ClusterError(f"{kubeconfig}: names no current context")
    login = single.user.exec if single.user is not None else None
    if login is not None and login.apiVersion == LATEST_LOGIN:
        login.apiVersion = KNOWN_LOGIN
    return single


LATEST_LOGIN: Final = "client.authentication.k8s.io/v1"
KNOWN_LOGIN: Final = "client.authentication.k8s.io/v1beta1"
"""The version of `exec` that lightkube knows: in both the answer has `status.token`."""


def failure(error: Exception) -> str:
    """Why a cluster told nothing: by the login of its kubeconfig, or because it does not answer."""
    if isinstance(error, ConfigError | FileNotFoundError | PermissionError):
        return f"the kubeconfig cannot be used: {str(error).strip()}"
    return f"the cluster does not answer: {error or type(error).__name__}"


def _why(error: Exception) -> str:
    """What is wrong with a kubeconfig, in one line; of what lightkube trips over, no word of Python's."""
    match error:
        case KeyError():
            return f"is no kubeconfig, or lacks {error.args[0]!r}"
        case AttributeError() | TypeError() | ValueError():
            return "is no kubeconfig"
        case MarkedYAMLError(problem_mark=Mark() as mark):
            return f"is no YAML at line {mark.line + 1}, column {mark.column + 1}"
    return str(error)


def _as_it_is(obj: Object) -> Object:
    return obj


class Connection:
    """Asks the API server; raises `Refused`, or whatever the HTTP library raises when there is no answer."""

    def __init__(self, config: SingleConfig, bounds: Bounds = UNBOUNDED) -> None:
        self._bounds = bounds
        self._under_way = 0
        """Bytes that the lists under way have brought to be kept, where that is counted."""
        self._listed = 0
        """Bytes of all lists so far."""
        self._room = Room(bounds.under_way)
        self._busy_until = 0.0
        """When others have had their share of the time for what was done here (`now`)."""
        self._counted: tuple[float, float] | None = None
        """The thread's processor time, and the time, up to which what was done is paid for by rest."""
        _check_token(config)
        try:
            self._client = AsyncClient(config, _Parameters())
        except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
            raise ClusterError(f"the kubeconfig cannot be used: {error}") from error
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))

    async def list(
        self, served: Served, kept: Projection = WHOLE, take: Callable[[Object], Object] = _as_it_is
    ) -> Listed:
        """All objects of a kind, as the store holds them at this moment or later, and so much of each.

        No more than a page of whole objects is in memory at a time; what `take` makes of each stays.
        """
        found: list[Object] = []
        version, size = "", 0
        try:
            async for page in self.pages(served, kept=kept):
                weight = self._bounds.weight(page.objects)
                size, self._under_way = size + weight, self._under_way + weight
                self._bounds.check_kept(self._under_way)
                found += map(take, page.objects)
                version = page.version
        finally:
            self._under_way -= size
        return Listed(found, version)

    async def pages(
        self, served: Served, labels: str = "", kept: Projection = WHOLE
    ) -> AsyncGenerator[Listed, None]:
        """The same, some at a time: of what memory does not hold at once. `labels` select some."""
        params = {"limit": str(self._bounds.page), **({"labelSelector": labels} if labels else {})}
        size = count = 0
        while True:
            body = await self._get(_path(served), params, _accepted(kept, "PartialObjectMetadataList"))
            size, count, self._listed = size + len(body), count + 1, self._listed + len(body)
            self._bounds.check_listing(size, count)
            self._bounds.check_total(self._listed)
            self._bounds.check_values(body)
            objects, metadata = _page(body, served.kind, kept)
            del body
            yield Listed(objects, str(metadata.get("resourceVersion", "")))
            del objects  # whoever rests holds nothing that was let go of
            await self._rest()
            if not metadata.get("continue"):
                return
            params["continue"] = str(metadata["continue"])

    async def _rest(self) -> None:
        """Let others work for what this thread has done since it was last asked, where there is a limit.

        The thread follows one API server alone. All that goes on by this connection waits.
        """
        if not self._bounds.limited:
            return
        if (spent := self._spent()) >= LEAST_SPENT:
            with self._bounds.readers.resting(self) as readers:
                await self._pause(self._bounds.pause(spent, readers))
        elif self._busy_until > now():
            await self._pause(0.0)

    async def _pause(self, seconds: float) -> None:
        self._busy_until = max(self._busy_until, now()) + seconds
        await asyncio.sleep(self._busy_until - now())

    def _spent(self) -> float:
        """Processor time that is not paid for; it is then, unless it is little."""
        worked, moment = time.thread_time(), now()
        before, since = self._counted or (worked, moment)
        free = min(self._bounds.free * (moment - since), MOST_FREE)
        spent = worked - before - free
        if self._counted is None or spent >= LEAST_SPENT or free == MOST_FREE:
            self._counted = worked, moment
        return spent

    async def get(self, served: Served, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        try:
            found = await self._get(f"{_path(served, namespace)}/{name}", {}, JSON)
            return _plain(orjson.loads(found), served.kind, WHOLE)
        except Refused as error:
            if error.code == NOT_FOUND:
                return None
            raise

    async def apply(self, served: Served, namespace: str, name: str, value: Object, manager: str) -> None:
        """Server-side apply: make an object, or the fields that are stated as they are stated."""
        params = {"fieldManager": manager, "force": "true"}
        form = "application/apply-patch+yaml"
        await self._write("PATCH", f"{_path(served, namespace)}/{name}", value, form, params)

    async def create(self, served: Served, namespace: str, value: Object) -> None:
        """Make an object that is not there."""
        await self._write("POST", _path(served, namespace), value)

    async def replace(self, served: Served, namespace: str, name: str, value: Object) -> None:
        """Write an object that was read before, whole; refused when somebody has written it since."""
        await self._write("PUT", f"{_path(served, namespace)}/{name}", value)

    async def delete(self, served: Served, namespace: str, name: str) -> None:
        """Delete an object."""
        await self._write("DELETE", f"{_path(served, namespace)}/{name}", None)

    async def _write(
        self,
        method: str,
        path: str,
        value: Object | None,
        form: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> None:
        asked = self._client.stream(
            method,
            path,
            params=dict(params or {}),
            content=None if value is None else orjson.dumps(value),
            headers={"Content-Type": form, **self._encoding},
            timeout=_timeout(ANSWER_SECONDS),
        )
        async with asyncio.timeout(self._bounds.seconds or None), asked as answer:
            body = await self._body(answer)
            if answer.status_code >= NO_SUCCESS:
                raise _refused(answer.status_code, body, answer.headers)

    async def merge_status(self, served: Served, name: str, body: Object) -> None:
        """Merge into the status of an object without a namespace."""
        answer = await self._client.patch(
            f"{_path(served)}/{name}/status",
            content=orjson.dumps(body),
            headers={"Content-Type": "application/merge-patch+json"},
            timeout=_timeout(ANSWER_SECONDS),
            extensions=_watched(),
        )
        if answer.status_code >= NO_SUCCESS:
            raise _refused(answer.status_code, answer.content, answer.headers)

    @asynccontextmanager
    async def watch(
        self, served: Served, version: str, kept: Projection = WHOLE
    ) -> AsyncGenerator[AsyncIterator[Sequence[Event]], None]:
        """What happens after a version, until the API server ends the watch; long silence is an error.

        Events that arrive together come together, at least one.
        """
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        silence = _timeout(SILENCE_SECONDS)
        path = _path(served)
        await self._rest()
        asked = self._client.stream(
            "GET",
            path,
            params=params,
            headers={**_accepted(kept, "PartialObjectMetadata"), **self._encoding},
            timeout=silence,
            extensions=_watched(),
        )
        async with self._in_time(asked) as answer:
            if answer.status_code >= NO_SUCCESS:
                raise _refused(answer.status_code, await self._body(answer), answer.headers)
            yield self._events(answer, served, kept)

    async def _events(self, answer: Any, served: Served, kept: Projection) -> AsyncIterator[Sequence[Event]]:
        async for ended in lines(self._chunks(answer), self._bounds.answer, self._room):
            for line in ended:
                self._bounds.check_values(line)
            yield [_event(line, served.kind, kept) for line in ended]

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def _get(self, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        asked = self._client.stream(
            "GET",
            path,
            params=dict(params),
            headers={**headers, **self._encoding},
            timeout=_timeout(ANSWER_SECONDS),
            extensions=_watched(),
        )
        await self._rest()
        async with asyncio.timeout(self._bounds.seconds or None), asked as answer:
            body = await self._body(answer)
            if answer.status_code >= NO_SUCCESS:
                raise _refused(answer.status_code, body, answer.headers)
            return body

    async def _body(self, answer: Any) -> bytes:
        return await bounded(self._chunks(answer), self._bounds.answer, self._room)

    @asynccontextmanager
    async def _in_time(self, asked: Any) -> AsyncIterator[Any]:
        """An answer whose head has to be there in time; its body may take as long as it likes."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._bounds.seconds or None):
                answer = await stack.enter_async_context(asked)
            yield answer

    @property
    def _encoding(self) -> Mapping[str, str]:
        """Nothing compressed where there are limits: a few bytes could stand for gigabytes."""
        return {"Accept-Encoding": "identity"} if self._bounds.limited else {}

    async def _chunks(self, answer: Any) -> AsyncIterator[bytes]:
        """The parts of a body; as they came where there are limits, whatever the answer says they are."""
        async for chunk in answer.aiter_raw() if self._bounds.limited else answer.aiter_bytes():
            yield chunk
            await self._rest()


def _check_token(config: SingleConfig) -> None:
    """Raise `ClusterError` for one that no header carries: the HTTP library would quote it as it is."""
    token = config.user.token if config.user is not None else None
    if token and not SENT.fullmatch(token):
        raise ClusterError(BAD_TOKEN)


SENT: Final = re.compile(r"[!-~]+")
"""What a token is of (RFC 6750, section 2.1, and a little more)."""

BAD_TOKEN: Final = (
    "the kubeconfig cannot be used: its token has white space, control characters or others that no header "
    "carries. Is there a line break at its end?"
)


class _Parameters(ConnectionParams):
    """Whom we call may not have us shake hands again and again."""

    def httpx_params(self, config: SingleConfig) -> dict[str, Any]:
        """As lightkube has them, with that."""
        found: dict[str, Any] = super().httpx_params(config)
        if isinstance(found["verify"], ssl.SSLContext):
            found["verify"].options |= ssl.OP_NO_RENEGOTIATION
        return found


class _Opening:
    """Closes a connection when the wait for its TLS handshake is cancelled.

    httpcore closes it after an error only (`httpcore/_backends/anyio.py`, `start_tls`): a follower that was
    stopped just then left its socket behind. Called as the `trace` extension of a request is.
    """

    def __init__(self) -> None:
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed":
            await self._stream.aclose()


def _watched() -> dict[str, Any]:
    return {"trace": _Opening()}


Renew = Callable[[], SingleConfig]
"""How to connect, read anew; raises `ClusterError`."""


class Connections:
    """The connection in use, made anew when it fails: certificates, tokens and addresses change under way."""

    def __init__(self, config: SingleConfig, bounds: Bounds = UNBOUNDED, renew: Renew | None = None) -> None:
        """`renew` reads anew how to connect; the file that `config` is of, unless it is said."""
        self._renew = renew or (lambda: configuration(config.fname))
        self._bounds = bounds
        self.current = Connection(config, bounds)
        self._made = now()
        self._retired: dict[asyncio.Task[None], Connection] = {}

    def failed(self, error: Exception) -> None:
        """Make a new connection, unless the error is the API server's answer to a caller that it knows."""
        answered = isinstance(error, Refused) and error.code != UNAUTHORIZED
        if answered or now() - self._made < RENEWAL_SECONDS:
            return
        self._made = now()
        with suppress(ClusterError):  # the file is being written, or gone: the old one may yet do
            old, self.current = self.current, Connection(self._renew(), self._bounds)
            task = asyncio.create_task(_retire(old))
            self._retired[task] = old
            task.add_done_callback(self._retired.pop)

    async def close(self) -> None:
        """Close all."""
        retired = dict(self._retired)
        for task in retired:
            task.cancel()
        await asyncio.gather(*retired, return_exceptions=True)
        for connection in (*retired.values(), self.current):
            await connection.close()


async def _retire(connection: Connection) -> None:
    """Close a connection when nobody uses it any more."""
    await asyncio.sleep(RETIRED_SECONDS)
    await connection.close()


def _timeout(silence: float) -> tuple[float, float, float, float]:
    """For connecting, reading, writing and a free connection of the pool."""
    return CONNECT_SECONDS, silence, silence, silence


def _path(served: Served, namespace: str = "") -> str:
    group, version, resource = served.resource
    base = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{base}/namespaces/{namespace}/{resource}" if namespace else f"{base}/{resource}"


JSON: Final = {"Accept": "application/json"}
METADATA: Final = Projection.of("apiVersion", "kind", "metadata")


def _accepted(kept: Projection, form: str) -> Mapping[str, str]:
    """What to ask for: metadata alone where no more is kept, from who can give it (KEP-2334)."""
    if not METADATA.covers(kept):
        return JSON
    return {"Accept": f"application/json;as={form};g=meta.k8s.io;v=v1,application/json"}


def _page(body: bytes, kind: GroupVersionKind, kept: Projection) -> tuple[list[Object], Mapping[str, Any]]:
    """What is kept of the objects of a page, and its metadata.

    The collector rests meanwhile: it would go through tens of thousands of values that are gone in a moment,
    which takes longer than to read them.
    """
    resting = gc.isenabled()
    gc.disable()
    try:
        read = orjson.loads(body)
        return [_plain(value, kind, kept) for value in read.get("items") or ()], read.get("metadata") or {}
    finally:
        if resting:
            gc.enable()


async def lines(
    chunks: AsyncIterator[bytes], longest: int = 0, room: Room | None = None
) -> AsyncIterator[Sequence[bytes]]:
    """The lines that end in each chunk; raises `Exceeded` for one that is longer (0 is no limit)."""
    begun = bytearray()
    room = room or Room(0)
    try:
        async for chunk in chunks:
            *ended, last = chunk.split(b"\n")
            if ended:
                room.give_back(len(begun))
                ended[0] = bytes(begun) + ended[0]
                begun = bytearray()
            room.take(len(last))
            begun += last
            if longest and max(len(begun), *map(len, ended), 0) > longest:
                raise Exceeded(f"sends an event of more than {longest >> 20} MiB")
            if found := [line for line in ended if line]:
                yield found
    finally:
        room.give_back(len(begun))


def _event(line: bytes, kind: GroupVersionKind, kept: Projection) -> Event:
    read = orjson.loads(line)
    value = read["object"]
    if read["type"] == "ERROR":
        raise Refused(int(value.get("code", 500)), str(value.get("message", "the watch failed"))[:MOST_SAID])
    version = str(value["metadata"]["resourceVersion"])
    return Event(read["type"], _plain(value, kind, kept), version)


def _refused(code: int, content: bytes, headers: Mapping[str, str]) -> Refused:
    """In the words of the API server's Status, if it sent one."""
    message = content[:200].decode("utf-8", "replace").strip()
    with suppress(orjson.JSONDecodeError, AttributeError):
        message = str(orjson.loads(content[:MOST_READ]).get("message") or message)
    wait = headers.get("retry-after", "")
    return Refused(code, message[:MOST_SAID] or "no reason given", float(wait) if wait.isdecimal() else 0.0)


def _plain(value: Object, kind: GroupVersionKind, kept: Projection) -> Object:
    """What is kept of an object. Items of a list do not say what they are; nobody reads managedFields."""
    value["apiVersion"], value["kind"] = kind.api_version, kind.kind
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
    plain: Object = kept.keep(value)
    return plain
