"""One object at a time, asked of the API server and written to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeAlias

from lightkube import Client
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ApiError
from lightkube.core.resource import ApiInfo, ResourceDef
from lightkube.generic_resource import GenericGlobalResource, GenericNamespacedResource

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = ["Access", "AccessError", "Conflict"]

MANAGER: Final = "gatekeeper-install"
"""Whose the fields are that `apply` writes (server-side apply)."""

NOT_FOUND: Final = 404
CONFLICT: Final = 409
VERBS: Final = ("delete", "get", "global_list", "list", "patch", "post", "put")

Resource: TypeAlias = type[GenericGlobalResource] | type[GenericNamespacedResource]


class AccessError(Exception):
    """The API server said no, or nothing; the message says what was asked and what it said."""


class Conflict(AccessError):
    """Somebody else has written the object since it was read."""


class Access:
    """Whom a kubeconfig names, at the API server that it names."""

    def __init__(self, config: SingleConfig) -> None:
        self._client = Client(config=config)

    def get(self, kind: GroupVersionKind, name: str, namespace: str = "") -> Object | None:
        """The object, or None."""
        try:
            with _errors("get", kind, name):
                return _plain(self._client.get(_resource(kind), name, namespace=namespace or None), kind)
        except _Missing:
            return None

    def list(
        self, kind: GroupVersionKind, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """The objects of a namespace, or those of a cluster-wide kind, that have these labels."""
        with _errors("list", kind, namespace):
            found = self._client.list(_resource(kind), namespace=namespace or None, labels=dict(labels or {}))
            return [_plain(value, kind) for value in found]

    def apply(self, value: Object) -> None:
        """Server-side apply: the fields that `value` states, whoever's they were."""
        kind, name, namespace = _identify(value)
        with _errors("apply", kind, name):
            body = _resource(kind)(value)
            self._client.apply(body, name, namespace=namespace, field_manager=MANAGER, force=True)

    def replace(self, value: Object, *, dry_run: bool = False) -> None:
        """Write an object that was read before; raises `Conflict` when somebody else has written it since."""
        kind, name, namespace = _identify(value)
        with _errors("update", kind, name):
            self._client.replace(_resource(kind)(value), name, namespace=namespace, dry_run=dry_run)

    def delete(self, kind: GroupVersionKind, name: str, namespace: str = "", *, now: bool = False) -> bool:
        """Delete it, `now` without waiting for a kubelet; whether it was there."""
        grace = 0 if now else None
        try:
            with _errors("delete", kind, name):
                self._client.delete(_resource(kind), name, namespace=namespace or None, grace_period=grace)
        except _Missing:
            return False
        return True


class _Missing(AccessError):
    """There is no such object."""


@contextmanager
def _errors(verb: str, kind: GroupVersionKind, name: str) -> Iterator[None]:
    """Whatever goes wrong is an `AccessError`: the HTTP library is lightkube's choice, and its errors too."""
    asked = f"{verb} {kind.kind} {name}".rstrip()
    try:
        yield
    except ApiError as error:
        wrong = {NOT_FOUND: _Missing, CONFLICT: Conflict}.get(error.status.code or 0, AccessError)
        raise wrong(f"{asked}: {error.status.message or error}") from error
    except AccessError:
        raise
    except Exception as error:
        raise AccessError(
            f"{asked}: the API server does not answer: {error or type(error).__name__}"
        ) from error


def _identify(value: Object) -> tuple[GroupVersionKind, str, str | None]:
    metadata = value["metadata"]
    kind = GroupVersionKind.parse(value["apiVersion"], value["kind"])
    return kind, metadata["name"], metadata.get("namespace")


@cache
def _resource(kind: GroupVersionKind) -> Any:
    """The class by which lightkube knows a built-in kind; its objects stay plain dicts."""
    served = Kinds.builtin().served(kind)
    assert served is not None, kind
    info = ApiInfo(resource=ResourceDef(*kind), plural=served.resource.resource, verbs=list(VERBS))
    base = GenericNamespacedResource if served.namespaced else GenericGlobalResource
    return type(kind.kind, (base,), {"_api_info": info})


def _plain(value: Mapping[str, Any], kind: GroupVersionKind) -> Object:
    """The object alone. Items of a list do not say what they are."""
    return {**value, "apiVersion": kind.api_version, "kind": kind.kind}
