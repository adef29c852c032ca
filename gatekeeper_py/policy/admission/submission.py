"""The request an API server would make of a plain manifest: for the command line, audits and policy tests.

The manifest gets the API server's defaults first (`objects/defaults.py`), since that is what policies see in
a cluster. What the manifest cannot say (who asks, which operation) a `Submission` does.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest, ManifestError
from gatekeeper_py.objects.creation import GENERATED_METADATA
from gatekeeper_py.objects.defaults import DEFAULT_NAMESPACE, UnreadableObject, apply_defaults
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation, UserInfo
from gatekeeper_py.policy.immutable import replace

__all__ = ["ADMINISTRATOR", "Submission", "make_request", "make_user", "named", "with_object"]

ADMINISTRATOR = UserInfo("kubernetes-admin", groups=("system:masters", "system:authenticated"))
"""Who asks when nobody is named."""

NAMESPACES = GroupVersionResource("", "v1", "namespaces")

OPERATION_OF_SUBRESOURCE: Mapping[str, Operation] = {
    "attach": "CONNECT",
    "binding": "CREATE",
    "eviction": "CREATE",
    "exec": "CONNECT",
    "portforward": "CONNECT",
    "proxy": "CONNECT",
    "token": "CREATE",
}
"""Every other subresource is updated."""

OPTIONS_KIND: Mapping[Operation, str] = {
    "CREATE": "CreateOptions",
    "UPDATE": "UpdateOptions",
    "DELETE": "DeleteOptions",
}
"""CONNECT comes without options."""

WRITTEN_AS_NULL: Mapping[str, Object] = {"PodExecOptions": {"command": None}}
"""What options hold that a query does not name: Go omits all other empty fields (core/v1/types.go)."""

SCALED_BY_DEFAULT = GroupVersionResource("apps", "v1", "deployments")
"""A Scale does not say what it scales."""


@dataclass(frozen=True, slots=True)
class Submission:
    """How a manifest is submitted."""

    operation: Operation | None = None
    """None: CREATE, or what clients do with the subresource."""
    subresource: str = ""
    user: UserInfo = ADMINISTRATOR
    namespace: str = ""
    """Where namespaced objects that name no namespace go, as kubectl's `--namespace`."""
    defaults: bool = True
    """Fill in the API server's defaults."""
    asked_at: datetime | None = None
    """When, as `AdmissionRequest.asked_at`."""

    @property
    def verb(self) -> Operation:
        """The operation in the end."""
        if self.operation:
            return self.operation
        return OPERATION_OF_SUBRESOURCE.get(self.subresource, "UPDATE") if self.subresource else "CREATE"


def make_user(name: str, groups: tuple[str, ...]) -> UserInfo:
    """A user as authentication would present it; every user but the anonymous is in system:authenticated."""
    everyone = "system:unauthenticated" if name == "system:anonymous" else "system:authenticated"
    return UserInfo(name, groups=tuple(dict.fromkeys((*groups, everyone))))


def make_request(
    manifest: Manifest, cluster: ClusterView, submission: Submission, old: Object | None = None
) -> AdmissionRequest:
    """The request for one object; `old` is what it replaces, looked up in the cluster when not given.

    Raises `ManifestError` with the object's place when the object and the submission do not fit together.
    """
    target = _target(manifest, cluster, submission)
    namespace = _namespace(manifest, target, submission)
    try:
        new, old = _objects(manifest, cluster, submission, target, namespace, old)
    except UnreadableObject as error:
        raise _error(manifest, error.path, str(error), "Write it as the kind's reference says") from error
    name = manifest.name
    return AdmissionRequest(
        uid=_uid(manifest, submission, namespace),
        kind=manifest.kind,
        resource=target.resource,
        operation=submission.verb,
        name=name,
        namespace=name if target.resource == NAMESPACES else namespace,
        subresource=submission.subresource,
        user=submission.user,
        object=new,
        old_object=old,
        options=_options(submission.verb),
        asked_at=submission.asked_at,
    )


