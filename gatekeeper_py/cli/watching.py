"""What `gatekeeper audit --watch` does, behind its options: a watch, a thread that judges, and a port."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvicorn
from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.audit.background import Background, Rules
from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.pages import Shown, make_pages
from gatekeeper_py.audit.patrol import Patrol
from gatekeeper_py.audit.publisher import Publisher
from gatekeeper_py.audit.reportkeeper import ReportKeeper
from gatekeeper_py.audit.reports.policyreport import Dialect
from gatekeeper_py.audit.tally import Tally, Told
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.following import following
from gatekeeper_py.cluster.connection import Connections
from gatekeeper_py.cluster.live import ClusterError, LiveCluster, configuration
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.webhook.log import Log, lines_dropped, make_log, route_stray_errors
from gatekeeper_py.webhook.memory import frugal
from gatekeeper_py.webhook.origin import Demands, FromCluster
from gatekeeper_py.webhook.reloading import Reloading
from gatekeeper_py.webhook.revision import BadPolicies, Policies
from gatekeeper_py.webhook.sink import standard_output

__all__ = ["Watch", "watch"]

MOST_CONNECTIONS: Final = 64
"""At once: a page, a monitor and probes. Who comes beyond is told so (503)."""

KEEP_ALIVE_SECONDS: Final = 15
GRACE_SECONDS: Final = 2
"""In which answers under way have to end after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is asked for."""

    policies: Path
    kubeconfig: Path
    every: float
    """Seconds between two passes over everything."""
    host: str
    port: int
    max_view_age: int
    demands: Demands
    dialect: Dialect | None
    """Of the reports that are kept in the cluster, if any are."""


def watch(asked: Watch) -> None:
    """Audit until SIGTERM or SIGINT; raise `InputError` for what cannot begin."""
    frugal()
    output = standard_output(lines_dropped)
    log = make_log(output)
    route_stray_errors(log)
    config = _configuration(asked.kubeconfig)
    with closing(output), _listening(asked) as listener, _followed(config, asked, log) as live:
        origin = FromCluster(asked.policies, live, asked.demands)
        policies = Policies(origin.load)
        reloading = Reloading(policies, origin.fingerprint, log)
        try:
            reloading.begin()
        except BadPolicies as error:
            raise InputError("\n".join(error.problems)) from error
        background = Background(
            live, lambda: _rules(policies), asked.every, troubles=lambda: _troubles(policies, patrol)
        )
        patrol = Patrol(
            background,
            live.wait_for_change,
            reloading.look,
            _keepers(config, asked.dialect, background),
            lambda error: log.error("audit failed", error=type(error).__name__, message=str(error)),
        )
        host, port = listener.getsockname()[:2]
        log.info("listening", host=host, port=port)
        _serve(_Face(background, patrol, policies, origin).shown(), listener, patrol, reloading.ask)


def _configuration(kubeconfig: Path) -> SingleConfig:
    try:
        return configuration(kubeconfig)
    except ClusterError as error:
        raise InputError(str(error)) from error


@contextmanager
def _listening(asked: Watch) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    try:
        listener = socket.create_server((asked.host, asked.port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--host {asked.host} --port {asked.port}: {reason}") from error
    with listener:
        yield listener


ALLOW: Final = "Allow the audit to list and watch it (docs/background.md)"


def _followed(config: SingleConfig, asked: Watch, log: Log) -> AbstractContextManager[LiveCluster]:
    return following(config, log, max_age=asked.max_view_age, loss="not audited", remedy=ALLOW)


def _rules(policies: Policies) -> Rules | None:
    in_force = policies.in_force
    if in_force is None or in_force.loaded.policies is None:
        return None
    return Rules(in_force.revision, in_force.loaded.policies, in_force.loaded.tenancy)


def _keepers(
    config: SingleConfig, dialect: Dialect | None, background: Background
) -> Callable[[], ReportKeeper] | None:
    """Makes what keeps reports in the cluster, if any are to be kept."""
    if dialect is None:
        return None

    def make() -> ReportKeeper:
        connections = Connections(config)
        return ReportKeeper(Publisher(lambda: connections.current, dialect, connections.failed), background)

    return make


LAST_GOOD: Final = "the last good ones are judged by"


def _troubles(policies: Policies, patrol: Patrol) -> Iterator[Problem]:
    """What of policies and tenants is not in force, and whether the audit goes on."""
    yield from (Problem("policies", 0, 0, f"{LAST_GOOD}: {each}") for each in policies.problems)
    if patrol.problem is not None:
        yield patrol.problem


@dataclass(frozen=True, slots=True)
class _Face:
    """What is shown of all of it."""

    background: Background
    patrol: Patrol
    policies: Policies
    origin: FromCluster

    def shown(self) -> Shown:
        """To whoever asks over HTTP."""
        told = Told(
            self.origin.ages,
            self._policies,
            lambda: bool(self.policies.problems),
            lambda: self.patrol.keeper.totals if self.patrol.keeper is not None else {},
            lambda: self.patrol.errors + self.background.errors,
        )
        tally = Tally(self.background, told)
        return Shown(self._outcome, tally.exposition, self._readiness, lambda: self.patrol.running)

    def _outcome(self) -> Outcome:
        """What was found, and all that is not as it should be."""
        found = self.background.outcome()
        return replace(found, not_audited=(*found.not_audited, *self._unkept()))

    def _unkept(self) -> tuple[Problem, ...]:
        keeper = self.patrol.keeper
        return () if keeper is None else keeper.problems

    def _policies(self) -> int:
        in_force = self.policies.in_force
        return 0 if in_force is None else in_force.loaded.count

    def _readiness(self) -> tuple[bool, Mapping[str, object]]:
        """Whether everything was looked at once, and in words what is wrong."""
        background = self.background
        last = background.last_pass
        ready = last is not None and self.patrol.running
        return ready, {
            "ready": ready,
            "policies": self._policies(),
            "objects": len(background.ledger),
            "waiting": background.waiting,
            "lastPass": None if last is None else last.isoformat(timespec="seconds"),
            "notAudited": list(map(str, background.not_audited())),
            "problems": [*self.policies.problems, *map(str, self._unkept())],
        }


def _serve(shown: Shown, listener: socket.socket, patrol: Patrol, reload: Callable[[], None]) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            make_pages(shown),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    signal.signal(signal.SIGHUP, lambda *_: reload())
    # uvicorn takes the signals over while it runs, and repeats them after.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    patrol.start()
    try:
        server.run(sockets=[listener])
    finally:
        patrol.stop()
