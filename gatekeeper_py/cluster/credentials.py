"""How to log in where a kubeconfig says so that its author is not trusted.

A kubeconfig may name commands to run, files to send and servers to call. Of one from a Secret no more is
taken than whom to trust and what to show, all of it in line, and never a command, a file, a proxy or an
address: where the server is says the platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import Cluster, User

from gatekeeper_py.cluster.view import ClusterError

__all__ = ["login"]

LONGEST: Final = 64 * 1024
"""Bytes of a kubeconfig: a CA, a certificate and a key have some thousand."""

CLUSTER_FIELDS: Final = frozenset({"server", "certificate-authority-data", "tls-server-name"})
USER_FIELDS: Final = frozenset({"client-certificate-data", "client-key-data", "token"})

NO_AUTHORITY: Final = "the kubeconfig says no certificate-authority-data: whom to trust is not known"
NO_LOGIN: Final = "the kubeconfig says neither token nor client-certificate-data and client-key-data"
OTHER_FIELDS: Final = (
    "the kubeconfig has {}, which is not taken from a Secret; put tokens and certificates in line"
)


def login(text: bytes, server: str) -> SingleConfig:
    """Of a kubeconfig, how to log in at a server; raises `ClusterError`, which never quotes it."""
    if len(text) > LONGEST:
        raise ClusterError(f"the kubeconfig has more than {LONGEST} bytes")
    cluster, user = _current(text)
    others = sorted((cluster.keys() - CLUSTER_FIELDS) | (user.keys() - USER_FIELDS))
    if others:
        raise ClusterError(OTHER_FIELDS.format(", ".join(others)))
    authority = cluster.get("certificate-authority-data")
    if not authority:
        raise ClusterError(NO_AUTHORITY)
    shown = user.get("client-certificate-data"), user.get("client-key-data")
    if not user.get("token") and not all(shown):
        raise ClusterError(NO_LOGIN)
    single = KubeConfig.from_one(
        cluster=Cluster(server=server, certificate_auth_data=authority),
        user=User(token=user.get("token"), client_cert_data=shown[0], client_key_data=shown[1]),
    ).get()
    assert single is not None
    return single


def _current(text: bytes) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The cluster and the user of the current context, whose values are texts."""
    try:
        read = yaml.load(text, _Loader)
        context = _named(read["contexts"], read["current-context"])["context"]
        cluster = _named(read["clusters"], context["cluster"])["cluster"]
        user = _named(read["users"], context["user"])["user"]
        if any(not isinstance(value, str) for value in (*cluster.values(), *user.values())):
            raise ValueError
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ClusterError("the Secret holds no kubeconfig with a current context") from None
    return cluster, user


def _named(entries: Any, name: Any) -> Any:
    for each in entries:
        if each["name"] == name:
            return each
    raise KeyError(name)


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them could stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Never an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)