def with_object(request: AdmissionRequest, changed: Object | None, cluster: ClusterView) -> AdmissionRequest:
    """The request as later admission sees it: a changed object gets the defaults of what was added."""
    if changed is None or changed == request.object:
        return request
    if request.operation == "CONNECT":
        return replace(request, object=changed)
    served = cluster.resource(request.resource)
    made = apply_defaults(
        changed,
        served,
        cluster,
        operation=request.operation,
        subresource=request.subresource,
        old=request.old_object,
        namespace=request.namespace,
        mutated=True,
    )
    if request.operation == "CREATE" and not request.subresource:
        _keep_generated(made, changed)
        _overwrite(made, request.object or {})
    return replace(request, object=made)


OVERWRITTEN = ("creationTimestamp", "generation", "managedFields", "uid")
"""Metadata that the API server makes after mutation, whatever that left (registry/rest/meta.go)."""


def _overwrite(made: Object, sent: Object) -> None:
    metadata, known = made.setdefault("metadata", {}), sent.get("metadata") or {}
    for name in OVERWRITTEN:
        metadata.pop(name, None)
        if name in known:
            metadata[name] = known[name]


GENERATED = "xxxxx"
"""Stands for the five characters that the API server adds to a generateName."""

LONGEST_BASE = 63 - len(GENERATED)
"""Characters of a generateName that are kept (apiserver/pkg/storage/names/generate.go)."""


def named(request: AdmissionRequest) -> AdmissionRequest:
    """The request as validation sees it: a name is generated after mutation, and before validation."""
    metadata = (request.object or {}).get("metadata") or {}
    base = metadata.get("generateName")
    if request.operation != "CREATE" or request.name or metadata.get("name") or not isinstance(base, str):
        return request
    name = base[:LONGEST_BASE] + GENERATED
    made = {**(request.object or {}), "metadata": {**metadata, "name": name}}
    return replace(request, name=name, object=made)


def _target(manifest: Manifest, cluster: ClusterView, submission: Submission) -> Served:
    """The resource that the object is sent to."""
    served = cluster.served(manifest.kind)
    if not submission.subresource:
        return served or _guess(manifest, submission)
    if served is not None and _has_subresource(served, submission.subresource):
        return served
    parents = _parents(manifest.kind, submission.subresource)
    if len(parents) == 1:
        return parents[0]
    if manifest.kind.kind == "Scale" and submission.subresource == "scale":
        return _scaled(manifest, cluster, parents, submission)
    what = f"no kind has a subresource {submission.subresource} that takes a {manifest.kind.kind}"
    raise _error(manifest, ("kind",), what, "Name a subresource of this kind, or send an AdmissionReview")


def _has_subresource(served: Served, subresource: str) -> bool:
    """Whether the resource's subresource takes the resource's own kind, such as status."""
    builtin = Kinds.builtin().resources.get(served.resource)
    if builtin is None:
        return subresource in ("status", "scale")  # a custom resource
    return builtin.kind(subresource) == served.kind


def _parents(kind: GroupVersionKind, subresource: str) -> list[Served]:
    """The resources whose subresource takes the kind: pods for an Eviction."""
    return [r.served for r in Kinds.builtin() if r.subresources.get(subresource) == kind]


def _scaled(
    manifest: Manifest, cluster: ClusterView, parents: list[Served], submission: Submission
) -> Served:
    """What a Scale is about: the one object of its name in the cluster, else a Deployment."""
    namespace = manifest.namespace or submission.namespace or DEFAULT_NAMESPACE
    there = [parent for parent in parents if cluster.get(parent.kind, namespace, manifest.name) is not None]
    if len(there) == 1:
        return there[0]
    return next(parent for parent in parents if parent.resource == SCALED_BY_DEFAULT)


