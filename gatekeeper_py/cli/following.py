"""A live cluster that is followed while a server runs; its log tells of kinds that nobody knows any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cluster.follower import ALLOW
from gatekeeper_py.cluster.live import ClusterError, LiveCluster
from gatekeeper_py.cluster.staleness import Stale
from gatekeeper_py.webhook.log import Log
from gatekeeper_py.webhook.origin import TENANCY_KINDS

__all__ = ["following"]


@contextmanager
def following(
    config: SingleConfig, log: Log, *, max_age: int, loss: str, remedy: str = ALLOW
) -> Iterator[LiveCluster]:
    """Follow it until the end; `loss` is what becomes of what needs a kind that is stale."""

    def tell(stale: Stale, is_stale: bool) -> None:
        if is_stale:
            log.error(f"view is stale, what needs it is {loss}", problem=str(stale))
        else:
            log.info("view is known again", kind=stale.kind.kind, api_version=stale.kind.api_version)

    try:
        live = LiveCluster(config, TENANCY_KINDS, max_age=max_age, tell=tell, remedy=remedy)
    except ClusterError as error:
        raise InputError(str(error)) from error
    live.start()
    try:
        yield live
    finally:
        live.stop()
