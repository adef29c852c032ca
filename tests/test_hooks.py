"""What we use of libraries beyond what they promise: were it gone, a bound or TLS would be off, and nobody told."""

from __future__ import annotations

import asyncio
import inspect
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvicorn.server
import yaml
from httpx2 import Request, Response
from lightkube.config.client_adapter import AsyncClient, BearerTokenFileAuth, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from yaml._yaml import CParser

from gatekeeper_py.webhook.httpserver import BoundedServer, QuietServer
from gatekeeper_py.webhook.protocol import BoundedProtocol, SecureProtocol
from gatekeeper_py.webhook.tls import _Connection, _Following


async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """An application that is never called."""


def protocol() -> HttpToolsProtocol:
    """uvicorn's side of a connection that is yet to come."""
    config = uvicorn.Config(nothing, log_config=None, lifespan="off")
    config.load()
    return HttpToolsProtocol(config, uvicorn.server.ServerState(), {}, _loop=asyncio.new_event_loop())


@pytest.mark.parametrize(
    ("ours", "theirs", "own"),
    [
        (BoundedProtocol, HttpToolsProtocol, {"address", "answer_and_close", "ends", "heard", "idle"}),
        (SecureProtocol, HttpToolsProtocol, set()),
        (
            BoundedServer,
            uvicorn.Server,
            {"accept", "accept_no_more", "accepting", "connected", "hang_up", "let_go", "retire"},
        ),
        (QuietServer, uvicorn.Server, set()),
        (_Following, ssl.SSLContext, {"tell", "now", "guests"}),
        (_Connection, ssl.SSLObject, set()),
    ],
)
def test_what_a_class_of_ours_overrides_is_called_by_that_name_and_with_those_arguments(
    ours: type, theirs: type, own: set[str]
) -> None:
    names = {name for name in vars(ours) if not name.startswith("_")} - own
    assert names
    for name in names:
        expected = inspect.signature(getattr(theirs, name)).parameters
        assert list(inspect.signature(getattr(ours, name)).parameters) == list(expected), name


def test_a_connection_has_what_our_protocol_reads() -> None:
    connection = protocol()
    try:
        assert {"config", "cycle", "logger", "loop", "transport"} <= vars(connection).keys()
        assert connection.config.ssl is None
    finally:
        connection.loop.close()
    assert "response_complete" in RequestResponseCycle.__init__.__code__.co_names
    assert callable(HttpToolsProtocol.shutdown)


def test_a_server_has_what_ours_reads() -> None:
    server = uvicorn.Server(uvicorn.Config(nothing, log_config=None))
    assert server.server_state.connections == set()
    assert server.should_exit is False
    assert server.config.loaded is False


def test_an_option_that_uvicorn_does_not_know_is_an_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'no_such_option'"):
        uvicorn.Config(nothing, no_such_option=True)  # type: ignore[call-arg]


def test_uvicorn_logs_where_we_take_its_lines_from() -> None:
    connection = protocol()
    connection.loop.close()
    assert {uvicorn.server.logger, connection.logger} == {logging.getLogger("uvicorn.error")}


def test_the_yaml_parser_asks_for_tags_and_tells_how_deep_it_is() -> None:
    called: list[str] = []

    class Recorder(CParser):
        def resolve(self, kind: type[yaml.Node], _value: str | None, _implicit: Any) -> str:
            called.append(kind.__name__)
            return "tag"

        def descend_resolver(self, _parent: yaml.Node | None, _index: object) -> None:
            called.append("down")

        def ascend_resolver(self) -> None:
            called.append("up")

    assert Recorder("[a]").get_single_node() is not None
    assert called == ["down", "SequenceNode", "down", "ScalarNode", "up", "up"]


def test_lightkube_makes_an_http_client_of_a_configuration() -> None:
    """Not what its documents show, but by name: trusted, authenticated and at the right place."""
    single = KubeConfig.from_one(cluster=Cluster(server="http://127.0.0.1:1"), user=User(token="t")).get()
    assert single is not None
    client = AsyncClient(single, ConnectionParams())
    assert str(client.base_url) == "http://127.0.0.1:1"
    request = client.build_request("GET", "/api", timeout=(3.0, 8.0, 8.0, 8.0))
    assert request.extensions["timeout"] == {"connect": 3.0, "read": 8.0, "write": 8.0, "pool": 8.0}
    assert client.auth is not None
    assert next(client.auth.auth_flow(request)).headers["Authorization"] == "Bearer t"


def test_lightkube_reads_the_token_of_a_service_account_anew(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    flow = BearerTokenFileAuth(str(token)).auth_flow(request := Request("GET", "http://127.0.0.1:1"))
    assert next(flow).headers["Authorization"] == "Bearer old"
    token.write_text("new")
    assert flow.send(Response(401, request=request)).headers["Authorization"] == "Bearer new"