def _guess(manifest: Manifest, submission: Submission) -> Served:
    """A kind nobody knows, named as custom resources usually are: policies, but gateways."""
    kind = manifest.kind
    word = kind.kind.lower()
    if word.endswith("s"):
        plural = word + "es"
    elif word.endswith("y") and word[-2:-1] not in "aeiou":
        plural = word[:-1] + "ies"
    else:
        plural = word + "s"
    namespaced = bool(manifest.namespace or submission.namespace)
    return Served(kind, GroupVersionResource(kind.group, kind.version, plural), namespaced)


def _namespace(manifest: Manifest, target: Served, submission: Submission) -> str:
    if not target.namespaced:
        return ""
    if submission.namespace and manifest.namespace and submission.namespace != manifest.namespace:
        what = f"the object is in namespace {manifest.namespace}, but --namespace is {submission.namespace}"
        raise _error(manifest, ("metadata", "namespace"), what, "Remove one of them")
    return manifest.namespace or submission.namespace or DEFAULT_NAMESPACE


def _objects(
    manifest: Manifest,
    cluster: ClusterView,
    submission: Submission,
    target: Served,
    namespace: str,
    old: Object | None,
) -> tuple[Object | None, Object | None]:
    """The new object and the old one, as the operation has them."""
    verb = submission.verb
    given = _placed(manifest.object, target, namespace)
    if verb == "DELETE":
        gone = _placed(old, target, namespace) if old is not None else given
        return None, _stored(gone, cluster, submission, target, namespace)
    before = _old(manifest, cluster, submission, target, namespace, old) if verb == "UPDATE" else None
    if not submission.defaults:
        return given, before
    if verb == "CONNECT":
        return {**WRITTEN_AS_NULL.get(manifest.kind.kind, {}), **given}, before
    made = apply_defaults(
        given,
        target,
        cluster,
        operation=verb,
        subresource=submission.subresource,
        old=before,
        namespace=namespace,
    )
    return made, before


def _old(
    manifest: Manifest,
    cluster: ClusterView,
    submission: Submission,
    target: Served,
    namespace: str,
    old: Object | None,
) -> Object:
    """What an update replaces."""
    if old is None:
        old = cluster.get(manifest.kind, namespace, manifest.name)
    if old is None:
        what = f"UPDATE of {manifest.kind.kind} {manifest.name}: nothing is known of the object it replaces"
        raise _error(
            manifest, ("metadata", "name"), what, "Give it with --old, or the cluster with --cluster"
        )
    return _stored(_placed(old, target, namespace), cluster, submission, target, namespace)


def _stored(
    value: Object, cluster: ClusterView, submission: Submission, target: Served, namespace: str
) -> Object:
    """An object as the API server holds it, with what it wrote itself: a deletion that has begun, say."""
    if not submission.defaults:
        return value
    made = apply_defaults(value, target, cluster, subresource=submission.subresource, namespace=namespace)
    _keep_generated(made, value)
    return made


def _keep_generated(made: Object, given: Object) -> None:
    metadata = given.get("metadata") or {}
    made.setdefault("metadata", {}).update(
        {name: metadata[name] for name in GENERATED_METADATA if name in metadata}
    )


def _placed(value: Object, target: Served, namespace: str) -> Object:
    """The object with its namespace, which kubectl fills in whatever else is filled in."""
    metadata = value.get("metadata")
    if not target.namespaced or not isinstance(metadata, dict) or metadata.get("namespace"):
        return value
    return {**value, "metadata": {**metadata, "namespace": namespace}}


def _options(verb: Operation) -> Object | None:
    kind = OPTIONS_KIND.get(verb)
    return {"apiVersion": "meta.k8s.io/v1", "kind": kind} if kind else None


def _uid(manifest: Manifest, submission: Submission, namespace: str) -> str:
    """The same for the same input, so that outputs can be compared."""
    source = manifest.source
    parts = (
        source.path,
        source.line,
        source.column,
        submission.verb,
        *manifest.kind,
        namespace,
        manifest.name,
    )
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(map(str, parts))))


def _error(manifest: Manifest, path: FieldPath, what: str, remedy: str) -> ManifestError:
    return ManifestError([manifest.source.problem(path, what, remedy)])
