"""`gatekeeper status`: one screen of a running server."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import click
import orjson

from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.policy.admission.text import printable

__all__ = ["command", "screen"]

SECONDS: Final = 5.0
"""How long the server may take to answer; it answers from memory."""

MANY: Final = 20
"""Tenants and waivers that are named; a screen has no room for more."""

REMEDY: Final = "is it `gatekeeper serve`, on this machine? kubectl port-forward makes it so"


@click.command("status")
@click.option(
    "--url",
    default="https://127.0.0.1:8443",
    show_default=True,
    help="Where the server listens, its --port or its --health-port (http).",
)
def command(url: str) -> None:
    """Show a running server: version, policies, problems, certificate, views, log, tenants, last denials.

    It tells this only to callers on its own machine, or in its own pod. Exit code 1 when it is not ready or
    has problems, 2 when it does not answer.
    """
    status = _asked(url)
    click.echo("\n".join(screen(status)))
    healthy = status["ready"] and not status["problems"] and not status["log"]["problem"]
    raise SystemExit(0 if healthy else DENIED)


def _asked(url: str) -> dict[str, Any]:
    host = urlsplit(url).hostname or ""
    if not _is_near(host):
        raise InputError(f"--url {url}: not this machine. Name 127.0.0.1, ::1 or localhost")
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # nobody stands between us and ourselves
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    try:
        with opener.open(f"{url.rstrip('/')}/statusz", timeout=SECONDS) as answer:
            told: dict[str, Any] = orjson.loads(answer.read())
            return told
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise InputError(f"{url}: {reason}; {REMEDY}") from error


def _is_near(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def screen(status: Mapping[str, Any]) -> Iterable[str]:
    """The lines of the screen. Names and what API servers of tenants say are strangers' words."""
    return (printable(line.replace("\n", "\\n")) for line in _lines(status))


def _lines(status: Mapping[str, Any]) -> Iterable[str]:
    now = status["now"]
    yield f"gatekeeper_py {status['version']}: {'ready' if status['ready'] else 'NOT READY'}"
    if "revision" in status:
        age = _span(now - status["loadedAt"])
        yield f"policies      {status['policies']} in revision {status['revision']}, loaded {age} ago"
    yield from _listed("problems", status["problems"] or ["none"])
    expires = status["certificateExpires"]
    yield f"certificate   {'expires in ' + _span(expires - now) if expires > now else 'EXPIRED'}"
    views = [f"{kind} {_span(age)}" for kind, age in sorted(status["views"].items())]
    yield f"heard of      {', '.join(views) or 'nothing: the cluster is a folder of files'}"
    log = status["log"]
    yield f"log           {log['dropped']} lines dropped{'; ' + log['problem'] if log['problem'] else ''}"
    workers = status["workers"]
    again = f", {workers['replaced']} replaced so far" if workers["replaced"] else ""
    yield f"workers       {workers['answering']} of {workers['wanted']} answer{again}"
    yield f"tenants       {_some(status['tenants'])}"
    yield from _listed("control plane", [_plane(plane) for plane in status.get("controlPlanes", ())])
    yield from _listed("waivers", [*_waivers(status["waivers"])] or ["none"])
    yield from _listed("last denials", [*_denials(status)] or ["none"])


def _listed(title: str, lines: Iterable[str]) -> Iterable[str]:
    for index, line in enumerate(lines):
        yield f"{'' if index else title:14}{line}"


def _some(names: list[str]) -> str:
    more = len(names) - MANY
    return (", ".join(names[:MANY]) or "none") + (f" and {more} more" if more > 0 else "")


def _waivers(waivers: list[Mapping[str, Any]]) -> Iterable[str]:
    yield from map(_waiver, waivers[:MANY])
    if len(waivers) > MANY:
        yield f"and {len(waivers) - MANY} more"


def _waiver(waiver: Mapping[str, Any]) -> str:
    days = waiver["daysLeft"]
    left = "ends today" if days == 0 else f"{days} {'day' if days == 1 else 'days'} left"
    if days < 0:
        left = f"ENDED on {waiver['expires']}"
    what = ", ".join(waiver["policies"])
    return f"{waiver['name']}: {what}: {left}"


def _plane(plane: Mapping[str, Any]) -> str:
    state = f"revision {plane['revision']}" if plane["open"] else "CLOSED"
    restored = f", registration restored {plane['restored']} times" if plane["restored"] else ""
    count = len(plane["problems"])
    wrong = f", {count} {'problem' if count == 1 else 'problems'}" if plane["open"] and count else ""
    return f"{plane['name']} of tenant {plane['tenant'] or '-'}: {state}{restored}{wrong}"


def _denials(status: Mapping[str, Any]) -> Iterable[str]:
    """The host's, then those of each control plane."""
    yield from map(_denial, status["denials"])
    for plane in status.get("controlPlanes", ()):
        yield from (f"{plane['name']}: {_denial(denial)}" for denial in plane["denials"])


def _denial(denial: Mapping[str, Any]) -> str:
    what = "/".join(filter(None, (denial["namespace"], denial["resource"], denial["name"])))
    why = ", ".join(denial["policies"]) or denial["reason"]
    return f"{denial['at']} {denial['tenant'] or '-'} {denial['operation']} {what}: {why}"


def _span(seconds: float) -> str:
    """A span of time in its two largest units."""
    rest, parts = max(0, int(seconds)), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
